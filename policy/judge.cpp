// The answers to the gate's questions.
#include "policy/judge.hpp"

#include <algorithm>
#include <array>

#include "policy/access.hpp"

namespace bastion {
namespace {

std::optional<Refusal> judge_version(const Policy& policy, const ConnectFacts& connect) {
  const auto& mqtt = policy.mqtt;
  const auto refuse = [](Cause cause) { return Refusal{Reason::unsupported_version, cause}; };
  if (connect.bridge && !mqtt.allow_bridge) return refuse(Cause::bridge);
  switch (connect.version) {
    case MqttVersion::v3_1:
      if (!mqtt.allow_v3_1) return refuse(Cause::mqtt31);
      return std::nullopt;
    case MqttVersion::v3_1_1:
      if (!mqtt.allow_v3_1_1) return refuse(Cause::mqtt311);
      return std::nullopt;
    case MqttVersion::v5_0:
      if (!mqtt.allow_v5_0) return refuse(Cause::mqtt5);
      return std::nullopt;
  }
  return refuse(Cause::unknown);
}

/// May a client of this kind leave its identifier to the broker? MQTT 3.1 knows no such thing, and 3.1.1 only for clean
/// sessions [MQTT-3.1.3-8].
bool may_be_empty(const MqttPolicy& mqtt, const ConnectFacts& connect) {
  if (!mqtt.client_id_empty || connect.version == MqttVersion::v3_1) return false;
  return connect.version == MqttVersion::v5_0 || connect.clean_start;
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Whether a broker that puts this name into a pattern would find the names of others match it.
bool means_more_than_itself(const Guards& guards, std::string_view name) {
  return (guards.has(Guard::name_wildcards) && holds_wildcard(name)) ||
         (guards.has(Guard::name_expressions) && holds_expression(name));
}

std::optional<Refusal> judge_client_id(const Policy& policy, const ConnectFacts& connect) {
  const auto& mqtt = policy.mqtt;
  const auto refuse = [](Cause cause) { return Refusal{Reason::client_id_denied, cause}; };
  const auto id = connect.client_id;
  if (id.empty()) {
    if (!may_be_empty(mqtt, connect)) return refuse(Cause::empty);
    return std::nullopt;
  }
  if (id.size() > mqtt.client_id_length_max) return refuse(Cause::length);
  const auto is_allowed = [&](char c) {
    return is_letter_or_digit(c) || mqtt.client_id_characters.find(c) != std::string::npos;
  };
  if (mqtt.guards.has(Guard::client_id_characters) && !std::all_of(id.begin(), id.end(), is_allowed)) {
    return refuse(Cause::characters);
  }
  if (means_more_than_itself(mqtt.guards, id)) return refuse(Cause::shield);
  if (mqtt.guards.has(Guard::object_names) && is_object_member(id)) return refuse(Cause::shield);
  return std::nullopt;
}

std::optional<Refusal> judge_user_name(const Policy& policy, const ConnectFacts& connect) {
  if (!connect.user_name || !means_more_than_itself(policy.mqtt.guards, *connect.user_name)) return std::nullopt;
  return Refusal{Reason::not_authorized, Cause::shield};
}

/// A keep alive of 0 turns the mechanism off (OASIS 3.1.1 section 3.1.2.10), so it is longer than any maximum.
bool exceeds_keep_alive_max(const MqttPolicy& mqtt, const ConnectFacts& connect) {
  if (mqtt.keep_alive_max == MqttPolicy::endless) return false;
  return connect.keep_alive_s == 0 || std::chrono::seconds{connect.keep_alive_s} > mqtt.keep_alive_max;
}

std::optional<Refusal> judge_auth_method(const Policy&, const ConnectFacts& connect) {
  if (connect.has_auth_method) return Refusal{Reason::auth_method_unsupported, Cause::none};
  return std::nullopt;
}

/// An MQTT 5 client is told another one instead.
std::optional<Refusal> judge_keep_alive(const Policy& policy, const ConnectFacts& connect) {
  if (connect.version == MqttVersion::v5_0 || !exceeds_keep_alive_max(policy.mqtt, connect)) return std::nullopt;
  return Refusal{Reason::session_denied, Cause::keep_alive};
}

std::optional<Refusal> judge_credentials(const Policy& policy, const ConnectFacts& connect) {
  if (!policy.authentication.required) return std::nullopt;
  if (!connect.user_name || connect.user_name->empty()) return Refusal{Reason::anonymous, Cause::no_user};
  if (!connect.has_password) return Refusal{Reason::anonymous, Cause::no_password};
  return std::nullopt;
}

using ConnectRule = std::optional<Refusal> (*)(const Policy&, const ConnectFacts&);
constexpr std::array<ConnectRule, 6> connect_rules{judge_version,    judge_auth_method, judge_client_id,
                                                   judge_keep_alive, judge_credentials, judge_user_name};

bool fits_user(const Role& role, const ConnectFacts& connect) {
  if (role.users.empty()) return true;
  // A client without a user name is nobody's `*`.
  if (!connect.user_name) return false;
  return std::any_of(role.users.begin(), role.users.end(),
                     [&](const Pattern& pattern) { return pattern.matches(*connect.user_name); });
}

bool fits_network(const Role& role, const Origin& origin) {
  if (role.networks.empty()) return true;
  return std::any_of(role.networks.begin(), role.networks.end(),
                     [&](const Prefix& prefix) { return prefix.contains(origin.address); });
}

bool fits_client_id(const std::optional<Pattern>& pattern, const ConnectFacts& connect) {
  return !pattern || pattern->matches(connect.client_id, connect.user_name.value_or(std::string_view{}));
}

Verdict judge_roles(const std::vector<Role>& roles, const Origin& origin, const ConnectFacts& connect) {
  bool network_failed = false;
  bool client_id_failed = false;
  for (const auto& role : roles) {
    if (!fits_user(role, connect)) continue;
    if (!fits_network(role, origin)) {
      network_failed = true;
    } else if (!fits_client_id(role.client_id, connect)) {
      client_id_failed = true;
    } else {
      return Admitted{&role};
    }
  }
  if (network_failed) return Refusal{Reason::not_authorized, Cause::source};
  if (client_id_failed) return Refusal{Reason::client_id_denied, Cause::pattern};
  return Refusal{Reason::not_authorized, Cause::role};
}

/// A will is published by the broker itself, behind the gate's back: it is asked for what a PUBLISH would be.
std::optional<Refusal> judge_will(const Policy& policy, const Role* role, const ConnectFacts& connect) {
  if (!connect.will) return std::nullopt;
  const auto& will = *connect.will;
  const auto& mqtt = policy.mqtt;
  if (will.topic.size() > mqtt.topic_length_max || count_levels(will.topic) > mqtt.topic_levels_max) {
    return Refusal{Reason::will_denied, Cause::topic};
  }
  if (will.qos > mqtt.qos_max) return Refusal{Reason::will_denied, Cause::qos};
  if (will.retain && !mqtt.retain) return Refusal{Reason::will_denied, Cause::retain};
  const Access access{policy, role, {connect.user_name, connect.client_id}};
  if (!access.decides()) {
    // What the broker keeps for itself begins like this, and nobody has said that this client may.
    if (!will.topic.starts_with('$') || !mqtt.guards.has(Guard::dollar_will)) return std::nullopt;
    if (access.is_own_bridge_state(will.topic)) return std::nullopt;
    return Refusal{Reason::will_denied, Cause::topic};
  }
  switch (access.may_leave_will(will.topic, will.qos, will.retain).verdict) {
    case PublishAnswer::Verdict::allowed:
      return std::nullopt;
    case PublishAnswer::Verdict::denied_qos:
      return Refusal{Reason::will_denied, Cause::qos};
    case PublishAnswer::Verdict::denied_retain:
      return Refusal{Reason::will_denied, Cause::retain};
    default:
      return Refusal{Reason::will_denied, Cause::topic};
  }
}

}  // namespace

Verdict judge(const Policy& policy, const Origin& origin) {
  const auto* rule = policy.admission.prefixes.find(origin.address);
  if (rule == nullptr) return Refusal{Reason::ip_denied, Cause::not_allowed};
  if (!rule->allow) return Refusal{Reason::ip_denied, Cause::denied};
  return Admitted{};
}

Verdict judge(const Policy& policy, const ConnectFacts& connect) {
  for (const auto rule : connect_rules) {
    if (const auto refusal = rule(policy, connect)) return *refusal;
  }
  return Admitted{};
}

std::vector<Refusal> refusals_of(const Policy& policy, const ConnectFacts& connect) {
  std::vector<Refusal> out;
  for (const auto rule : connect_rules) {
    if (const auto refusal = rule(policy, connect)) out.push_back(*refusal);
  }
  return out;
}

Verdict judge_again(const Policy& policy, const Origin& origin, const ConnectFacts& connect) {
  const auto from = judge(policy, origin);
  if (std::holds_alternative<Refusal>(from)) return from;
  const auto asked = judge(policy, connect);
  if (std::holds_alternative<Refusal>(asked)) return asked;
  return judge_identity(policy, origin, connect);
}

Verdict judge_identity(const Policy& policy, const Origin& origin, const ConnectFacts& connect) {
  if (!fits_client_id(policy.mqtt.client_id_pattern, connect)) return Refusal{Reason::client_id_denied, Cause::pattern};
  const auto verdict = policy.roles.empty() ? Verdict{Admitted{}} : judge_roles(policy.roles, origin, connect);
  if (const auto* admitted = std::get_if<Admitted>(&verdict)) {
    if (const auto refusal = judge_will(policy, admitted->role, connect)) return *refusal;
  }
  return verdict;
}

std::optional<std::uint16_t> server_keep_alive(const Policy& policy, const ConnectFacts& connect) {
  if (connect.version != MqttVersion::v5_0 || !exceeds_keep_alive_max(policy.mqtt, connect)) return std::nullopt;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(policy.mqtt.keep_alive_max).count();
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 1, 65'535));
}

}  // namespace bastion
