// What topic rules keep back while the session goes on: messages, filters, deliveries, each answered as its version asks.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

std::string denied(const char* what) {
  return std::string{"mqtt_bastion_denied_total{listener=\"test\",what=\""} + what + "\"}";
}

/// alice may publish to `out/#`, and subscribe to `in/#` but for `in/secret`.
EditPolicy ruled(const EditPolicy& more = {}) {
  return [more](PolicyBuilder& policy) {
    policy.role(R"(name = "a"
publish = ["out/#"]
subscribe = ["in/#"]
deny_subscribe = ["in/secret"])");
    if (more) more(policy);
  };
}

class Denied : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] ByteVector message(std::string_view topic, std::uint8_t qos = 0, std::uint16_t id = 1) const {
    return publish(GetParam(), topic, ByteVector{'x'}, qos, id);
  }
  [[nodiscard]] bool is_v5() const { return GetParam() == v5_0; }
};

TEST_P(Denied, MessagesAreAcknowledgedAndGoNowhere) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()});
  session.client.send(message("other") + message("other", 1, 7) + message("other", 2, 8) + message("out/a"));
  EXPECT_EQ(session.client.read_packet(), is_v5() ? bytes("40 04 0007 87 00") : bytes("40 02 0007"));
  EXPECT_EQ(session.client.read_packet(), is_v5() ? bytes("50 04 0008 87 00") : bytes("50 02 0008"));
  if (!is_v5()) {
    session.client.send(bytes("62 02 0008"));
    EXPECT_EQ(session.client.read_packet(), bytes("70 02 0008"));
  }
  EXPECT_EQ(session.broker.read_packet(), message("out/a"));
  scene.gate.wait_for(denied("publish"), 3);
}

TEST_P(Denied, MessagesOfAnySizeGoNowhere) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()});
  session.client.send(publish(GetParam(), "other", noise(200'000, 3), 1, 7) + message("out/a"));
  EXPECT_EQ(session.broker.read_packet(), message("out/a"));
  EXPECT_EQ(session.client.read_packet(), is_v5() ? bytes("40 04 0007 87 00") : bytes("40 02 0007"));
}

TEST_P(Denied, FiltersGetTheirCodeAndTheOthersGoThrough) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()});
  const auto none = is_v5() ? bytes("00") : ByteVector{};
  const auto body = [&](std::string_view filters) { return packet(0x82, bytes("0009") + none + bytes(filters)); };
  session.client.send(body("0001 '#' 01 0004 'in/a' 01 0005 'other' 00 0004 'in/b' 02"));
  EXPECT_EQ(session.broker.read_packet(), body("0004 'in/a' 01 0004 'in/b' 02"));
  session.broker.send(packet(0x90, bytes("0009") + none + bytes("01 02")));
  EXPECT_EQ(session.client.read_packet(),
            packet(0x90, bytes("0009") + none + (is_v5() ? bytes("87 01 87 02") : bytes("80 01 80 02"))));
  // All of them: the broker hears nothing of it.
  session.client.send(subscribe(GetParam(), "#", 10) + pingreq());
  EXPECT_EQ(session.client.read_packet(), packet(0x90, bytes("000a") + none + (is_v5() ? bytes("87") : bytes("80"))));
  EXPECT_EQ(session.broker.read_packet(), pingreq());
  scene.gate.wait_for(denied("subscribe"), 3);
}

TEST_P(Denied, DeliveriesAreAcknowledgedInTheClientsPlace) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()});
  session.broker.send(message("in/secret") + message("in/secret", 1, 7) + message("in/secret", 2, 8) + message("in/a"));
  EXPECT_EQ(session.client.read_packet(), message("in/a"));
  EXPECT_EQ(session.broker.read_packet(), is_v5() ? bytes("40 04 0007 87 00") : bytes("40 02 0007"));
  EXPECT_EQ(session.broker.read_packet(), is_v5() ? bytes("50 04 0008 87 00") : bytes("50 02 0008"));
  if (!is_v5()) {
    session.broker.send(bytes("62 02 0008"));
    EXPECT_EQ(session.broker.read_packet(), bytes("70 02 0008"));
  }
  scene.gate.wait_for(denied("receive"), 3);
}

