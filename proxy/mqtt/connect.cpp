// CONNECT of MQTT 3.1, 3.1.1 and 5.0, strictly.
#include "proxy/mqtt/connect.hpp"

#include "proxy/mqtt/properties.hpp"
#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"

namespace bastion::mqtt {

namespace {

constexpr std::uint8_t malformed_packet = 0x81;
constexpr std::uint8_t protocol_error = 0x82;
constexpr std::uint8_t unsupported_version = 0x84;
constexpr std::uint8_t quota_exceeded = 0x97;

constexpr std::uint8_t flag_user_name = 0x80;
constexpr std::uint8_t flag_password = 0x40;
constexpr std::uint8_t flag_will_retain = 0x20;
constexpr std::uint8_t flag_will = 0x04;
constexpr std::uint8_t flag_clean_start = 0x02;
constexpr std::uint8_t flag_reserved = 0x01;

constexpr std::uint8_t bridge_bit = 0x80;
constexpr std::size_t string_size_max = 65'535;

constexpr PropertySet connect_properties = {
    PropertyId::session_expiry_interval,
    PropertyId::receive_maximum,
    PropertyId::maximum_packet_size,
    PropertyId::topic_alias_maximum,
    PropertyId::request_problem_information,
    PropertyId::request_response_information,
    PropertyId::user_property,
    PropertyId::authentication_method,
    PropertyId::authentication_data,
};

constexpr PropertySet will_properties = {
    PropertyId::will_delay_interval, PropertyId::payload_format_indicator, PropertyId::message_expiry_interval,
    PropertyId::content_type,        PropertyId::response_topic,           PropertyId::correlation_data,
    PropertyId::user_property,
};

// Reads the fields in their order; each step says whether the next may follow, and the first fault stays.
class ConnectParser {
 public:
  ConnectParser(Bytes packet, std::uint32_t user_properties_max)
      : packet_(packet), cursor_(packet), user_properties_max_(user_properties_max) {}

  ConnectResult parse() {
    if (read_header() && read_protocol() && read_flags() && read_keep_alive() && read_properties() && read_client_id() &&
        read_will() && read_credentials() && read_end()) {
      return connect_;
    }
    return refusal_;
  }

 private:
  bool fail(ConnectFault fault, std::uint8_t reason_code = malformed_packet) {
    refusal_ = {fault, version_, reason_code};
    return false;
  }

  bool fail(PropertyFault fault) {
    switch (fault) {
      case PropertyFault::malformed:
        return fail(ConnectFault::property);
      case PropertyFault::utf8:
        return fail(ConnectFault::utf8);
      case PropertyFault::too_many:
        return fail(ConnectFault::property, quota_exceeded);
      case PropertyFault::repeated:
      case PropertyFault::value:
        break;
    }
    return fail(ConnectFault::property, protocol_error);
  }

  bool is_v5() const { return version_ == Version::v5_0; }

  bool read_header() {
    const HeaderResult result = read_fixed_header(packet_);
    const auto* const header = std::get_if<FixedHeader>(&result);
    const auto* const fault = std::get_if<HeaderFault>(&result);
    if (fault && *fault == HeaderFault::first_byte) return fail(ConnectFault::header_flags);
    if (!header) return fail(ConnectFault::length);
    if (header->type != PacketType::connect) return fail(ConnectFault::header_flags);
    if (header->packet_size() != packet_.size()) return fail(ConnectFault::length);
    return cursor_.bytes(header->size).has_value();
  }

  bool read_protocol() {
    const auto name = cursor_.text();
    if (!name) return fail(ConnectFault::length);
    const bool is_mqtt = *name == "MQTT";
    if (!is_mqtt && *name != "MQIsdp") return fail(ConnectFault::protocol_name);
    const auto level = cursor_.u8();
    if (!level) return fail(ConnectFault::length);
    if (!read_level(is_mqtt, *level)) return fail(ConnectFault::level, unsupported_version);
    connect_.version = *version_;
    return true;
  }

  bool read_level(bool is_mqtt, std::uint8_t level) {
    if (is_mqtt && level == 5) {
      version_ = Version::v5_0;
      return true;
    }
    connect_.bridge = (level & bridge_bit) != 0;
    const unsigned without_bridge = level & ~unsigned{bridge_bit};
    if (is_mqtt && without_bridge == 4) version_ = Version::v3_1_1;
    if (!is_mqtt && without_bridge == 3) version_ = Version::v3_1;
    return version_.has_value();
  }

