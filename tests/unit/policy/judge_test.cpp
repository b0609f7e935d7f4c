// The gate's questions and the policy's answers.
#include "policy/judge.hpp"

#include <gtest/gtest.h>

namespace bastion {
namespace {

Prefix prefix(std::string_view text) {
  return std::get<Prefix>(parse_prefix(text));
}
Origin from(std::string_view text) {
  return {Address::parse(text).value(), 50'000};
}

ConnectFacts good_connect() {
  ConnectFacts connect;
  connect.keep_alive_s = 60;
  connect.client_id = "sensor-1";
  connect.user_name = "sensor";
  connect.has_password = true;
  return connect;
}

Role role(const char* name, std::vector<const char*> users, std::vector<const char*> networks, const char* client_id) {
  Role out;
  out.name = name;
  for (const auto* user : users) out.users.emplace_back(user);
  for (const auto* network : networks) out.networks.push_back(prefix(network));
  if (client_id != nullptr) out.client_id.emplace(client_id);
  return out;
}

void expect_admitted(const Verdict& verdict) {
  const auto* refusal = std::get_if<Refusal>(&verdict);
  EXPECT_EQ(refusal, nullptr) << label(refusal->reason) << "/" << label(refusal->cause);
}
void expect_refused(const Verdict& verdict, Reason reason, Cause cause) {
  const auto* refusal = std::get_if<Refusal>(&verdict);
  ASSERT_NE(refusal, nullptr) << "admitted, not " << label(reason) << "/" << label(cause);
  EXPECT_EQ(label(refusal->reason), label(reason));
  EXPECT_EQ(refusal->cause, cause) << label(refusal->cause);
}
std::string role_of(const Verdict& verdict) {
  const auto* admitted = std::get_if<Admitted>(&verdict);
  return admitted != nullptr && admitted->role != nullptr ? admitted->role->name : "";
}

TEST(JudgeOrigin, RefusesWhomNoRuleAllows) {
  Policy policy;
  expect_refused(judge(policy, from("192.0.2.1")), Reason::ip_denied, Cause::not_allowed);
  policy.admission.prefixes = PrefixSet{{{prefix("192.0.2.0/24"), true, 0, 0}, {prefix("192.0.2.66"), false, 0, 0}}};
  expect_admitted(judge(policy, from("192.0.2.1")));
  expect_admitted(judge(policy, from("::ffff:192.0.2.1")));
  expect_refused(judge(policy, from("192.0.2.66")), Reason::ip_denied, Cause::denied);
  expect_refused(judge(policy, from("192.0.3.1")), Reason::ip_denied, Cause::not_allowed);
}

TEST(JudgeConnect, AdmitsAnOrdinaryClient) {
  expect_admitted(judge(Policy{}, good_connect()));
}

TEST(JudgeConnect, AllowsTheVersionsOfThePolicyOnly) {
  Policy policy;
  auto connect = good_connect();
  connect.version = MqttVersion::v3_1;
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::mqtt31);
  policy.mqtt = {};
  policy.mqtt.allow_v3_1 = true;
  policy.mqtt.allow_v3_1_1 = false;
  policy.mqtt.allow_v5_0 = false;
  expect_admitted(judge(policy, connect));
  connect.version = MqttVersion::v3_1_1;
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::mqtt311);
  connect.version = MqttVersion::v5_0;
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::mqtt5);
}

TEST(JudgeConnect, AllowsBridgesOnlyWhereThePolicySaysSo) {
  Policy policy;
  auto connect = good_connect();
  connect.bridge = true;
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::bridge);
  policy.mqtt.allow_bridge = true;
  expect_admitted(judge(policy, connect));
  connect.version = MqttVersion::v3_1;
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::mqtt31);
}

TEST(JudgeConnect, RefusesEnhancedAuthentication) {
  auto connect = good_connect();
  connect.version = MqttVersion::v5_0;
  connect.has_auth_method = true;
  expect_refused(judge(Policy{}, connect), Reason::auth_method_unsupported, Cause::none);
}

TEST(JudgeConnect, LeavesTheIdentifierToTheBrokerWhereTheStandardDoes) {
  Policy policy;
  auto connect = good_connect();
  connect.client_id = "";
  expect_admitted(judge(policy, connect));
  connect.clean_start = false;
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::empty);
  connect.version = MqttVersion::v5_0;
  expect_admitted(judge(policy, connect));
  policy.mqtt.client_id_empty = false;
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::empty);
}

TEST(JudgeConnect, WantsAnIdentifierInMqtt31) {
  Policy policy;
  policy.mqtt.allow_v3_1 = true;
  auto connect = good_connect();
  connect.version = MqttVersion::v3_1;
  connect.client_id = "";
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::empty);
}

TEST(JudgeConnect, LimitsTheIdentifiersLength) {
  Policy policy;
  policy.mqtt.client_id_length_max = 8;
  auto connect = good_connect();
  connect.client_id = "12345678";
  expect_admitted(judge(policy, connect));
  connect.client_id = "123456789";
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::length);
}

