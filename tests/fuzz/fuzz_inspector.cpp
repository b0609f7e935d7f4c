// One session, both ways at once, under all sorts of rights: any split of the same bytes gives the same steps, no step asks
// for more than can be given, and what reaches either side is made of whole, well-formed packets.
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "proxy/inspect/translate.hpp"
#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"
#include "tests/support/session.hpp"

namespace {

using namespace bastion;
using namespace bastion::inspect;
using Bytes = std::span<const std::uint8_t>;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// --- what may reach a side
// --------------------------------------------------------------------------------------------------

bool is_well_formed(mqtt::Version version, mqtt::Sender sender, const mqtt::FixedHeader& header, Bytes body) {
  using mqtt::PacketFault;
  switch (header.type) {
    case mqtt::PacketType::connack:
      return sender == mqtt::Sender::server;  // read where it is whole, below
    case mqtt::PacketType::publish:
      return std::holds_alternative<mqtt::PublishHead>(mqtt::read_publish_head(version, sender, header, body));
    case mqtt::PacketType::puback:
    case mqtt::PacketType::pubrec:
    case mqtt::PacketType::pubrel:
    case mqtt::PacketType::pubcomp:
      return !std::holds_alternative<PacketFault>(mqtt::read_acknowledgement(version, sender, header.type, body));
    case mqtt::PacketType::subscribe:
      return sender == mqtt::Sender::client && !std::holds_alternative<PacketFault>(mqtt::read_subscribe(version, body));
    case mqtt::PacketType::unsubscribe:
      return sender == mqtt::Sender::client && !std::holds_alternative<PacketFault>(mqtt::read_unsubscribe(version, body));
    case mqtt::PacketType::suback:
      return sender == mqtt::Sender::server && !std::holds_alternative<PacketFault>(mqtt::read_suback(version, body));
    case mqtt::PacketType::unsuback:
      return sender == mqtt::Sender::server && !std::holds_alternative<PacketFault>(mqtt::read_unsuback(version, body));
    case mqtt::PacketType::disconnect:
      return !std::holds_alternative<PacketFault>(mqtt::read_disconnect(version, sender, body));
    default:
      return !mqtt::check_ping(sender, header);
  }
}

void require_well_formed(mqtt::Version version, mqtt::Sender sender, Bytes stream) {
  while (!stream.empty()) {
    require(mqtt::is_legal_first_byte(stream[0]));
    const auto result = mqtt::read_fixed_header(stream);
    const auto& header = std::get<mqtt::FixedHeader>(result);  // no header goes through in part
    if (stream.size() < header.packet_size()) {
      // Only a payload goes through in part.
      require(header.type == mqtt::PacketType::publish);
      require(is_well_formed(version, sender, header, stream.subspan(header.size)));
      return;
    }
    const auto packet = stream.first(header.packet_size());
    if (header.type == mqtt::PacketType::connack) {
      require(std::holds_alternative<mqtt::Connack>(mqtt::parse_connack(packet, version)));
    }
    require(is_well_formed(version, sender, header, packet.subspan(header.size)));
    stream = stream.subspan(header.packet_size());
  }
}

// --- the session
// ------------------------------------------------------------------------------------------------------------

template <class Piece>
test::Outcome play(Bytes settings, Bytes chunks, const Piece& piece) {
  test::Session session{test::asked_of(settings), test::rights_of(settings)};
  session.say_chunks(chunks, piece);
  return session.outcome();
}

}  // namespace

// Settings, a byte for uneven splits, then chunks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= test::settings_size) return 0;
  const auto settings = Bytes(data, test::settings_size);
  const auto chunks = Bytes(data, size).subspan(test::settings_size + 1);
  const auto at_once = [](std::size_t) { return std::size_t{128}; };
  const auto one_by_one = [](std::size_t) { return std::size_t{1}; };
  const auto uneven = [seed = data[test::settings_size]](std::size_t turn) {
    return 1 + (seed * 31 + turn * 17 + turn * turn * 7) % 23;
  };

  const auto outcome = play(settings, chunks, at_once);
  require(outcome == play(settings, chunks, one_by_one));
  require(outcome == play(settings, chunks, uneven));

  const auto version = to_mqtt(test::asked_of(settings).version);
  require_well_formed(version, mqtt::Sender::client, outcome.up.reached);
  require_well_formed(version, mqtt::Sender::server, outcome.down.reached);
  return 0;
}
