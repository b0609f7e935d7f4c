// The properties of MQTT 5 (OASIS 5.0 section 2.2.2), read one at a time, with nothing allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <variant>

#include "proxy/mqtt/packet_fault.hpp"
#include "proxy/wire/cursor.hpp"

namespace bastion::mqtt {

/// OASIS 5.0 table 2-4.
enum class PropertyId : std::uint8_t {
  payload_format_indicator = 0x01,
  message_expiry_interval = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0b,
  session_expiry_interval = 0x11,
  assigned_client_identifier = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay_interval = 0x18,
  request_response_information = 0x19,
  response_information = 0x1a,
  server_reference = 0x1c,
  reason_string = 0x1f,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2a,
};

/// A set of properties: which a packet may hold, or which it held.
class PropertySet {
 public:
  constexpr PropertySet() = default;
  constexpr PropertySet(std::initializer_list<PropertyId> ids) {
    for (const PropertyId id : ids) add(id);
  }
  constexpr void add(PropertyId id) { bits_ |= bit(id); }
  [[nodiscard]] constexpr bool has(PropertyId id) const { return (bits_ & bit(id)) != 0; }

 private:
  static constexpr std::uint64_t bit(PropertyId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }
  std::uint64_t bits_ = 0;
};

/// One property. Views point into the packet.
struct Property {
  PropertyId id{};
  std::uint32_t number = 0;  ///< of a byte, a two or four byte integer, or a variable byte integer
  std::string_view text;     ///< of a string, of binary data; the name of a user property
  std::string_view value;    ///< the value of a user property
};

struct PropertiesEnd {};

/// The bytes in hand end within the next property, the properties don't. Only where not all of them are in hand.
struct PropertyCutShort {};

enum class PropertyFault : std::uint8_t {
  malformed,  ///< cut short, or an identifier that does not exist or does not belong here (section 2.2.2.2): 0x81
  utf8,       ///< a string that is not valid UTF-8: 0x81
  repeated,   ///< more than once what may be there once: 0x82
  value,      ///< a value that the standard calls a protocol error: 0x82
  too_many,   ///< more user properties than the caller allows: 0x97
};

/// The same as the fault of a packet.
[[nodiscard]] PacketFault to_packet_fault(PropertyFault fault);

using PropertyResult = std::variant<Property, PropertiesEnd, PropertyCutShort, PropertyFault>;

/// Walks over the properties of one packet, without their length. Checks what the standard says of each by itself: its type,
/// its value's range, that it may stand in this packet, and that only what may be repeated is there more than once.
class PropertyReader {
 public:
  /// All properties are in hand. `user_properties_max`: how many user properties are let through.
  PropertyReader(wire::Bytes properties, PropertySet allowed, std::uint32_t user_properties_max)
      : PropertyReader(properties, properties.size(), allowed, user_properties_max, {PropertyId::user_property}) {}
  /// Of `size` bytes of properties those `in_hand` have come. `may_repeat`: which may be there more than once.
  PropertyReader(wire::Bytes in_hand, std::size_t size, PropertySet allowed, std::uint32_t user_properties_max,
                 PropertySet may_repeat)
      : cursor_(in_hand),
        size_(size),
        allowed_(allowed),
        may_repeat_(may_repeat),
        user_properties_left_(user_properties_max) {}

  /// The next property, or the end; after a fault or what is cut short, don't ask again. More bytes change no fault.
  [[nodiscard]] PropertyResult next();
  /// How many bytes have been read so far: where the last property ended.
  [[nodiscard]] std::size_t position() const { return cursor_.position(); }
  /// Which property was read last, or is at fault; meaningful once there was one that may stand in this packet.
  [[nodiscard]] PropertyId last_id() const { return last_id_; }

 private:
  [[nodiscard]] PropertyResult read_number(PropertyId id);
  [[nodiscard]] PropertyResult read_text(PropertyId id);
  [[nodiscard]] PropertyResult read_binary(PropertyId id);
  [[nodiscard]] PropertyResult read_pair(PropertyId id);
  [[nodiscard]] PropertyResult shortage(std::size_t wanted) const;
  [[nodiscard]] PropertyResult string_shortage() const;

  wire::Cursor cursor_;
  std::size_t size_;
  PropertySet allowed_;
  PropertySet may_repeat_;
  PropertySet seen_;
  PropertyId last_id_{};
  std::uint32_t user_properties_left_;
};

/// Reads all properties and gives each to `keep`, which may stop with a fault of its own: it returns an optional
/// PacketFault. Nothing: all is well.
template <class Keep>
[[nodiscard]] std::optional<PacketFault> read_all(PropertyReader reader, const Keep& keep) {
  while (true) {
    const PropertyResult result = reader.next();
    if (const auto* const fault = std::get_if<PropertyFault>(&result)) return to_packet_fault(*fault);
    const auto* const property = std::get_if<Property>(&result);
    if (!property) return std::nullopt;
    if (const std::optional<PacketFault> fault = keep(*property)) return fault;
  }
}

/// Reads the length of the properties and takes them off the cursor; nothing: it is no length, or they don't fit.
[[nodiscard]] std::optional<wire::Bytes> take_properties(wire::Cursor& cursor);

}  // namespace bastion::mqtt
