// A client's first packet: bytes in hand to a strictly valid CONNECT, or the reason why it is none.
#include "proxy/inspect/connect_reader.hpp"

#include <algorithm>
#include <limits>

#include "proxy/inspect/foreign.hpp"
#include "proxy/inspect/translate.hpp"
#include "proxy/mqtt/connect.hpp"

namespace bastion::inspect {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t connect_first_byte = 0x10;
constexpr std::uint8_t tls_first_byte = 0x16;
// A third byte that is text makes a topic name of 8 KiB and more out of a PUBLISH: nobody begins like that.
constexpr std::size_t convincing_text = 4;

ConnectRefused refuse(Refusal refusal) {
  return {refusal, std::nullopt, std::nullopt};
}

// Whether bytes that begin like a legal packet are something else all the same.
bool is_foreign(origin::Guess guess, std::size_t in_hand) {
  if (guess == origin::Guess::text) return in_hand >= convincing_text;
  return guess != origin::Guess::binary && guess != origin::Guess::mqtt;
}

// The first byte is not 0x10, so this is no CONNECT, whatever follows.
ConnectRefused refuse_first_byte(Bytes in_hand) {
  const std::uint8_t first = in_hand[0];
  const origin::Guess guess = origin::guess(in_hand);
  const mqtt::PacketType type = mqtt::packet_type(first);
  if (type == mqtt::PacketType::connect && first != tls_first_byte) {
    return refuse({Reason::malformed_connect, Cause::header_flags});
  }
  if (!mqtt::is_legal_first_byte(first) || is_foreign(guess, in_hand.size()))
    return refuse({Reason::not_mqtt, cause_of(guess)});
  return refuse({Reason::packet_before_connect, inspect::cause_of(type)});
}

Cause cause_of(mqtt::ConnectFault fault) {
  switch (fault) {
    case mqtt::ConnectFault::header_flags:
      return Cause::header_flags;
    case mqtt::ConnectFault::length:
      return Cause::length;
    case mqtt::ConnectFault::protocol_name:
      return Cause::protocol_name;
    case mqtt::ConnectFault::flags:
      return Cause::flags;
    case mqtt::ConnectFault::will:
      return Cause::will;
    case mqtt::ConnectFault::utf8:
      return Cause::utf8;
    case mqtt::ConnectFault::property:
      return Cause::property;
    case mqtt::ConnectFault::trailing:
      return Cause::trailing;
    case mqtt::ConnectFault::level:
      break;
  }
  return Cause::unknown;
}

ConnectRefused refuse(const mqtt::ConnectRefusal& refusal) {
  if (refusal.fault == mqtt::ConnectFault::level) {
    // Whoever speaks a version that is unknown here understands the oldest form of answer best.
    return {{Reason::unsupported_version, Cause::unknown}, MqttVersion::v3_1_1, std::nullopt};
  }
  ConnectRefused refused = refuse(Refusal{Reason::malformed_connect, cause_of(refusal.fault)});
  if (!refusal.version) return refused;
  refused.version = to_policy(*refusal.version);
  if (*refusal.version == mqtt::Version::v5_0) refused.v5_reason_code = refusal.reason_code;
  return refused;
}

ConnectFacts to_facts(const mqtt::Connect& connect) {
  ConnectFacts facts;
  facts.version = to_policy(connect.version);
  facts.bridge = connect.bridge;
  facts.clean_start = connect.clean_start;
  facts.keep_alive_s = connect.keep_alive_s;
  facts.client_id = connect.client_id;
  facts.user_name = connect.user_name;
  facts.has_password = connect.password.has_value();
  facts.has_auth_method = connect.authentication_method.has_value();
  if (connect.will) facts.will = WillFacts{connect.will->topic, connect.will->qos, connect.will->retain};
  return facts;
}

Asked to_asked(const mqtt::Connect& connect) {
  Asked asked;
  asked.version = to_policy(connect.version);
  asked.clean_start = connect.clean_start;
  asked.topic_alias_maximum = connect.topic_alias_maximum;
  asked.maximum_packet_size = connect.maximum_packet_size.value_or(asked.maximum_packet_size);
  asked.session_expiry_interval_s = connect.session_expiry_interval_s;
  asked.wants_response_information = connect.request_response_information;
  asked.wants_problem_information = connect.request_problem_information;
  // What MQTT 5 says of Clean Session 0 (OASIS 5.0 section 3.1.2.11.2).
  if (asked.version != MqttVersion::v5_0 && !asked.clean_start) asked.session_expiry_interval_s = kept_for_ever;
  return asked;
}

ConnectStep read_whole(Bytes packet, const MqttPolicy& limits) {
  const mqtt::ConnectResult result = mqtt::parse_connect(packet, limits.user_properties_max);
  if (const auto* const refusal = std::get_if<mqtt::ConnectRefusal>(&result)) return refuse(*refusal);
  const auto& connect = std::get<mqtt::Connect>(result);
  const auto password = connect.password ? mqtt::as_text(*connect.password) : std::string_view{};
  return ReadConnect{to_facts(connect), password, to_asked(connect), packet};
}

}  // namespace

