// A policy that is only observed: whom it would refuse comes through, counted apart.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

std::string observed(Refusal refusal) {
  auto series = series_of(refusal);
  const std::string_view enforced = "mqtt_bastion_refusals_total";
  return "mqtt_bastion_would_refuse_total" + series.substr(enforced.size());
}

const std::string observed_connections = series_of("mqtt_bastion_would_refuse_connections_total");

EditPolicy observing(const EditPolicy& edit = {}) {
  return [=](PolicyBuilder& policy) {
    policy.set("mode", R"("observe")");
    if (edit) edit(policy);
  };
}

EditPolicy set(const std::string& key, const std::string& toml) {
  return observing([=](PolicyBuilder& policy) { policy.set(key, toml); });
}

/// One client, what it is refused for by an enforced policy, and that policy.
struct Row {
  std::string name;
  std::vector<Refusal> refusals;
  EditPolicy policy;
  ConnectOptions options = {};
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

class Observe : public testing::TestWithParam<Row> {};

TEST_P(Observe, LetsThroughAndCounts) {
  Scene scene{Transport::mqtts, GetParam().policy};
  {
    auto session = scene.admitted(GetParam().options);
    session.client.send(publish(GetParam().options.version, "t", "x"));
    EXPECT_EQ(session.broker.read_packet(), publish(GetParam().options.version, "t", "x"));
    for (const auto refusal : GetParam().refusals) EXPECT_EQ(scene.gate.count(observed(refusal)), 1) << label(refusal.cause);
    EXPECT_EQ(scene.gate.count(observed_connections), 1);
  }
  const auto counts = scene.gate.when_idle();
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_would_refuse_total"), static_cast<std::int64_t>(GetParam().refusals.size()));
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_refusals_total"), 0);
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_closes_total"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    A, Observe,
    testing::Values(
        Row{"Stranger", {{Reason::ip_denied, Cause::not_allowed}}, set("admission.allow", R"(["10.0.0.0/8"])")},
        Row{"DeniedAddress", {{Reason::ip_denied, Cause::denied}}, set("admission.deny", R"(["127.0.0.1"])")},
        Row{"ClientWithoutUser", {{Reason::anonymous, Cause::no_user}}, observing(), {.user = {}, .password = {}}},
        Row{"ClientWithoutPassword",
            {{Reason::anonymous, Cause::no_password}},
            observing(),
            {.version = v5_0, .password = {}}},
        Row{"WrongPassword", {{Reason::bad_credentials, Cause::none}}, observing(), {.password = "wrong"}},
        Row{"UnknownUser", {{Reason::bad_credentials, Cause::none}}, observing(), {.user = "mallory"}},
        Row{"VersionThatIsOff", {{Reason::unsupported_version, Cause::mqtt31}}, observing(), {.version = v3_1}},
        Row{"BridgeThatIsOff", {{Reason::unsupported_version, Cause::bridge}}, observing(), {.bridge = true}},
        Row{"StrangeClientId", {{Reason::client_id_denied, Cause::characters}}, observing(), {.client_id = "a/b"}},
        Row{"ClientIdOutOfPattern",
            {{Reason::client_id_denied, Cause::pattern}},
            set("mqtt.client_id_pattern", R"("%u-*")")},
        Row{"EndlessKeepAlive", {{Reason::session_denied, Cause::keep_alive}}, observing(), {.keep_alive_s = 0}},
        Row{"UserWithoutRole", {{Reason::not_authorized, Cause::role}}, observing([](PolicyBuilder& policy) {
              policy.role("name = \"r\"\nusers = [\"bob\"]\n");
            })},
        Row{"ClientWithManyFaults",
            {{Reason::ip_denied, Cause::not_allowed},
             {Reason::client_id_denied, Cause::characters},
             {Reason::session_denied, Cause::keep_alive},
             {Reason::anonymous, Cause::no_user}},
            set("admission.allow", R"(["10.0.0.0/8"])"),
            {.client_id = "a/b", .user = {}, .password = {}, .keep_alive_s = 0}}),
    [](const auto& row) { return row.param.name; });

TEST(Observe, LeavesTheKeepAliveOfMqtt5Alone) {
  Scene scene{Transport::mqtt, set("mqtt.keep_alive_max", R"("10s")")};
  auto client = scene.client_after(make_connect({.version = v5_0, .keep_alive_s = 3600}));
  auto broker = scene.broker.accept();
  static_cast<void>(broker.read_packet());
  broker.send(connack(v5_0));
  EXPECT_EQ(client.read_packet(), connack(v5_0));
}

TEST(Observe, LetsAnAddressHaveMoreThanItsShare) {
  for (const auto* const workers : {"1", "2"}) {
    Scene scene{Transport::mqtt, observing([=](PolicyBuilder& policy) {
                  policy.set("gate.workers", workers)
                      .set("admission.connections_per_address_max", "1")
                      .set("admission.connect_rate_per_address", R"({ burst = 2, every = "1h" })");
                })};
    std::vector<Admitted> sessions;
    for (int i = 0; i < 4; ++i) sessions.push_back(scene.admitted());
    EXPECT_EQ(scene.gate.count(observed({Reason::too_many_connections, Cause::per_ip})), 1);
    EXPECT_EQ(scene.gate.count(observed({Reason::rate_limited, Cause::per_ip})), 2);
    EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_sessions")), 4);
  }
}

TEST(Observe, KeepsTheLimitsThatKeepTheGateStanding) {
  Scene scene{Transport::mqtt, observing([](PolicyBuilder& policy) {
                policy.set("admission.connections_max", "1").set("admission.connections_per_address_max", "1");
              })};
  auto session = scene.admitted();
  EXPECT_EQ(scene.dial().read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::too_many_connections, Cause::total}));
  EXPECT_EQ(scene.gate.count(observed_connections), 0);
}

