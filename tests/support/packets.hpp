// MQTT packets as a client or a broker would send them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/bytes.hpp"

namespace bastion::test {

/// Protocol levels (OASIS 3.1.1 section 3.1.2.2).
inline constexpr int v3_1 = 3;
inline constexpr int v3_1_1 = 4;
inline constexpr int v5_0 = 5;

struct Will {
  std::string topic = "will";
  std::string payload = "gone";
  std::uint8_t qos = 0;
  bool retain = false;
};

/// Defaults: a client that the gate of `PolicyBuilder` admits.
struct ConnectOptions {
  int version = v3_1_1;
  std::string client_id = "c1";
  std::optional<std::string> user = "alice";
  std::optional<std::string> password = "secret";
  std::uint16_t keep_alive_s = 60;
  bool clean = true;
  std::optional<Will> will{};
  ByteVector properties{};  ///< MQTT 5, without their length
  bool bridge = false;
};

[[nodiscard]] ByteVector make_connect(const ConnectOptions& options = {});
/// CONNACK with a return code or reason code.
[[nodiscard]] ByteVector connack(int version, std::uint8_t code = 0);
/// What the gate makes of a CONNACK 0 by the policy's defaults; `properties`: those of the broker, in MQTT 5.
[[nodiscard]] ByteVector told_connack(int version, const ByteVector& properties = {});
[[nodiscard]] ByteVector publish(int version, std::string_view topic, const ByteVector& payload, std::uint8_t qos = 0,
                                 std::uint16_t id = 1);
[[nodiscard]] ByteVector publish(int version, std::string_view topic, std::string_view payload);
[[nodiscard]] ByteVector puback(std::uint16_t id);
[[nodiscard]] ByteVector subscribe(int version, std::string_view filter, std::uint16_t id = 1);
[[nodiscard]] ByteVector suback(int version, std::uint16_t id = 1);
[[nodiscard]] ByteVector pingreq();
[[nodiscard]] ByteVector pingresp();
/// The client's farewell: two bytes in all versions.
[[nodiscard]] ByteVector disconnect();
/// The server's DISCONNECT of MQTT 5, as the gate writes it.
[[nodiscard]] ByteVector disconnect_v5(std::uint8_t reason_code);

/// Bytes that look random, the same ones for the same seed.
[[nodiscard]] ByteVector noise(std::size_t size, std::uint32_t seed);

}  // namespace bastion::test
