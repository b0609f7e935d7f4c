// CONNACK, read strictly, and the two packets with which a server says no: CONNACK and DISCONNECT.
#include "proxy/mqtt/connack.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "proxy/mqtt/properties.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet connack_properties = {
    PropertyId::session_expiry_interval,
    PropertyId::receive_maximum,
    PropertyId::maximum_qos,
    PropertyId::retain_available,
    PropertyId::maximum_packet_size,
    PropertyId::assigned_client_identifier,
    PropertyId::topic_alias_maximum,
    PropertyId::reason_string,
    PropertyId::user_property,
    PropertyId::wildcard_subscription_available,
    PropertyId::subscription_identifier_available,
    PropertyId::shared_subscription_available,
    PropertyId::server_keep_alive,
    PropertyId::response_information,
    PropertyId::server_reference,
    PropertyId::authentication_method,
    PropertyId::authentication_data,
};

constexpr std::uint8_t connack_first_byte = 0x20;
constexpr std::uint8_t disconnect_first_byte = 0xe0;
constexpr std::uint8_t v3_return_code_max = 5;  // OASIS 3.1.1 table 3.1

// OASIS 5.0 table 3-1.
constexpr std::array<std::uint8_t, 22> v5_connack_codes = {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                                                           0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f};

bool is_code(Version version, std::uint8_t code) {
  if (version != Version::v5_0) return code <= v3_return_code_max;
  return std::find(v5_connack_codes.begin(), v5_connack_codes.end(), code) != v5_connack_codes.end();
}

void keep(Connack& connack, const Property& property) {
  switch (property.id) {
    case PropertyId::server_keep_alive:
      connack.server_keep_alive_s = static_cast<std::uint16_t>(property.number);
      return;
    case PropertyId::session_expiry_interval:
      connack.session_expiry_interval_s = property.number;
      return;
    case PropertyId::maximum_packet_size:
      connack.maximum_packet_size = property.number;
      return;
    case PropertyId::receive_maximum:
      connack.receive_maximum = static_cast<std::uint16_t>(property.number);
      return;
    case PropertyId::topic_alias_maximum:
      connack.topic_alias_maximum = static_cast<std::uint16_t>(property.number);
      return;
    case PropertyId::maximum_qos:
      connack.maximum_qos = static_cast<std::uint8_t>(property.number);
      return;
    case PropertyId::retain_available:
      connack.retain_available = property.number == 1;
      return;
    case PropertyId::wildcard_subscription_available:
      connack.wildcard_subscription_available = property.number == 1;
      return;
    case PropertyId::subscription_identifier_available:
      connack.subscription_identifier_available = property.number == 1;
      return;
    case PropertyId::shared_subscription_available:
      connack.shared_subscription_available = property.number == 1;
      return;
    case PropertyId::assigned_client_identifier:
      connack.assigned_client_id = property.text;
      return;
    case PropertyId::authentication_method:
    case PropertyId::authentication_data:
      connack.has_authentication = true;
      return;
    case PropertyId::response_information:
      connack.has_response_information = true;
      return;
    case PropertyId::reason_string:
      connack.has_reason_string = true;
      return;
    case PropertyId::user_property:
      ++connack.user_properties;
      return;
    default:  // Server Reference is between broker and client
      return;
  }
}

// Nothing: all is well.
std::optional<ConnackFault> read_properties(wire::Cursor& cursor, Connack& connack) {
  connack.properties_at = cursor.position();
  const auto properties = take_properties(cursor);
  if (!properties) return ConnackFault::property;
  // The broker is ours and the packet is bounded: its user properties need no limit of their own.
  PropertyReader reader(*properties, connack_properties, wire::var_int_max);
  while (true) {
    const PropertyResult result = reader.next();
    if (const auto* const fault = std::get_if<PropertyFault>(&result)) {
      return *fault == PropertyFault::utf8 ? ConnackFault::utf8 : ConnackFault::property;
    }
    const auto* const property = std::get_if<Property>(&result);
    if (!property) return std::nullopt;
    keep(connack, *property);
  }
}

std::optional<ConnackFault> read_acknowledgement(wire::Cursor& cursor, Version version, Connack& connack) {
  const auto flags = cursor.u8();
  const auto code = cursor.u8();
  if (!flags || !code) return ConnackFault::length;
  if ((*flags & 0xfeu) != 0) return ConnackFault::flags;  // 5.0: [MQTT-3.2.2-1]
  if (!is_code(version, *code)) return ConnackFault::code;
  connack.code = *code;
  connack.session_present = version != Version::v3_1 && *flags == 1;
  if (connack.session_present && *code != 0) return ConnackFault::flags;
  return std::nullopt;
}

void append(std::vector<std::uint8_t>& packet, Bytes bytes) {
  packet.insert(packet.end(), bytes.begin(), bytes.end());
}

// A property that gets another value, or is put where there was none.
struct Override {
  PropertyId id{};
  std::uint8_t size = 0;  // bytes of its value
  std::uint32_t value = 0;
  bool is_there = false;
};

// All that can be lowered in one CONNACK.
class Overrides {
 public:
  void add(PropertyId id, std::uint8_t size, std::uint32_t value) { items_[count_++] = {id, size, value, false}; }
  // Lowered only where the limit is below what holds without it.
  template <class Limit>
  void lower(PropertyId id, std::uint8_t size, std::optional<Limit> limit, std::uint32_t effective) {
    if (limit && *limit < effective) add(id, size, *limit);
  }
  void forbid(PropertyId id, bool is_allowed, bool is_available) {
    if (!is_allowed && is_available) add(id, 1, 0);
  }
  [[nodiscard]] std::span<Override> items() { return std::span(items_).first(count_); }
  [[nodiscard]] Override* find(PropertyId id) {
    const auto found = std::find_if(items().begin(), items().end(), [id](const Override& item) { return item.id == id; });
    return found == items().end() ? nullptr : &*found;
  }