TEST(Observe, RefusesWhatIsMalformedAllTheSame) {
  Scene scene{Transport::mqtt, observing()};
  EXPECT_EQ(scene.client_after(bytes("10 0e 0004 'MQTT' 04 03 003c 0002 'c1'")).read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::malformed_connect, Cause::flags}));
  auto session = scene.admitted();
  session.client.send(bytes("c1 00"));
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::malformed_packet, Cause::type_pingreq}));
}

TEST(Observe, PassesPacketsThatAreTooLarge) {
  Scene scene{Transport::mqtt, set("mqtt.packet_size_max", R"("128B")")};
  auto session = scene.admitted();
  const auto large = publish(v3_1_1, "t", noise(500, 1));
  for (int i = 0; i < 2; ++i) {
    session.client.send(large);
    EXPECT_EQ(session.broker.read(large.size()), large);
    session.broker.send(large);
    EXPECT_EQ(session.client.read(large.size()), large);
  }
  EXPECT_EQ(scene.gate.count(observed({Reason::packet_too_large, Cause::none})), 1);
  EXPECT_EQ(scene.gate.count(observed({Reason::upstream_malformed, Cause::packet})), 1);
}

TEST(Observe, KeepsASilentClient) {
  Scene scene{Transport::mqtt, observing()};
  auto session = scene.admitted({.keep_alive_s = 1});
  scene.gate.wait_for(observed({Reason::keepalive_timeout, Cause::silent}));
  session.client.send(pingreq());
  EXPECT_EQ(session.broker.read(2), pingreq());
}

TEST(Observe, EnforcesIdentityWhereTheGateHasTheBrokersCredentials) {
  Scene scene{Transport::mqtt, observing([](PolicyBuilder& policy) {
                policy.file("upstream.secret", "s\n")
                    .set("upstream.credentials", R"({ username = "bastion", password_file = "upstream.secret" })");
              })};
  EXPECT_EQ(scene.client_after(make_connect({.password = "wrong"})).read_to_end(), connack(v3_1_1, 4));
  EXPECT_EQ(scene.client_after(make_connect({.user = {}, .password = {}})).read_to_end(), connack(v3_1_1, 5));
  expect_broker_untouched(scene);
}

TEST(Observe, CanBeOneListenersAlone) {
  Scene scene{Transport::mqtt,
              [](PolicyBuilder& policy) { policy.listener("trial", "mqtt", "\"127.0.0.1:0\"\nmode = \"observe\""); }};
  const auto anonymous = make_connect({.user = {}, .password = {}});
  EXPECT_EQ(scene.client_after(anonymous).read_to_end(), connack(v3_1_1, 5));
  ScriptedClient trial{scene.gate.address("trial")};
  trial.send(anonymous);
  EXPECT_EQ(scene.broker.accept().read_packet(), anonymous);
}

TEST(Observe, EndsWithAReloadThatEnforces) {
  Scene scene{Transport::mqtt, observing()};
  auto stranger = scene.admitted({.version = v5_0, .user = {}, .password = {}});
  auto alice = scene.admitted();
  scene.policy.unset("mode").write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(stranger.client.read_to_end(), disconnect_v5(0x87));
  alice.client.send(pingreq());
  EXPECT_EQ(alice.broker.read(2), pingreq());
}

}  // namespace
}  // namespace bastion::test