TEST(JudgeConnect, TakesTheIdentifiersOfKnownClients) {
  auto connect = good_connect();
  for (const char* id :
       {"mosq-AbC123", "mqttjs_0a1b2c3d", "bridge.host.example", "DVES_12ABEF", "nodered_fe01", "a:b@c", "paho46512"}) {
    connect.client_id = id;
    expect_admitted(judge(Policy{}, connect));
  }
}

TEST(JudgeConnect, RefusesIdentifiersThatMeanSomethingElsewhere) {
  auto connect = good_connect();
  for (const std::string_view id :
       {std::string_view{"a+b"}, std::string_view{"#"}, std::string_view{"a/b"}, std::string_view{"a b"},
        std::string_view{"a\x01"}, std::string_view{"a\0b", 3}, std::string_view{"\xc3\xa9"}, std::string_view{"a\n"},
        std::string_view{"$SYS"}, std::string_view{"%u"}}) {
    connect.client_id = id;
    expect_refused(judge(Policy{}, connect), Reason::client_id_denied, Cause::characters);
  }
  Policy policy;
  policy.mqtt.client_id_characters = "/";
  connect.client_id = "a/b";
  expect_admitted(judge(policy, connect));
  connect.client_id = "a-b";
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::characters);
}

TEST(JudgeConnect, HoldsMqtt3ToTheKeepAlive) {
  Policy policy;
  policy.mqtt.keep_alive_max = Milliseconds{60'000};
  auto connect = good_connect();
  connect.keep_alive_s = 60;
  expect_admitted(judge(policy, connect));
  connect.keep_alive_s = 61;
  expect_refused(judge(policy, connect), Reason::session_denied, Cause::keep_alive);
  connect.keep_alive_s = 0;
  expect_refused(judge(policy, connect), Reason::session_denied, Cause::keep_alive);
  EXPECT_FALSE(server_keep_alive(policy, connect));
}

TEST(JudgeConnect, TellsMqtt5ClientsTheKeepAlive) {
  Policy policy;
  policy.mqtt.keep_alive_max = Milliseconds{60'500};
  auto connect = good_connect();
  connect.version = MqttVersion::v5_0;
  connect.keep_alive_s = 0;
  expect_admitted(judge(policy, connect));
  EXPECT_EQ(server_keep_alive(policy, connect), 60);
  connect.keep_alive_s = 61;
  EXPECT_EQ(server_keep_alive(policy, connect), 60);
  connect.keep_alive_s = 60;
  EXPECT_FALSE(server_keep_alive(policy, connect));
}

TEST(JudgeConnect, WantsCredentialsUnlessThePolicySaysOtherwise) {
  Policy policy;
  auto connect = good_connect();
  connect.has_password = false;
  expect_refused(judge(policy, connect), Reason::anonymous, Cause::no_password);
  connect.user_name = "";
  expect_refused(judge(policy, connect), Reason::anonymous, Cause::no_user);
  connect.user_name.reset();
  expect_refused(judge(policy, connect), Reason::anonymous, Cause::no_user);
  connect.has_password = true;
  expect_refused(judge(policy, connect), Reason::anonymous, Cause::no_user);
  policy.authentication.required = false;
  expect_admitted(judge(policy, connect));
}

TEST(JudgeConnect, GivesTheFirstReasonThatApplies) {
  Policy policy;
  ConnectFacts connect;
  connect.version = MqttVersion::v3_1;
  connect.has_auth_method = true;
  connect.client_id = "a/b";
  expect_refused(judge(policy, connect), Reason::unsupported_version, Cause::mqtt31);
  connect.version = MqttVersion::v3_1_1;
  expect_refused(judge(policy, connect), Reason::auth_method_unsupported, Cause::none);
  connect.has_auth_method = false;
  expect_refused(judge(policy, connect), Reason::client_id_denied, Cause::characters);
  connect.client_id = "a";
  expect_refused(judge(policy, connect), Reason::session_denied, Cause::keep_alive);
  connect.keep_alive_s = 60;
  expect_refused(judge(policy, connect), Reason::anonymous, Cause::no_user);
}

TEST(JudgeIdentity, AdmitsEverybodyWithoutRoles) {
  const auto verdict = judge_identity(Policy{}, from("192.0.2.1"), good_connect());
  expect_admitted(verdict);
  EXPECT_EQ(role_of(verdict), "");
}

TEST(JudgeIdentity, BindsTheIdentifierToTheUser) {
  Policy policy;
  policy.mqtt.client_id_pattern.emplace("%u-*");
  auto connect = good_connect();
  expect_admitted(judge_identity(policy, from("192.0.2.1"), connect));
  connect.client_id = "other-1";
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::client_id_denied, Cause::pattern);
  connect.client_id = "-1";
  connect.user_name.reset();
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::client_id_denied, Cause::pattern);
}

