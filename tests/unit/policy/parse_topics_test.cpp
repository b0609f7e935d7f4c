// The parts of the policy file that speak of topics and of what a session may do: roles, the ACL file, limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/access.hpp"
#include "policy/keys.hpp"
#include "tests/unit/policy/policy_text.hpp"

namespace bastion::policy_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view not_enforced = "is not enforced by this version";

/// What a policy says and what is wrong with it, but for keys that this version does not enforce: these are read as they
/// will be when it does.
struct Read {
  Policy policy;
  std::vector<std::string> complaints;
};

Read read(std::string_view more, const Files& files = {}) {
  auto parsed = parse(extended(more), files, "etc/policy.toml");
  Read out;
  for (const auto& complaint : parsed.complaints) {
    if (complaint.message.find(not_enforced) == std::string::npos) out.complaints.push_back(text(complaint));
  }
  auto& policy = parsed.policy ? parsed.policy : parsed.unusable;
  if (policy) out.policy = std::move(*policy);
  return out;
}
Read good(std::string_view more, const Files& files = {}) {
  auto out = read(more, files);
  EXPECT_THAT(out.complaints, IsEmpty());
  return out;
}

Access access_of(const Policy& policy, std::size_t role = 0) {
  return {policy, role < policy.roles.size() ? &policy.roles[role] : nullptr, {"alice", "cam1"}};
}

TEST(ParseTopics, RefusesEveryKeyThatIsNotEnforcedAndReadsItAllTheSame) {
  for (const auto& key : not_enforced_keys()) {
    const auto* known = find_policy_key(key.path);
    if (known == nullptr || known->kind.type != PolicyKey::Type::integer) continue;
    const auto section = std::string{section_of(key.path)};
    const auto header = section == "role[]" ? "[[role]]\nname = \"a\"\npublish = [\"a\"]\n" : '[' + section + "]\n";
    const auto line = std::string{leaf_of(key.path)} + " = 1\n";
    const auto parsed = parse(extended(header + line));
    EXPECT_FALSE(parsed.policy) << key.path;
    const auto is_it = [&](const Complaint& complaint) {
      return complaint.message.find('"' + std::string{key.path} + "\" " + std::string{not_enforced}) != std::string::npos;
    };
    EXPECT_TRUE(std::any_of(parsed.complaints.begin(), parsed.complaints.end(), is_it)) << key.path;
    EXPECT_THAT(read(header + std::string{leaf_of(key.path)} + " = \"1\"\n").complaints,
                ElementsAre(HasSubstr("must be an integer")))
        << key.path;
  }
}

TEST(ParseTopics, TakesTheTopicsOfARole) {
  const auto policy = good(R"([[role]]
name = "sensor"
publish = ["telemetry/%c/#", "status/%c", "stream/%c"]
subscribe = ["command/%c/#"]
deny = ["telemetry/%c/private"]
deny_publish = ["telemetry/%c/ro"]
deny_subscribe = ["command/%c/wo"]
retain = ["status/%c"]
will = ["status/%c"]
qos_max = 1
qos_0_only = ["stream/#"]
)")
                          .policy;
  const auto access = access_of(policy);
  using Verdict = PublishAnswer::Verdict;
  EXPECT_EQ(access.may_publish("telemetry/cam1/t", 1, false).verdict, Verdict::allowed);
  EXPECT_EQ(access.may_publish("telemetry/cam1/t", 2, false).verdict, Verdict::denied_qos);
  EXPECT_EQ(access.may_publish("telemetry/cam1/t", 0, true).verdict, Verdict::denied_retain);
  EXPECT_EQ(access.may_publish("status/cam1", 0, true).verdict, Verdict::allowed);
  EXPECT_EQ(access.may_publish("stream/cam1", 1, false).verdict, Verdict::denied_qos);
  EXPECT_EQ(access.may_publish("telemetry/cam1/private", 0, false).verdict, Verdict::denied);
  EXPECT_EQ(access.may_publish("telemetry/cam1/ro", 0, false).verdict, Verdict::denied);
  EXPECT_EQ(access.may_leave_will("status/cam1", 0, true).verdict, Verdict::allowed);
  EXPECT_EQ(access.may_leave_will("telemetry/cam1/t", 0, false).verdict, Verdict::denied_will);
  EXPECT_EQ(access.may_subscribe("command/cam1/#").verdict, SubscribeAnswer::Verdict::allowed_in_part);
  EXPECT_FALSE(access.may_receive("command/cam1/wo").is_allowed);
  const auto where = access.may_publish("status/cam1", 0, false).rule.where();
  EXPECT_EQ(where.file, "etc/policy.toml");
  EXPECT_EQ(where.line, 16u);
  EXPECT_EQ(where.column, 30u);
}

