// Mosquitto's bridges, by what they send: a marked level, a will and a message for their state, a session that is kept.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

const std::string own_state = "$SYS/broker/connection/site.up/state";
constexpr const char* with_bridges = R"(["3.1", "3.1.1", "5.0", "bridge"])";

/// The CONNECT of a bridge named `up` on a machine named `site`; MQTT 5 has no mark.
ConnectOptions bridge(int version, const char* user = "alice") {
  ConnectOptions options;
  options.version = version;
  options.client_id = "site.up";
  options.user = user;
  options.clean = false;
  options.will = Will{own_state, "0", 1, true};
  options.bridge = version != v5_0;
  return options;
}

EditPolicy let_in(const EditPolicy& more = {}) {
  return [more](PolicyBuilder& policy) {
    policy.users({{"alice", "secret"}, {"bob", "secret"}}).set("mqtt.versions", with_bridges);
    if (more) more(policy);
  };
}

ByteVector retained(ByteVector packet) {
  packet[0] |= 1;
  return packet;
}

class Bridge : public testing::TestWithParam<int> {};

TEST_P(Bridge, TellsItsStateAndNothingElseOfTheBrokersOwn) {
  Scene scene{Transport::mqtts, let_in()};
  // The broker gets the CONNECT as it came: the mark has it keep from the bridge what the bridge itself has brought.
  auto session = scene.admitted(bridge(GetParam()));
  const auto up = retained(publish(GetParam(), own_state, ByteVector{'1'}, 1, 1));
  session.client.send(publish(GetParam(), "$SYS/broker/connection/other/state", "1") +
                      publish(GetParam(), "$CONTROL/dynamic-security/v1", "1") + up);
  EXPECT_EQ(session.broker.read_packet(), up);
  // For topics that it only sends to, it takes back what an earlier configuration may have subscribed to.
  const auto none = GetParam() == v5_0 ? bytes("00") : ByteVector{};
  const auto unsubscribe = packet(0xa2, bytes("0002") + none + bytes("0005 'out/#'"));
  session.client.send(unsubscribe);
  EXPECT_EQ(session.broker.read_packet(), unsubscribe);
}

TEST_P(Bridge, LeavesNoWillForAnotherOne) {
  Scene scene{Transport::mqtts, let_in()};
  auto options = bridge(GetParam());
  options.will->topic = "$SYS/broker/connection/other/state";
  EXPECT_EQ(scene.client_after(make_connect(options)).read_to_end(), connack(GetParam(), GetParam() == v5_0 ? 0x87 : 5));
  expect_only_refusal(scene, {Reason::will_denied, Cause::topic});
  expect_broker_untouched(scene);
}

TEST_P(Bridge, NeedsALineOfItsRoleWhereRolesNameTopics) {
  const auto has = [](const char* publish) {
    return let_in([=](PolicyBuilder& policy) { policy.role("name = \"site\"\npublish = [" + std::string{publish} + "]"); });
  };
  {
    Scene scene{Transport::mqtts, has(R"("#")")};
    EXPECT_EQ(scene.client_after(make_connect(bridge(GetParam()))).read_to_end(),
              connack(GetParam(), GetParam() == v5_0 ? 0x87 : 5));
  }
  Scene scene{Transport::mqtts, has(R"("#", "$SYS/broker/connection/%c/state")")};
  auto session = scene.admitted(bridge(GetParam()));
  const auto up = retained(publish(GetParam(), own_state, "1"));
  session.client.send(publish(GetParam(), "$SYS/broker/connection/other/state", "1") + up);
  EXPECT_EQ(session.broker.read_packet(), up);
}

TEST_P(Bridge, TakesItsOwnSessionUpAgainAndNobodyElseDoes) {
  Scene scene{Transport::mqtts, let_in()};
  auto first = scene.admitted(bridge(GetParam()));
  // Its connection is gone, and neither gate nor broker have heard of that.
  auto second = scene.admitted(bridge(GetParam()));
  first.broker.close();  // as a broker does then
  static_cast<void>(first.client.read_to_end());
  scene.gate.wait_for(series_of(account::Close::upstream_closed));
  auto other = scene.client_after(make_connect(bridge(GetParam(), "bob")));
  EXPECT_EQ(other.read_to_end(), connack(GetParam(), GetParam() == v5_0 ? 0x85 : 2));
  second.client.send(pingreq());
  EXPECT_EQ(second.broker.read_packet(), pingreq());
}

TEST_P(Bridge, IsToldOfAndLetThroughWhereThePolicyIsObserved) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.set("mode", R"("observe")").set("mqtt.versions", R"(["3.1", "3.1.1", "5.0"])");
              }};
  auto session = scene.admitted(bridge(GetParam()));
  const auto up = retained(publish(GetParam(), own_state, "1"));
  session.client.send(up);
  EXPECT_EQ(session.broker.read_packet(), up);
  const auto would = [](const char* what) {
    return "mqtt_bastion_would_refuse_total{listener=\"test\"," + std::string{what} + '}';
  };
  scene.gate.wait_for(would(R"(stage="auth",reason="will_denied",cause="topic")"));
  scene.gate.wait_for(would(R"(stage="session",reason="acl_denied",cause="publish")"));
  EXPECT_EQ(scene.gate.count(would(R"(stage="connect",reason="unsupported_version",cause="bridge")")),
            GetParam() == v5_0 ? 0 : 1);
}

TEST_P(Bridge, LosesTheRightToItsStateWithAReload) {
  Scene scene{Transport::mqtts, let_in()};
  auto session = scene.admitted(bridge(GetParam()));
  scene.policy.set("mqtt.versions", R"(["3.1", "3.1.1", "5.0"])").write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(session.client.read_to_end(), GetParam() == v5_0 ? disconnect_v5(0x87) : ByteVector{});
}

INSTANTIATE_TEST_SUITE_P(By, Bridge, testing::Values(v3_1, v3_1_1, v5_0), [](const auto& row) {
  return row.param == v3_1 ? "Mqtt31" : row.param == v3_1_1 ? "Mqtt311" : "Mqtt5";
});

// The answer by which a bridge tries again without its mark; to any other, and to none, it would try the same for ever.
TEST(BridgeMark, IsAnsweredSoThatTheBridgeComesWithoutIt) {
  for (const int version : {v3_1, v3_1_1}) {
    Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("mqtt.versions", R"(["3.1", "3.1.1"])"); }};
    auto options = bridge(version);
    options.will.reset();
    EXPECT_EQ(scene.client_after(make_connect(options)).read_to_end(), connack(version, 1));
    scene.gate.wait_for(series_of({Reason::unsupported_version, Cause::bridge}));
    EXPECT_TRUE(scene.broker.was_not_called());
    options.bridge = false;
    static_cast<void>(scene.admitted(options));
  }
}

TEST(BridgeMark, StaysWhereTheGatePutsItsOwnCredentialsIn) {
  Scene scene{Transport::mqtts, let_in([](PolicyBuilder& policy) {
                policy.file("upstream.secret", "s3\n")
                    .set("upstream.credentials", R"({ username = "bastion", password_file = "upstream.secret" })");
              })};
  auto options = bridge(v3_1_1);
  auto client = scene.client_after(make_connect(options));
  options.user = "bastion";
  options.password = "s3";
  EXPECT_EQ(scene.broker.accept().read_packet(), make_connect(options));
}

}  // namespace
}  // namespace bastion::test
