// The broker's first packet: what it allows the client, lowered to what the policy does.
#include <algorithm>
#include <limits>

#include "proxy/inspect/downward.hpp"
#include "proxy/inspect/refuse.hpp"

namespace bastion::inspect {

namespace {

constexpr std::uint8_t connack_first_byte = 0x20;
const Refuse bad_connack{{Reason::upstream_malformed, Cause::connack}, std::nullopt};

Cause cause_of_return_code(std::uint8_t code) {
  switch (code) {
    case 1:
      return Cause::code_version;
    case 2:
      return Cause::code_client_id;
    case 3:
      return Cause::code_unavailable;
    case 4:
      return Cause::code_credentials;
    case 5:
      return Cause::code_not_authorized;
    default:
      return Cause::code_other;
  }
}

Cause cause_of_reason_code(std::uint8_t code) {
  switch (code) {
    case 0x84:
      return Cause::code_version;
    case 0x85:
      return Cause::code_client_id;
    case 0x86:
      return Cause::code_credentials;
    case 0x87:
      return Cause::code_not_authorized;
    case 0x88:
    case 0x89:
      return Cause::code_unavailable;
    default:
      return Cause::code_other;
  }
}

}  // namespace

Step DownwardInspector::read_connack(Bytes in_hand) {
  if (in_hand.empty()) return NeedBytes{1};
  if (in_hand[0] != connack_first_byte) return bad_connack;  // [MQTT-3.2.0-1]
  const auto result = mqtt::read_fixed_header(in_hand);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return NeedBytes{in_hand.size() + 1};
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  const auto size_max = std::min<std::size_t>({c_.rights_.packet_size_max, c_.asked_.maximum_packet_size, whole_packet_max});
  if (header == nullptr || header->packet_size() > size_max) return bad_connack;
  if (!c_.is_v5() && header->remaining_length != 2) return bad_connack;
  if (in_hand.size() < header->packet_size()) return NeedBytes{header->packet_size()};
  return pass_connack(in_hand.first(header->packet_size()));
}

Step DownwardInspector::pass_connack(Bytes packet) {
  const auto result = mqtt::parse_connack(packet, to_mqtt(c_.asked_.version));
  const auto* const connack = std::get_if<mqtt::Connack>(&result);
  if (connack == nullptr || connack->has_authentication) return bad_connack;                           // [MQTT-4.12.0-6]
  if (connack->has_response_information && !c_.asked_.wants_response_information) return bad_connack;  // [MQTT-3.1.2-28]
  connack_.emplace();
  connack_->code = connack->code;
  connack_->session_present = connack->session_present;
  connack_->server_keep_alive_s = connack->server_keep_alive_s;
  connack_->assigned_client_id = connack->assigned_client_id.value_or("");
  if (connack->code == 0) take_terms(*connack);
  if (connack->code != 0 || !c_.is_v5()) return Forward{packet.size(), 1};

  const auto lowered_to = limits();
  std::vector<std::uint8_t> lowered;
  mqtt::append_lowered_connack(lowered, packet, *connack, lowered_to);
  if (std::equal(lowered.begin(), lowered.end(), packet.begin(), packet.end())) return Forward{packet.size(), 1};
  const auto again = mqtt::parse_connack(lowered, to_mqtt(c_.asked_.version));
  const auto* const told = std::get_if<mqtt::Connack>(&again);
  if (told == nullptr || lowered.size() > c_.asked_.maximum_packet_size) return bad_connack;
  take_terms(*told);
  connack_->server_keep_alive_s = told->server_keep_alive_s;
  return Replace{packet.size(), std::move(lowered), 1};
}

/// What the client is told it may do.
void DownwardInspector::take_terms(const mqtt::Connack& connack) {
  c_.resumed_ = connack.session_present || (c_.asked_.version == MqttVersion::v3_1 && !c_.asked_.clean_start);
  if (!c_.is_v5()) return;
  if (connack.session_expiry_interval_s) c_.session_expiry_s_ = *connack.session_expiry_interval_s;
  c_.maximum_packet_size_ = connack.maximum_packet_size.value_or(std::numeric_limits<std::uint32_t>::max());
  c_.receive_maximum_ = connack.receive_maximum;
  c_.topic_alias_maximum_ = connack.topic_alias_maximum;
  c_.maximum_qos_ = connack.maximum_qos;
  c_.retain_available_ = connack.retain_available;
  c_.wildcards_available_ = connack.wildcard_subscription_available;
  c_.identifiers_available_ = connack.subscription_identifier_available;
  c_.shared_available_ = connack.shared_subscription_available;
}

mqtt::ConnackLimits DownwardInspector::limits() const {
  const auto& rights = c_.rights_;
  mqtt::ConnackLimits limits;
  // What the gate can remember is no question of the policy: whoever keeps to this is never refused for it.
  const auto topic_bytes_max = std::min<std::size_t>(rights.topic_length_max, whole_packet_max);
  limits.topic_alias_maximum = TopicAliases::count_within(topic_bytes_max);
  if (rights.mode == Mode::observe) return limits;
  limits.receive_maximum = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(rights.in_flight_max, 1, 65'535));
  limits.maximum_packet_size = rights.packet_size_max;
  limits.maximum_qos = rights.qos_max;
  limits.server_keep_alive_s = rights.server_keep_alive_s;
  if (c_.asked_.session_expiry_interval_s > rights.session_expiry_max_s) {
    limits.session_expiry_interval_s = rights.session_expiry_max_s;
  }
  limits.retain_available = rights.retain;
  limits.wildcard_subscription_available = rights.wildcard_subscriptions;
  limits.shared_subscription_available = rights.shared_subscriptions;
  return limits;
}

std::optional<Refusal> upstream_refusal(MqttVersion version, std::uint8_t code) {
  if (code == 0) return std::nullopt;
  const Cause cause = version == MqttVersion::v5_0 ? cause_of_reason_code(code) : cause_of_return_code(code);
  return Refusal{Reason::upstream_refused, cause};
}

}  // namespace bastion::inspect