ConnectStep read_connect(Bytes in_hand, const MqttPolicy& limits) {
  if (in_hand.empty()) return ReadMore{1};
  if (in_hand[0] != connect_first_byte) return refuse_first_byte(in_hand);

  const mqtt::HeaderResult result = mqtt::read_fixed_header(in_hand);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return ReadMore{in_hand.size() + 1};
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  if (!header) return refuse({Reason::malformed_connect, Cause::length});
  // Before anyone waits for the body, and before anything in it is looked at.
  if (header->packet_size() > limits.connect_size_max) return refuse({Reason::connect_too_large, Cause::none});
  if (in_hand.size() < header->packet_size()) return ReadMore{header->packet_size()};
  return read_whole(in_hand.first(header->packet_size()), limits);
}

Refusal connect_cut_short(Bytes in_hand, bool timed_out) {
  if (timed_out) return {Reason::connect_timeout, in_hand.empty() ? Cause::no_data : Cause::partial};
  if (in_hand.empty()) return {Reason::closed_early, Cause::after_handshake};
  return {Reason::connect_truncated, Cause::none};
}

std::optional<std::vector<std::uint8_t>> connect_for_broker(const ReadConnect& connect, const ForBroker& asked) {
  // Read once more, once for each session: what the facts leave out need not be kept until here. Its user properties were
  // counted the first time.
  constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();
  const mqtt::ConnectResult result = mqtt::parse_connect(connect.packet, no_limit);
  const auto& parsed = std::get<mqtt::Connect>(result);
  const auto expiry_s = std::min(parsed.session_expiry_interval_s, asked.session_expiry_max_s.value_or(no_limit));
  const auto delay_s = parsed.will ? parsed.will->delay_interval_s : 0;
  const auto session_s = asked.will_may_outlast_session ? no_limit : expiry_s;
  const auto lower_delay_s = std::min({delay_s, asked.will_delay_max_s.value_or(no_limit), session_s});
  const bool lowers = expiry_s != parsed.session_expiry_interval_s || lower_delay_s != delay_s;
  if (!lowers && !asked.credentials) return std::nullopt;

  auto out = asked.credentials ? mqtt::replace_credentials(connect.packet, parsed, asked.credentials->user_name,
                                                           asked.credentials->password)
                               : std::vector<std::uint8_t>{connect.packet.begin(), connect.packet.end()};
  if (out.empty() || !lowers) return out;
  const auto moved = mqtt::parse_connect(out, no_limit);  // a longer packet may have a longer header
  mqtt::set_intervals(out, std::get<mqtt::Connect>(moved), expiry_s, lower_delay_s);
  return out;
}

}  // namespace bastion::inspect