  bool read_flags() {
    connect_.flags_at = cursor_.position();
    const auto flags = cursor_.u8();
    if (!flags) return fail(ConnectFault::length);
    flags_ = *flags;
    if (has(flag_reserved)) return fail(ConnectFault::flags);  // [MQTT-3.1.2-3]
    // [MQTT-3.1.2-22]; MQTT 5 allows it (section 3.1.2.9).
    if (!is_v5() && has(flag_password) && !has(flag_user_name)) return fail(ConnectFault::flags);
    connect_.clean_start = has(flag_clean_start);
    return read_will_flags();
  }

  bool read_will_flags() {
    const auto qos = static_cast<std::uint8_t>((flags_ >> 3) & 3u);
    // 3.1.1: [MQTT-3.1.2-13] [MQTT-3.1.2-15]; 5.0: [MQTT-3.1.2-11] [MQTT-3.1.2-13].
    if (!has(flag_will)) return (qos == 0 && !has(flag_will_retain)) || fail(ConnectFault::will);
    if (qos == 3) return fail(ConnectFault::will);  // 3.1.1: [MQTT-3.1.2-14]; 5.0: [MQTT-3.1.2-12].
    connect_.will = Will{};
    connect_.will->qos = qos;
    connect_.will->retain = has(flag_will_retain);
    return true;
  }

  bool read_keep_alive() {
    const auto seconds = cursor_.u16();
    if (!seconds) return fail(ConnectFault::length);
    connect_.keep_alive_s = *seconds;
    return true;
  }

  bool read_properties() {
    if (!is_v5()) return true;
    const auto properties = take_properties(cursor_);
    if (!properties) return fail(ConnectFault::property);
    PropertyReader reader(*properties, connect_properties, user_properties_max_);
    while (true) {
      const PropertyResult result = reader.next();
      if (const auto* const fault = std::get_if<PropertyFault>(&result)) return fail(*fault);
      const auto* const property = std::get_if<Property>(&result);
      if (!property) break;
      keep(*property);
      if (property->id == PropertyId::session_expiry_interval) {
        connect_.session_expiry_interval_at = value_at(*properties, reader);
      }
    }
    // Section 3.1.2.11.10.
    if (connect_.authentication_data && !connect_.authentication_method) return fail(ConnectFault::property, protocol_error);
    return true;
  }

  void keep(const Property& property) {
    switch (property.id) {
      case PropertyId::session_expiry_interval:
        connect_.session_expiry_interval_s = property.number;
        return;
      case PropertyId::receive_maximum:
        connect_.receive_maximum = static_cast<std::uint16_t>(property.number);
        return;
      case PropertyId::maximum_packet_size:
        connect_.maximum_packet_size = property.number;
        return;
      case PropertyId::topic_alias_maximum:
        connect_.topic_alias_maximum = static_cast<std::uint16_t>(property.number);
        return;
      case PropertyId::request_response_information:
        connect_.request_response_information = property.number == 1;
        return;
      case PropertyId::request_problem_information:
        connect_.request_problem_information = property.number == 1;
        return;
      case PropertyId::authentication_method:
        connect_.authentication_method = property.text;
        return;
      case PropertyId::authentication_data:
        connect_.authentication_data = wire::as_bytes(property.text);
        return;
      default:  // the reader lets nothing else through but user properties
        ++connect_.user_properties;
    }
  }

  // Where the four bytes of the property that was just read are in the packet.
  [[nodiscard]] std::size_t value_at(Bytes properties, const PropertyReader& reader) const {
    return cursor_.position() - properties.size() + reader.position() - 4;
  }

  // Takes a string that must be valid UTF-8 off the packet.
  bool read_text(std::string_view& into) {
    const auto text = cursor_.text();
    if (!text) return fail(ConnectFault::length);
    if (!is_valid_utf8(*text)) return fail(ConnectFault::utf8);
    into = *text;
    return true;
  }

  bool read_client_id() { return read_text(connect_.client_id); }  // [MQTT-3.1.3-3] [MQTT-3.1.3-4]

  bool read_will() {
    if (!connect_.will) return true;
    if (is_v5() && !read_will_properties()) return false;
    if (!read_text(connect_.will->topic)) return false;  // 3.1.1: [MQTT-3.1.3-10]; 5.0: [MQTT-3.1.3-11].
    if (!is_topic_name(connect_.will->topic)) return fail(ConnectFault::will);
    const auto payload = cursor_.binary();
    if (!payload) return fail(ConnectFault::length);
    connect_.will->payload = *payload;
    return true;
  }

