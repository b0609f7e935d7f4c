// The head of a PUBLISH: topic, packet identifier and properties, read before the payload has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::mqtt {

/// Where the topic's bytes begin in the body of every PUBLISH, behind their length.
inline constexpr std::size_t publish_topic_at = 2;
/// How many bytes a Topic Alias takes: its identifier and its value.
inline constexpr std::size_t topic_alias_size = 3;

/// All of a PUBLISH but its payload (OASIS 3.1.1 and 5.0, section 3.3). Views point into the body; offsets are counted from
/// the body's first byte.
struct PublishHead {
  std::string_view topic;           ///< valid UTF-8 without a wildcard; empty only where an alias stands for it (MQTT 5)
  std::uint32_t head_bytes = 0;     ///< where the payload begins
  std::uint32_t payload_bytes = 0;  ///< how long the payload is; it may be nothing
  std::uint16_t packet_id = 0;      ///< 0 only with QoS 0, which has none [MQTT-2.3.1-5], 5.0 [MQTT-2.2.1-2]
  std::uint8_t qos = 0;
  bool dup = false;
  bool retain = false;

  // MQTT 5.
  bool payload_is_utf8 = false;  ///< the Payload Format Indicator is there and 1
  bool has_correlation_data = false;
  std::uint32_t properties_at = 0;           ///< where the length of the properties is
  std::optional<std::uint16_t> topic_alias;  ///< never 0
  std::uint32_t topic_alias_at = 0;          ///< where its identifier is; meaningful if it is there
  std::optional<std::uint32_t> message_expiry_s;
  std::uint32_t user_properties = 0;
  std::uint32_t subscription_identifiers = 0;  ///< only from a server; none of them is 0
  std::string_view response_topic;             ///< empty: none
  std::string_view content_type;               ///< empty: none, or an empty one
};

/// The head has not come whole. The body must be at least `bytes_min` long before it can, and never more is asked for than
/// the head takes; with fewer bytes the only other answer there can be is a fault.
struct HeadCutShort {
  std::size_t bytes_min = 0;
  friend bool operator==(const HeadCutShort&, const HeadCutShort&) = default;
};

using PublishHeadResult = std::variant<PublishHead, HeadCutShort, PacketFault>;

/// Reads the head of a PUBLISH from as much of its body as is in hand. `header`: from read_fixed_header(), type PUBLISH.
/// Pure, allocates nothing, and never looks at the payload.
///
/// Every length is held against the remaining length, not against what is in hand: one that lies is refused before anybody
/// waits for its bytes. A string is judged as soon as it is there whole, a property when it is. More bytes change neither a
/// head nor a fault.
[[nodiscard]] PublishHeadResult read_publish_head(Version version, Sender sender, const FixedHeader& header,
                                                  Bytes body_in_hand);

}  // namespace bastion::mqtt
