// SUBSCRIBE and UNSUBSCRIBE: what a client asks to be sent, filter by filter.
#include "proxy/mqtt/subscribe.hpp"

#include "proxy/mqtt/properties.hpp"
#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet subscribe_properties = {PropertyId::subscription_identifier, PropertyId::user_property};
constexpr PropertySet unsubscribe_properties = {PropertyId::user_property};

constexpr unsigned qos_bits = 0x03;
constexpr unsigned no_local_bit = 0x04;
constexpr unsigned retain_as_published_bit = 0x08;
constexpr unsigned retain_handling_shift = 4;
constexpr unsigned reserved_bits_v5 = 0xc0;

std::optional<PacketFault> read_packet_id(wire::Cursor& cursor, std::uint16_t& packet_id) {
  const auto read = cursor.u16();
  if (!read) return malformed(Flaw::length);
  packet_id = *read;
  if (packet_id == 0) return protocol_error(Flaw::packet_id);  // [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
  return std::nullopt;
}

std::optional<PacketFault> read_filter(Version version, wire::Cursor& cursor, std::string_view& filter) {
  const auto read = cursor.text();
  if (!read) return malformed(Flaw::length);
  filter = *read;
  if (!is_valid_utf8(filter)) return malformed(Flaw::utf8);               // [MQTT-3.8.3-1], [MQTT-3.10.3-1]
  if (!is_topic_filter(version, filter)) return malformed(Flaw::filter);  // section 4.7.1, 5.0 section 4.8.2
  return std::nullopt;
}

// 3.1.1: [MQTT-3.8.3-4]; 5.0: [MQTT-3.8.3-5] and section 3.8.3.1.
std::optional<PacketFault> check_options(Version version, std::string_view filter, unsigned options) {
  constexpr unsigned qos_max = 2;
  if (version != Version::v5_0) {
    if (options > qos_max) return malformed(Flaw::options);
    return std::nullopt;
  }
  if ((options & reserved_bits_v5) != 0) return malformed(Flaw::options);
  if ((options & qos_bits) > qos_max) return protocol_error(Flaw::options);
  if (options >> retain_handling_shift == 3) return protocol_error(Flaw::options);
  if ((options & no_local_bit) != 0 && is_shared(filter)) return protocol_error(Flaw::no_local);  // [MQTT-3.8.3-4]
  return std::nullopt;
}

std::optional<PacketFault> read_properties(wire::Cursor& cursor, Subscribe& read) {
  const auto properties = take_properties(cursor);
  if (!properties) return malformed(Flaw::property);
  read.properties = *properties;
  PropertyReader reader(*properties, subscribe_properties, wire::var_int_max);
  while (true) {
    const PropertyResult result = reader.next();
    if (const auto* const fault = std::get_if<PropertyFault>(&result)) {
      const bool is_zero = *fault == PropertyFault::value && reader.last_id() == PropertyId::subscription_identifier;
      return is_zero ? protocol_error(Flaw::subscription_identifier) : to_packet_fault(*fault);
    }
    const auto* const property = std::get_if<Property>(&result);
    if (!property) return std::nullopt;
    if (property->id == PropertyId::subscription_identifier) read.subscription_identifier = property->number;
    if (property->id == PropertyId::user_property) ++read.user_properties;
  }
}

std::optional<PacketFault> read_properties(wire::Cursor& cursor, Unsubscribe& read) {
  const auto properties = take_properties(cursor);
  if (!properties) return malformed(Flaw::property);
  read.properties = *properties;
  const auto keep = [&read](const Property&) -> std::optional<PacketFault> {
    ++read.user_properties;
    return std::nullopt;
  };
  return read_all(PropertyReader(*properties, unsubscribe_properties, wire::var_int_max), keep);
}

std::optional<PacketFault> read_subscription(Version version, wire::Cursor& cursor) {
  std::string_view filter;
  if (const auto fault = read_filter(version, cursor, filter)) return fault;
  const auto options = cursor.u8();
  if (!options) return malformed(Flaw::length);
  return check_options(version, filter, *options);
}

std::optional<PacketFault> read_unsubscription(Version version, wire::Cursor& cursor) {
  std::string_view filter;
  return read_filter(version, cursor, filter);
}

// SUBSCRIBE and UNSUBSCRIBE are built alike; they differ in their properties, and in what stands behind each filter.
template <class Packet, class ReadEntry>
std::variant<Packet, PacketFault> read_packet(Version version, Bytes body, const ReadEntry& read_entry) {
  Packet read;
  wire::Cursor cursor(body);
  if (const auto fault = read_packet_id(cursor, read.packet_id)) return *fault;
  if (version == Version::v5_0) {
    if (const auto fault = read_properties(cursor, read)) return *fault;
  }
  read.payload = body.subspan(cursor.position());
  if (cursor.left() == 0) return protocol_error(Flaw::empty);
  while (cursor.left() > 0) {
    if (const auto fault = read_entry(version, cursor)) return *fault;
    ++read.filters;
  }
  return read;
}

}  // namespace

SubscribeResult read_subscribe(Version version, Bytes body) {
  return read_packet<Subscribe>(version, body, read_subscription);
}

UnsubscribeResult read_unsubscribe(Version version, Bytes body) {
  return read_packet<Unsubscribe>(version, body, read_unsubscription);
}

std::optional<Subscription> SubscriptionReader::next() {
  const auto filter = cursor_.text();
  const auto options = cursor_.u8();
  if (!filter || !options) return std::nullopt;
  return Subscription{*filter, static_cast<std::uint8_t>(*options & qos_bits), (*options & no_local_bit) != 0,
                      (*options & retain_as_published_bit) != 0,
                      static_cast<std::uint8_t>(*options >> retain_handling_shift)};
}

}  // namespace bastion::mqtt