TEST(ParseTopics, KeepsQos1WhereItIsTheMost) {
  const auto policy = good("[[role]]\nname = \"a\"\npublish = [\"#\"]\nqos_1_max = [\"log/#\"]\n").policy;
  EXPECT_FALSE(access_of(policy).may_publish("log/x", 2, false).is_allowed());
  EXPECT_TRUE(access_of(policy).may_publish("log/x", 1, false).is_allowed());
}

TEST(ParseTopics, TakesAnEmptyListForNone) {
  const auto policy =
      good(
          "[[role]]\nname = \"a\"\nusers = [\"a\"]\npublish = []\n[[role]]\nname = \"b\"\nusers = [\"b\"]\nsubscribe = []\n")
          .policy;
  EXPECT_TRUE(access_of(policy, 0).decides());
  EXPECT_FALSE(access_of(policy, 0).may_publish("a", 0, false).is_allowed());
  EXPECT_FALSE(access_of(policy, 1).may_subscribe("a").is_allowed());
}

TEST(ParseTopics, ComplainsOfFiltersThatAreNone) {
  EXPECT_THAT(read("[[role]]\nname = \"a\"\npublish = [\"a#\", \"ok\", \"%x\"]\nsubscribe = [\"$share/g/a\"]\n").complaints,
              ElementsAre(HasSubstr("etc/policy.toml:16:12: \"a#\": not a topic filter"),
                          HasSubstr("16:24: \"%x\": only %u"), HasSubstr("a shared subscription goes by its own filter")));
}

TEST(ParseTopics, ComplainsOfBoundsWithoutAnythingToBound) {
  EXPECT_THAT(read("[[role]]\nname = \"a\"\ndeny = [\"a\"]\nqos_max = 1\n").complaints,
              ElementsAre(HasSubstr("role \"a\" names no topic that this could bound")));
}

TEST(ParseTopics, ComplainsOfARuleThatCanNeverAllowAnything) {
  EXPECT_THAT(read("[[role]]\nname = \"a\"\npublish = [\"a/b\", \"c/%u\"]\nsubscribe = [\"a/b\"]\n"
                   "deny_publish = [\"a/#\", \"c/+\"]\n")
                  .complaints,
              ElementsAre(HasSubstr("\"a/b\" can never be allowed: all of it is denied at etc/policy.toml:18:17"),
                          HasSubstr("\"c/%u\" can never be allowed")));
}

TEST(ParseTopics, WarnsOfARoleThatLeavesTopicsToTheBrokerWhereOthersDoNot) {
  constexpr std::string_view roles = "[[role]]\nname = \"a\"\nusers = [\"a\"]\npublish = [\"x\"]\n[[role]]\nname = \"b\"\n";
  EXPECT_THAT(read(roles).complaints, ElementsAre(HasSubstr("warning: role \"b\" names no topic, as others do")));
  good("[[role]]\nname = \"b\"\n");
  good(std::string{roles} + "[authorization]\nacl_file = \"acl\"\n", {{"etc/acl", "topic read x\n"}});
}

TEST(ParseTopics, ReadsTheAclFileThatThePolicyNames) {
  const auto policy = good("[authorization]\nacl_file = \"acl\"\n", {{"etc/acl", "user alice\ntopic write a/#\n"}}).policy;
  ASSERT_TRUE(policy.authorization.acl_file);
  EXPECT_EQ(policy.authorization.acl_file->value, "etc/acl");
  const auto access = access_of(policy);
  EXPECT_TRUE(access.may_publish("a/b", 0, false).is_allowed());
  EXPECT_FALSE(access.may_receive("a/b").is_allowed);
  EXPECT_EQ(access.may_publish("a/b", 0, false).rule.where().file, "etc/acl");
}

