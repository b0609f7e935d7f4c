// Packets that the gate makes itself, or makes anew from those that it read.
#include "proxy/mqtt/reply.hpp"

#include "proxy/mqtt/properties.hpp"

namespace bastion::mqtt {

namespace {

constexpr std::uint8_t suback_first_byte = 0x90;
constexpr std::uint8_t unsuback_first_byte = 0xb0;
constexpr std::uint8_t subscribe_first_byte = 0x82;
constexpr std::uint8_t unsubscribe_first_byte = 0xa2;
constexpr std::uint8_t disconnect_first_byte = 0xe0;

void append_u16(Buffer& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xffu));
}

void append_bytes(Buffer& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_string(Buffer& out, std::string_view text) {
  append_u16(out, static_cast<std::uint16_t>(text.size()));
  append_bytes(out, wire::as_bytes(text));
}

void append_length(Buffer& out, std::size_t size) {
  wire::append_var_int(out, static_cast<std::uint32_t>(size));
}

// How many bytes the properties take with their length; none before MQTT 5.
std::size_t size_of_properties(Version version, std::size_t properties) {
  if (version != Version::v5_0) return 0;
  return wire::var_int_size(static_cast<std::uint32_t>(properties)) + properties;
}

void append_properties(Buffer& out, Version version, Bytes properties) {
  if (version != Version::v5_0) return;
  append_length(out, properties.size());
  append_bytes(out, properties);
}

// What SUBSCRIBE, UNSUBSCRIBE and their answers have in common.
void append_start(Buffer& out, Version version, std::uint8_t first_byte, std::uint16_t packet_id, Bytes properties,
                  std::size_t payload_size) {
  out.push_back(first_byte);
  append_length(out, sizeof packet_id + size_of_properties(version, properties.size()) + payload_size);
  append_u16(out, packet_id);
  append_properties(out, version, properties);
}

std::uint8_t first_byte_of(PacketType type) {
  const unsigned flags = type == PacketType::pubrel ? 2 : 0;
  return static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | flags);
}

}  // namespace

void append_acknowledgement(Buffer& out, Version version, PacketType type, std::uint16_t packet_id,
                            std::uint8_t reason_code) {
  // The length of no properties could be left out: some clients ask for it.
  const bool has_code = version == Version::v5_0 && reason_code != 0;
  out.push_back(first_byte_of(type));
  out.push_back(has_code ? 4 : 2);
  append_u16(out, packet_id);
  if (!has_code) return;
  out.push_back(reason_code);
  out.push_back(0);
}

void append_suback(Buffer& out, Version version, std::uint16_t packet_id, Bytes codes, Bytes properties) {
  append_start(out, version, suback_first_byte, packet_id, properties, codes.size());
  append_bytes(out, codes);
}

void append_unsuback(Buffer& out, Version version, std::uint16_t packet_id, Bytes codes, Bytes properties) {
  const Bytes payload = version == Version::v5_0 ? codes : Bytes{};
  append_start(out, version, unsuback_first_byte, packet_id, properties, payload.size());
  append_bytes(out, payload);
}

void append_disconnect(Buffer& out, Version version, std::uint8_t reason_code) {
  const bool is_v5 = version == Version::v5_0;
  out.push_back(disconnect_first_byte);
  out.push_back(is_v5 ? 2 : 0);
  if (!is_v5) return;
  out.push_back(reason_code);
  out.push_back(0);
}

void append_subscribe(Buffer& out, Version version, const Subscribe& subscribe, std::span<const Subscription> kept) {
  std::size_t payload_size = 0;
  for (const Subscription& each : kept) payload_size += 2 + each.filter.size() + 1;
  append_start(out, version, subscribe_first_byte, subscribe.packet_id, subscribe.properties, payload_size);
  for (const Subscription& each : kept) {
    append_string(out, each.filter);
    out.push_back(each.options());
  }
}

void append_unsubscribe(Buffer& out, Version version, const Unsubscribe& unsubscribe,
                        std::span<const std::string_view> kept) {
  std::size_t payload_size = 0;
  for (const std::string_view filter : kept) payload_size += 2 + filter.size();
  append_start(out, version, unsubscribe_first_byte, unsubscribe.packet_id, unsubscribe.properties, payload_size);
  for (const std::string_view filter : kept) append_string(out, filter);
}

bool append_publish_head(Buffer& out, Version version, const FixedHeader& header, const PublishHead& head, Bytes body,
                         const TopicOfPublish& topic) {
  const bool is_v5 = version == Version::v5_0;
  // The properties without their length and without an alias: what is before it, and what is behind it.
  Bytes before;
  Bytes behind;
  if (is_v5) {
    const std::size_t length_size = wire::read_var_int(body.subspan(head.properties_at)).size;
    const std::size_t start = head.properties_at + length_size;
    const std::size_t alias_at = head.topic_alias ? head.topic_alias_at : head.head_bytes;
    const std::size_t alias_end = head.topic_alias ? alias_at + topic_alias_size : alias_at;
    before = body.subspan(start, alias_at - start);
    behind = body.subspan(alias_end, head.head_bytes - alias_end);
  }
  const std::size_t properties = before.size() + behind.size() + (is_v5 && topic.alias ? topic_alias_size : 0);
  const std::size_t packet_id_size = head.qos > 0 ? 2 : 0;
  const std::size_t length =
      2 + topic.name.size() + packet_id_size + size_of_properties(version, properties) + head.payload_bytes;
  if (length > wire::var_int_max) return false;

  out.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(PacketType::publish) << 4 | header.flags));
  append_length(out, length);
  append_string(out, topic.name);
  if (head.qos > 0) append_u16(out, head.packet_id);
  if (!is_v5) return true;
  append_length(out, properties);
  append_bytes(out, before);
  append_bytes(out, behind);
  if (topic.alias) {
    out.push_back(static_cast<std::uint8_t>(PropertyId::topic_alias));
    append_u16(out, *topic.alias);
  }
  return true;
}

}  // namespace bastion::mqtt
