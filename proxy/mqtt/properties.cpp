// The properties of MQTT 5 (OASIS 5.0 section 2.2.2), read one at a time, with nothing allocated.
#include "proxy/mqtt/properties.hpp"

#include <array>
#include <cstddef>

#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"

namespace bastion::mqtt {

namespace {

enum class Form : std::uint8_t { none, byte, two_bytes, four_bytes, var_int, text, binary, pair };
enum class Range : std::uint8_t { any, not_zero, zero_or_one, topic_name };

struct Rule {
  Form form = Form::none;
  Range range = Range::any;
};

constexpr std::size_t identifiers = 0x2b;
constexpr std::size_t string_length_size = 2;

constexpr std::array<Rule, identifiers> make_rules() {
  std::array<Rule, identifiers> rules{};
  const auto set = [&rules](PropertyId id, Form form, Range range = Range::any) {
    rules[static_cast<std::size_t>(id)] = {form, range};
  };
  set(PropertyId::payload_format_indicator, Form::byte, Range::zero_or_one);
  set(PropertyId::message_expiry_interval, Form::four_bytes);
  set(PropertyId::content_type, Form::text);
  set(PropertyId::response_topic, Form::text, Range::topic_name);
  set(PropertyId::correlation_data, Form::binary);
  set(PropertyId::subscription_identifier, Form::var_int, Range::not_zero);
  set(PropertyId::session_expiry_interval, Form::four_bytes);
  set(PropertyId::assigned_client_identifier, Form::text);
  set(PropertyId::server_keep_alive, Form::two_bytes);
  set(PropertyId::authentication_method, Form::text);
  set(PropertyId::authentication_data, Form::binary);
  set(PropertyId::request_problem_information, Form::byte, Range::zero_or_one);
  set(PropertyId::will_delay_interval, Form::four_bytes);
  set(PropertyId::request_response_information, Form::byte, Range::zero_or_one);
  set(PropertyId::response_information, Form::text);
  set(PropertyId::server_reference, Form::text);
  set(PropertyId::reason_string, Form::text);
  set(PropertyId::receive_maximum, Form::two_bytes, Range::not_zero);
  set(PropertyId::topic_alias_maximum, Form::two_bytes);
  set(PropertyId::topic_alias, Form::two_bytes, Range::not_zero);
  set(PropertyId::maximum_qos, Form::byte, Range::zero_or_one);
  set(PropertyId::retain_available, Form::byte, Range::zero_or_one);
  set(PropertyId::user_property, Form::pair);
  set(PropertyId::maximum_packet_size, Form::four_bytes, Range::not_zero);
  set(PropertyId::wildcard_subscription_available, Form::byte, Range::zero_or_one);
  set(PropertyId::subscription_identifier_available, Form::byte, Range::zero_or_one);
  set(PropertyId::shared_subscription_available, Form::byte, Range::zero_or_one);
  return rules;
}

constexpr std::array<Rule, identifiers> rules = make_rules();

const Rule& rule_of(PropertyId id) {
  return rules[static_cast<std::size_t>(id)];
}

bool is_in_range(Range range, std::uint32_t number) {
  if (range == Range::not_zero) return number != 0;
  return range != Range::zero_or_one || number <= 1;
}

std::optional<std::uint32_t> take_number(wire::Cursor& cursor, Form form) {
  if (form == Form::byte) return cursor.u8();
  if (form == Form::two_bytes) return cursor.u16();
  return cursor.u32();
}

std::size_t size_of(Form form) {
  if (form == Form::byte) return 1;
  return form == Form::two_bytes ? 2 : 4;
}

}  // namespace

PacketFault to_packet_fault(PropertyFault fault) {
  switch (fault) {
    case PropertyFault::malformed:
      return malformed(Flaw::property);
    case PropertyFault::utf8:
      return malformed(Flaw::utf8);
    case PropertyFault::too_many:
      return {Flaw::property, reason_code::quota_exceeded};
    case PropertyFault::repeated:
    case PropertyFault::value:
      break;
  }
  return protocol_error(Flaw::property);
}

PropertyResult PropertyReader::next() {
  if (cursor_.position() == size_) return PropertiesEnd{};
  // The identifier is a variable byte integer; every one that exists takes a single byte.
  const auto raw = cursor_.u8();
  if (!raw) return PropertyCutShort{};
  const auto id = static_cast<PropertyId>(*raw);
  if (*raw >= identifiers || !allowed_.has(id)) return PropertyFault::malformed;
  last_id_ = id;
  if (seen_.has(id) && !may_repeat_.has(id)) return PropertyFault::repeated;
  seen_.add(id);
  switch (rule_of(id).form) {
    case Form::none:
      return PropertyFault::malformed;
    case Form::text:
      return read_text(id);
    case Form::binary:
      return read_binary(id);
    case Form::pair:
      return read_pair(id);
    default:
      return read_number(id);
  }
}

// Why there are no `wanted` bytes: they may yet come, or they don't fit into the properties.
PropertyResult PropertyReader::shortage(std::size_t wanted) const {
  if (wanted > size_ - cursor_.position()) return PropertyFault::malformed;
  return PropertyCutShort{};
}

PropertyResult PropertyReader::string_shortage() const {
  wire::Cursor ahead = cursor_;
  const auto length = ahead.u16();
  return shortage(string_length_size + (length ? *length : 0));
}

PropertyResult PropertyReader::read_number(PropertyId id) {
  const Rule& rule = rule_of(id);
  std::optional<std::uint32_t> number;
  if (rule.form == Form::var_int) {
    const wire::VarInt read = cursor_.var_int();
    if (read.outcome == wire::VarInt::Outcome::malformed) return PropertyFault::malformed;
    if (read.outcome == wire::VarInt::Outcome::cut_short) return shortage(cursor_.left() + 1);
    number = read.value;
  } else {
    number = take_number(cursor_, rule.form);
    if (!number) return shortage(size_of(rule.form));
  }
  if (!is_in_range(rule.range, *number)) return PropertyFault::value;
  return Property{id, *number, {}, {}};
}

PropertyResult PropertyReader::read_text(PropertyId id) {
  const auto text = cursor_.text();
  if (!text) return string_shortage();
  if (!is_valid_utf8(*text)) return PropertyFault::utf8;
  if (rule_of(id).range == Range::topic_name && !is_topic_name(*text)) return PropertyFault::value;
  return Property{id, 0, *text, {}};
}

PropertyResult PropertyReader::read_binary(PropertyId id) {
  const auto data = cursor_.text();
  if (!data) return string_shortage();
  return Property{id, 0, *data, {}};
}

PropertyResult PropertyReader::read_pair(PropertyId id) {
  const auto name = cursor_.text();
  if (!name) return string_shortage();
  if (!is_valid_utf8(*name)) return PropertyFault::utf8;  // [MQTT-1.5.7-1]
  const auto value = cursor_.text();
  if (!value) return string_shortage();
  if (!is_valid_utf8(*value)) return PropertyFault::utf8;
  if (user_properties_left_ == 0) return PropertyFault::too_many;
  --user_properties_left_;
  return Property{id, 0, *name, *value};
}

std::optional<wire::Bytes> take_properties(wire::Cursor& cursor) {
  const wire::VarInt size = cursor.var_int();
  if (size.outcome != wire::VarInt::Outcome::value) return std::nullopt;
  return cursor.bytes(size.value);
}

}  // namespace bastion::mqtt
