// CONNECT of MQTT 3.1, 3.1.1 and 5.0, strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::mqtt {

/// The message that the server publishes when the client is lost (OASIS 3.1.1 section 3.1.2.5, 5.0 section 3.1.3.2).
struct Will {
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;  ///< valid UTF-8, not empty, no wildcard
  Bytes payload;

  // MQTT 5.
  std::string_view response_topic;  ///< empty: none
  std::uint32_t delay_interval_s = 0;
  std::size_t delay_interval_at = 0;  ///< where its four bytes are in the packet; 0: it is not there
  bool payload_is_utf8 = false;       ///< the Payload Format Indicator is there and 1
  std::uint32_t user_properties = 0;
};

/// A whole CONNECT. Every view points into the packet it was read from.
struct Connect {
  Version version = Version::v3_1_1;
  bool bridge = false;       ///< the level had bit 0x80, as Mosquitto's bridges set it (only with 3.1 and 3.1.1)
  bool clean_start = false;  ///< Clean Session in MQTT 3
  std::uint16_t keep_alive_s = 0;
  std::string_view client_id;  ///< may be empty; whether the server takes that is not the parser's question
  std::optional<Will> will;
  std::optional<std::string_view> user_name;
  std::optional<Bytes> password;

  // MQTT 5; what is absent has the standard's default.
  std::uint32_t session_expiry_interval_s = 0;
  std::size_t session_expiry_interval_at = 0;  ///< where its four bytes are in the packet; 0: it is not there
  std::uint16_t receive_maximum = 65'535;
  std::optional<std::uint32_t> maximum_packet_size;
  std::uint16_t topic_alias_maximum = 0;
  bool request_response_information = false;
  bool request_problem_information = true;
  std::optional<std::string_view> authentication_method;
  std::optional<Bytes> authentication_data;
  std::uint32_t user_properties = 0;

  std::size_t flags_at = 0;        ///< where the connect flags are, counted from the packet's first byte
  std::size_t credentials_at = 0;  ///< where user name and password begin, or would; the last fields of the packet
};

enum class ConnectFault : std::uint8_t {
  header_flags,   ///< not type 1 with flags 0 [MQTT-2.2.2-2] [MQTT-2.1.3-1]
  length,         ///< the remaining length is not the packet's, or a field does not fit
  protocol_name,  ///< neither "MQTT" nor "MQIsdp" [MQTT-3.1.2-1]
  level,          ///< the name is right, its level unknown: to be answered as an unsupported version [MQTT-3.1.2-2]
  flags,          ///< the reserved flag [MQTT-3.1.2-3], or a password without a user name before MQTT 5 [MQTT-3.1.2-22]
  will,           ///< will flags that contradict each other, or a will topic that is no topic name
  utf8,           ///< a string that is not valid UTF-8
  property,       ///< see PropertyFault; or authentication data without a method
  trailing,       ///< bytes after the last field
};

/// Why a packet is not a valid CONNECT.
struct ConnectRefusal {
  ConnectFault fault;
  std::optional<Version> version;   ///< as far as it was known by then
  std::uint8_t reason_code = 0x81;  ///< for MQTT 5: 0x81 malformed, 0x82 protocol error, 0x84 version, 0x97 too many
  friend bool operator==(const ConnectRefusal&, const ConnectRefusal&) = default;
};

using ConnectResult = std::variant<Connect, ConnectRefusal>;

/// Reads one whole CONNECT: `packet` is exactly what its fixed header says. Pure. Every length is checked against what is
/// left, and nothing may be left over [MQTT-3.1.4-1].
///
/// `user_properties_max` holds for CONNECT and for its will, each.
///
/// Beyond the texts: MQTT 3.1 calls the bits that 3.1.1 reserves "not used"; here they must be zero in 3.1 as well. As 3.1
/// asks, user name and password may be missing where their flag is set, if the packet ends there.
[[nodiscard]] ConnectResult parse_connect(Bytes packet, std::uint32_t user_properties_max);

/// Writes other intervals into a copy of the packet that `connect` was read from. What is not there in it stays so: its
/// default is the shortest.
void set_intervals(std::span<std::uint8_t> packet, const Connect& connect, std::uint32_t session_expiry_interval_s,
                   std::uint32_t will_delay_interval_s);

/// The same CONNECT with other credentials, both flags set, all else byte for byte as in `packet`, which `connect` was read
/// from. Empty if a credential is longer than 65,535 bytes or the packet would grow over the protocol's limit.
[[nodiscard]] std::vector<std::uint8_t> replace_credentials(Bytes packet, const Connect& connect, std::string_view user_name,
                                                            std::string_view password);

}  // namespace bastion::mqtt
