// DISCONNECT, AUTH, and the two pings: packets about the connection itself.
#include "proxy/mqtt/disconnect.hpp"

#include "proxy/mqtt/properties.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet disconnect_properties = {
    PropertyId::session_expiry_interval,
    PropertyId::reason_string,
    PropertyId::user_property,
    PropertyId::server_reference,
};

constexpr PropertySet auth_properties = {
    PropertyId::authentication_method,
    PropertyId::authentication_data,
    PropertyId::reason_string,
    PropertyId::user_property,
};

constexpr std::uint8_t auth_success = 0x00;
constexpr std::uint8_t auth_continue = 0x18;
constexpr std::uint8_t auth_again = 0x19;

bool is_auth_code(Sender sender, std::uint8_t code) {
  if (code == auth_continue) return true;
  return code == (sender == Sender::server ? auth_success : auth_again);
}

// Reads the rest of a packet: properties of this size, to which `keep` listens, and nothing behind them.
template <class Keep>
std::optional<PacketFault> read_rest(wire::Cursor& cursor, PropertySet allowed, std::size_t& size, const Keep& keep) {
  const auto properties = take_properties(cursor);
  if (!properties) return malformed(Flaw::property);
  size = properties->size();
  if (const auto fault = read_all(PropertyReader(*properties, allowed, wire::var_int_max), keep)) return fault;
  if (cursor.left() != 0) return malformed(Flaw::trailing);
  return std::nullopt;
}

std::optional<PacketFault> keep_of_disconnect(Disconnect& read, Sender sender, const Property& property) {
  switch (property.id) {
    case PropertyId::session_expiry_interval:
      if (sender == Sender::server) return protocol_error(Flaw::direction);  // [MQTT-3.14.2-2]
      read.session_expiry_interval_s = property.number;
      return std::nullopt;
    case PropertyId::server_reference:
      // Section 3.14.2.2.5: it is the server's.
      if (sender == Sender::client) return protocol_error(Flaw::direction);
      read.server_reference = property.text;
      return std::nullopt;
    case PropertyId::reason_string:
      read.has_reason_string = true;
      return std::nullopt;
    default:  // the reader lets nothing else through but user properties
      ++read.user_properties;
      return std::nullopt;
  }
}

void keep_of_auth(Auth& read, const Property& property) {
  switch (property.id) {
    case PropertyId::authentication_method:
      read.method = property.text;
      return;
    case PropertyId::authentication_data:
      read.data = wire::as_bytes(property.text);
      return;
    case PropertyId::reason_string:
      read.has_reason_string = true;
      return;
    default:  // the reader lets nothing else through but user properties
      ++read.user_properties;
  }
}

}  // namespace

DisconnectResult read_disconnect(Version version, Sender sender, Bytes body) {
  Disconnect read;
  if (version != Version::v5_0) {
    if (sender == Sender::server) return protocol_error(Flaw::direction);
    if (!body.empty()) return malformed(Flaw::trailing);
    return read;
  }
  wire::Cursor cursor(body);
  // The reason code is "normal" where the packet is empty; there are no properties where it is a code alone.
  if (cursor.left() == 0) return read;
  read.reason_code = cursor.u8().value_or(0);
  if (!is_disconnect_code(sender, read.reason_code)) return protocol_error(Flaw::code);  // [MQTT-3.14.2-1]
  if (cursor.left() == 0) return read;
  const auto keep = [&](const Property& property) { return keep_of_disconnect(read, sender, property); };
  if (const auto fault = read_rest(cursor, disconnect_properties, read.properties_size, keep)) return *fault;
  return read;
}

bool is_disconnect_code(Sender sender, std::uint8_t code) {
  switch (code) {
    case 0x00:
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
    case 0x90:
    case 0x93:
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x98:
    case 0x99:
      return true;
    case 0x04:  // disconnect with will
      return sender == Sender::client;
    case 0x87:
    case 0x89:
    case 0x8b:
    case 0x8d:
    case 0x8e:
    case 0x8f:
    case 0x9a:
    case 0x9b:
    case 0x9c:
    case 0x9d:
    case 0x9e:
    case 0x9f:
    case 0xa0:
    case 0xa1:
    case 0xa2:
      return sender == Sender::server;
    default:
      return false;
  }
}

AuthResult read_auth(Version version, Sender sender, Bytes body) {
  if (version != Version::v5_0) return malformed(Flaw::direction);
  Auth read;
  wire::Cursor cursor(body);
  if (cursor.left() > 0) {
    read.reason_code = cursor.u8().value_or(0);
    if (!is_auth_code(sender, read.reason_code)) return protocol_error(Flaw::code);  // [MQTT-3.15.2-1]
    const auto keep = [&read](const Property& property) -> std::optional<PacketFault> {
      keep_of_auth(read, property);
      return std::nullopt;
    };
    if (const auto fault = read_rest(cursor, auth_properties, read.properties_size, keep)) return *fault;
  } else if (!is_auth_code(sender, read.reason_code)) {
    return protocol_error(Flaw::code);
  }
  // Section 3.15.2.2.2. Success may be an empty packet, so only there the method can be missing.
  if (!read.method && (read.reason_code != auth_success || read.data)) return protocol_error(Flaw::authentication);
  return read;
}

std::optional<PacketFault> check_ping(Sender sender, const FixedHeader& header) {
  const Sender expected = header.type == PacketType::pingreq ? Sender::client : Sender::server;
  if (sender != expected) return protocol_error(Flaw::direction);
  if (header.remaining_length != 0) return malformed(Flaw::length);
  return std::nullopt;
}

}  // namespace bastion::mqtt