  bool read_will_properties() {
    const auto properties = take_properties(cursor_);
    if (!properties) return fail(ConnectFault::property);
    PropertyReader reader(*properties, will_properties, user_properties_max_);
    while (true) {
      const PropertyResult result = reader.next();
      if (const auto* const fault = std::get_if<PropertyFault>(&result)) return fail(*fault);
      const auto* const property = std::get_if<Property>(&result);
      if (!property) return true;
      if (property->id == PropertyId::response_topic) connect_.will->response_topic = property->text;
      if (property->id == PropertyId::will_delay_interval) {
        connect_.will->delay_interval_s = property->number;
        connect_.will->delay_interval_at = value_at(*properties, reader);
      }
      if (property->id == PropertyId::payload_format_indicator) connect_.will->payload_is_utf8 = property->number == 1;
      if (property->id == PropertyId::user_property) ++connect_.will->user_properties;
    }
  }

  // MQTT 3.1, section 3.1: "the Remaining Length field from the fixed header takes precedence over the User Name flag".
  bool may_be_missing() const { return version_ == Version::v3_1 && cursor_.left() == 0; }

  bool read_credentials() {
    connect_.credentials_at = cursor_.position();
    if (has(flag_user_name) && !may_be_missing()) {
      std::string_view user_name;
      if (!read_text(user_name)) return false;  // 3.1.1: [MQTT-3.1.3-11]; 5.0: [MQTT-3.1.3-12].
      connect_.user_name = user_name;
    }
    if (has(flag_password) && !may_be_missing()) {
      connect_.password = cursor_.binary();
      if (!connect_.password) return fail(ConnectFault::length);
    }
    return true;
  }

  bool read_end() { return cursor_.left() == 0 || fail(ConnectFault::trailing); }

  bool has(std::uint8_t flag) const { return (flags_ & flag) != 0; }

  Bytes packet_;
  wire::Cursor cursor_;
  std::uint32_t user_properties_max_;
  std::uint8_t flags_ = 0;
  std::optional<Version> version_;
  Connect connect_;
  ConnectRefusal refusal_{ConnectFault::length, std::nullopt, malformed_packet};
};

void append(std::vector<std::uint8_t>& packet, Bytes bytes) {
  packet.insert(packet.end(), bytes.begin(), bytes.end());
}

void append_string(std::vector<std::uint8_t>& packet, std::string_view text) {
  packet.push_back(static_cast<std::uint8_t>(text.size() >> 8));
  packet.push_back(static_cast<std::uint8_t>(text.size() & 0xffu));
  append(packet, wire::as_bytes(text));
}

}  // namespace

ConnectResult parse_connect(Bytes packet, std::uint32_t user_properties_max) {
  return ConnectParser(packet, user_properties_max).parse();
}

void set_intervals(std::span<std::uint8_t> packet, const Connect& connect, std::uint32_t session_expiry_interval_s,
                   std::uint32_t will_delay_interval_s) {
  const auto set = [&](std::size_t at, std::uint32_t value) {
    if (at == 0) return;
    for (unsigned i = 0; i < 4; ++i) packet[at + i] = static_cast<std::uint8_t>(value >> (8 * (3 - i)));
  };
  set(connect.session_expiry_interval_at, session_expiry_interval_s);
  if (connect.will) set(connect.will->delay_interval_at, will_delay_interval_s);
}

std::vector<std::uint8_t> replace_credentials(Bytes packet, const Connect& connect, std::string_view user_name,
                                              std::string_view password) {
  if (user_name.size() > string_size_max || password.size() > string_size_max) return {};
  const wire::VarInt old_length = wire::read_var_int(packet.subspan(1));
  const std::size_t body_at = std::size_t{1} + old_length.size;
  const Bytes kept = packet.subspan(body_at, connect.credentials_at - body_at);
  const std::size_t length = kept.size() + 4 + user_name.size() + password.size();
  if (length > wire::var_int_max) return {};

  std::vector<std::uint8_t> replaced;
  replaced.reserve(5 + length);  // one allocation: no copy of the password is left behind by growth
  replaced.push_back(packet[0]);
  wire::append_var_int(replaced, static_cast<std::uint32_t>(length));
  const std::size_t new_body_at = replaced.size();
  append(replaced, kept);
  replaced[new_body_at + (connect.flags_at - body_at)] |= flag_user_name | flag_password;
  append_string(replaced, user_name);
  append_string(replaced, password);
  return replaced;
}

}  // namespace bastion::mqtt
