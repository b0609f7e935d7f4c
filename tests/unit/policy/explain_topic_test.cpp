// How a client's wish for a topic is explained, and what a policy's own tests of topics say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/explain.hpp"

namespace bastion {
namespace {

using Kind = TopicQuestion::Kind;
using testing::HasSubstr;

DescribedClient alice() {
  DescribedClient client;
  client.from = Address::v4(192, 168, 10, 7);
  client.user = "alice";
  client.client_id = "cam1";
  return client;
}

/// A policy that lets everyone of 192.168.10.0/24 in, with one role: the lines of its rules are 11, 12, 13.
Policy policy_with_topics() {
  Policy policy;
  policy.where.file = "policy.toml";
  policy.admission.rule_files = {"policy.toml"};
  policy.admission.prefixes = PrefixSet{{{std::get<Prefix>(parse_prefix("192.168.10.0/24")), true, 5, 0}}};
  policy.listeners.emplace_back().name = "devices";
  auto& role = policy.roles.emplace_back();
  role.name = "camera";
  role.where = {"policy.toml", 10, 1};
  auto& rules = role.topics.emplace().rules;
  rules = TopicRules{"policy.toml"};
  constexpr auto form = TopicRules::Placeholders::with_escape;
  EXPECT_EQ(rules.add("picture/%c/#", TopicRight::publish, form, 11, 12), std::nullopt);
  EXPECT_EQ(rules.add("command/#", TopicRight::receive, form, 12, 14), std::nullopt);
  EXPECT_EQ(rules.add("+/+/secret", TopicRight::deny_publish | TopicRight::deny_receive, form, 13, 9), std::nullopt);
  return policy;
}

ExplainedTopic explained(const Policy& policy, Kind kind, const char* topic) {
  return explain_topic(policy, policy.roles.empty() ? nullptr : &policy.roles.front(), alice(), {kind, topic});
}

TEST(ExplainTopic, NamesTheLineThatAllowsOrDenies) {
  const auto policy = policy_with_topics();
  const auto allowed = explained(policy, Kind::publish, "picture/cam1/x");
  EXPECT_TRUE(allowed.is_allowed);
  EXPECT_EQ(allowed.what, R"(PUBLISH to "picture/cam1/x": allowed)");
  EXPECT_EQ(allowed.where.line, 11u);
  const auto denied = explained(policy, Kind::publish, "picture/cam1/secret");
  EXPECT_FALSE(denied.is_allowed);
  EXPECT_EQ(denied.what, R"(PUBLISH to "picture/cam1/secret": denied)");
  EXPECT_EQ(denied.where.line, 13u);
}

TEST(ExplainTopic, NamesTheRoleWhereNoneOfItsLinesAllows) {
  const auto policy = policy_with_topics();
  const auto other = explained(policy, Kind::publish, "picture/cam2/x");
  EXPECT_FALSE(other.is_allowed);
  EXPECT_EQ(other.what, R"(PUBLISH to "picture/cam2/x": allowed by no rule)");
  EXPECT_EQ(other.where.line, 10u);
  EXPECT_EQ(explained(policy, Kind::subscribe, "#").what, R"(SUBSCRIBE to "#": allowed by no rule)");
}

TEST(ExplainTopic, TellsOfDeliveriesThatAreChecked) {
  const auto policy = policy_with_topics();
  const auto wide = explained(policy, Kind::subscribe, "command/#");
  EXPECT_TRUE(wide.is_allowed);
  EXPECT_EQ(wide.what, R"(SUBSCRIBE to "command/#": allowed, and each delivery is checked)");
  EXPECT_EQ(wide.where.line, 13u);
  EXPECT_EQ(explained(policy, Kind::subscribe, "command/a").what, R"(SUBSCRIBE to "command/a": allowed)");
}

TEST(ExplainTopic, SaysWhereTopicsAreLeftToTheBroker) {
  auto policy = policy_with_topics();
  policy.roles.front().topics.reset();
  const auto left = explained(policy, Kind::publish, "anything");
  EXPECT_TRUE(left.is_allowed);
  EXPECT_EQ(left.what, R"(PUBLISH to "anything": left to the broker)");
  EXPECT_EQ(left.where.line, 0u);
}

TEST(ExplainTopic, SaysThatShieldsKeepDollarTopicsToTheBroker) {
  auto policy = policy_with_topics();
  policy.roles.front().topics.reset();
  const auto kept = explained(policy, Kind::publish, "$x");
  EXPECT_FALSE(kept.is_allowed);
  EXPECT_EQ(kept.what, "PUBLISH to \"$x\": denied by a shield, since it begins with `$` and no rule names it");
  EXPECT_EQ(deciding_line(kept), "default of mqtt.shields_off");
  EXPECT_FALSE(explained(policy, Kind::subscribe, "$share/g/$SYS/#").is_allowed);
  EXPECT_TRUE(explained(policy, Kind::subscribe, "$share/g/a").is_allowed);
  policy.mqtt.guards.take_down(Guard::dollar_publish);
  EXPECT_TRUE(explained(policy, Kind::publish, "$x").is_allowed);
  EXPECT_FALSE(explained(policy, Kind::subscribe, "$SYS/#").is_allowed) << "another shield";
}

TEST(ExplainTopic, AllowsABridgeItsOwnStateWhereBridgesMayEnter) {
  auto policy = policy_with_topics();
  policy.roles.front().topics.reset();
  policy.mqtt.allow_bridge = true;
  policy.said["mqtt.versions"] = {"policy.toml", 31, 1};
  const auto own = explained(policy, Kind::publish, "$SYS/broker/connection/cam1/state");
  EXPECT_TRUE(own.is_allowed);
  EXPECT_EQ(own.what, R"(PUBLISH to "$SYS/broker/connection/cam1/state": allowed, since bridges are)");
  EXPECT_EQ(deciding_line(own), "policy.toml:31");
  EXPECT_FALSE(explained(policy, Kind::publish, "$SYS/broker/connection/cam2/state").is_allowed);
  EXPECT_FALSE(explained(policy, Kind::subscribe, "$SYS/broker/connection/cam1/state").is_allowed);
}

TEST(ExplainTopic, HoldsAMessageToTheLimitsOfThePolicy) {
  auto policy = policy_with_topics();
  policy.mqtt.qos_max = 1;
  policy.mqtt.retain = false;
  policy.mqtt.topic_levels_max = 4;
  policy.mqtt.topic_length_max = 20;
  policy.said["mqtt.qos_max"] = {"policy.toml", 31, 1};
  struct Form {
    std::uint8_t qos = 0;
    bool retain = false;
  };
  const auto publish = [&](const char* topic, const Form& form, MqttVersion version = MqttVersion::v3_1_1) {
    auto client = alice();
    client.version = version;
    return explain_topic(policy, &policy.roles.front(), client, {Kind::publish, topic, form.qos, form.retain});
  };
  EXPECT_TRUE(publish("picture/cam1/x", {1, false}).is_allowed);
  const auto qos = publish("picture/cam1/x", {2, false});
  EXPECT_FALSE(qos.is_allowed);
  EXPECT_EQ(qos.what, R"(PUBLISH to "picture/cam1/x" with QoS 2: denied with this QoS)");
  EXPECT_EQ(deciding_line(qos), "policy.toml:31");
  EXPECT_THAT(publish("picture/cam1/x", {2, false}, MqttVersion::v5_0).what, HasSubstr("and the session ends"));
  const auto retained = publish("picture/cam1/x", {0, true});
  EXPECT_EQ(retained.what, R"(PUBLISH to "picture/cam1/x", retained: denied where it is retained)");
  EXPECT_EQ(deciding_line(retained), "default of mqtt.retain");
  const auto deep = publish("picture/cam1/x/y/z", {});
  EXPECT_EQ(deep.what, R"(PUBLISH to "picture/cam1/x/y/z": more than 4 levels, and the session ends)");
  EXPECT_THAT(publish("picture/cam1/aaaaaaaaaa", {}).what, HasSubstr("longer than 20 bytes, and the session ends"));
  policy.mqtt.denied_publish = DeniedPublish::disconnect;
  EXPECT_THAT(publish("other", {}).what, HasSubstr("allowed by no rule, and the session ends"));
}

TEST(ExplainTopic, NamesTheBoundOfTheRoleThatDecides) {
  auto policy = policy_with_topics();
  auto& topics = *policy.roles.front().topics;
  topics.qos_max = 1;
  topics.qos_max_where = {"policy.toml", 14, 1};
  topics.retain_list = Location{"policy.toml", 15, 1};
  topics.will_list = Location{"policy.toml", 16, 1};
  const auto line = [&](Kind kind, std::uint8_t qos, bool retain) {
    return explain_topic(policy, &policy.roles.front(), alice(), {kind, "picture/cam1/x", qos, retain}).where.line;
  };
  EXPECT_EQ(line(Kind::publish, 1, false), 11u);
  EXPECT_EQ(line(Kind::publish, 2, false), 14u);
  EXPECT_EQ(line(Kind::publish, 0, true), 15u);
  EXPECT_EQ(line(Kind::will, 0, false), 16u);
  constexpr auto form = TopicRules::Placeholders::with_escape;
  EXPECT_EQ(topics.rules.add("picture/#", TopicRight::qos_0, form, 17, 1), std::nullopt);
  EXPECT_EQ(line(Kind::publish, 1, false), 17u) << "a narrower bound";
}

TEST(ExplainTopic, HoldsAWillToItsOwnRights) {
  auto policy = policy_with_topics();
  const auto will = [&](const char* topic, bool retain = false) {
    return explain_topic(policy, &policy.roles.front(), alice(), {Kind::will, topic, 1, retain});
  };
  EXPECT_EQ(will("picture/cam1/x").what, R"(will on "picture/cam1/x" with QoS 1: allowed)");
  EXPECT_EQ(will("other", true).what, R"(will on "other" with QoS 1, retained: allowed by no rule)");
  policy.mqtt.denied_publish = DeniedPublish::disconnect;
  policy.mqtt.topic_levels_max = 2;
  EXPECT_EQ(will("picture/cam1/x").what, R"(will on "picture/cam1/x" with QoS 1: more than 2 levels)");
  policy.roles.front().topics.reset();
  EXPECT_EQ(will("$x").what, "will on \"$x\" with QoS 1: denied by a shield, since it begins with `$` and no rule names it");
  policy.mqtt.guards.take_down(Guard::dollar_will);
  EXPECT_TRUE(will("$x").is_allowed);
}

TEST(ExplainTopic, HoldsAFilterToTheLimitsOfThePolicy) {
  auto policy = policy_with_topics();
  EXPECT_TRUE(explained(policy, Kind::subscribe, "$share/g/command/#").is_allowed);
  policy.mqtt.wildcard_subscriptions = false;
  EXPECT_THAT(explained(policy, Kind::subscribe, "command/#").what, HasSubstr("denied, since it has wildcards"));
  policy.mqtt.shared_subscriptions = false;
  EXPECT_THAT(explained(policy, Kind::subscribe, "$share/g/command/a").what, HasSubstr("denied, since it is shared"));
  policy.mqtt.qos_max = 1;
  EXPECT_EQ(explained(policy, Kind::subscribe, "command/a").what,
            R"(SUBSCRIBE to "command/a": allowed, with QoS 1 at most)");
}

TEST(ExplainTopic, TellsWhatATestOfThePolicyDidNotFind) {
  const auto policy = policy_with_topics();
  Expectation expectation;
  expectation.client = alice();
  expectation.where = {"policy.toml", 20, 1};
  expectation.topic = TopicQuestion{Kind::publish, "picture/cam1/x"};
  expectation.allowed = true;
  EXPECT_FALSE(disappointment(policy, expectation, {}));
  expectation.allowed = false;
  const auto complaint = disappointment(policy, expectation, {});
  ASSERT_TRUE(complaint);
  EXPECT_EQ(text(*complaint),
            "policy.toml:20:1: expected to be denied, but PUBLISH to \"picture/cam1/x\": allowed "
            "(policy.toml:11)");
  expectation.client.from = Address::v4(203, 0, 113, 9);
  EXPECT_THAT(text(disappointment(policy, expectation, {}).value()), HasSubstr("expected to be admitted"));
}

}  // namespace
}  // namespace bastion
