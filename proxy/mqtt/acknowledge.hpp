// The four packets that acknowledge a PUBLISH: PUBACK, PUBREC, PUBREL and PUBCOMP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::mqtt {

/// OASIS 3.1.1 and 5.0, sections 3.4 to 3.7.
struct Acknowledgement {
  std::uint16_t packet_id = 0;   ///< never 0
  std::uint8_t reason_code = 0;  ///< MQTT 5; 0 before
  // MQTT 5.
  std::size_t properties_size = 0;  ///< bytes, without their length
  bool has_reason_string = false;
  std::uint32_t user_properties = 0;

  /// Whether the exchange ends here without the message: a reason code of 0x80 or more.
  [[nodiscard]] bool is_refusal() const { return reason_code >= 0x80; }
};

using AcknowledgementResult = std::variant<Acknowledgement, PacketFault>;

/// The remaining length that the packet must have before MQTT 5, and may have at least in MQTT 5.
inline constexpr std::uint32_t acknowledgement_length_min = 2;

/// Reads the whole body of a PUBACK, PUBREC, PUBREL or PUBCOMP; `type` is one of these. A reason code that the packet does
/// not have, or not from this sender, is a protocol error.
[[nodiscard]] AcknowledgementResult read_acknowledgement(Version version, Sender sender, PacketType type, Bytes body);

/// Whether MQTT 5 lets `sender` say this reason code in a packet of this type (OASIS 5.0 tables 3-4, 3-5, 3-6 and 3-7).
[[nodiscard]] bool is_acknowledgement_code(Sender sender, PacketType type, std::uint8_t code);

}  // namespace bastion::mqtt
