// What a described client may do with a topic, and by which line.
#include "policy/access.hpp"
#include "policy/explain.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

std::string verdict_of(const PublishAnswer& answer) {
  switch (answer.verdict) {
    case PublishAnswer::Verdict::allowed:
      return "allowed";
    case PublishAnswer::Verdict::denied:
      return answer.rule ? "denied" : "allowed by no rule";
    case PublishAnswer::Verdict::denied_qos:
    case PublishAnswer::Verdict::denied_retain:
    case PublishAnswer::Verdict::denied_will:
      break;
  }
  return "denied in this form";
}

std::string verdict_of(const SubscribeAnswer& answer) {
  switch (answer.verdict) {
    case SubscribeAnswer::Verdict::allowed:
      return "allowed";
    case SubscribeAnswer::Verdict::allowed_in_part:
      return "allowed, and each delivery is checked";
    case SubscribeAnswer::Verdict::denied:
      break;
  }
  return answer.rule ? "denied" : "allowed by no rule";
}

/// The line that decided; where none did, the list that does not name it.
Location line_of(const DecidingRule& rule, const Policy& policy, const Role* role) {
  if (rule) return rule.where();
  if (role != nullptr && role->topics) return role->where;
  return policy.authorization.acl_file ? policy.authorization.acl_file->where : Location{};
}

/// Whether it begins with `$`, and a shield keeps what does so to the broker where no rule decides.
bool is_shielded(const Policy& policy, const TopicQuestion& question) {
  const auto& guards = policy.mqtt.guards;
  if (question.kind == TopicQuestion::Kind::publish) {
    return guards.has(Guard::dollar_publish) && question.text.starts_with('$');
  }
  const auto asked = SubscriptionFilter::from(question.text);
  return guards.has(Guard::dollar_subscribe) && asked && asked->filter.text().starts_with('$');
}

}  // namespace

ExplainedTopic explain_topic(const Policy& policy, const Role* role, const DescribedClient& client,
                             const TopicQuestion& question) {
  TopicNames names;
  if (client.user) names.user_name = *client.user;
  names.client_id = client.client_id;
  const Access access{policy, role, names};
  const bool is_publish = question.kind == TopicQuestion::Kind::publish;
  const auto what = (is_publish ? "PUBLISH to " : "SUBSCRIBE to ") + quoted(question.text) + ": ";
  if (!access.decides() && is_shielded(policy, question)) {
    return {false, what + "it begins with `$`, and no rule names it", {}};
  }
  if (!access.decides()) return {true, what + "left to the broker", {}};
  if (is_publish) {
    const auto answer = access.may_publish(question.text, 0, false);
    return {answer.is_allowed(), what + verdict_of(answer), line_of(answer.rule, policy, role)};
  }
  const auto answer = access.may_subscribe(question.text);
  return {answer.is_allowed(), what + verdict_of(answer), line_of(answer.rule, policy, role)};
}

}  // namespace bastion
