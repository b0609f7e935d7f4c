// The four packets that acknowledge a PUBLISH: PUBACK, PUBREC, PUBREL and PUBCOMP.
#include "proxy/mqtt/acknowledge.hpp"

#include <optional>

#include "proxy/mqtt/properties.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet acknowledgement_properties = {PropertyId::reason_string, PropertyId::user_property};

constexpr std::uint8_t no_matching_subscribers = 0x10;

bool is_reception_code(Sender sender, std::uint8_t code) {
  switch (code) {
    case 0x00:
    case 0x80:
    case 0x83:
    case 0x87:
    case 0x90:
    case 0x91:
    case 0x97:
    case 0x99:
      return true;
    case no_matching_subscribers:
      return sender == Sender::server;
    default:
      return false;
  }
}

bool is_release_code(std::uint8_t code) {
  return code == 0x00 || code == 0x92;
}

std::optional<PacketFault> read_properties(wire::Cursor& cursor, Acknowledgement& read) {
  const auto properties = take_properties(cursor);
  if (!properties) return malformed(Flaw::property);
  read.properties_size = properties->size();
  const auto keep = [&read](const Property& property) -> std::optional<PacketFault> {
    if (property.id == PropertyId::reason_string) read.has_reason_string = true;
    if (property.id == PropertyId::user_property) ++read.user_properties;
    return std::nullopt;
  };
  return read_all(PropertyReader(*properties, acknowledgement_properties, wire::var_int_max), keep);
}

}  // namespace

AcknowledgementResult read_acknowledgement(Version version, Sender sender, PacketType type, Bytes body) {
  const bool is_v5 = version == Version::v5_0;
  if (body.size() < acknowledgement_length_min) return malformed(Flaw::length);
  if (!is_v5 && body.size() > acknowledgement_length_min) return malformed(Flaw::trailing);

  wire::Cursor cursor(body);
  Acknowledgement read;
  read.packet_id = cursor.u16().value_or(0);
  if (read.packet_id == 0) return protocol_error(Flaw::packet_id);
  // A reason code of success and no properties may both be left out; the properties may, whatever the code.
  if (cursor.left() == 0) return read;
  read.reason_code = cursor.u8().value_or(0);
  if (!is_acknowledgement_code(sender, type, read.reason_code)) return protocol_error(Flaw::code);
  if (cursor.left() == 0) return read;
  if (const auto fault = read_properties(cursor, read)) return *fault;
  if (cursor.left() != 0) return malformed(Flaw::trailing);
  return read;
}

bool is_acknowledgement_code(Sender sender, PacketType type, std::uint8_t code) {
  // [MQTT-3.4.2-1], [MQTT-3.5.2-1]; [MQTT-3.6.2-1], [MQTT-3.7.2-1].
  if (type == PacketType::puback || type == PacketType::pubrec) return is_reception_code(sender, code);
  return is_release_code(code);
}

}  // namespace bastion::mqtt
