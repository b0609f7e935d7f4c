// DISCONNECT, AUTH, and the two pings: packets about the connection itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::mqtt {

/// A whole DISCONNECT (OASIS 3.1.1 and 5.0, section 3.14). Views point into the body it was read from.
struct Disconnect {
  // MQTT 5; before, DISCONNECT says nothing.
  std::uint8_t reason_code = 0;
  std::optional<std::uint32_t> session_expiry_interval_s;  ///< only from a client
  std::string_view server_reference;                       ///< only from a server; empty: none
  std::size_t properties_size = 0;                         ///< bytes, without their length
  bool has_reason_string = false;
  std::uint32_t user_properties = 0;
};

using DisconnectResult = std::variant<Disconnect, PacketFault>;

/// Reads the whole body of a DISCONNECT. Before MQTT 5 it is empty and only a client sends it. A Session Expiry Interval
/// other than 0 after a CONNECT with 0 is a protocol error too (5.0 section 3.14.2.2.2), which takes the CONNECT to tell.
[[nodiscard]] DisconnectResult read_disconnect(Version version, Sender sender, Bytes body);

/// Whether MQTT 5 lets `sender` say this reason code in DISCONNECT (OASIS 5.0 table 3-10).
[[nodiscard]] bool is_disconnect_code(Sender sender, std::uint8_t code);

/// A whole AUTH (OASIS 5.0 section 3.15). Views point into the body it was read from.
struct Auth {
  std::uint8_t reason_code = 0;            ///< 0x00 success, 0x18 continue, 0x19 authenticate again
  std::optional<std::string_view> method;  ///< there in all but success
  std::optional<Bytes> data;
  std::size_t properties_size = 0;  ///< bytes, without their length
  bool has_reason_string = false;
  std::uint32_t user_properties = 0;
};

using AuthResult = std::variant<Auth, PacketFault>;

/// Reads the whole body of an AUTH of MQTT 5; before, there is none (Flaw::direction). Whether one may come now, and whether
/// its method is that of CONNECT [MQTT-4.12.0-5], takes the session to tell.
[[nodiscard]] AuthResult read_auth(Version version, Sender sender, Bytes body);

/// PINGREQ comes from a client, PINGRESP from a server, and both are empty. Nothing: all is well.
[[nodiscard]] std::optional<PacketFault> check_ping(Sender sender, const FixedHeader& header);

}  // namespace bastion::mqtt
