// CONNACK, read strictly, and the two packets with which a server says no: CONNACK and DISCONNECT.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::mqtt {

/// A whole CONNACK (OASIS 3.1.1 and 5.0, section 3.2).
struct Connack {
  std::uint8_t code = 0;  ///< MQTT 3 return code or MQTT 5 reason code; 0: accepted
  bool session_present = false;

  // MQTT 5; what is absent has the standard's default.
  std::optional<std::uint16_t> server_keep_alive_s;
  std::optional<std::uint32_t> session_expiry_interval_s;  ///< absent: what the client asked for
  std::optional<std::uint32_t> maximum_packet_size;
  std::uint16_t receive_maximum = 65'535;
  std::uint16_t topic_alias_maximum = 0;
  std::uint8_t maximum_qos = 2;
  bool retain_available = true;
  bool wildcard_subscription_available = true;
  bool subscription_identifier_available = true;
  bool shared_subscription_available = true;
  std::optional<std::string_view> assigned_client_id;  ///< points into the packet
  bool has_authentication = false;                     ///< an Authentication Method or Authentication Data is there
  bool has_response_information = false;
  bool has_reason_string = false;
  std::uint32_t user_properties = 0;

  std::size_t properties_at = 0;  ///< where the length of the properties is, counted from the packet's first byte
};

enum class ConnackFault : std::uint8_t { header, length, flags, code, property, utf8, trailing };

using ConnackResult = std::variant<Connack, ConnackFault>;

/// Reads one whole CONNACK: `packet` is exactly what its fixed header says. Pure. A code that the version does not define
/// for CONNACK is a fault, and so is a session said to be present behind a refusal (3.1.1 [MQTT-3.2.2-4], 5.0
/// [MQTT-3.2.2-6]). MQTT 3.1 knows no session present: there the bit is ignored.
[[nodiscard]] ConnackResult parse_connack(Bytes packet, Version version);

/// What the gate allows an MQTT 5 client at most. What is not set leaves the broker's word as it is.
struct ConnackLimits {
  std::optional<std::uint16_t> receive_maximum;      ///< not 0
  std::optional<std::uint32_t> maximum_packet_size;  ///< not 0
  std::optional<std::uint16_t> topic_alias_maximum;
  std::optional<std::uint8_t> maximum_qos;           ///< 0 or 1; 2 changes nothing
  std::optional<std::uint16_t> server_keep_alive_s;  ///< not 0; the broker's 0, no keep alive, is greater than any
  /// What CONNECT was lowered to on its way to the broker, so that the client hears of it; it must not be set otherwise.
  std::optional<std::uint32_t> session_expiry_interval_s;
  bool retain_available = true;
  bool wildcard_subscription_available = true;
  bool subscription_identifier_available = true;
  bool shared_subscription_available = true;
};

/// Appends the same MQTT 5 CONNACK with everything lowered to these limits where the broker's word, or its silence, allows
/// more; all else byte for byte as it was. `connack`: read from `packet`.
void append_lowered_connack(std::vector<std::uint8_t>& out, Bytes packet, const Connack& connack,
                            const ConnackLimits& limits);

/// CONNACK without a session, MQTT 3.1 and 3.1.1.
[[nodiscard]] std::array<std::uint8_t, 4> make_connack_v3(std::uint8_t return_code);
/// CONNACK without a session and without properties, MQTT 5.
[[nodiscard]] std::array<std::uint8_t, 5> make_connack_v5(std::uint8_t reason_code);
/// DISCONNECT without properties, MQTT 5. The property length is there although it could be left out: some clients ask for
/// it.
[[nodiscard]] std::array<std::uint8_t, 4> make_disconnect_v5(std::uint8_t reason_code);

}  // namespace bastion::mqtt
