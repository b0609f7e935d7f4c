// What a described client may do with a topic, and by which line: what the inspector will say to its packets.
#include <algorithm>
#include <utility>

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
      return "denied with this QoS";
    case PublishAnswer::Verdict::denied_retain:
      return "denied where it is retained";
    case PublishAnswer::Verdict::denied_will:
      break;
  }
  return "denied by a will";
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

class TopicExplainer {
 public:
  TopicExplainer(const Policy& policy, const Role* role, const DescribedClient& client, const TopicQuestion& question)
      : policy_{policy}, role_{role}, client_{client}, question_{question} {}

  [[nodiscard]] ExplainedTopic explain() const {
    const auto& mqtt = policy_.mqtt;
    if (question_.text.size() > mqtt.topic_length_max) {
      return ended("longer than " + std::to_string(mqtt.topic_length_max) + " bytes", "mqtt.topic_length_max");
    }
    if (count_levels(question_.text) > mqtt.topic_levels_max) {
      return ended("more than " + std::to_string(mqtt.topic_levels_max) + " levels", "mqtt.topic_levels_max");
    }
    TopicNames names;
    if (client_.user) names.user_name = *client_.user;
    names.client_id = client_.client_id;
    const Access access{policy_, role_, names};
    return is_subscribe() ? subscribe(access) : publish(access);
  }

 private:
  [[nodiscard]] ExplainedTopic publish(const Access& access) const {
    const auto& mqtt = policy_.mqtt;
    // An MQTT 5 client has been told so by CONNACK, and breaks the protocol.
    const auto limited = [&](const std::string& found, std::string_view key) {
      return client_.version == MqttVersion::v5_0 ? ended(found, key) : denied(found, line_of(key), key);
    };
    if (question_.qos > mqtt.qos_max) return limited("denied with this QoS", "mqtt.qos_max");
    if (question_.retain && !mqtt.retain) return limited("denied where it is retained", "mqtt.retain");
    if (!access.decides()) {
      return access.is_own_bridge_state(question_.text) ? allowed_to_bridges() : left_to_the_broker(question_.text);
    }
    const auto answer = is_will() ? access.may_leave_will(question_.text, question_.qos, question_.retain)
                                  : access.may_publish(question_.text, question_.qos, question_.retain);
    return answer.is_allowed() ? allowed(verdict_of(answer), line_of(answer.rule))
                               : denied(verdict_of(answer), bound_of(answer));
  }

  [[nodiscard]] ExplainedTopic subscribe(const Access& access) const {
    const auto& mqtt = policy_.mqtt;
    const auto asked = SubscriptionFilter::from(question_.text);
    if (!asked) return denied("no topic filter", {});
    const auto answer = access.may_subscribe(question_.text);
    if (!answer.is_allowed()) return denied(verdict_of(answer), line_of(answer.rule));
    auto found =
        access.decides() ? allowed(verdict_of(answer), line_of(answer.rule)) : left_to_the_broker(asked->filter.text());
    if (!found.is_allowed) return found;
    if (!asked->share_name.empty() && !mqtt.shared_subscriptions) {
      constexpr std::string_view key = "mqtt.shared_subscriptions";
      return denied("denied, since it is shared", line_of(key), key);
    }
    if (asked->filter.has_wildcard() && !mqtt.wildcard_subscriptions) {
      constexpr std::string_view key = "mqtt.wildcard_subscriptions";
      return denied("denied, since it has wildcards", line_of(key), key);
    }
    const auto qos_max = std::min(mqtt.qos_max, answer.qos_max);
    if (qos_max < 2) found.what += ", with QoS " + std::to_string(qos_max) + " at most";
    return found;
  }

  /// Where no rule is there to allow them, a shield keeps clients from the broker's own topics.
  [[nodiscard]] ExplainedTopic left_to_the_broker(std::string_view topic) const {
    const auto guard = is_subscribe() ? Guard::dollar_subscribe : is_will() ? Guard::dollar_will : Guard::dollar_publish;
    if (topic.starts_with('$') && policy_.mqtt.guards.has(guard)) {
      constexpr std::string_view key = "mqtt.shields_off";
      return denied("denied by a shield, since it begins with `$` and no rule names it", line_of(key), key);
    }
    return allowed("left to the broker", {});
  }

  /// But for the one topic of the broker's own that is a bridge's.
  [[nodiscard]] ExplainedTopic allowed_to_bridges() const {
    constexpr std::string_view key = "mqtt.versions";
    return {true, asked() + "allowed, since bridges are", line_of(key), key};
  }

  [[nodiscard]] ExplainedTopic allowed(const std::string& found, Location where) const {
    return {true, asked() + found, std::move(where), {}};
  }
  [[nodiscard]] ExplainedTopic denied(const std::string& found, Location where, std::string_view key = {}) const {
    // MQTT 3.1 has no SUBACK that says no.
    const bool ends =
        is_subscribe() ? client_.version == MqttVersion::v3_1 : policy_.mqtt.denied_publish == DeniedPublish::disconnect;
    return {false, asked() + found + (ends ? end() : ""), std::move(where), key};
  }
  [[nodiscard]] ExplainedTopic ended(const std::string& found, std::string_view key) const {
    return {false, asked() + found + end(), line_of(key), key};
  }
  /// A will that is denied lets no session begin.
  [[nodiscard]] const char* end() const { return is_will() ? "" : ", and the session ends"; }

  [[nodiscard]] std::string asked() const {
    if (is_subscribe()) return "SUBSCRIBE to " + quoted(question_.text) + ": ";
    return (is_will() ? "will on " : "PUBLISH to ") + quoted(question_.text) +
           (question_.qos > 0 ? " with QoS " + std::to_string(question_.qos) : "") +
           (question_.retain ? ", retained: " : ": ");
  }
  [[nodiscard]] bool is_subscribe() const { return question_.kind == TopicQuestion::Kind::subscribe; }
  [[nodiscard]] bool is_will() const { return question_.kind == TopicQuestion::Kind::will; }

  [[nodiscard]] Location line_of(std::string_view key) const { return policy_.line_of(key); }
  /// The line of the role's bound that keeps a message back though its topic is allowed; otherwise as for any rule.
  [[nodiscard]] Location bound_of(const PublishAnswer& answer) const {
    using Verdict = PublishAnswer::Verdict;
    const bool bounds = answer.rule && (answer.rule.rights() & (TopicRight::qos_0 | TopicRight::qos_1)).any();
    if (role_ != nullptr && role_->topics) {
      const auto& topics = *role_->topics;
      if (answer.verdict == Verdict::denied_retain && topics.retain_list) return *topics.retain_list;
      if (answer.verdict == Verdict::denied_will && topics.will_list) return *topics.will_list;
      if (answer.verdict == Verdict::denied_qos && !bounds && topics.qos_max_where.line != 0) return topics.qos_max_where;
    }
    return line_of(answer.rule);
  }
  /// The line that decided; where none did, the list that does not name it.
  [[nodiscard]] Location line_of(const DecidingRule& rule) const {
    if (rule) return rule.where();
    if (role_ != nullptr && role_->topics) return role_->where;
    return policy_.authorization.acl_file ? policy_.authorization.acl_file->where : Location{};
  }

  const Policy& policy_;
  const Role* role_;
  const DescribedClient& client_;
  const TopicQuestion& question_;
};

}  // namespace

ExplainedTopic explain_topic(const Policy& policy, const Role* role, const DescribedClient& client,
                             const TopicQuestion& question) {
  return TopicExplainer{policy, role, client, question}.explain();
}

}  // namespace bastion
