// Why a packet is not what the standards allow: one closed list for every packet type.
#pragma once

#include <cstdint>

namespace bastion::mqtt {

/// Who sent a packet: some packets, properties and codes belong to one side only.
enum class Sender : std::uint8_t { client, server };

/// MQTT 5 reason codes that a fault is answered with (OASIS 5.0 section 4.13).
namespace reason_code {
inline constexpr std::uint8_t malformed_packet = 0x81;
inline constexpr std::uint8_t protocol_error = 0x82;
inline constexpr std::uint8_t topic_alias_invalid = 0x94;
inline constexpr std::uint8_t quota_exceeded = 0x97;
}  // namespace reason_code

/// What is wrong with a packet. The list is closed.
enum class Flaw : std::uint8_t {
  length,                   ///< the packet is too short or too long for its type, or a field does not fit into it
  trailing,                 ///< bytes after the last field
  utf8,                     ///< a string that is not valid UTF-8
  property,                 ///< see PropertyFault
  packet_id,                ///< zero
  topic,                    ///< no topic name: empty without an alias, or with a wildcard
  alias,                    ///< a topic alias of zero
  filter,                   ///< no topic filter, or a `$share` without a name or a filter
  options,                  ///< subscription options with a reserved bit, QoS 3, or retain handling 3
  no_local,                 ///< no local on a shared subscription
  subscription_identifier,  ///< from a client in PUBLISH, or zero
  code,                     ///< a reason or return code that the packet can't have, or not from this sender
  empty,                    ///< no topic filter, or no code, where there must be one
  direction,                ///< a packet or a property that this sender must not send
  authentication,           ///< AUTH without a method
};

/// A packet that can't be let through, for good: no further byte mends it.
struct PacketFault {
  Flaw flaw = Flaw::length;
  std::uint8_t reason_code = reason_code::malformed_packet;  ///< MQTT 5: 0x81, 0x82, 0x94 or 0x97
  friend bool operator==(const PacketFault&, const PacketFault&) = default;
};

/// What the grammar does not allow: 0x81.
[[nodiscard]] constexpr PacketFault malformed(Flaw flaw) {
  return {flaw, reason_code::malformed_packet};
}
/// What can be read but must not be said: 0x82.
[[nodiscard]] constexpr PacketFault protocol_error(Flaw flaw) {
  return {flaw, reason_code::protocol_error};
}

}  // namespace bastion::mqtt
