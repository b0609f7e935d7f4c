// The properties of MQTT 5 (OASIS 5.0 section 2.2.2), read one at a time, with nothing allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <variant>

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

enum class PropertyFault : std::uint8_t {
  malformed,  ///< cut short, or an identifier that does not exist or does not belong here (section 2.2.2.2): 0x81
  utf8,       ///< a string that is not valid UTF-8: 0x81
  repeated,   ///< more than once what may be there once: 0x82
  value,      ///< a value that the standard calls a protocol error: 0x82
  too_many,   ///< more user properties than the caller allows: 0x97
};

using PropertyResult = std::variant<Property, PropertiesEnd, PropertyFault>;

/// Walks over the properties of one packet, without their length. Checks what the standard says of each by itself: its type,
/// its value's range, that it may stand in this packet, and that only a user property is there more than once.
class PropertyReader {
 public:
  /// `user_properties_max`: how many user properties are let through.
  PropertyReader(wire::Bytes properties, PropertySet allowed, std::uint32_t user_properties_max)
      : cursor_(properties), allowed_(allowed), user_properties_left_(user_properties_max) {}

  /// The next property, or the end; after a fault, don't ask again.
  [[nodiscard]] PropertyResult next();
  /// How many bytes have been read so far: where the last property ended.
  [[nodiscard]] std::size_t position() const { return cursor_.position(); }

 private:
  [[nodiscard]] PropertyResult read_number(PropertyId id);
  [[nodiscard]] PropertyResult read_text(PropertyId id);
  [[nodiscard]] PropertyResult read_binary(PropertyId id);
  [[nodiscard]] PropertyResult read_pair(PropertyId id);

  wire::Cursor cursor_;
  PropertySet allowed_;
  PropertySet seen_;
  std::uint32_t user_properties_left_;
};

/// Reads the length of the properties and takes them off the cursor; nothing: it is no length, or they don't fit.
[[nodiscard]] std::optional<wire::Bytes> take_properties(wire::Cursor& cursor);

}  // namespace bastion::mqtt