TEST(ParseTopics, SaysWhatIsWrongWithTheAclFileByItsOwnLines) {
  EXPECT_THAT(read("[authorization]\nacl_file = \"acl\"\n", {{"etc/acl", "topic a b\nuser\n"}}).complaints,
              ElementsAre(HasSubstr("etc/acl:1:7: \"a\" is no access"), HasSubstr("etc/acl:2:5: \"user\" without a name")));
  EXPECT_THAT(read("[authorization]\nacl_file = \"acl\"\n").complaints,
              ElementsAre(HasSubstr("can't read \"etc/acl\": No such file or directory")));
}

// CVE-2018-12550: an empty ACL file allows nothing.
TEST(ParseTopics, TakesAnEmptyAclFileForOneThatAllowsNothing) {
  const auto found = read("[authorization]\nacl_file = \"acl\"\n", {{"etc/acl", ""}});
  EXPECT_THAT(found.complaints, ElementsAre(HasSubstr("warning: \"etc/acl\" holds no rule: nobody may publish")));
  EXPECT_TRUE(access_of(found.policy).decides());
  EXPECT_FALSE(access_of(found.policy).may_publish("a", 0, false).is_allowed());
}

TEST(ParseTopics, WarnsWhereBridgesAreLetInAndNoRuleLetsThemTellTheirState) {
  const std::string bridges = "[mqtt]\nversions = [\"3.1.1\", \"bridge\"]\n";
  const auto role = [](const std::string& lines) { return "[[role]]\nname = \"r\"\nusers = [\"*\"]\n" + lines; };
  const auto said = [&](const std::string& more, const Files& files = {}) {
    std::vector<std::string> out;
    for (const auto& line : read(bridges + more, files).complaints) {
      if (line.find("\"bridge\" is allowed") != std::string::npos) out.push_back(line);
    }
    return out;
  };
  const auto of_roles = ElementsAre(HasSubstr(
      R"(warning: "bridge" is allowed, and no role lets its clients publish to "$SYS/broker/connection/CLIENT-ID/state")"));
  EXPECT_THAT(said(""), IsEmpty());
  EXPECT_THAT(said(role("")), IsEmpty()) << "topics are the broker's";
  EXPECT_THAT(said(role("publish = [\"#\"]\n")), of_roles);
  EXPECT_THAT(said(role("publish = [\"$SYS/broker/connection/%c/state\"]\n")), IsEmpty());
  EXPECT_THAT(said(role("publish = [\"$SYS/broker/connection/site.up/state\"]\n")), IsEmpty());
  EXPECT_THAT(said(role("publish = [\"$SYS/#\"]\nwill = [\"a\"]\n")), of_roles) << "by PUBLISH, but by no will";
  EXPECT_THAT(said(role("publish = [\"$SYS/#\"]\nretain = [\"a\"]\n")), of_roles) << "but not retained";
  EXPECT_THAT(said(role("publish = [\"#\"]\n") + role("").replace(0, 23, "[[role]]\nname = \"other\"\n")), IsEmpty());
  const std::string acl = "[authorization]\nacl_file = \"acl\"\n";
  EXPECT_THAT(said(acl, {{"etc/acl", "topic readwrite #\n"}}),
              ElementsAre(HasSubstr("and the ACL file lets nobody publish")));
  for (const auto* line : {"pattern write $SYS/broker/connection/%c/state", "topic $SYS/#",
                           "user site\ntopic write $SYS/broker/connection/site.up/state"}) {
    EXPECT_THAT(said(acl, {{"etc/acl", std::string{line} + '\n'}}), IsEmpty()) << line;
  }
  EXPECT_THAT(said(acl, {{"etc/acl", "pattern read $SYS/broker/connection/%c/state\n"}}), SizeIs(1));
}

