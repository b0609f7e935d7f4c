// Whatever of a client the gate lets through, a real Mosquitto takes: it ends no connection, and answers each packet that
// has an answer.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"
#include "tests/differ/gate_reading.hpp"
#include "tests/differ/play.hpp"
#include "tests/differ/seeds.hpp"
#include "tests/e2e/stage.hpp"

namespace bastion::differ {
namespace {

using mqtt::PacketType;
using test::ByteVector;

constexpr std::uint64_t seeds = 1500;
// What sessions leave behind in the broker would make it slower and slower.
constexpr std::uint64_t seeds_to_a_broker = 150;
/// Mosquitto's own identifiers are the lowest. Acknowledgements of what only the script's broker has sent are let out where
/// they would meet those.
constexpr std::uint16_t lowest_foreign_id = 1000;

/// What a packet is answered with: its type and identifier, and how many codes it has.
struct Answer {
  PacketType type = PacketType::pingresp;
  std::uint16_t id = 0;
  std::size_t codes = 0;
  auto operator<=>(const Answer&) const = default;
};
using Answers = std::multiset<Answer>;

std::string words(const Answers& answers) {
  std::string out;
  for (const auto& each : answers) {
    out +=
        " " + std::to_string(static_cast<int>(each.type)) + "/" + std::to_string(each.id) + "/" + std::to_string(each.codes);
  }
  return out;
}

struct Packet {
  mqtt::FixedHeader header;
  Bytes whole;
  [[nodiscard]] Bytes body() const { return whole.subspan(header.size); }
};

/// Takes the first packet off the bytes; nothing: there is no whole one.
std::optional<Packet> take_packet(Bytes& bytes) {
  const auto result = mqtt::read_fixed_header(bytes);
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  if (header == nullptr || header->packet_size() > bytes.size()) return std::nullopt;
  const Packet packet{*header, bytes.first(header->packet_size())};
  bytes = bytes.subspan(packet.whole.size());
  return packet;
}

std::uint16_t id_at_start(Bytes body) {
  return static_cast<std::uint16_t>(body[0] << 8 | body[1]);
}

/// A client's stream as Mosquitto can be given it, and what it owes for it.
struct Question {
  ByteVector bytes;
  Answers due;
};

class Asking {
 public:
  explicit Asking(mqtt::Version version) : version_{version} {}

  Question ask(Bytes stream) {
    while (const auto packet = take_packet(stream)) {
      if (packet->header.type == PacketType::disconnect) break;  // what would follow could not be asked
      if (add(*packet)) question_.bytes.insert(question_.bytes.end(), packet->whole.begin(), packet->whole.end());
    }
    question_.bytes.insert(question_.bytes.end(), {0xc0, 0x00});
    question_.due.insert({PacketType::pingresp, 0, 0});
    return std::move(question_);
  }

 private:
  // False: it is let out.
  bool add(const Packet& packet) {
    const auto body = packet.body();
    switch (packet.header.type) {
      case PacketType::publish: {
        const auto head =
            std::get<mqtt::PublishHead>(mqtt::read_publish_head(version_, mqtt::Sender::client, packet.header, body));
        if (head.qos > 0) due(head.qos == 1 ? PacketType::puback : PacketType::pubrec, head.packet_id);
        return true;
      }
      case PacketType::puback:
      case PacketType::pubrec:
      case PacketType::pubcomp:
        return id_at_start(body) >= lowest_foreign_id;
      case PacketType::pubrel:
        due(PacketType::pubcomp, id_at_start(body));
        return true;
      case PacketType::subscribe:
        due(PacketType::suback, id_at_start(body), std::get<mqtt::Subscribe>(mqtt::read_subscribe(version_, body)).filters);
        return true;
      case PacketType::unsubscribe: {
        const auto filters = std::get<mqtt::Unsubscribe>(mqtt::read_unsubscribe(version_, body)).filters;
        due(PacketType::unsuback, id_at_start(body), version_ == mqtt::Version::v5_0 ? filters : 0);
        return true;
      }
      case PacketType::pingreq:
        due(PacketType::pingresp, 0);
        return true;
      default:
        return true;
    }
  }
  void due(PacketType type, std::uint16_t id, std::size_t codes = 0) { question_.due.insert({type, id, codes}); }

  mqtt::Version version_;
  Question question_;
};

/// What Mosquitto has answered so far, its messages aside.
class Answering {
 public:
  explicit Answering(mqtt::Version version) : version_{version} {}

  void add(Bytes bytes) {
    in_hand_.insert(in_hand_.end(), bytes.begin(), bytes.end());
    Bytes left = in_hand_;
    while (const auto packet = take_packet(left)) take(*packet);
    in_hand_.erase(in_hand_.begin(), in_hand_.end() - static_cast<std::ptrdiff_t>(left.size()));
  }

