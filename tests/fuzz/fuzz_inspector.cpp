// One session, both ways at once, under all sorts of rights: any split of the same bytes gives the same steps, no step asks
// for more than can be given, and what reaches either side is made of whole, well-formed packets.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/downward.hpp"
#include "proxy/inspect/translate.hpp"
#include "proxy/inspect/upward.hpp"
#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"

namespace {

using namespace bastion;
using namespace bastion::inspect;
using Bytes = std::span<const std::uint8_t>;
using ByteVector = std::vector<std::uint8_t>;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

void append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// --- what a session may do
// --------------------------------------------------------------------------------------------------

constexpr std::size_t settings_size = 5;

const Role& role_with_rules() {
  static const Role role = [] {
    Role made;
    auto& rules = made.topics.emplace().rules;
    const auto add = [&rules](std::string_view filter, TopicRights rights) {
      require(!rules.add(filter, rights, TopicRules::Placeholders::with_escape));
    };
    add("a/#", TopicRight::publish | TopicRight::receive);
    add("a", TopicRight::publish | TopicRight::retain);
    add("a/b", TopicRight::deny_publish | TopicRight::deny_receive);
    add("+/c", TopicRight::receive);
    add("%c", TopicRight::receive);
    add("$SYS/x", TopicRight::publish | TopicRight::receive);
    return made;
  }();
  return role;
}

Asked make_asked(Bytes settings) {
  constexpr MqttVersion versions[] = {MqttVersion::v3_1, MqttVersion::v3_1_1, MqttVersion::v5_0, MqttVersion::v5_0};
  Asked asked;
  asked.version = versions[settings[0] & 3u];
  asked.clean_start = (settings[0] & 4u) != 0;
  if ((settings[0] & 16u) != 0) asked.topic_alias_maximum = 3;
  if ((settings[0] & 32u) != 0) asked.maximum_packet_size = 64;
  if ((settings[0] & 64u) != 0) asked.session_expiry_interval_s = 100;
  return asked;
}

Rights make_rights(Bytes settings) {
  static const Policy policy;
  Rights rights;
  if ((settings[1] & 1u) != 0) rights.mode = Mode::observe;
  if ((settings[1] & 2u) != 0) rights.access = Access{policy, &role_with_rules(), {"u", "c"}};
  if ((settings[1] & 4u) != 0) rights.disconnects_on_denied_publish = true;
  if ((settings[1] & 8u) != 0) rights.wildcard_subscriptions = false;
  if ((settings[1] & 16u) != 0) rights.shared_subscriptions = false;
  if ((settings[1] & 32u) != 0) rights.retain = false;
  rights.qos_max = std::min<std::uint8_t>(2, settings[1] >> 6);
  if ((settings[2] & 1u) != 0) rights.packet_size_max = 40;
  if ((settings[2] & 2u) != 0) rights.topic_length_max = 4;
  if ((settings[2] & 4u) != 0) rights.topic_levels_max = 2;
  if ((settings[2] & 8u) != 0) rights.properties_size_max = 8;
  if ((settings[2] & 16u) != 0) rights.user_properties_max = 1;
  if ((settings[2] & 32u) != 0) rights.filters_per_packet_max = 2;
  if ((settings[2] & 64u) != 0) rights.subscriptions_max = 2;
  if ((settings[2] & 128u) != 0) rights.in_flight_max = 2;
  if ((settings[3] & 1u) != 0) rights.retained_messages_max = 1;
  if ((settings[3] & 2u) != 0) rights.session_expiry_max_s = 50;
  if ((settings[3] & 4u) != 0) rights.server_keep_alive_s = 1200;
  if ((settings[3] & 8u) != 0) {
    for (const auto guard : {Guard::dollar_publish, Guard::dollar_subscribe, Guard::object_names, Guard::mixed_shares}) {
      rights.guards.take_down(guard);
    }
  }
  return rights;
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

/// What came of one side's bytes.
struct Way {
  ByteVector in_hand;
  ByteVector through;  ///< the sender's own bytes, and what stood for them
  ByteVector reached;  ///< the same with the gate's own packets between, where a relay puts them
  ByteVector own;      ///< these alone, to the way's receiver
  std::uint32_t packets = 0;
  friend bool operator==(const Way&, const Way&) = default;
};

struct Outcome {
  Way up;
  Way down;
  std::optional<Refusal> refusal;
  std::optional<std::uint8_t> v5_reason_code;
  std::vector<std::pair<Refusal, TopicNote>> observed;
  std::array<std::uint32_t, denied_count> denied{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

class Session {
 public:
  explicit Session(Bytes settings) : conversation_{make_asked(settings), make_rights(settings)} {}

  /// As a relay does it: upward nothing moves before the broker has accepted.
  template <class Piece>
  Outcome run(Bytes script, const Piece& piece) {
    while (script.size() >= 2 && !outcome_.refusal) {
      const bool goes_up = (script[0] & 0x80u) != 0;
      const auto size = std::min<std::size_t>(1 + (script[0] & 0x7fu), script.size() - 1);
      const auto chunk = script.subspan(1, size);
      script = script.subspan(1 + size);
      const bool admitted = down_.connack() && down_.connack()->code == 0;
      if (goes_up && !admitted) continue;
      goes_up ? feed(up_, outcome_.up, chunk, piece) : feed(down_, outcome_.down, chunk, piece);
      insert_own_packets();
    }
    for (const auto& observed : conversation_.observed()) outcome_.observed.emplace_back(observed.refusal, observed.about);
    outcome_.denied = conversation_.denied();
    return outcome_;
  }

 private:
  template <class Inspector, class Piece>
  void feed(Inspector& inspector, Way& way, Bytes chunk, const Piece& piece) {
    for (std::size_t fed = 0, turn = 0; fed < chunk.size() && !outcome_.refusal; ++turn) {
      const auto size = std::min(chunk.size() - fed, piece(turn));
      append(way.in_hand, chunk.subspan(fed, size));
      fed += size;
      while (take(inspector.step(way.in_hand), way)) {
      }
    }
  }

  // True: ask again with what is left. False: this is the end, or more must arrive.
  bool take(const Step& step, Way& way) {
    if (const auto* const forward = std::get_if<Forward>(&step)) {
      require(forward->bytes > 0 && forward->bytes <= way.in_hand.size());
      pass(way, Bytes(way.in_hand).first(forward->bytes), forward->bytes, forward->packets);
      return true;
    }
    if (const auto* const replace = std::get_if<Replace>(&step)) {
      require(replace->bytes > 0 && replace->bytes <= way.in_hand.size());
      pass(way, replace->with, replace->bytes, replace->packets);
      return true;
    }
    if (const auto* const refuse = std::get_if<Refuse>(&step)) {
      require(refusals()[index_of(refuse->refusal)] == refuse->refusal);
      outcome_.refusal = refuse->refusal;
      outcome_.v5_reason_code = refuse->v5_reason_code;
      way.in_hand.clear();
      return false;
    }
    const auto need = std::get<NeedBytes>(step);
    require(need.bytes_min > way.in_hand.size() && need.bytes_min <= whole_packet_max);
    return false;
  }

  static void pass(Way& way, Bytes bytes, std::size_t taken, std::uint32_t packets) {
    append(way.through, bytes);
    append(way.reached, bytes);
    way.packets += packets;
    way.in_hand.erase(way.in_hand.begin(), way.in_hand.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  void insert_own_packets() {
    if (up_.at_boundary() && !up_.disconnected()) insert(conversation_.to_broker, outcome_.up);
    if (down_.at_boundary()) insert(conversation_.to_client, outcome_.down);
  }
  static void insert(ByteVector& packets, Way& way) {
    append(way.reached, packets);
    append(way.own, packets);
    packets.clear();
  }

  Conversation conversation_;
  UpwardInspector up_{conversation_};
  DownwardInspector down_{conversation_};
  Outcome outcome_;
};

}  // namespace

// Settings, then chunks: a byte that says which side speaks (0x80: the client) and how long, and that many bytes and one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < settings_size) return 0;
  const auto settings = Bytes(data, settings_size);
  const auto script = Bytes(data, size).subspan(settings_size);
  const auto at_once = [](std::size_t) { return std::size_t{128}; };
  const auto one_by_one = [](std::size_t) { return std::size_t{1}; };
  const auto uneven = [seed = settings[4]](std::size_t turn) { return 1 + (seed * 31 + turn * 17 + turn * turn * 7) % 23; };

  const auto outcome = Session(settings).run(script, at_once);
  require(outcome == Session(settings).run(script, one_by_one));
  require(outcome == Session(settings).run(script, uneven));

  const auto version = to_mqtt(make_asked(settings).version);
  require_well_formed(version, mqtt::Sender::client, outcome.up.reached);
  require_well_formed(version, mqtt::Sender::server, outcome.down.reached);
  return 0;
}
