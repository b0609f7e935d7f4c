// Follows one direction of an admitted session packet by packet, and says of each byte what becomes of it.
#include "proxy/inspect/inspector.hpp"

#include <algorithm>
#include <limits>

#include "proxy/inspect/translate.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::inspect {

namespace {

using mqtt::FixedHeader;
using mqtt::PacketType;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t connack_first_byte = 0x20;
constexpr Refusal bad_connack = {Reason::upstream_malformed, Cause::connack};
constexpr Refusal bad_upstream_packet = {Reason::upstream_malformed, Cause::packet};

// Which remaining lengths a packet can have at all: `max` holds for packets of a fixed length only.
struct Lengths {
  std::uint32_t min = 0;
  std::uint32_t max = std::numeric_limits<std::uint32_t>::max();
};

// The shortest packet that the standard's grammar allows: a topic of one character, a filter of one, a single code; MQTT 5
// adds a byte of property length, and lets a topic alias of three bytes stand for the topic.
Lengths lengths_of(const FixedHeader& header, bool v5) {
  const std::uint32_t properties = v5 ? 1 : 0;
  switch (header.type) {
    case PacketType::publish:
      return {3 + properties + (header.qos() > 0 ? 2u : 0u)};
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return v5 ? Lengths{2} : Lengths{2, 2};
    case PacketType::subscribe:
      return {6 + properties};
    case PacketType::unsubscribe:
      return {5 + properties};
    case PacketType::suback:
      return {3 + properties};
    case PacketType::unsuback:
      return v5 ? Lengths{4} : Lengths{2, 2};
    case PacketType::pingreq:
    case PacketType::pingresp:
      return {0, 0};
    case PacketType::disconnect:
      return v5 ? Lengths{} : Lengths{0, 0};
    default:
      return {};
  }
}

bool has_possible_length(const FixedHeader& header, bool v5) {
  const Lengths lengths = lengths_of(header, v5);
  return header.remaining_length >= lengths.min && header.remaining_length <= lengths.max;
}

// The two directions differ in what may start a packet and in what a fault is called; the walk is the same. `Rules` answers
// `first_byte(byte)`, which is asked before anything else is waited for, `malformed(type)`, `too_large()`, and `is_v5()`.
template <class Rules>
std::variant<FixedHeader, mqtt::HeaderCutShort, Refusal> begin_packet(Bytes rest, PacketSizeLimit size, const Rules& rules) {
  if (const auto refusal = rules.first_byte(rest[0])) return *refusal;
  const mqtt::HeaderResult result = mqtt::read_fixed_header(rest);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return mqtt::HeaderCutShort{};
  const auto* const header = std::get_if<FixedHeader>(&result);
  if (!header) return rules.malformed(mqtt::packet_type(rest[0]));
  if (!has_possible_length(*header, rules.is_v5())) return rules.malformed(header->type);
  if (header->packet_size() > size.bytes_max && size.mode == Mode::enforce) return rules.too_large();
  return *header;
}

// Lets through whole packets and bodies under way, up to the first byte of which nothing can be said, or nothing good.
// A refusal waits until all before it is let through, so that it does not depend on how the bytes were split.
template <class Rules>
Step follow(Bytes in_hand, FramePosition& position, PacketSizeLimit size, const Rules& rules) {
  Forward through;
  while (through.bytes < in_hand.size()) {
    const Bytes rest = in_hand.subspan(through.bytes);
    if (position.body_left == 0) {
      const auto begun = begin_packet(rest, size, rules);
      const auto* const header = std::get_if<FixedHeader>(&begun);
      if (!header && through.bytes > 0) return through;
      if (const auto* const refusal = std::get_if<Refusal>(&begun)) return Refuse{*refusal, std::nullopt};
      if (!header) return NeedBytes{in_hand.size() + 1};
      position.body_left = header->remaining_length;
      if (header->packet_size() > size.bytes_max) position.passed_too_large = true;
      position.in_disconnect = header->type == PacketType::disconnect;
      through.bytes += header->size;
    }
    const std::size_t body = std::min<std::size_t>(position.body_left, in_hand.size() - through.bytes);
    through.bytes += body;
    position.body_left -= static_cast<std::uint32_t>(body);
    if (position.body_left > 0) return through;
    ++through.packets;
    position.disconnected = position.in_disconnect;
  }
  if (through.bytes == 0) return NeedBytes{1};
  return through;
}

class UpwardRules {
 public:
  UpwardRules(MqttVersion version, const FramePosition& position) : version_(version), position_(position) {}

  [[nodiscard]] bool is_v5() const { return version_ == MqttVersion::v5_0; }

  [[nodiscard]] std::optional<Refusal> first_byte(std::uint8_t byte) const {
    if (position_.disconnected) return Refusal{Reason::protocol_error, Cause::after_disconnect};
    const PacketType type = mqtt::packet_type(byte);
    if (!mqtt::is_legal_first_byte(byte)) return malformed(type);
    switch (type) {
      case PacketType::connect:
        return Refusal{Reason::protocol_error, Cause::second_connect};  // [MQTT-3.1.0-2]
      case PacketType::connack:
      case PacketType::suback:
      case PacketType::unsuback:
      case PacketType::pingresp:
        return Refusal{Reason::protocol_error, Cause::direction};
      case PacketType::auth:
        // No Authentication Method is ever admitted, so there is nothing to continue [MQTT-4.12.0-7].
        return is_v5() ? Refusal{Reason::protocol_error, Cause::direction} : malformed(type);
      default:
        return std::nullopt;
    }
  }