TEST(JudgeIdentity, TakesTheFirstRoleThatFits) {
  Policy policy;
  policy.roles = {role("narrow", {"sensor"}, {"192.0.2.0/28"}, nullptr), role("wide", {"sens*", "other"}, {}, nullptr),
                  role("rest", {}, {}, nullptr)};
  EXPECT_EQ(role_of(judge_identity(policy, from("192.0.2.1"), good_connect())), "narrow");
  EXPECT_EQ(role_of(judge_identity(policy, from("192.0.2.16"), good_connect())), "wide");
  auto connect = good_connect();
  connect.user_name = "admin";
  EXPECT_EQ(role_of(judge_identity(policy, from("192.0.2.1"), connect)), "rest");
}

TEST(JudgeIdentity, SaysWhatKeptAUserOut) {
  Policy policy;
  policy.roles = {role("a", {"sensor"}, {"192.0.2.0/24"}, "%u-*")};
  const auto connect = good_connect();
  expect_refused(judge_identity(policy, from("198.51.100.1"), connect), Reason::not_authorized, Cause::source);
  auto other_id = connect;
  other_id.client_id = "x";
  expect_refused(judge_identity(policy, from("192.0.2.1"), other_id), Reason::client_id_denied, Cause::pattern);
  auto other_user = connect;
  other_user.user_name = "admin";
  expect_refused(judge_identity(policy, from("192.0.2.1"), other_user), Reason::not_authorized, Cause::role);
}

TEST(JudgeIdentity, TakesNobodyForAnyUser) {
  Policy policy;
  policy.roles = {role("named", {"*"}, {}, nullptr)};
  auto connect = good_connect();
  connect.user_name.reset();
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::not_authorized, Cause::role);
  policy.roles = {role("anyone", {}, {}, nullptr)};
  expect_admitted(judge_identity(policy, from("192.0.2.1"), connect));
}

// 5.0 [MQTT-3.2.2-12], [MQTT-3.2.2-13]
TEST(JudgeIdentity, RefusesAWillBeyondWhatClientsAreTold) {
  Policy policy;
  policy.mqtt.qos_max = 1;
  policy.mqtt.retain = false;
  auto connect = good_connect();
  connect.will = WillFacts{"last", 1, false};
  expect_admitted(judge_identity(policy, from("192.0.2.1"), connect));
  connect.will->qos = 2;
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::will_denied, Cause::qos);
  EXPECT_EQ(v5_code_of({Reason::will_denied, Cause::qos}), 0x9b);
  connect.will = WillFacts{"last", 0, true};
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::will_denied, Cause::retain);
  EXPECT_EQ(v5_code_of({Reason::will_denied, Cause::retain}), 0x9a);
}

TEST(JudgeIdentity, HoldsAWillsTopicToTheLimitsOfEveryTopic) {
  Policy policy;
  policy.mqtt.topic_length_max = 8;
  policy.mqtt.topic_levels_max = 3;
  auto connect = good_connect();
  connect.will = WillFacts{"a/b/c567", 0, false};
  expect_admitted(judge_identity(policy, from("192.0.2.1"), connect));
  connect.will->topic = "a/b/c5678";
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::will_denied, Cause::topic);
  connect.will->topic = "a/b/c/d";
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::will_denied, Cause::topic);
}

TEST(JudgeIdentity, LetsABridgeLeaveAWillToItsOwnStateWhereBridgesMayEnter) {
  Policy policy;
  const auto verdict_on = [&](std::string_view topic) {
    auto connect = good_connect();
    connect.will = WillFacts{topic, 1, true};
    return judge_identity(policy, from("192.0.2.1"), connect);
  };
  constexpr std::string_view own = "$SYS/broker/connection/sensor-1/state";
  expect_refused(verdict_on(own), Reason::will_denied, Cause::topic);
  policy.mqtt.allow_bridge = true;
  expect_admitted(verdict_on(own));
  for (const auto* other : {"$SYS/broker/connection/other/state", "$SYS/x", "$CONTROL/dynamic-security/v1"}) {
    expect_refused(verdict_on(other), Reason::will_denied, Cause::topic);
  }
  // What bounds every will bounds this one.
  policy.mqtt.retain = false;
  expect_refused(verdict_on(own), Reason::will_denied, Cause::retain);
}

TEST(JudgeIdentity, AsksTheRulesForABridgesStateWhereThereAreAny) {
  Policy policy;
  policy.mqtt.allow_bridge = true;
  policy.roles = {role("site", {}, {}, nullptr)};
  auto& rules = policy.roles[0].topics.emplace().rules;
  const auto publish = [&](const char* filter) {
    EXPECT_EQ(rules.add(filter, TopicRight::publish, TopicRules::Placeholders::with_escape), std::nullopt);
  };
  auto connect = good_connect();
  connect.will = WillFacts{"$SYS/broker/connection/sensor-1/state", 1, true};
  publish("#");
  expect_refused(judge_identity(policy, from("192.0.2.1"), connect), Reason::will_denied, Cause::topic);
  publish("$SYS/broker/connection/%c/state");
  expect_admitted(judge_identity(policy, from("192.0.2.1"), connect));
}

}  // namespace
}  // namespace bastion
