// Fields, properties and packets, by the tables of the standards.
#include "tests/differ/packet_maker.hpp"

#include <utility>

namespace bastion::differ {

namespace {

using mqtt::PacketType;
using mqtt::Sender;
using mqtt::Version;
using test::ByteVector;

// OASIS 5.0 table 2-4.
enum : unsigned {
  payload_format = 1,
  message_expiry = 2,
  content_type = 3,
  response_topic = 8,
  correlation_data = 9,
  subscription_identifier = 11,
  session_expiry = 17,
  assigned_client_id = 18,
  server_keep_alive = 19,
  authentication_method = 21,
  authentication_data = 22,
  request_problem = 23,
  will_delay = 24,
  request_response = 25,
  response_information = 26,
  server_reference = 28,
  reason_string = 31,
  receive_maximum = 33,
  alias_maximum = 34,
  topic_alias = 35,
  maximum_qos = 36,
  retain_available = 37,
  user_property = 38,
  maximum_packet_size = 39,
  wildcards_available = 40,
  identifiers_available = 41,
  shared_available = 42,
};

// What a broker whose aliases are few takes; Mosquitto's are ten.
constexpr std::uint8_t broker_alias_maximum = 10;

void append(ByteVector& out, const ByteVector& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_number(ByteVector& out, std::uint32_t number, unsigned size) {
  while (size-- > 0) out.push_back(static_cast<std::uint8_t>(number >> (8 * size)));
}

void append_text(ByteVector& out, std::string_view text) {
  append_number(out, static_cast<std::uint32_t>(text.size()), 2);
  out.insert(out.end(), text.begin(), text.end());
}

void append_var_int(ByteVector& out, std::uint32_t number) {
  for (; number > 0x7f; number >>= 7) out.push_back(static_cast<std::uint8_t>(number | 0x80u));
  out.push_back(static_cast<std::uint8_t>(number));
}

bool is_repeatable(unsigned id) {
  return id == user_property;
}

constexpr std::array all_properties = {1u,  2u,  3u,  8u,  9u,  11u, 17u, 18u, 19u, 21u, 22u, 23u, 24u, 25u,
                                       26u, 28u, 31u, 33u, 34u, 35u, 36u, 37u, 38u, 39u, 40u, 41u, 42u};

constexpr std::array<std::string_view, 8> words = {"a", "b", "temperature", "c/d", "__proto__", "constructor", "x y", "/"};
// Well-formed all of them, among them U+FEFF, and the first and the last of each length.
constexpr std::array<std::string_view, 6> advised = {"\u00e4", "\ufeff", "\u0800", "\xed\x9f\xbf", "\U00010000", "\"\\"};
constexpr std::array<std::string_view, 5> unadvised = {"\uffff", "\x01", "\x7f", "\u0080", "\U0010ffff"};
// NUL, surrogates, over-long forms, above U+10FFFF, cut short, and no character at all.
constexpr std::array<std::string_view, 8> no_characters = {
    std::string_view("\0", 1), "\xed\xa0\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80"};

}  // namespace

std::string PacketMaker::text() {
  std::string made;
  for (auto parts = dice_.below(4); parts > 0; --parts) {
    if (!dice_.one_in(3)) {
      made += dice_.pick(words);
    } else {
      made += characters_ == Characters::every && dice_.one_in(3) ? dice_.pick(unadvised) : dice_.pick(advised);
    }
  }
  if (dice_.one_in(50)) made.append(dice_.below(3000), 'l');
  if (is_odd()) made += dice_.pick(no_characters);
  return made;
}

std::string PacketMaker::topic() {
  std::string made = text();
  if (dice_.one_in(2)) made.insert(0, "a/");  // what the rules of the tests allow, if it is not to be retained
  if (dice_.one_in(30)) made.insert(0, "$SYS/");
  if (made.empty() && !is_odd()) made = "t";
  if (is_odd()) made += dice_.one_in(2) ? '+' : '#';
  return made;
}

std::string PacketMaker::filter() {
  std::string made = topic();
  if (dice_.one_in(3)) made = dice_.one_in(2) ? "+" : "+/" + made + "/+";
  if (dice_.one_in(3)) made = dice_.one_in(3) ? "#" : made + "/#";
  if (is_v5() && dice_.one_in(4)) made = (is_odd() ? "$share/" : "$share/name/") + made;
  return made;
}

ByteVector PacketMaker::payload() {
  return dice_.bytes(dice_.one_in(40) ? dice_.below(40'000) : dice_.below(40));
}

std::uint16_t PacketMaker::id_or_odd(std::uint16_t id) {
  return is_odd() ? static_cast<std::uint16_t>(dice_.below(4)) : id;
}

// --- properties -----------------------------------------------------------------------------------------------------------

void PacketMaker::append_property(ByteVector& out, unsigned id) {
  out.push_back(static_cast<std::uint8_t>(id));
  const auto any = [this](std::uint32_t least) {
    if (is_odd()) return 0u;
    return dice_.one_in(4) ? 0xffff'ffffu : least + dice_.below(70'000);
  };
  switch (id) {
    case payload_format:
    case request_problem:
    case request_response:
    case maximum_qos:
    case retain_available:
    case wildcards_available:
    case identifiers_available:
    case shared_available:
      out.push_back(static_cast<std::uint8_t>(is_odd() ? 2u : dice_.below(2)));
      break;
    case server_keep_alive:
    case alias_maximum:
      append_number(out, any(0), 2);
      break;
    case receive_maximum:
    case topic_alias:
      append_number(out, is_odd() ? 0u : 1 + dice_.below(65'535), 2);
      break;
    case message_expiry:
    case session_expiry:
    case will_delay:
      append_number(out, any(0), 4);
      break;
    case maximum_packet_size:
      append_number(out, is_odd() ? 0u : 100'000 + dice_.below(70'000), 4);
      break;
    case subscription_identifier:
      append_var_int(out, is_odd() ? 0u : 1 + dice_.below(dice_.one_in(2) ? 200 : 268'435'455));
      break;
    case correlation_data:
    case authentication_data: {
      const auto data = dice_.bytes(dice_.below(20));
      append_number(out, static_cast<std::uint32_t>(data.size()), 2);
      append(out, data);
      break;
    }
    case response_topic:
      append_text(out, topic());
      break;
    case user_property:
      append_text(out, text());
      append_text(out, text());
      break;
    default:
      append_text(out, text());
  }
}

void PacketMaker::append_properties(ByteVector& out, std::initializer_list<unsigned> allowed, ByteVector first) {
  if (!is_v5()) return;
  ByteVector properties = std::move(first);
  for (const unsigned id : allowed) {
    if (!dice_.one_in(3)) continue;
    append_property(properties, id);
    if (is_repeatable(id) || is_odd()) {
      for (auto more = dice_.below(3); more > 0; --more) append_property(properties, id);
    }
  }
  if (is_odd()) append_property(properties, dice_.pick(all_properties));
  append_var_int(out, static_cast<std::uint32_t>(properties.size()) + (is_odd() ? 1 : 0));
  append(out, properties);
}

// --- CONNECT and CONNACK --------------------------------------------------------------------------------------------------

ByteVector PacketMaker::connect() {
  ByteVector body;
  const auto level = static_cast<std::uint8_t>(version_);
  append_text(body, version_ == Version::v3_1 ? "MQIsdp" : "MQTT");
  const bool bridge = !is_v5() && dice_.one_in(10);
  body.push_back(is_odd() ? dice_.byte() : static_cast<std::uint8_t>(level | (bridge ? 0x80u : 0u)));
  const bool has_will = dice_.one_in(2);
  const bool has_user = dice_.one_in(2);
  const bool has_password = (has_user || is_v5()) && dice_.one_in(2);
  unsigned flags = dice_.one_in(2) ? 0x02u : 0u;
  if (has_will) flags |= 0x04u | dice_.below(3) << 3 | (dice_.one_in(2) ? 0x20u : 0u);
  if (has_user) flags |= 0x80u;
  if (has_password) flags |= 0x40u;
  if (is_odd()) flags ^= 1u << dice_.below(8);
  body.push_back(static_cast<std::uint8_t>(flags));
  append_number(body, dice_.below(65'536), 2);
  if (is_v5()) {
    ByteVector first;
    has_session_expiry_ = dice_.one_in(2);
    if (has_session_expiry_) append_number(first, session_expiry, 1), append_number(first, 1 + dice_.below(9999), 4);
    if (dice_.one_in(2)) {
      client_alias_maximum_ = static_cast<std::uint16_t>(dice_.below(5));
      append_number(first, alias_maximum, 1), append_number(first, client_alias_maximum_, 2);
    }
    wants_response_information_ = dice_.one_in(3);
    if (wants_response_information_) append_number(first, request_response << 8 | 1, 2);
    wants_problem_information_ = !dice_.one_in(3);
    if (!wants_problem_information_) append_number(first, request_problem << 8, 2);
    // No method: the gate admits none, and no broker here knows one.
    append_properties(body, {receive_maximum, maximum_packet_size, user_property}, first);
  }
  append_text(body, text() + 'i');
  if (has_will) {
    append_properties(
        body, {will_delay, payload_format, message_expiry, content_type, response_topic, correlation_data, user_property});
    append_text(body, topic());
    const auto message = dice_.bytes(dice_.below(30));
    append_number(body, static_cast<std::uint32_t>(message.size()), 2);
    append(body, message);
  }
  // MQTT 3.1 lets the credentials be missing, announced or not.
  const bool ends_early = version_ == Version::v3_1 && dice_.one_in(8);
  if (has_user && !ends_early) append_text(body, text());
  if (has_password && !ends_early) append_text(body, text());
  return test::packet(0x10, body);
}

ByteVector PacketMaker::connack() {
  ByteVector body = {static_cast<std::uint8_t>(is_odd() ? 2u : dice_.below(2)), is_odd() ? dice_.byte() : std::uint8_t{0}};
  if (is_v5()) {
    ByteVector first;
    append_number(first, alias_maximum, 1), append_number(first, broker_alias_maximum, 2);
    if (wants_response_information_ && dice_.one_in(2)) append_property(first, response_information);
    if (is_odd()) append_property(first, maximum_qos), append_property(first, retain_available);
    append_properties(body,
                      {session_expiry, maximum_packet_size, assigned_client_id, reason_string, user_property,
                       server_keep_alive, server_reference},
                      first);
  }
  return test::packet(0x20, body);
}

// --- messages -------------------------------------------------------------------------------------------------------------

ByteVector PacketMaker::publish(Sender sender, std::uint8_t qos, std::uint16_t id, std::uint16_t alias, bool is_known) {
  ByteVector body;
  append_text(body, is_known && !dice_.one_in(3) ? std::string{} : topic());
  if (qos > 0) append_number(body, id_or_odd(id), 2);
  ByteVector first;
  if (alias > 0) append_number(first, topic_alias, 1), append_number(first, alias, 2);
  const bool has_identifier = sender == Sender::server && dice_.one_in(3);
  if (has_identifier && is_v5()) {
    for (auto count = 1 + dice_.below(3); count > 0; --count) append_property(first, subscription_identifier);
  }
  // Half of them say nothing, or an alias alone: what most clients do.
  if (dice_.one_in(2)) {
    append_properties(body, {}, first);
  } else {
    append_properties(body, {payload_format, message_expiry, content_type, response_topic, correlation_data, user_property},
                      first);
  }
  append(body, payload());
  unsigned flags = static_cast<unsigned>(qos) << 1 | dice_.below(2);
  if (qos > 0 && dice_.one_in(4)) flags |= 8u;
  if (is_odd()) flags = dice_.below(16);
  return test::packet(static_cast<std::uint8_t>(0x30u | flags), body);
}

ByteVector PacketMaker::acknowledgement(PacketType type, Sender sender, std::uint16_t id, bool& is_refusal) {
  constexpr std::array<std::uint8_t, 10> of_client = {0, 0, 0, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  constexpr std::array<std::uint8_t, 11> of_server = {0, 0, 0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  constexpr std::array<std::uint8_t, 3> of_release = {0, 0, 0x92};
  ByteVector body;
  append_number(body, id_or_odd(id), 2);
  is_refusal = false;
  if (is_v5() && dice_.one_in(2)) {
    const bool answers = type == PacketType::puback || type == PacketType::pubrec;
    const auto code = !answers ? code_of(of_release) : sender == Sender::client ? code_of(of_client) : code_of(of_server);
    is_refusal = answers && code >= 0x80;
    body.push_back(code);
    if (dice_.one_in(2)) {
      if (sender == Sender::client || wants_problem_information_ || is_odd()) {
        append_properties(body, {reason_string, user_property});
      } else {
        append_properties(body, {});
      }
    }
  }
  const unsigned flags = type == PacketType::pubrel ? 2 : 0;
  return test::packet(static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | flags), body);
}

// --- subscriptions --------------------------------------------------------------------------------------------------------

ByteVector PacketMaker::subscribe(std::uint16_t id, std::size_t filters) {
  ByteVector body;
  append_number(body, id_or_odd(id), 2);
  append_properties(body, {subscription_identifier, user_property});
  for (; filters > 0; --filters) {
    const auto asked = filter();
    append_text(body, asked);
    unsigned options = dice_.below(3);
    if (is_v5()) {
      if (dice_.one_in(3) && (!asked.starts_with("$share/") || is_odd())) options |= 0x04u;
      if (dice_.one_in(3)) options |= 0x08u;
      options |= dice_.below(3) << 4;
    }
    body.push_back(is_odd() ? dice_.byte() : static_cast<std::uint8_t>(options));
  }
  return test::packet(0x82, body);
}

ByteVector PacketMaker::unsubscribe(std::uint16_t id, std::size_t filters) {
  ByteVector body;
  append_number(body, id_or_odd(id), 2);
  append_properties(body, {user_property});
  for (; filters > 0; --filters) append_text(body, filter());
  return test::packet(0xa2, body);
}

ByteVector PacketMaker::suback(std::uint16_t id, std::size_t filters) {
  constexpr std::array<std::uint8_t, 3> of_3_1 = {0, 1, 2};
  constexpr std::array<std::uint8_t, 4> of_3_1_1 = {0, 1, 2, 0x80};
  constexpr std::array<std::uint8_t, 12> of_5 = {0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2};
  ByteVector body;
  append_number(body, id_or_odd(id), 2);
  if (wants_problem_information_ || is_odd()) {
    append_properties(body, {reason_string, user_property});
  } else {
    append_properties(body, {});
  }
  for (; filters > 0; --filters) {
    body.push_back(version_ == Version::v3_1     ? code_of(of_3_1)
                   : version_ == Version::v3_1_1 ? code_of(of_3_1_1)
                                                 : code_of(of_5));
  }
  return test::packet(0x90, body);
}

ByteVector PacketMaker::unsuback(std::uint16_t id, std::size_t filters) {
  constexpr std::array<std::uint8_t, 7> codes = {0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91};
  ByteVector body;
  append_number(body, id_or_odd(id), 2);
  if (is_v5()) {
    if (wants_problem_information_ || is_odd()) {
      append_properties(body, {reason_string, user_property});
    } else {
      append_properties(body, {});
    }
    for (; filters > 0; --filters) body.push_back(code_of(codes));
  }
  return test::packet(0xb0, body);
}

// --- the end --------------------------------------------------------------------------------------------------------------

ByteVector PacketMaker::disconnect(Sender sender) {
  constexpr std::array<std::uint8_t, 14> of_client = {0,    4,    0x80, 0x81, 0x82, 0x83, 0x90,
                                                      0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
  constexpr std::array<std::uint8_t, 12> of_server = {0, 0x80, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x98, 0x9a, 0x9d, 0xa1, 0xa2};
  ByteVector body;
  if (is_v5() && !dice_.one_in(3)) {
    body.push_back(sender == Sender::client ? code_of(of_client) : code_of(of_server));
    if (dice_.one_in(2)) {
      ByteVector first;
      if (sender == Sender::client && (has_session_expiry_ || is_odd()) && dice_.one_in(2)) {
        append_property(first, session_expiry);
      }
      if (sender == Sender::server && dice_.one_in(2)) append_property(first, server_reference);
      append_properties(body, {reason_string, user_property}, first);
    }
  }
  return test::packet(0xe0, body);
}

}  // namespace bastion::differ
