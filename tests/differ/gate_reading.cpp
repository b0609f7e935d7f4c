// The gate's own reading: each packet by the parser that judged it, and its properties by the gate's walk over them.
#include "tests/differ/gate_reading.hpp"

#include <limits>
#include <map>
#include <stdexcept>
#include <variant>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/connect.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/properties.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"

namespace bastion::differ {

namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::Version;

/// The gate itself takes the packet for malformed: nothing that went through may be.
struct Malformed : std::runtime_error {
  explicit Malformed(const std::string& what) : std::runtime_error("malformed to the gate: " + what) {}
};
/// The other reader is known to give up here, in these words.
struct GivesUp : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class Packet, class Result>
const Packet& whole(const Result& result, const char* what) {
  const auto* const packet = std::get_if<Packet>(&result);
  if (packet == nullptr) throw Malformed(what);
  return *packet;
}

constexpr unsigned no_local_and_retain_as_published = 0x0c;

constexpr unsigned number_of(PropertyId id) {
  return static_cast<unsigned>(id);
}

std::string flag(const char* name, bool is_set) {
  return std::string(" ") + name + (is_set ? "=1" : "=0");
}

std::string number(const char* name, std::uint32_t value) {
  return std::string(" ") + name + '=' + std::to_string(value);
}

/// What the properties say by the gate's walk over them; whether each may stand there was asked before.
PropertyWords words_of(Bytes properties) {
  mqtt::PropertySet all;
  for (unsigned id = 0; id < 64; ++id) all.add(static_cast<PropertyId>(id));
  mqtt::PropertyReader reader(properties, properties.size(), all, wire::var_int_max,
                              {PropertyId::user_property, PropertyId::subscription_identifier});
  PropertyWords words;
  while (true) {
    const auto result = reader.next();
    if (std::holds_alternative<mqtt::PropertiesEnd>(result)) return words;
    const auto& property = whole<mqtt::Property>(result, "properties");
    const auto id = number_of(property.id);
    if (property.id == PropertyId::user_property) {
      words.add_pair(id, property.text, property.value);
    } else if (property.text.data() != nullptr) {
      words.add(id, property.text);
    } else {
      words.add(id, property.number);
    }
  }
}

/// The properties behind their length at the cursor; none before MQTT 5.
PropertyWords take_words(wire::Cursor& cursor, Version version) {
  if (version != Version::v5_0 || cursor.left() == 0) return {};
  const auto properties = mqtt::take_properties(cursor);
  if (!properties) throw Malformed("the length of the properties");
  return words_of(*properties);
}

class GateReader {
 public:
  GateReader(const Stream& stream, Quirks quirks) : version_{stream.version}, sender_{stream.sender}, quirks_{quirks} {}

  Reading read(Bytes stream) {
    Reading reading;
    try {
      while (!stream.empty()) {
        const auto result = mqtt::read_fixed_header(stream);
        const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
        if (std::holds_alternative<mqtt::HeaderFault>(result)) throw Malformed("fixed header");
        if (header == nullptr || header->packet_size() > stream.size()) {
          reading.end = Reading::cut;
          return reading;
        }
        reading.packets.push_back(read_packet(*header, stream.first(header->packet_size())));
        stream = stream.subspan(header->packet_size());
      }
    } catch (const std::runtime_error& fault) {
      reading.end = fault.what();
    }
    return reading;
  }

 private:
  std::string read_packet(const mqtt::FixedHeader& header, Bytes packet) {
    const Bytes body = packet.subspan(header.size);
    switch (header.type) {
      case PacketType::connect:
        return connect(packet);
      case PacketType::connack:
        return connack(packet);
      case PacketType::publish:
        return publish(header, body);
      case PacketType::puback:
        return "puback" + acknowledgement(header.type, body);
      case PacketType::pubrec:
        return "pubrec" + acknowledgement(header.type, body);
      case PacketType::pubrel:
        return "pubrel" + acknowledgement(header.type, body);
      case PacketType::pubcomp:
        return "pubcomp" + acknowledgement(header.type, body);
      case PacketType::subscribe:
        return subscribe(body);
      case PacketType::unsubscribe:
        return unsubscribe(body);
      case PacketType::suback:
        return "suback" + granted(mqtt::read_suback(version_, body));
      case PacketType::unsuback:
        return "unsuback" + granted(mqtt::read_unsuback(version_, body));
      case PacketType::disconnect:
        return disconnect(body);
      case PacketType::auth:
        return auth(body);
      default:
        if (mqtt::check_ping(sender_, header)) throw Malformed("ping");
        return header.type == PacketType::pingreq ? "pingreq" : "pingresp";
    }
  }

  std::string in_braces(PropertyWords words) const {
    if (has(quirks_, Quirk::loses_empty_user_values)) words.forget_overwritten_pairs();
    return ' ' + words.words();
  }