  Answers given;
  std::optional<std::uint8_t> connack;
  std::string end;  ///< a DISCONNECT that says why

 private:
  void take(const Packet& packet) {
    const auto body = packet.body();
    switch (packet.header.type) {
      case PacketType::connack:
        connack = body[1];
        break;
      case PacketType::puback:
      case PacketType::pubrec:
      case PacketType::pubcomp:
        given.insert({packet.header.type, id_at_start(body), 0});
        break;
      case PacketType::suback:
        given.insert({PacketType::suback, id_at_start(body),
                      std::get<mqtt::Granted>(mqtt::read_suback(version_, body)).codes.size()});
        break;
      case PacketType::unsuback:
        given.insert({PacketType::unsuback, id_at_start(body),
                      std::get<mqtt::Granted>(mqtt::read_unsuback(version_, body)).codes.size()});
        break;
      case PacketType::pingresp:
        given.insert({PacketType::pingresp, 0, 0});
        break;
      case PacketType::disconnect:
        end = "DISCONNECT " + std::to_string(body.empty() ? 0 : body[0]);
        break;
      default:
        break;
    }
  }

  mqtt::Version version_;
  ByteVector in_hand_;
};

/// Whether a string holds what Mosquitto ends a connection for, and 5.0 section 1.5.4 lets it: control characters, and what
/// is no character to Unicode. The gate lets them through, as the section lets a receiver too.
bool holds_unadvised_characters(const Stream& stream) {
  static const std::regex binary{R"(( 9|password)="[^"]*")"};
  static const std::regex unadvised{
      R"(\\x[01].|\\x7f|\\xc2\\x[89]|\\xef\\xb7\\x[9a]|\\xef\\xbf\\xb[ef]|\\xf.\\x[89ab]f\\xbf\\xb[ef])"};
  const auto packets = gate_reading(stream, {}).packets;
  return std::any_of(packets.begin(), packets.end(), [](const std::string& packet) {
    return std::regex_search(std::regex_replace(packet, binary, ""), unadvised);
  });
}

/// Nothing: Mosquitto has answered all of it. Otherwise what was amiss.
std::optional<std::string> complaint(const e2e::Endpoint& broker, const Stream& stream) {
  const auto question = Asking(stream.version).ask(stream.bytes);
  const e2e::Tcp tcp{broker};
  tcp.write(mqtt::as_text(question.bytes));
  Answering answer{stream.version};
  std::array<std::uint8_t, 1u << 14> buffer{};
  while (answer.given != question.due) {
    const auto got = ::recv(tcp.fd(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      return "Mosquitto " + std::string(got == 0 ? "closed" : "said no more") + ", CONNACK " +
             (answer.connack ? std::to_string(*answer.connack) : "none") + ", " + answer.end +
             "\n  due: " + words(question.due) + "\n  given:" + words(answer.given) +
             "\n  bytes: " + quoted(mqtt::as_text(question.bytes));
    }
    answer.add(Bytes(buffer).first(static_cast<std::size_t>(got)));
  }
  return std::nullopt;
}

/// Open to all, and without limits of its own.
class OpenBroker {
 public:
  OpenBroker() : broker_{write_configuration()} { broker_.start(); }
  [[nodiscard]] e2e::Endpoint endpoint() const { return {"127.0.0.1", port_.number()}; }
  [[nodiscard]] std::string log() const { return broker_.log().text(); }

 private:
  std::filesystem::path write_configuration() const {
    const auto file = directory_ / "mosquitto.conf";
    e2e::write_file(file,
                    "listener " + std::to_string(port_.number()) +
                        " 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\nlog_type error\nlog_type warning\n"
                        "log_type notice\nlog_type information\nmax_inflight_messages 0\nmax_queued_messages 10\n");
    return file;
  }
  e2e::Directory directory_;
  e2e::ReservedPort port_;
  e2e::Broker broker_;
};

TEST(LetThroughUpward, IsAnsweredByMosquittoPacketForPacket) {
  const auto range = seeds_to_play(seeds);
  std::unique_ptr<OpenBroker> broker;
  std::uint64_t asked = 0;
  for (auto seed = range.first; seed < range.end; ++seed) {
    if (!broker || (seed - range.first) % seeds_to_a_broker == 0) broker = std::make_unique<OpenBroker>();
    const auto script = make_script(seed, Characters::advised);
    const auto played = play(script);
    if (!played.is_admitted || holds_unadvised_characters(played.up)) continue;
    ++asked;
    const auto found = complaint(broker->endpoint(), played.up);
    ASSERT_FALSE(found) << *found << '\n' << broker->log().substr(broker->log().rfind("New connection")) << again(script);
  }
  EXPECT_GE(asked, (range.end - range.first) / 2);
}

}  // namespace
}  // namespace bastion::differ