 private:
  std::array<Override, 10> items_;
  std::size_t count_ = 0;
};

constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

Overrides lowered(const Connack& connack, const ConnackLimits& limits) {
  // No Server Keep Alive, and one of zero: nothing is greater.
  const std::uint32_t keep_alive_s = connack.server_keep_alive_s.value_or(0);
  Overrides overrides;
  overrides.lower(PropertyId::receive_maximum, 2, limits.receive_maximum, connack.receive_maximum);
  overrides.lower(PropertyId::maximum_packet_size, 4, limits.maximum_packet_size,
                  connack.maximum_packet_size.value_or(no_limit));
  overrides.lower(PropertyId::topic_alias_maximum, 2, limits.topic_alias_maximum, connack.topic_alias_maximum);
  overrides.lower(PropertyId::maximum_qos, 1, limits.maximum_qos, connack.maximum_qos);
  overrides.lower(PropertyId::server_keep_alive, 2, limits.server_keep_alive_s, keep_alive_s == 0 ? no_limit : keep_alive_s);
  overrides.lower(PropertyId::session_expiry_interval, 4, limits.session_expiry_interval_s,
                  connack.session_expiry_interval_s.value_or(no_limit));
  overrides.forbid(PropertyId::retain_available, limits.retain_available, connack.retain_available);
  overrides.forbid(PropertyId::wildcard_subscription_available, limits.wildcard_subscription_available,
                   connack.wildcard_subscription_available);
  overrides.forbid(PropertyId::subscription_identifier_available, limits.subscription_identifier_available,
                   connack.subscription_identifier_available);
  overrides.forbid(PropertyId::shared_subscription_available, limits.shared_subscription_available,
                   connack.shared_subscription_available);
  return overrides;
}

void append_override(std::vector<std::uint8_t>& out, const Override& item) {
  out.push_back(static_cast<std::uint8_t>(item.id));
  for (unsigned byte = item.size; byte-- > 0;) out.push_back(static_cast<std::uint8_t>(item.value >> (8 * byte)));
}

// Those that are there keep their place, so that the broker's order stays; those that are not come first.
void append_rewritten(std::vector<std::uint8_t>& out, Bytes packet, const Connack& connack, Overrides overrides) {
  wire::Cursor cursor(packet.subspan(connack.properties_at));
  const Bytes properties = take_properties(cursor).value_or(Bytes{});
  PropertyReader marker(properties, connack_properties, wire::var_int_max);
  for (auto next = marker.next(); std::holds_alternative<Property>(next); next = marker.next()) {
    if (Override* const item = overrides.find(marker.last_id())) item->is_there = true;
  }
  std::size_t size = properties.size();
  for (const Override& item : overrides.items()) size += item.is_there ? 0u : 1u + item.size;

  const auto new_size = static_cast<std::uint32_t>(size);
  out.push_back(packet[0]);
  wire::append_var_int(out, 2 + wire::var_int_size(new_size) + new_size);
  append(out, packet.subspan(connack.properties_at - 2, 2));
  wire::append_var_int(out, new_size);
  for (const Override& item : overrides.items()) {
    if (!item.is_there) append_override(out, item);
  }
  PropertyReader reader(properties, connack_properties, wire::var_int_max);
  std::size_t start = 0;
  for (auto next = reader.next(); std::holds_alternative<Property>(next); next = reader.next()) {
    const Override* const item = overrides.find(reader.last_id());
    if (item) append_override(out, *item);
    if (!item) append(out, properties.subspan(start, reader.position() - start));
    start = reader.position();
  }
}

}  // namespace

ConnackResult parse_connack(Bytes packet, Version version) {
  const HeaderResult result = read_fixed_header(packet);
  const auto* const header = std::get_if<FixedHeader>(&result);
  if (!header || header->type != PacketType::connack) return ConnackFault::header;
  if (header->packet_size() != packet.size()) return ConnackFault::length;

  Connack connack;
  wire::Cursor cursor(packet);
  if (!cursor.bytes(header->size)) return ConnackFault::length;
  if (const auto fault = read_acknowledgement(cursor, version, connack)) return *fault;
  if (version == Version::v5_0) {
    if (const auto fault = read_properties(cursor, connack)) return *fault;
  }
  if (cursor.left() != 0) return ConnackFault::trailing;
  return connack;
}

void append_lowered_connack(std::vector<std::uint8_t>& out, Bytes packet, const Connack& connack,
                            const ConnackLimits& limits) {
  append_rewritten(out, packet, connack, lowered(connack, limits));
}

std::array<std::uint8_t, 4> make_connack_v3(std::uint8_t return_code) {
  return {connack_first_byte, 2, 0, return_code};
}

std::array<std::uint8_t, 5> make_connack_v5(std::uint8_t reason_code) {
  return {connack_first_byte, 3, 0, reason_code, 0};
}

std::array<std::uint8_t, 4> make_disconnect_v5(std::uint8_t reason_code) {
  return {disconnect_first_byte, 2, reason_code, 0};
}

}  // namespace bastion::mqtt