  std::string connect(Bytes packet) {
    const auto result = mqtt::parse_connect(packet, std::numeric_limits<std::uint32_t>::max());
    const auto& read = whole<mqtt::Connect>(result, "connect");
    version_ = read.version;
    is_bridge_ = read.bridge;
    constexpr std::size_t flags_and_keep_alive_size = 3;
    wire::Cursor cursor(packet);
    static_cast<void>(cursor.bytes(read.flags_at + flags_and_keep_alive_size));
    auto words = take_words(cursor, version_);
    const auto flags = packet[read.flags_at];
    if (has(quirks_, Quirk::needs_announced_credentials)) {
      if ((flags & 0x80u) != 0 && !read.user_name) throw GivesUp("Cannot parse username");
      if ((flags & 0x40u) != 0 && !read.password) throw GivesUp("Cannot parse password");
    }
    if (read.session_expiry_interval_s != 0) {
      words.set(number_of(PropertyId::session_expiry_interval), read.session_expiry_interval_s);
    }
    if (read.receive_maximum != 65'535) words.set(number_of(PropertyId::receive_maximum), read.receive_maximum);
    words.set(number_of(PropertyId::maximum_packet_size), read.maximum_packet_size);
    if (read.topic_alias_maximum != 0) words.set(number_of(PropertyId::topic_alias_maximum), read.topic_alias_maximum);
    if (read.request_response_information) words.set(number_of(PropertyId::request_response_information), 1u);
    if (!read.request_problem_information) words.set(number_of(PropertyId::request_problem_information), 0u);
    words.set(number_of(PropertyId::authentication_method), read.authentication_method);
    words.set(number_of(PropertyId::authentication_data),
              read.authentication_data ? std::optional{mqtt::as_text(*read.authentication_data)} : std::nullopt);

    auto line = "connect" + number("level", static_cast<std::uint32_t>(read.version)) + flag("bridge", read.bridge) +
                flag("clean", read.clean_start) + number("keep_alive", read.keep_alive_s) + in_braces(std::move(words)) +
                " id=" + quoted(read.client_id);
    if (read.will) {
      static_cast<void>(cursor.text());
      line += will(*read.will, take_words(cursor, version_));
    }
    if (read.user_name) line += " user=" + quoted(*read.user_name);
    if (read.password) line += " password=" + quoted(mqtt::as_text(*read.password));
    return line;
  }

  std::string will(const mqtt::Will& will, PropertyWords words) const {
    if (will.delay_interval_s != 0) words.set(number_of(PropertyId::will_delay_interval), will.delay_interval_s);
    if (will.payload_is_utf8) words.set(number_of(PropertyId::payload_format_indicator), 1u);
    words.set(number_of(PropertyId::response_topic),
              will.response_topic.empty() ? std::nullopt : std::optional{will.response_topic});
    return " will" + number("qos", will.qos) + flag("retain", will.retain) + in_braces(std::move(words)) +
           " topic=" + quoted(will.topic) + " payload=" + fingerprint(will.payload);
  }

  std::string connack(Bytes packet) const {
    const auto result = mqtt::parse_connack(packet, version_);
    const auto& read = whole<mqtt::Connack>(result, "connack");
    wire::Cursor cursor(packet);
    static_cast<void>(cursor.bytes(read.properties_at));
    auto words = version_ == Version::v5_0 ? take_words(cursor, version_) : PropertyWords{};
    words.set(number_of(PropertyId::server_keep_alive),
              read.server_keep_alive_s ? std::optional<std::uint32_t>{*read.server_keep_alive_s} : std::nullopt);
    words.set(number_of(PropertyId::session_expiry_interval), read.session_expiry_interval_s);
    words.set(number_of(PropertyId::maximum_packet_size), read.maximum_packet_size);
    words.set(number_of(PropertyId::assigned_client_identifier), read.assigned_client_id);
    if (read.receive_maximum != 65'535) words.set(number_of(PropertyId::receive_maximum), read.receive_maximum);
    if (read.topic_alias_maximum != 0) words.set(number_of(PropertyId::topic_alias_maximum), read.topic_alias_maximum);
    if (read.maximum_qos != 2) words.set(number_of(PropertyId::maximum_qos), read.maximum_qos);
    const auto forbid = [&words](PropertyId id, bool is_available) {
      if (!is_available) words.set(number_of(id), 0u);
    };
    forbid(PropertyId::retain_available, read.retain_available);
    forbid(PropertyId::wildcard_subscription_available, read.wildcard_subscription_available);
    forbid(PropertyId::subscription_identifier_available, read.subscription_identifier_available);
    forbid(PropertyId::shared_subscription_available, read.shared_subscription_available);
    const bool tells_of_session = version_ == Version::v3_1 && has(quirks_, Quirk::knows_session_present_of_3_1);
    constexpr std::size_t flags_at = 2;  // a CONNACK before MQTT 5 has four bytes
    return "connack" + flag("present", tells_of_session ? packet[flags_at] != 0 : read.session_present) +
           number("code", read.code) + in_braces(std::move(words));
  }

  /// The topic that a message is for: an alias may stand in its place.
  std::string topic_of(const mqtt::PublishHead& head) {
    if (!head.topic_alias) return std::string(head.topic);
    auto& known = aliases_[*head.topic_alias];
    if (!head.topic.empty()) known = head.topic;
    if (known.empty()) throw Malformed("an alias that stands for nothing");
    return known;
  }

  std::string publish(const mqtt::FixedHeader& header, Bytes body) {
    const auto result = mqtt::read_publish_head(version_, sender_, header, body);
    const auto& head = whole<mqtt::PublishHead>(result, "publish");
    PropertyWords words;
    if (version_ == Version::v5_0) {
      wire::Cursor cursor(body);
      static_cast<void>(cursor.bytes(head.properties_at));
      words = take_words(cursor, version_);
      words.set(number_of(PropertyId::topic_alias),
                head.topic_alias ? std::optional<std::uint32_t>{*head.topic_alias} : std::nullopt);
      words.set(number_of(PropertyId::message_expiry_interval), head.message_expiry_s);
      if (head.payload_is_utf8) words.set(number_of(PropertyId::payload_format_indicator), 1u);
      words.set(number_of(PropertyId::response_topic),
                head.response_topic.empty() ? std::nullopt : std::optional{head.response_topic});
      if (!head.content_type.empty()) words.set(number_of(PropertyId::content_type), head.content_type);
    }
    return "publish" + flag("dup", head.dup) + number("qos", head.qos) + flag("retain", head.retain) +
           " topic=" + quoted(topic_of(head)) + number("id", head.packet_id) + in_braces(std::move(words)) +
           " payload=" + fingerprint(body.subspan(head.head_bytes, head.payload_bytes));
  }

  std::string acknowledgement(PacketType type, Bytes body) const {
    const auto result = mqtt::read_acknowledgement(version_, sender_, type, body);
    const auto& read = whole<mqtt::Acknowledgement>(result, "acknowledgement");
    wire::Cursor cursor(body);
    static_cast<void>(cursor.bytes(3));
    return number("id", read.packet_id) + number("code", read.reason_code) +
           in_braces(body.size() > 3 ? take_words(cursor, version_) : PropertyWords{});
  }

  std::string subscribe(Bytes body) const {
    const auto result = mqtt::read_subscribe(version_, body);
    const auto& read = whole<mqtt::Subscribe>(result, "subscribe");
    auto words = words_of(read.properties);
    words.set(number_of(PropertyId::subscription_identifier), read.subscription_identifier);
    auto line = "subscribe" + number("id", read.packet_id) + in_braces(std::move(words));
    mqtt::SubscriptionReader reader(read);
    const auto more = is_bridge_ && has(quirks_, Quirk::adds_options_of_bridges) ? no_local_and_retain_as_published : 0u;
    while (const auto each = reader.next()) {
      line += ' ' + quoted(each->filter) + '=' + std::to_string(each->options() | more);
    }
    return line;
  }

  std::string unsubscribe(Bytes body) const {
    const auto result = mqtt::read_unsubscribe(version_, body);
    const auto& read = whole<mqtt::Unsubscribe>(result, "unsubscribe");
    auto line = "unsubscribe" + number("id", read.packet_id) + in_braces(words_of(read.properties));
    mqtt::FilterReader reader(read);
    while (const auto each = reader.next()) line += ' ' + quoted(*each);
    return line;
  }

  std::string granted(const mqtt::GrantedResult& result) const {
    const auto& read = whole<mqtt::Granted>(result, "granted");
    auto line = number("id", read.packet_id) + in_braces(words_of(read.properties));
    for (const std::uint8_t code : read.codes) line += ' ' + std::to_string(code);
    return line;
  }

  std::string disconnect(Bytes body) const {
    const auto result = mqtt::read_disconnect(version_, sender_, body);
    const auto& read = whole<mqtt::Disconnect>(result, "disconnect");
    wire::Cursor cursor(body);
    static_cast<void>(cursor.u8());
    auto words = take_words(cursor, version_);
    words.set(number_of(PropertyId::session_expiry_interval), read.session_expiry_interval_s);
    if (!read.server_reference.empty()) words.set(number_of(PropertyId::server_reference), read.server_reference);
    return "disconnect" + number("code", read.reason_code) + in_braces(std::move(words));
  }

  std::string auth(Bytes body) const {
    const auto result = mqtt::read_auth(version_, sender_, body);
    const auto& read = whole<mqtt::Auth>(result, "auth");
    wire::Cursor cursor(body);
    static_cast<void>(cursor.u8());
    auto words = take_words(cursor, version_);
    words.set(number_of(PropertyId::authentication_method), read.method);
    words.set(number_of(PropertyId::authentication_data),
              read.data ? std::optional{mqtt::as_text(*read.data)} : std::nullopt);
    return "auth" + number("code", read.reason_code) + in_braces(std::move(words));
  }

  Version version_;
  mqtt::Sender sender_;
  Quirks quirks_;
  bool is_bridge_ = false;
  std::map<std::uint16_t, std::string> aliases_;
};

}  // namespace

Reading gate_reading(const Stream& stream, Quirks quirks) {
  return GateReader(stream, quirks).read(stream.bytes);
}

}  // namespace bastion::differ
