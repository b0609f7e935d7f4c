// CONNACK, read strictly, and the two packets with which a server says no: CONNACK and DISCONNECT.
#include "proxy/mqtt/connack.hpp"

#include <algorithm>

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

void keep(Connack& connack, const Property& property, std::size_t end_at) {
  switch (property.id) {
    case PropertyId::server_keep_alive:
      connack.server_keep_alive_s = static_cast<std::uint16_t>(property.number);
      connack.keep_alive_at = end_at - 2;
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
    case PropertyId::authentication_method:
    case PropertyId::authentication_data:
      connack.has_authentication = true;
      return;
    default:
      return;
  }
}

// Nothing: all is well.
std::optional<ConnackFault> read_properties(wire::Cursor& cursor, Connack& connack) {
  connack.properties_at = cursor.position();
  const auto properties = take_properties(cursor);
  if (!properties) return ConnackFault::property;
  const std::size_t start = cursor.position() - properties->size();
  // The broker is ours and the packet is bounded: its user properties need no limit of their own.
  PropertyReader reader(*properties, connack_properties, wire::var_int_max);
  while (true) {
    const PropertyResult result = reader.next();
    if (const auto* const fault = std::get_if<PropertyFault>(&result)) {
      return *fault == PropertyFault::utf8 ? ConnackFault::utf8 : ConnackFault::property;
    }
    const auto* const property = std::get_if<Property>(&result);
    if (!property) return std::nullopt;
    keep(connack, *property, start + reader.position());
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

std::vector<std::uint8_t> patch_keep_alive(Bytes packet, std::size_t at, std::uint16_t seconds) {
  std::vector<std::uint8_t> patched(packet.begin(), packet.end());
  patched[at] = static_cast<std::uint8_t>(seconds >> 8);
  patched[at + 1] = static_cast<std::uint8_t>(seconds & 0xffu);
  return patched;
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

std::vector<std::uint8_t> with_server_keep_alive(Bytes packet, const Connack& connack, std::uint16_t seconds) {
  if (connack.server_keep_alive_s) return patch_keep_alive(packet, connack.keep_alive_at, seconds);

  constexpr std::uint32_t added = 3;
  wire::Cursor cursor(packet.subspan(connack.properties_at));
  const wire::VarInt old_size = cursor.var_int();
  const Bytes acknowledgement = packet.subspan(connack.properties_at - 2, 2);
  const Bytes properties = packet.subspan(connack.properties_at + old_size.size);
  const std::uint32_t new_size = old_size.value + added;

  std::vector<std::uint8_t> rewritten = {packet[0]};
  wire::append_var_int(rewritten, 2 + wire::var_int_size(new_size) + new_size);
  append(rewritten, acknowledgement);
  wire::append_var_int(rewritten, new_size);
  rewritten.push_back(static_cast<std::uint8_t>(PropertyId::server_keep_alive));
  rewritten.push_back(static_cast<std::uint8_t>(seconds >> 8));
  rewritten.push_back(static_cast<std::uint8_t>(seconds & 0xffu));
  append(rewritten, properties);
  return rewritten;
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

bool is_server_disconnect_code(std::uint8_t reason_code) {
  constexpr std::array<std::uint8_t, 28> codes = {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e,
                                                  0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
                                                  0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2};
  return std::find(codes.begin(), codes.end(), reason_code) != codes.end();
}

}  // namespace bastion::mqtt
