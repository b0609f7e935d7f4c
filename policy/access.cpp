// Asking a session's rules, and putting the answers of role and ACL file together.
#include "policy/access.hpp"

#include <algorithm>

#include "policy/acl_file.hpp"
#include "policy/policy.hpp"

namespace bastion {
namespace {

constexpr auto deny_any = TopicRight::deny_publish | TopicRight::deny_receive;

/// Whether a rule that takes something names what these names can't be put for. A client without a user name has no topics
/// of its own that could be denied; one whose name can't be put has, and nobody can tell which.
bool is_a_deny_unreadable(const TopicRules& rules, const TopicNames& names, const LevelNames& fit) {
  const bool by_user_name = names.user_name && !fit.user_name && (rules.rights_by_user_name() & deny_any).any();
  const bool by_client_id = !fit.client_id && (rules.rights_by_client_id() & deny_any).any();
  return by_user_name || by_client_id;
}

std::uint8_t qos_max_by(TopicRights found, std::uint8_t otherwise) {
  if (found.has(TopicRight::qos_0)) return 0;
  return found.has(TopicRight::qos_1) ? std::min<std::uint8_t>(otherwise, 1) : otherwise;
}

DecidingRule rule_of(const TopicRules& rules, const TopicRules::Found& found, TopicRight right) {
  return {&rules, found.rule_of(right)};
}

}  // namespace

struct Access::Message {
  std::string_view topic;
  std::uint8_t qos;
  bool retain;
  bool is_will;
};

Access::Access(const Policy& policy, const Role* role, const TopicNames& names)
    : role_{role != nullptr && role->topics ? role : nullptr},
      acl_{policy.authorization.acl ? &*policy.authorization.acl : nullptr},
      allows_bridges_{policy.mqtt.allow_bridge} {
  if (names.user_name && is_fit_for_level(*names.user_name)) names_.user_name = names.user_name;
  if (is_fit_for_level(names.client_id)) names_.client_id = names.client_id;
  if (role_ != nullptr) role_denies_all_ = is_a_deny_unreadable(role_->topics->rules, names, names_);
  if (acl_ == nullptr) return;
  acl_of_user_ = acl_->rules_of(names.user_name);
  // By Mosquitto, a name with a wildcard is denied whatever the patterns say, also those without a placeholder.
  acl_patterns_deny_all_ = (names.user_name && holds_wildcard(*names.user_name)) || holds_wildcard(names.client_id) ||
                           is_a_deny_unreadable(acl_->patterns(), names, names_);
}

bool Access::is_own_bridge_state(std::string_view topic) const {
  constexpr std::string_view before = "$SYS/broker/connection/";
  constexpr std::string_view behind = "/state";
  if (!allows_bridges_ || !names_.client_id || !topic.starts_with(before) || !topic.ends_with(behind)) return false;
  return topic.size() == before.size() + names_.client_id->size() + behind.size() &&
         topic.substr(before.size(), names_.client_id->size()) == *names_.client_id;
}

PublishAnswer Access::may_publish(std::string_view topic, std::uint8_t qos, bool retain) const {
  return judge({topic, qos, retain, false});
}

PublishAnswer Access::may_leave_will(std::string_view topic, std::uint8_t qos, bool retain) const {
  return judge({topic, qos, retain, true});
}

PublishAnswer Access::judge(const Message& message) const {
  PublishAnswer answer;
  if (role_ != nullptr) answer = judge_by_role(message);
  if (acl_ == nullptr || !answer.is_allowed()) return answer;
  const auto by_acl = judge_by_acl(message.topic);
  return by_acl.is_allowed() && role_ != nullptr ? answer : by_acl;
}

PublishAnswer Access::judge_by_role(const Message& message) const {
  using Verdict = PublishAnswer::Verdict;
  const auto& topics = *role_->topics;
  if (role_denies_all_) return {Verdict::denied, {}};
  constexpr auto wanted = TopicRight::publish | TopicRight::deny_publish | TopicRight::retain | TopicRight::will |
                          TopicRight::qos_0 | TopicRight::qos_1;
  const auto found = topics.rules.find(message.topic, names_, wanted, TopicRight::deny_publish);
  if (found.rights.has(TopicRight::deny_publish)) {
    return {Verdict::denied, rule_of(topics.rules, found, TopicRight::deny_publish)};
  }
  if (!found.rights.has(TopicRight::publish)) return {Verdict::denied, {}};
  const auto allowing = rule_of(topics.rules, found, TopicRight::publish);
  if (message.is_will && topics.will_list && !found.rights.has(TopicRight::will)) return {Verdict::denied_will, allowing};
  if (message.retain && topics.retain_list && !found.rights.has(TopicRight::retain)) {
    return {Verdict::denied_retain, allowing};
  }
  if (message.qos > qos_max_by(found.rights, topics.qos_max)) {
    const auto bound = found.rights.has(TopicRight::qos_0) ? TopicRight::qos_0 : TopicRight::qos_1;
    return {Verdict::denied_qos, found.rights.has(bound) ? rule_of(topics.rules, found, bound) : allowing};
  }
  return {Verdict::allowed, allowing};
}

PublishAnswer Access::judge_by_acl(std::string_view topic) const {
  using Verdict = PublishAnswer::Verdict;
  if (AclFile::is_reserved_for_writing(topic)) return {Verdict::denied, {}};
  const auto answer = ask_acl(topic, TopicRight::publish);
  return {answer.is_allowed ? Verdict::allowed : Verdict::denied, answer.rule};
}

ReceiveAnswer Access::may_receive(std::string_view topic) const {
  ReceiveAnswer answer;
  if (role_ != nullptr) answer = receive_by_role(topic);
  if (acl_ == nullptr || !answer.is_allowed) return answer;
  const auto by_acl =
      AclFile::is_reserved_for_reading(topic) ? ReceiveAnswer{false, {}} : ask_acl(topic, TopicRight::receive);
  return by_acl.is_allowed && role_ != nullptr ? answer : by_acl;
}

ReceiveAnswer Access::receive_by_role(std::string_view topic) const {
  if (role_denies_all_) return {false, {}};
  const auto& rules = role_->topics->rules;
  const auto found = rules.find(topic, names_, TopicRight::receive | TopicRight::deny_receive, TopicRight::deny_receive);
  if (found.rights.has(TopicRight::deny_receive)) return {false, rule_of(rules, found, TopicRight::deny_receive)};
  if (!found.rights.has(TopicRight::receive)) return {false, {}};
  return {true, rule_of(rules, found, TopicRight::receive)};
}

ReceiveAnswer Access::ask_acl(std::string_view topic, TopicRight right) const {
  // A `deny` of the file is for both directions, so that one of the two rights tells it.
  constexpr auto deny = TopicRight::deny_receive;
  const auto* const of_everyone = acl_patterns_deny_all_ ? nullptr : &acl_->patterns();
  for (const auto* rules : {acl_of_user_, of_everyone}) {
    if (rules == nullptr) continue;
    const auto found = rules->find(topic, names_, right | deny, deny);
    if (found.rights.has(deny)) return {false, rule_of(*rules, found, deny)};
    if (found.rights.has(right)) return {true, rule_of(*rules, found, right)};
  }
  return {false, {}};
}

SubscribeAnswer Access::may_subscribe(std::string_view text) const {
  using Verdict = SubscribeAnswer::Verdict;
  SubscribeAnswer answer;
  if (!decides()) return answer;
  const auto asked = SubscriptionFilter::from(text);
  if (!asked) return {Verdict::denied, 0, {}};
  if (role_ != nullptr) answer = subscribe_by_role(asked->filter);
  if (acl_ == nullptr || !answer.is_allowed()) return answer;
  const auto by_acl = subscribe_by_acl(asked->filter);
  // The stricter of both; where they agree, the role is the one to name.
  if (role_ == nullptr || !by_acl.is_allowed()) return by_acl;
  answer.verdict = std::max(answer.verdict, by_acl.verdict);
  return answer;
}

SubscribeAnswer Access::subscribe_by_role(const TopicFilter& filter) const {
  using Verdict = SubscribeAnswer::Verdict;
  if (role_denies_all_) return {Verdict::denied, 0, {}};
  const auto& topics = *role_->topics;
  const auto& rules = topics.rules;
  const auto granting = rules.find_covering(filter, names_, TopicRight::receive);
  if (granting == TopicRules::no_rule) return {Verdict::denied, 0, {}};
  const auto denying = rules.find_covering(filter, names_, TopicRight::deny_receive);
  if (denying != TopicRules::no_rule) return {Verdict::denied, 0, {&rules, denying}};
  constexpr auto bounds = TopicRight::deny_receive | TopicRight::qos_0 | TopicRight::qos_1;
  const auto touched = rules.find_overlapping(filter, names_, bounds);
  const auto qos_max = qos_max_by(touched.rights, topics.qos_max);
  if (!touched.rights.has(TopicRight::deny_receive)) return {Verdict::allowed, qos_max, {&rules, granting}};
  return {Verdict::allowed_in_part, qos_max, rule_of(rules, touched, TopicRight::deny_receive)};
}

SubscribeAnswer Access::subscribe_by_acl(const TopicFilter& filter) const {
  using Verdict = SubscribeAnswer::Verdict;
  // Mosquitto grants every filter and looks at deliveries. So does the gate, but where nothing could ever be delivered.
  constexpr auto deny = TopicRight::deny_receive;
  constexpr auto receive = TopicRight::receive;
  const auto* const of_everyone = acl_patterns_deny_all_ ? nullptr : &acl_->patterns();
  SubscribeAnswer answer{Verdict::denied, 2, {}};
  bool is_denied_in_part = false;
  for (const auto* rules : {acl_of_user_, of_everyone}) {
    if (rules == nullptr) continue;
    if (const auto denying = rules->find_covering(filter, names_, deny); denying != TopicRules::no_rule) {
      return answer.is_allowed() ? answer : SubscribeAnswer{Verdict::denied, 2, {rules, denying}};
    }
    const auto touched = rules->find_overlapping(filter, names_, receive | deny);
    is_denied_in_part = is_denied_in_part || touched.rights.has(deny);
    if (!touched.rights.has(receive)) continue;
    const auto granting = is_denied_in_part ? TopicRules::no_rule : rules->find_covering(filter, names_, receive);
    if (granting != TopicRules::no_rule) return {Verdict::allowed, 2, {rules, granting}};
    if (!answer.is_allowed()) answer = {Verdict::allowed_in_part, 2, rule_of(*rules, touched, receive)};
  }
  return answer;
}

}  // namespace bastion
