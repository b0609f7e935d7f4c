// The head of a PUBLISH: topic, packet identifier and properties, read before the payload has come.
#include "proxy/mqtt/publish.hpp"

#include <algorithm>

#include "proxy/mqtt/properties.hpp"
#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"

namespace bastion::mqtt {

namespace {

constexpr PropertySet publish_properties = {
    PropertyId::payload_format_indicator,
    PropertyId::message_expiry_interval,
    PropertyId::topic_alias,
    PropertyId::response_topic,
    PropertyId::correlation_data,
    PropertyId::user_property,
    PropertyId::subscription_identifier,
    PropertyId::content_type,
};
// A message that fits several subscriptions carries the identifier of each (5.0 section 3.3.2.3.8).
constexpr PropertySet may_repeat = {PropertyId::user_property, PropertyId::subscription_identifier};

constexpr std::size_t length_size = 2;
constexpr std::size_t packet_id_size = 2;

std::uint16_t u16_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Reads the fields in their order; each step says whether the next may follow, and the first obstacle stays.
class HeadReader {
 public:
  HeadReader(Version version, Sender sender, const FixedHeader& header, Bytes body_in_hand, PublishHead& head)
      : is_v5_(version == Version::v5_0),
        sender_(sender),
        size_(header.remaining_length),
        body_(body_in_hand.first(std::min<std::size_t>(body_in_hand.size(), size_))),
        head_(head) {
    head_.qos = header.qos();
    head_.dup = (header.flags & 8u) != 0;
    head_.retain = (header.flags & 1u) != 0;
  }

  bool read() { return read_topic() && read_packet_id() && read_properties() && read_end(); }

  [[nodiscard]] PublishHeadResult obstacle() const {
    if (fault_) return *fault_;
    return HeadCutShort{bytes_min_};
  }

 private:
  bool fail(PacketFault fault) {
    fault_ = fault;
    return false;
  }

  // Whether the body up to `end` is in hand; if not, the answer is to wait for it.
  bool has(std::size_t end) {
    bytes_min_ = end;
    return body_.size() >= end;
  }

  // The least that has to stand behind the topic: the packet identifier, the length of the properties, and, where the topic
  // is empty, an alias.
  [[nodiscard]] std::size_t least_behind(std::size_t topic_size) const {
    const std::size_t packet_id = head_.qos > 0 ? packet_id_size : 0;
    if (!is_v5_) return packet_id;
    return packet_id + 1 + (topic_size == 0 ? topic_alias_size : 0);
  }

  bool read_topic() {
    // No topic is shorter than one character, and an alias in its place is longer than that.
    if (size_ < length_size + 1 + least_behind(1)) return fail(malformed(Flaw::length));
    if (!has(length_size)) return false;
    const std::size_t topic_size = u16_at(body_, 0);
    if (topic_size == 0 && !is_v5_) return fail(malformed(Flaw::topic));  // [MQTT-4.7.3-1]
    at_ = length_size + topic_size;
    if (at_ + least_behind(topic_size) > size_) return fail(malformed(Flaw::length));
    if (!has(at_)) return false;
    head_.topic = as_text(body_.subspan(publish_topic_at, topic_size));
    if (topic_size == 0 || is_plain_topic_name(head_.topic)) return true;
    if (!is_valid_utf8(head_.topic)) return fail(malformed(Flaw::utf8));   // [MQTT-3.3.2-1]
    if (!is_topic_name(head_.topic)) return fail(malformed(Flaw::topic));  // [MQTT-3.3.2-2]
    return true;
  }

  bool read_packet_id() {
    if (head_.qos == 0) return true;
    if (!has(at_ + packet_id_size)) return false;
    head_.packet_id = u16_at(body_, at_);
    if (head_.packet_id == 0) return fail(protocol_error(Flaw::packet_id));  // [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
    at_ += packet_id_size;
    return true;
  }

  bool read_properties() {
    if (!is_v5_) return true;
    head_.properties_at = static_cast<std::uint32_t>(at_);
    const wire::VarInt properties_size = wire::read_var_int(body_.subspan(at_));
    if (properties_size.outcome == wire::VarInt::Outcome::malformed) return fail(malformed(Flaw::property));
    if (properties_size.outcome == wire::VarInt::Outcome::cut_short) {
      if (body_.size() == size_) return fail(malformed(Flaw::length));
      return has(body_.size() + 1);
    }
    at_ += properties_size.size;
    if (properties_size.value > size_ - at_) return fail(malformed(Flaw::property));
    if (properties_size.value == 0) return true;
    return is_lone_alias(properties_size.value) ? take_lone_alias() : walk(properties_size.value);
  }

