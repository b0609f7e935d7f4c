// SUBACK and UNSUBACK: what the server says to each filter.
#pragma once

#include <cstdint>
#include <variant>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::mqtt {

/// A whole SUBACK or UNSUBACK (OASIS 3.1.1 and 5.0, sections 3.9 and 3.11). Views point into the body it was read from.
struct Granted {
  std::uint16_t packet_id = 0;  ///< never 0
  Bytes codes;                  ///< one for each filter, in their order; none in the UNSUBACK of MQTT 3
  // MQTT 5.
  Bytes properties;  ///< without their length
  std::uint32_t user_properties = 0;
};

using GrantedResult = std::variant<Granted, PacketFault>;

/// Reads the whole body of a SUBACK: at least one code, each of which the version has: QoS 0, 1 and 2, from 3.1.1 on 0x80
/// for failure, in MQTT 5 the codes of table 3-8.
[[nodiscard]] GrantedResult read_suback(Version version, Bytes body);

/// Reads the whole body of an UNSUBACK: a packet identifier alone before MQTT 5, there at least one code of table 3-9.
[[nodiscard]] GrantedResult read_unsuback(Version version, Bytes body);

/// Whether the version has this code in SUBACK [MQTT-3.9.3-2].
[[nodiscard]] bool is_suback_code(Version version, std::uint8_t code);
/// Whether MQTT 5 has this code in UNSUBACK [MQTT-3.11.3-2].
[[nodiscard]] bool is_unsuback_code(std::uint8_t code);

}  // namespace bastion::mqtt