TEST(ParseTopics, TakesEveryLimitOfASession) {
  const auto mqtt = good(R"([mqtt]
topic_length_max = 100
topic_levels_max = 5
filters_per_packet_max = 6
subscriptions_max = 7
properties_size_max = "1KiB"
in_flight_max = 8
retained_messages_max = 9
message_rate = { burst = 10, per_second = 11 }
byte_rate = { burst = "12KiB", per_second = "13KiB" }
rate_patience = "14s"
will_delay_max = "15s"
session_expiry_max = "16s"
qos_max = 1
retain = false
wildcard_subscriptions = false
shared_subscriptions = false
denied_publish = "disconnect"
)")
                        .policy.mqtt;
  EXPECT_EQ(mqtt.topic_length_max, 100u);
  EXPECT_EQ(mqtt.topic_levels_max, 5u);
  EXPECT_EQ(mqtt.filters_per_packet_max, 6u);
  EXPECT_EQ(mqtt.subscriptions_max, 7u);
  EXPECT_EQ(mqtt.properties_size_max, 1024u);
  EXPECT_EQ(mqtt.in_flight_max, 8u);
  EXPECT_EQ(mqtt.retained_messages_max, 9u);
  EXPECT_EQ(mqtt.message_rate, (PacedRate{10, 11}));
  EXPECT_EQ(mqtt.byte_rate, (PacedRate{12u << 10, 13u << 10}));
  EXPECT_EQ(mqtt.rate_patience, Milliseconds{14'000});
  EXPECT_EQ(mqtt.will_delay_max, Milliseconds{15'000});
  EXPECT_EQ(mqtt.session_expiry_max, Milliseconds{16'000});
  EXPECT_EQ(mqtt.qos_max, 1);
  EXPECT_FALSE(mqtt.retain);
  EXPECT_FALSE(mqtt.wildcard_subscriptions);
  EXPECT_FALSE(mqtt.shared_subscriptions);
  EXPECT_EQ(mqtt.denied_publish, DeniedPublish::disconnect);
}

TEST(ParseTopics, KeepsTheDefaultsThatTheTableOfKeysTells) {
  const auto mqtt = good("").policy.mqtt;
  const auto told = [](std::string_view path) {
    const auto* key = find_policy_key(path);
    auto text = key->default_value;
    if (text.front() == '"') text = text.substr(1, text.size() - 2);
    return parse_number(key->kind.type, text).value_or(-1);
  };
  EXPECT_EQ(told("mqtt.topic_length_max"), mqtt.topic_length_max);
  EXPECT_EQ(told("mqtt.topic_levels_max"), mqtt.topic_levels_max);
  EXPECT_EQ(told("mqtt.filters_per_packet_max"), mqtt.filters_per_packet_max);
  EXPECT_EQ(told("mqtt.subscriptions_max"), mqtt.subscriptions_max);
  EXPECT_EQ(told("mqtt.properties_size_max"), mqtt.properties_size_max);
  EXPECT_EQ(told("mqtt.in_flight_max"), mqtt.in_flight_max);
  EXPECT_EQ(told("mqtt.retained_messages_max"), mqtt.retained_messages_max);
  EXPECT_EQ(told("mqtt.message_rate.burst"), static_cast<std::int64_t>(mqtt.message_rate.burst));
  EXPECT_EQ(told("mqtt.message_rate.per_second"), static_cast<std::int64_t>(mqtt.message_rate.per_second));
  EXPECT_EQ(told("mqtt.byte_rate.burst"), static_cast<std::int64_t>(mqtt.byte_rate.burst));
  EXPECT_EQ(told("mqtt.byte_rate.per_second"), static_cast<std::int64_t>(mqtt.byte_rate.per_second));
  EXPECT_EQ(told("mqtt.rate_patience"), mqtt.rate_patience.count());
  EXPECT_EQ(told("mqtt.will_delay_max"), mqtt.will_delay_max.count());
  EXPECT_EQ(told("mqtt.session_expiry_max"), mqtt.session_expiry_max.count());
  EXPECT_EQ(told("mqtt.qos_max"), mqtt.qos_max);
}

TEST(ParseTopics, TakesExpectationsOfTopics) {
  const auto policy =
      good(
          "[[expect]]\nfrom = \"192.168.10.1\"\nuser = \"a\"\npublish = \"a/b\"\nqos = 2\nretain = true\n"
          "allowed = false\n[[expect]]\nfrom = \"192.168.10.1\"\nuser = \"a\"\nsubscribe = \"a/#\"\nallowed = true\n")
          .policy;
  ASSERT_THAT(policy.expectations, SizeIs(2));
  EXPECT_EQ(policy.expectations[0].topic->kind, TopicQuestion::Kind::publish);
  EXPECT_EQ(policy.expectations[0].topic->text, "a/b");
  EXPECT_EQ(policy.expectations[0].allowed, false);
  EXPECT_EQ(policy.expectations[0].topic->qos, 2);
  EXPECT_TRUE(policy.expectations[0].topic->retain);
  EXPECT_EQ(policy.expectations[1].topic->kind, TopicQuestion::Kind::subscribe);
  EXPECT_EQ(policy.expectations[1].allowed, true);
}

TEST(ParseTopics, TakesExpectationsOfAWill) {
  const auto policy =
      good(
          "[[expect]]\nfrom = \"192.168.10.1\"\nuser = \"a\"\nwill = \"$x\"\nwill_qos = 1\nwill_retain = true\n"
          "refused = \"will_denied/topic\"\n")
          .policy;
  ASSERT_THAT(policy.expectations, SizeIs(1));
  const auto& will = policy.expectations[0].client.will;
  ASSERT_TRUE(will);
  EXPECT_EQ(will->kind, TopicQuestion::Kind::will);
  EXPECT_EQ(will->text, "$x");
  EXPECT_EQ(will->qos, 1);
  EXPECT_TRUE(will->retain);
}

TEST(ParseTopics, ComplainsOfExpectationsThatAskNothing) {
  const auto complaints = [](const std::string& lines) {
    return read("[[expect]]\nfrom = \"192.168.10.1\"\n" + lines).complaints;
  };
  EXPECT_THAT(complaints("publish = \"a\"\n"), ElementsAre(HasSubstr("\"allowed\" goes with")));
  EXPECT_THAT(complaints("allowed = true\nadmitted = true\n"), ElementsAre(HasSubstr("\"allowed\" goes with")));
  EXPECT_THAT(complaints("publish = \"a/#\"\nallowed = true\n"), ElementsAre(HasSubstr("is no topic name")));
  EXPECT_THAT(complaints("subscribe = \"a#\"\nallowed = true\n"), ElementsAre(HasSubstr("is no topic filter")));
  EXPECT_THAT(complaints("qos = 1\nadmitted = true\n"), ElementsAre(HasSubstr(R"("qos" and "retain" go with "publish")")));
  EXPECT_THAT(complaints("qos = 1\nsubscribe = \"a\"\nallowed = true\n"), ElementsAre(HasSubstr("go with \"publish\"")));
  EXPECT_THAT(complaints("will_retain = true\nadmitted = true\n"), ElementsAre(HasSubstr("go with \"will\"")));
  EXPECT_THAT(complaints("will = \"a/#\"\nadmitted = true\n"), ElementsAre(HasSubstr("is no topic name")));
  // What to write instead.
  EXPECT_THAT(complaints("refused = \"denied\"\n"), ElementsAre(HasSubstr("and allowed = false")));
  EXPECT_THAT(complaints("refused = \"ip_denyed\"\n"), ElementsAre(HasSubstr("did you mean \"ip_denied\"?")));
  EXPECT_THAT(complaints("refused = \"not_tls\"\n"), ElementsAre(HasSubstr("a description does not tell it; write one of")));
  EXPECT_THAT(complaints("refused = \"xyzzy\"\n"), ElementsAre(HasSubstr("write one of ip_denied, ")));
  EXPECT_THAT(complaints("publish = \"a\"\nallowed = true\nrefused = \"ip_denied\"\n"), ElementsAre(HasSubstr("let in")));
  EXPECT_THAT(complaints("publish = \"a\"\nsubscribe = \"a\"\nallowed = true\n"),
              ElementsAre(HasSubstr("an [[expect]] for each")));
}

}  // namespace
}  // namespace bastion::policy_test