  // An alias and nothing else is what a client that uses aliases says with each message: it is worth a way of its own.
  [[nodiscard]] bool is_lone_alias(std::size_t properties_size) const {
    return properties_size == topic_alias_size && body_.size() - at_ >= topic_alias_size &&
           body_[at_] == static_cast<std::uint8_t>(PropertyId::topic_alias) && u16_at(body_, at_ + 1) != 0;
  }

  bool take_lone_alias() {
    head_.topic_alias = u16_at(body_, at_ + 1);
    head_.topic_alias_at = static_cast<std::uint32_t>(at_);
    at_ += topic_alias_size;
    return true;
  }

  bool walk(std::size_t properties_size) {
    const std::size_t start = at_;
    at_ += properties_size;
    const std::size_t in_hand = std::min(body_.size() - start, properties_size);
    PropertyReader reader(body_.subspan(start, in_hand), properties_size, publish_properties, wire::var_int_max, may_repeat);
    while (reader.position() < properties_size) {
      const std::size_t property_at = start + reader.position();
      const PropertyResult result = reader.next();
      if (const auto* const property = std::get_if<Property>(&result)) {
        if (!keep(*property, property_at)) return false;
        continue;
      }
      if (const auto* const fault = std::get_if<PropertyFault>(&result)) return fail(fault_of(*fault, reader));
      return has(at_);  // cut short, so that it is not
    }
    return true;
  }

  static PacketFault fault_of(PropertyFault fault, const PropertyReader& reader) {
    if (fault == PropertyFault::value && reader.last_id() == PropertyId::topic_alias) {
      return {Flaw::alias, reason_code::topic_alias_invalid};  // [MQTT-3.3.2-8]
    }
    return to_packet_fault(fault);
  }

  bool keep(const Property& property, std::size_t at) {
    switch (property.id) {
      case PropertyId::topic_alias:
        head_.topic_alias = static_cast<std::uint16_t>(property.number);
        head_.topic_alias_at = static_cast<std::uint32_t>(at);
        return true;
      case PropertyId::payload_format_indicator:
        head_.payload_is_utf8 = property.number == 1;
        return true;
      case PropertyId::message_expiry_interval:
        head_.message_expiry_s = property.number;
        return true;
      case PropertyId::response_topic:
        head_.response_topic = property.text;
        return true;
      case PropertyId::content_type:
        head_.content_type = property.text;
        return true;
      case PropertyId::correlation_data:
        head_.has_correlation_data = true;
        return true;
      case PropertyId::subscription_identifier:
        if (sender_ == Sender::client) return fail(protocol_error(Flaw::subscription_identifier));  // [MQTT-3.3.4-6]
        ++head_.subscription_identifiers;
        return true;
      default:  // the reader lets nothing else through but user properties
        ++head_.user_properties;
        return true;
    }
  }

  bool read_end() {
    // Section 3.3.2.1: an empty topic needs an alias in its place.
    if (head_.topic.empty() && !head_.topic_alias) return fail(protocol_error(Flaw::topic));
    head_.head_bytes = static_cast<std::uint32_t>(at_);
    head_.payload_bytes = static_cast<std::uint32_t>(size_ - at_);
    return true;
  }

  bool is_v5_;
  Sender sender_;
  std::size_t size_;
  Bytes body_;
  PublishHead& head_;
  std::size_t at_ = 0;
  std::size_t bytes_min_ = 0;
  std::optional<PacketFault> fault_;
};

}  // namespace

PublishHeadResult read_publish_head(Version version, Sender sender, const FixedHeader& header, Bytes body_in_hand) {
  // One object from here to the caller: the head is too large to be copied for every message.
  PublishHeadResult result{std::in_place_type<PublishHead>};
  HeadReader reader(version, sender, header, body_in_hand, *std::get_if<PublishHead>(&result));
  if (!reader.read()) result = reader.obstacle();
  return result;
}

}  // namespace bastion::mqtt
