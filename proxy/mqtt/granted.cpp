// SUBACK and UNSUBACK: what the server says to each filter.
#include "proxy/mqtt/granted.hpp"

#include <algorithm>
#include <optional>

#include "proxy/mqtt/properties.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet granted_properties = {PropertyId::reason_string, PropertyId::user_property};

constexpr std::uint8_t qos_max = 2;
constexpr std::uint8_t v3_failure = 0x80;

// Nothing: all is well.
std::optional<PacketFault> read_head(Version version, wire::Cursor& cursor, Granted& read) {
  const auto packet_id = cursor.u16();
  if (!packet_id) return malformed(Flaw::length);
  if (*packet_id == 0) return protocol_error(Flaw::packet_id);
  read.packet_id = *packet_id;
  if (version != Version::v5_0) return std::nullopt;
  const auto properties = take_properties(cursor);
  if (!properties) return malformed(Flaw::property);
  read.properties = *properties;
  const auto keep = [&read](const Property& property) -> std::optional<PacketFault> {
    if (property.id == PropertyId::user_property) ++read.user_properties;
    return std::nullopt;
  };
  return read_all(PropertyReader(*properties, granted_properties, wire::var_int_max), keep);
}

template <class IsCode>
GrantedResult read_packet(Version version, Bytes body, const IsCode& is_code) {
  Granted read;
  wire::Cursor cursor(body);
  if (const auto fault = read_head(version, cursor, read)) return *fault;
  read.codes = body.subspan(cursor.position());
  if (read.codes.empty()) return protocol_error(Flaw::empty);
  if (!std::all_of(read.codes.begin(), read.codes.end(), is_code)) return protocol_error(Flaw::code);
  return read;
}

}  // namespace

GrantedResult read_suback(Version version, Bytes body) {
  return read_packet(version, body, [version](std::uint8_t code) { return is_suback_code(version, code); });
}

GrantedResult read_unsuback(Version version, Bytes body) {
  if (version == Version::v5_0) return read_packet(version, body, is_unsuback_code);
  Granted read;
  wire::Cursor cursor(body);
  if (const auto fault = read_head(version, cursor, read)) return *fault;
  if (cursor.left() != 0) return malformed(Flaw::trailing);
  return read;
}

bool is_suback_code(Version version, std::uint8_t code) {
  if (code <= qos_max) return true;
  if (version == Version::v3_1) return false;
  if (version == Version::v3_1_1) return code == v3_failure;
  switch (code) {
    case 0x80:
    case 0x83:
    case 0x87:
    case 0x8f:
    case 0x91:
    case 0x97:
    case 0x9e:
    case 0xa1:
    case 0xa2:
      return true;
    default:
      return false;
  }
}

bool is_unsuback_code(std::uint8_t code) {
  switch (code) {
    case 0x00:
    case 0x11:
    case 0x80:
    case 0x83:
    case 0x87:
    case 0x8f:
    case 0x91:
      return true;
    default:
      return false;
  }
}

}  // namespace bastion::mqtt
