// The first two to five bytes of every MQTT packet.
#pragma once

#include <cstdint>
#include <variant>

#include "proxy/wire/cursor.hpp"

namespace bastion::mqtt {

using wire::as_text;
using wire::Bytes;

/// The protocol level (OASIS 3.1.1 and 5.0, section 3.1.2.2).
enum class Version : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5_0 = 5 };

/// OASIS 3.1.1 table 2.1, 5.0 table 2-1. `reserved` is forbidden in every version, `auth` before MQTT 5.
enum class PacketType : std::uint8_t {
  reserved,
  connect,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth,
};

[[nodiscard]] constexpr PacketType packet_type(std::uint8_t first_byte) {
  return static_cast<PacketType>(first_byte >> 4);
}

/// Whether the first byte names a packet and has that packet's flags (OASIS 3.1.1 table 2.2, 5.0 table 2-2). For PUBLISH:
/// no QoS 3 [MQTT-3.3.1-4] and no DUP on QoS 0 [MQTT-3.3.1-2].
[[nodiscard]] bool is_legal_first_byte(std::uint8_t first_byte);

struct FixedHeader {
  PacketType type = PacketType::reserved;
  std::uint8_t flags = 0;              ///< the low four bits of the first byte
  std::uint8_t size = 2;               ///< bytes of the header itself, 2 to 5
  std::uint32_t remaining_length = 0;  ///< bytes that follow the header

  [[nodiscard]] std::uint32_t packet_size() const { return size + remaining_length; }
  [[nodiscard]] std::uint8_t qos() const { return (flags >> 1) & 3u; }  ///< meaningful for PUBLISH
  friend bool operator==(const FixedHeader&, const FixedHeader&) = default;
};

/// The bytes in hand are the start of a header; one more may complete it.
struct HeaderCutShort {};

/// No further byte can make a header of it.
enum class HeaderFault : std::uint8_t {
  first_byte,  ///< see `is_legal_first_byte`; told as soon as that byte is in hand [MQTT-2.2.2-2] [MQTT-2.1.3-1]
  length,      ///< a remaining length over four bytes, or longer than its value needs [MQTT-1.5.5-1]
};

using HeaderResult = std::variant<FixedHeader, HeaderCutShort, HeaderFault>;

/// Reads the fixed header at the start of `in_hand`. Pure. With more bytes only HeaderCutShort can change.
[[nodiscard]] HeaderResult read_fixed_header(Bytes in_hand);

}  // namespace bastion::mqtt