  [[nodiscard]] static Refusal malformed(PacketType type) { return {Reason::malformed_packet, cause_of(type)}; }
  [[nodiscard]] static Refusal too_large() { return {Reason::packet_too_large, Cause::none}; }

 private:
  MqttVersion version_;
  const FramePosition& position_;
};

class DownwardRules {
 public:
  DownwardRules(MqttVersion version, bool is_refused, const FramePosition& position)
      : version_(version), is_refused_(is_refused), position_(position) {}

  [[nodiscard]] bool is_v5() const { return version_ == MqttVersion::v5_0; }

  [[nodiscard]] std::optional<Refusal> first_byte(std::uint8_t byte) const {
    // Nothing may follow a refusal or a DISCONNECT.
    if (is_refused_ || position_.disconnected) return bad_upstream_packet;
    if (!mqtt::is_legal_first_byte(byte) || !may_come_down(mqtt::packet_type(byte))) return bad_upstream_packet;
    return std::nullopt;
  }

  [[nodiscard]] static Refusal malformed(PacketType) { return bad_upstream_packet; }
  [[nodiscard]] static Refusal too_large() { return bad_upstream_packet; }

 private:
  [[nodiscard]] bool may_come_down(PacketType type) const {
    switch (type) {
      case PacketType::publish:
      case PacketType::puback:
      case PacketType::pubrec:
      case PacketType::pubrel:
      case PacketType::pubcomp:
      case PacketType::suback:
      case PacketType::unsuback:
      case PacketType::pingresp:
        return true;
      case PacketType::disconnect:
        return is_v5();
      default:  // AUTH among them [MQTT-4.12.0-6]
        return false;
    }
  }

  MqttVersion version_;
  bool is_refused_;
  const FramePosition& position_;
};

Cause cause_of_return_code(std::uint8_t code) {
  switch (code) {
    case 1:
      return Cause::code_version;
    case 2:
      return Cause::code_client_id;
    case 3:
      return Cause::code_unavailable;
    case 4:
      return Cause::code_credentials;
    case 5:
      return Cause::code_not_authorized;
    default:
      return Cause::code_other;
  }
}

Cause cause_of_reason_code(std::uint8_t code) {
  switch (code) {
    case 0x84:
      return Cause::code_version;
    case 0x85:
      return Cause::code_client_id;
    case 0x86:
      return Cause::code_credentials;
    case 0x87:
      return Cause::code_not_authorized;
    case 0x88:
    case 0x89:
      return Cause::code_unavailable;
    default:
      return Cause::code_other;
  }
}

}  // namespace

UpwardInspector::UpwardInspector(MqttVersion version, PacketSizeLimit size) : version_(version), size_(size) {}

Step UpwardInspector::step(Bytes in_hand) {
  return follow(in_hand, position_, size_, UpwardRules(version_, position_));
}

DownwardInspector::DownwardInspector(MqttVersion version, PacketSizeLimit size,
                                     std::optional<std::uint16_t> server_keep_alive_s)
    : version_(version), size_(size), server_keep_alive_s_(server_keep_alive_s) {}

Step DownwardInspector::step(Bytes in_hand) {
  if (!connack_) return read_connack(in_hand);
  return follow(in_hand, position_, size_, DownwardRules(version_, connack_->code != 0, position_));
}

Step DownwardInspector::read_connack(Bytes in_hand) {
  if (in_hand.empty()) return NeedBytes{1};
  if (in_hand[0] != connack_first_byte) return Refuse{bad_connack, std::nullopt};  // [MQTT-3.2.0-1]
  const mqtt::HeaderResult result = mqtt::read_fixed_header(in_hand);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return NeedBytes{in_hand.size() + 1};
  const auto* const header = std::get_if<FixedHeader>(&result);
  if (!header || header->packet_size() > size_.bytes_max) return Refuse{bad_connack, std::nullopt};
  if (version_ != MqttVersion::v5_0 && header->remaining_length != 2) return Refuse{bad_connack, std::nullopt};
  if (in_hand.size() < header->packet_size()) return NeedBytes{header->packet_size()};
  return pass_connack(in_hand.first(header->packet_size()));
}

Step DownwardInspector::pass_connack(Bytes packet) {
  const mqtt::ConnackResult result = mqtt::parse_connack(packet, to_mqtt(version_));
  const auto* const parsed = std::get_if<mqtt::Connack>(&result);
  if (!parsed || parsed->has_authentication) return Refuse{bad_connack, std::nullopt};  // [MQTT-4.12.0-6]
  connack_ = Connack{parsed->code, parsed->session_present, parsed->server_keep_alive_s, parsed->maximum_packet_size};
  if (!must_lower_keep_alive(*connack_)) return Forward{packet.size(), 1};
  connack_->server_keep_alive_s = server_keep_alive_s_;
  return Replace{packet.size(), mqtt::with_server_keep_alive(packet, *parsed, *server_keep_alive_s_), 1};
}

bool DownwardInspector::must_lower_keep_alive(const Connack& connack) const {
  if (version_ != MqttVersion::v5_0 || connack.code != 0 || !server_keep_alive_s_) return false;
  if (!connack.server_keep_alive_s) return true;
  // Zero turns the keep alive off: nothing is greater.
  return *connack.server_keep_alive_s == 0 || *connack.server_keep_alive_s > *server_keep_alive_s_;
}

std::optional<Refusal> upstream_refusal(MqttVersion version, std::uint8_t code) {
  if (code == 0) return std::nullopt;
  const Cause cause = version == MqttVersion::v5_0 ? cause_of_reason_code(code) : cause_of_return_code(code);
  return Refusal{Reason::upstream_refused, cause};
}

}  // namespace bastion::inspect