TEST_P(Denied, MessagesOfAClientThatIsGoneKeepNoSessionAlive) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()}, {"", 4'096});
  static_cast<void>(session.broker.send_until_stuck(publish(GetParam(), "in/a", noise(60'000, 3))));
  // More answers than the gate keeps for a client that does not read, so it is not heard any more.
  ByteVector many;
  for (int i = 0; i < 8'000; ++i) many = std::move(many) + message("other", 1, 7);
  session.client.send(many);
  scene.gate.wait_for(denied("publish"), is_v5() ? 2'731 : 4'096);
  session.client.reset();
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
}

TEST_P(Denied, TopicsOfTheBrokersOwnAreNobodysWithoutARule) {
  Scene scene{Transport::mqtts};
  auto session = scene.admitted({.version = GetParam()});
  session.client.send(message("$CONTROL/dynamic-security/v1") + subscribe(GetParam(), "$SYS/#", 3) + message("t"));
  EXPECT_EQ(session.broker.read_packet(), message("t"));
  const auto none = is_v5() ? bytes("00") : ByteVector{};
  EXPECT_EQ(session.client.read_packet(), packet(0x90, bytes("0003") + none + (is_v5() ? bytes("87") : bytes("80"))));
}

TEST_P(Denied, AReloadGivesAndTakesRightsOfSessionsThatGoOn) {
  Scene scene{Transport::mqtts, ruled()};
  auto session = scene.admitted({.version = GetParam()});
  session.client.send(message("other", 1, 1) + message("out/a", 0));
  EXPECT_EQ(session.broker.read_packet(), message("out/a"));
  static_cast<void>(session.client.read_packet());
  scene.policy.no_roles().role("name = \"b\"\npublish = [\"other\"]");
  scene.policy.write();
  ASSERT_TRUE(scene.gate.reload());
  session.client.send(message("out/a", 1, 2));
  EXPECT_EQ(session.client.read_packet(), is_v5() ? bytes("40 04 0002 87 00") : bytes("40 02 0002"));
  session.client.send(message("other"));
  EXPECT_EQ(session.broker.read_packet(), message("other"));
}

TEST_P(Denied, IsToldAndLetThroughWhereThePolicyIsObserved) {
  Scene scene{Transport::mqtts, ruled([](PolicyBuilder& policy) { policy.set("mode", R"("observe")"); })};
  auto session = scene.admitted({.version = GetParam()});
  session.client.send(message("other") + subscribe(GetParam(), "#", 3));
  EXPECT_EQ(session.broker.read_packet(), message("other"));
  EXPECT_EQ(session.broker.read_packet(), subscribe(GetParam(), "#", 3));
  session.broker.send(message("in/secret"));
  EXPECT_EQ(session.client.read_packet(), message("in/secret"));
  const auto would = [](const char* cause) {
    return std::string{
               "mqtt_bastion_would_refuse_total{listener=\"test\",stage=\"session\",reason=\"acl_denied\",cause=\""} +
           cause + "\"}";
  };
  for (const auto* const cause : {"publish", "subscribe", "receive"}) scene.gate.wait_for(would(cause));
}

INSTANTIATE_TEST_SUITE_P(In, Denied, testing::Values(v3_1_1, v5_0),
                         [](const auto& row) { return row.param == v5_0 ? "Mqtt5" : "Mqtt311"; });

// A topic can't hide behind an alias: neither from a rule, nor from the broker once the rule allows it.
TEST(Aliases, OfDeniedMessagesAreJudgedAndToldWhenTheirTopicIsAllowed) {
  Scene scene{Transport::mqtts, ruled()};
  auto client = scene.client_after(make_connect({.version = v5_0}));
  auto broker = scene.broker.accept();
  static_cast<void>(broker.read_packet());
  broker.send(packet(0x20, "00 00 03 22 0005"));
  static_cast<void>(client.read_packet());
  const auto named = packet(0x30, "0005 'other' 03 23 0001 'x'");
  const auto by_alias = packet(0x32, "0000 0007 03 23 0001 'y'");
  client.send(named + by_alias);
  EXPECT_EQ(client.read_packet(), bytes("40 04 0007 87 00"));
  scene.policy.no_roles().role("name = \"b\"\npublish = [\"other\"]");
  scene.policy.write();
  ASSERT_TRUE(scene.gate.reload());
  client.send(by_alias);
  EXPECT_EQ(broker.read_packet(), packet(0x32, "0005 'other' 0007 03 23 0001 'y'"));
  client.send(packet(0x30, "0000 03 23 0001 'z'"));
  EXPECT_EQ(broker.read_packet(), packet(0x30, "0000 03 23 0001 'z'")) << "the broker knows it by now";
}

// OASIS 5.0 section 3.1.2.11.2: what is lowered on its way to the broker is told the client.
TEST(Intervals, AreLoweredInConnectAndTheClientIsTold) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("mqtt.session_expiry_max", R"("10m")"); }};
  const ConnectOptions asked{.version = v5_0, .properties = bytes("11 ffffffff")};
  auto client = scene.client_after(make_connect(asked));
  auto broker = scene.broker.accept();
  auto lowered = asked;
  lowered.properties = bytes("11 00000258");
  EXPECT_EQ(broker.read_packet(), make_connect(lowered));
  broker.send(connack(v5_0));
  EXPECT_EQ(client.read_packet(), packet(0x20, "00 00 0d 21 0100 27 00040000 11 00000258"));
}

}  // namespace
}  // namespace bastion::test
