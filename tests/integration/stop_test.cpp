// The end of the gate: everybody is told in the words of their MQTT, and no will is lost.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

constexpr Refusal shutdown{Reason::evicted, Cause::shutdown};
constexpr std::uint8_t shutting_down = 0x8b;

class Stop : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, Stop, testing::Values(Transport::mqtt, Transport::mqtts),
                         [](const auto& row) { return row.param == Transport::mqtt ? "Tcp" : "Tls"; });

/// A session that can't be ended until the broker has sent the rest of a packet: so the gate stays to be asked.
struct Held {
  explicit Held(Scene& scene) : session{scene.admitted({.version = v5_0, .client_id = "held"})} {
    session.broker.send({message.data(), 20});
    EXPECT_EQ(session.client.read(20).size(), 20u);
  }
  ByteVector message = publish(v5_0, "t", noise(1'000, 9));
  Admitted session;
};

TEST_P(Stop, TellsMqtt5ClientsAndClosesOthersAndTheBrokerHearsNoDisconnect) {
  Scene scene{GetParam()};
  Held held{scene};
  auto modern = scene.admitted({.version = v5_0, .will = Will{}});
  auto old = scene.admitted({.will = Will{}});
  auto newcomer = scene.client();
  scene.gate.wait_for(series_of("mqtt_bastion_open_connections"), 4);
  scene.gate.stop();
  EXPECT_EQ(modern.client.read_to_end(), disconnect_v5(shutting_down));
  EXPECT_EQ(old.client.read_to_end(), ByteVector{});
  EXPECT_EQ(newcomer.read_to_end(), ByteVector{});
  EXPECT_EQ(modern.broker.read_to_end(), ByteVector{});
  EXPECT_EQ(old.broker.read_to_end(), ByteVector{});
  for (auto* client : {&modern.client, &old.client, &newcomer}) client->close();
  scene.gate.wait_for(series_of(shutdown), 3);
  EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_open_connections")), 1);

  // The one that was inside a packet gets the rest of it first.
  const auto rest = ByteVector(held.message.begin() + 20, held.message.end());
  held.session.broker.send(rest);
  EXPECT_EQ(held.session.client.read_to_end(), rest + disconnect_v5(shutting_down));
  EXPECT_EQ(held.session.broker.read_to_end(), ByteVector{});
  held.session.client.close();
  EXPECT_EQ(scene.gate.join(), 0);
}

TEST_P(Stop, LetsNothingInBehindAPacketThatIsUnderWay) {
  Scene scene{GetParam()};
  Held held{scene};
  auto other = scene.admitted({.version = v5_0});
  scene.gate.stop();
  // Sessions are told in the order in which they came: once this one knows, so does the one that is held.
  EXPECT_EQ(other.client.read_to_end(), disconnect_v5(shutting_down));
  // More than the rest of the packet: the next one is not begun.
  const auto rest = ByteVector(held.message.begin() + 20, held.message.end());
  held.session.broker.send(rest + publish(v5_0, "t", "too late"));
  EXPECT_EQ(held.session.client.read_to_end(), rest + disconnect_v5(shutting_down));
}

TEST_P(Stop, EndsWhoeverIsLeftWhenTheDrainIsOver) {
  Scene scene{GetParam(), [](PolicyBuilder& policy) { policy.set("gate.drain_timeout", R"("50ms")"); }};
  Held held{scene};
  scene.gate.stop();
  EXPECT_EQ(held.session.client.read_to_end(), ByteVector{});
  EXPECT_EQ(held.session.broker.read_to_end(), ByteVector{});
  EXPECT_EQ(scene.gate.join(), 0);
}

TEST_P(Stop, AskedForTwiceIsAtOnce) {
  Scene scene{GetParam(), [](PolicyBuilder& policy) { policy.set("gate.drain_timeout", R"("1h")"); }};
  Held held{scene};
  scene.gate.stop();
  scene.gate.stop();
  EXPECT_EQ(held.session.client.read_to_end(), ByteVector{});
  EXPECT_EQ(scene.gate.join(), 0);
}

/// The pool's answer comes when the worker that asked is gone: for AddressSanitizer and ThreadSanitizer to judge.
TEST_P(Stop, DoesNotWaitForAPasswordNorMindItsLateVerdict) {
  Scene scene{GetParam(),
              [](PolicyBuilder& policy) { policy.costly_user("alice", "secret", 200'000).set("gate.workers", "2"); }};
  auto client = scene.client_after(make_connect());
  scene.gate.wait_for(series_of("mqtt_bastion_open_connections"));
  scene.gate.stop();
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  EXPECT_EQ(scene.gate.join(), 0);
}

TEST_P(Stop, WithNobodyConnectedIsOverAtOnce) {
  Scene scene{GetParam()};
  const auto address = scene.gate.address();
  scene.gate.stop();
  EXPECT_EQ(scene.gate.join(), 0);
  EXPECT_THROW(ScriptedClient{address}, std::runtime_error);
}

}  // namespace
}  // namespace bastion::test
