// Client identifiers belong to whoever came first: no other user takes over a session, or has it wiped.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

const Refusal in_use{Reason::client_id_denied, Cause::in_use};

EditPolicy with_bob(const EditPolicy& more = {}) {
  return [more](PolicyBuilder& policy) {
    policy.users({{"alice", "secret"}, {"bob", "secret"}});
    if (more) more(policy);
  };
}

ConnectOptions pump(const char* user, int version, bool clean = true) {
  ConnectOptions options;
  options.version = version;
  options.client_id = "pump";
  options.user = user;
  options.clean = clean;
  return options;
}

/// Session Expiry Interval, in hexadecimal.
ConnectOptions kept_for(ConnectOptions options, const char* seconds) {
  options.properties = bytes(std::string{"11 "} + seconds);
  return options;
}

void expect_refused(Scene& scene, const ConnectOptions& options) {
  auto client = scene.client_after(make_connect(options));
  EXPECT_EQ(client.read_to_end(), connack(options.version, options.version == v5_0 ? 0x85 : 2));
  EXPECT_TRUE(scene.broker.was_not_called());
}

void leave(Scene& scene, Admitted& session) {
  session.client.send(disconnect());
  EXPECT_EQ(session.broker.read_packet(), disconnect());
  session.broker.close();
  static_cast<void>(session.client.read_to_end());
  static_cast<void>(scene.gate.when_idle());
}

class SessionGuard : public testing::TestWithParam<int> {};

TEST_P(SessionGuard, RefusesAnotherUserWhileTheFirstIsConnected) {
  Scene scene{Transport::mqtts, with_bob()};
  auto alice = scene.admitted(pump("alice", GetParam()));
  expect_refused(scene, pump("bob", GetParam()));
  scene.gate.wait_for(series_of(in_use));
  alice.client.send(pingreq());
  EXPECT_EQ(alice.broker.read_packet(), pingreq()) << "and she notices nothing";
}

TEST_P(SessionGuard, LetsTheSameUserTakeItsOwnSessionOver) {
  Scene scene{Transport::mqtts, with_bob()};
  auto first = scene.admitted(pump("alice", GetParam()));
  auto second = scene.admitted(pump("alice", GetParam()));
  first.broker.close();  // as a broker does then
  static_cast<void>(first.client.read_to_end());
  scene.gate.wait_for(series_of(account::Close::upstream_closed));
  expect_refused(scene, pump("bob", GetParam()));
}

TEST_P(SessionGuard, GivesTheIdentifierUpWithASessionThatEndsWithItsConnection) {
  Scene scene{Transport::mqtts, with_bob()};
  auto alice = scene.admitted(pump("alice", GetParam()));
  leave(scene, alice);
  auto bob = scene.admitted(pump("bob", GetParam()));
  expect_refused(scene, pump("alice", GetParam()));
}

TEST_P(SessionGuard, HasNobodyWipeOrReadTheSessionThatTheBrokerKeeps) {
  Scene scene{Transport::mqtts, with_bob()};
  const auto kept = [&](const char* user, bool clean) {
    const auto options = pump(user, GetParam(), clean);
    return GetParam() == v5_0 ? kept_for(options, "00000e10") : options;
  };
  auto alice = scene.admitted(kept("alice", false));
  leave(scene, alice);
  expect_refused(scene, kept("bob", true));
  expect_refused(scene, kept("bob", false));
  // She herself wipes it, and then it is anyone's.
  auto again = scene.admitted(pump("alice", GetParam(), true));
  leave(scene, again);
  auto bob = scene.admitted(pump("bob", GetParam()));
  static_cast<void>(bob);
}

TEST_P(SessionGuard, OnlyTellsWhereThePolicyIsObserved) {
  Scene scene{Transport::mqtts, with_bob([](PolicyBuilder& policy) { policy.set("mode", R"("observe")"); })};
  auto alice = scene.admitted(pump("alice", GetParam()));
  auto bob = scene.admitted(pump("bob", GetParam()));
  EXPECT_EQ(scene.gate.count(series_of(in_use)), 0);
  scene.gate.wait_for(
      "mqtt_bastion_would_refuse_total{listener=\"test\",stage=\"connect\",reason=\"client_id_denied\",cause=\"in_use\"}");
  for (auto* session : {&bob, &alice}) {
    session->client.send(pingreq());
    EXPECT_EQ(session->broker.read_packet(), pingreq());
  }
}

TEST_P(SessionGuard, AsksNothingWhereItIsOff) {
  Scene scene{Transport::mqtts, with_bob([](PolicyBuilder& policy) { policy.set("mqtt.session_guard", "false"); })};
  auto alice = scene.admitted(pump("alice", GetParam()));
  auto bob = scene.admitted(pump("bob", GetParam()));
  bob.client.send(pingreq());
  EXPECT_EQ(bob.broker.read_packet(), pingreq());
}

