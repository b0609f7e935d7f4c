// SUBSCRIBE and UNSUBSCRIBE: what a client asks to be sent, filter by filter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::mqtt {

/// One topic filter of a SUBSCRIBE with its options (OASIS 3.1.1 section 3.8.3, 5.0 section 3.8.3.1).
struct Subscription {
  std::string_view filter;  ///< valid UTF-8, well-formed; shared or not
  std::uint8_t qos = 0;     ///< the greatest that is asked for
  // MQTT 5.
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;

  /// The byte of options as it stands in the packet.
  [[nodiscard]] std::uint8_t options() const {
    return static_cast<std::uint8_t>(qos | (no_local ? 0x04u : 0u) | (retain_as_published ? 0x08u : 0u) |
                                     static_cast<unsigned>(retain_handling) << 4);
  }
};

/// A whole SUBSCRIBE. Views point into the body it was read from.
struct Subscribe {
  std::uint16_t packet_id = 0;  ///< never 0
  std::uint32_t filters = 0;    ///< how many, at least one
  Bytes payload;                ///< the filters, see SubscriptionReader
  // MQTT 5.
  Bytes properties;                                      ///< without their length
  std::optional<std::uint32_t> subscription_identifier;  ///< 1 to 268,435,455
  std::uint32_t user_properties = 0;
};

/// A whole UNSUBSCRIBE. Views point into the body it was read from.
struct Unsubscribe {
  std::uint16_t packet_id = 0;  ///< never 0
  std::uint32_t filters = 0;    ///< how many, at least one
  Bytes payload;                ///< the filters, see FilterReader
  // MQTT 5.
  Bytes properties;  ///< without their length
  std::uint32_t user_properties = 0;
};

using SubscribeResult = std::variant<Subscribe, PacketFault>;
using UnsubscribeResult = std::variant<Unsubscribe, PacketFault>;

/// Reads the whole body of a SUBSCRIBE: at least one filter [MQTT-3.8.3-3], in 5.0 [MQTT-3.8.3-2], each well-formed with
/// options that exist, and nothing left over.
[[nodiscard]] SubscribeResult read_subscribe(Version version, Bytes body);

/// Reads the whole body of an UNSUBSCRIBE: at least one well-formed filter [MQTT-3.10.3-2], and nothing left over.
[[nodiscard]] UnsubscribeResult read_unsubscribe(Version version, Bytes body);

/// Walks over the subscriptions of a SUBSCRIBE that was read, in their order.
class SubscriptionReader {
 public:
  /// Precondition: `subscribe` came from read_subscribe(), and its body still lives.
  explicit SubscriptionReader(const Subscribe& subscribe) : cursor_(subscribe.payload) {}
  /// The next one; nothing after the last.
  [[nodiscard]] std::optional<Subscription> next();

 private:
  wire::Cursor cursor_;
};

/// Walks over the filters of an UNSUBSCRIBE that was read, in their order.
class FilterReader {
 public:
  /// Precondition: `unsubscribe` came from read_unsubscribe(), and its body still lives.
  explicit FilterReader(const Unsubscribe& unsubscribe) : cursor_(unsubscribe.payload) {}
  /// The next one; nothing after the last.
  [[nodiscard]] std::optional<std::string_view> next() { return cursor_.text(); }

 private:
  wire::Cursor cursor_;
};

}  // namespace bastion::mqtt
