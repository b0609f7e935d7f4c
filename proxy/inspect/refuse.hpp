// Refusals as both directions write them.
#pragma once

#include "proxy/inspect/step.hpp"
#include "proxy/inspect/translate.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::inspect {

/// OASIS 5.0 table 2-6: what a DISCONNECT says where it is more than its reason's own code.
namespace code {
inline constexpr std::uint8_t not_authorized = 0x87;
inline constexpr std::uint8_t topic_filter_invalid = 0x8f;
inline constexpr std::uint8_t topic_name_invalid = 0x90;
inline constexpr std::uint8_t receive_maximum_exceeded = 0x93;
inline constexpr std::uint8_t topic_alias_invalid = 0x94;
inline constexpr std::uint8_t quota_exceeded = 0x97;
inline constexpr std::uint8_t retain_not_supported = 0x9a;
inline constexpr std::uint8_t qos_not_supported = 0x9b;
inline constexpr std::uint8_t shared_not_supported = 0x9e;
inline constexpr std::uint8_t identifiers_not_supported = 0xa1;
inline constexpr std::uint8_t wildcards_not_supported = 0xa2;
}  // namespace code

[[nodiscard]] inline Refuse refuse(Reason reason, Cause cause, std::optional<std::uint8_t> v5_reason_code = std::nullopt) {
  return {{reason, cause}, v5_reason_code};
}

[[nodiscard]] constexpr Cause cause_of(mqtt::Flaw flaw) {
  switch (flaw) {
    case mqtt::Flaw::packet_id:
      return Cause::packet_id;
    case mqtt::Flaw::alias:
      return Cause::alias;
    case mqtt::Flaw::direction:
    case mqtt::Flaw::subscription_identifier:
      return Cause::direction;
    case mqtt::Flaw::authentication:
      return Cause::auth;
    default:
      return Cause::other;
  }
}

/// What a client's packet with this fault is refused for: what the grammar does not allow is malformed, what must not be
/// said is a protocol error, and too many properties are over a limit.
[[nodiscard]] inline Refuse refuse(mqtt::PacketType type, mqtt::PacketFault fault) {
  namespace reason_code = mqtt::reason_code;
  if (fault.reason_code == reason_code::malformed_packet) return refuse(Reason::malformed_packet, cause_of(type));
  if (fault.reason_code == reason_code::quota_exceeded) return refuse(Reason::limit_exceeded, Cause::properties);
  return refuse(Reason::protocol_error, cause_of(fault.flaw), fault.reason_code);
}

}  // namespace bastion::inspect