TEST_P(SessionGuard, LeavesAnIdentifierToItsOwnerWhenTheBrokerRefusesIt) {
  Scene scene{Transport::mqtts, with_bob()};
  const auto connect = make_connect(pump("alice", GetParam(), true));
  auto refused = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  const auto answer = connack(GetParam(), GetParam() == v5_0 ? 0x87 : 5);
  broker.send(answer);
  EXPECT_EQ(refused.read_to_end(), answer);
  static_cast<void>(scene.gate.when_idle());
  auto bob = scene.admitted(pump("bob", GetParam()));
  static_cast<void>(bob);
}

TEST_P(SessionGuard, KeepsTheSessionOfTheConnectionThatCameLast) {
  Scene scene{Transport::mqtts, with_bob()};
  auto first = scene.admitted(pump("alice", GetParam()));
  const auto durable = pump("alice", GetParam(), false);
  auto second = scene.admitted(GetParam() == v5_0 ? kept_for(durable, "00000e10") : durable);
  second.client.send(disconnect());
  EXPECT_EQ(second.broker.read_packet(), disconnect());
  second.broker.close();
  static_cast<void>(second.client.read_to_end());
  // Taken over long since, and only now at its end.
  first.broker.close();
  static_cast<void>(first.client.read_to_end());
  static_cast<void>(scene.gate.when_idle());
  expect_refused(scene, pump("bob", GetParam()));
}

TEST_P(SessionGuard, KeepsTheSessionOfAClientThatDidNotWaitForTheBrokersAnswer) {
  Scene scene{Transport::mqtts, with_bob()};
  const auto durable = pump("alice", GetParam(), false);
  const auto connect = make_connect(GetParam() == v5_0 ? kept_for(durable, "00000e10") : durable);
  auto hasty = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  hasty.close();
  static_cast<void>(broker.read_to_end());
  static_cast<void>(scene.gate.when_idle());
  expect_refused(scene, pump("bob", GetParam()));
}

TEST_P(SessionGuard, LeavesNoIdentifierToAClientThatTheBrokerRefusedAndThatStays) {
  Scene scene{Transport::mqtts, with_bob()};
  const auto connect = make_connect(pump("alice", GetParam()));
  auto refused = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  const auto answer = connack(GetParam(), GetParam() == v5_0 ? 0x87 : 5);
  broker.send(answer);
  EXPECT_EQ(refused.read(answer.size()), answer);
  static_cast<void>(broker.read_to_end());
  // It has not closed its end.
  auto bob = scene.admitted(pump("bob", GetParam()));
  static_cast<void>(bob);
}

TEST_P(SessionGuard, HoldsAmongManyWorkers) {
  Scene scene{Transport::mqtts, with_bob([](PolicyBuilder& policy) { policy.set("gate.workers", "4"); })};
  auto alice = scene.admitted(pump("alice", GetParam()));
  for (int i = 0; i < 16; ++i) expect_refused(scene, pump("bob", GetParam()));
  leave(scene, alice);
  for (int i = 0; i < 8; ++i) {
    auto bob = scene.admitted(pump("bob", GetParam()));
    leave(scene, bob);
  }
}

INSTANTIATE_TEST_SUITE_P(In, SessionGuard, testing::Values(v3_1_1, v5_0),
                         [](const auto& version) { return version.param == v5_0 ? "v5" : "v3"; });

// OASIS 5.0 section 3.14.2.2.2.
TEST(SessionGuardOf5, HearsWhatDisconnectSaysOfTheSession) {
  Scene scene{Transport::mqtts, with_bob()};
  auto alice = scene.admitted(kept_for(pump("alice", v5_0), "00000e10"));
  const auto forget = bytes("e0 07 00 05 11 00000000");
  alice.client.send(forget);
  EXPECT_EQ(alice.broker.read_packet(), forget);
  alice.broker.close();
  static_cast<void>(alice.client.read_to_end());
  static_cast<void>(scene.gate.when_idle());
  auto bob = scene.admitted(pump("bob", v5_0));
  static_cast<void>(bob);
}

TEST(SessionGuardOf5, GuardsTheIdentifierThatTheBrokerAssigns) {
  Scene scene{Transport::mqtts, with_bob()};
  auto options = kept_for(pump("alice", v5_0), "00000e10");
  options.client_id = "";
  const auto connect = make_connect(options);
  auto client = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  broker.send(packet(0x20, bytes("00 00 07 12 0004 'pump'")));
  EXPECT_EQ(client.read_packet()[0], 0x20);
  expect_refused(scene, pump("bob", v5_0));
  client.send(disconnect());
  EXPECT_EQ(broker.read_packet(), disconnect());
  broker.close();
  static_cast<void>(client.read_to_end());
  static_cast<void>(scene.gate.when_idle());
  expect_refused(scene, pump("bob", v5_0));
  auto again = scene.admitted(pump("alice", v5_0, false));
  static_cast<void>(again);
}

}  // namespace
}  // namespace bastion::test
