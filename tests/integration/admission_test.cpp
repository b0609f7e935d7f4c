// Who gets in: addresses, identities, and what the broker is shown of them.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

/// What the client hears of its CONNECT where a broker says yes to everybody.
ByteVector answer_to(Scene& scene, const ConnectOptions& options, const ScriptedClient::Options& from = {}) {
  auto client = scene.client_after(make_connect(options), from);
  if (!scene.broker.is_called_before_heard(client)) return client.read_to_end();
  auto broker = scene.broker.accept();
  static_cast<void>(broker.read_packet());
  broker.send(connack(options.version));
  return client.read_packet();
}

TEST(Admission, DenyInsideAnAllowKeepsThatAddressOut) {
  Scene scene{Transport::mqtt, with("admission.deny", R"(["127.0.0.66"])")};
  EXPECT_EQ(answer_to(scene, {}, {"127.0.0.65", 0}), connack(v3_1_1));
  EXPECT_EQ(scene.dial({"127.0.0.66", 0}).read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::ip_denied, Cause::denied}));
}

TEST(Admission, PlacesAreGivenBack) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.set("gate.workers", "2")
                    .set("admission.connections_per_address_max", "1")
                    .set("admission.handshakes_max", "1");
              }};
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(answer_to(scene, {}), connack(v3_1_1));
    expect_each_ended_once(scene);
  }
}

TEST(Admission, AnOpenHandshakeIsNoHandshakeAnyMoreOnceItIsDone) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.set("admission.handshakes_max", "1").set("admission.handshakes_per_address_max", "1");
              }};
  std::vector<ScriptedClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(scene.client());
    scene.gate.wait_for(R"(mqtt_bastion_tls_handshakes_total{listener="test",resumed="false"})", i + 1);
  }
  EXPECT_EQ(scene.gate.count(series_of({Reason::too_many_connections, Cause::handshakes})), 0);
  EXPECT_EQ(scene.gate.count(series_of({Reason::too_many_connections, Cause::per_ip})), 0);
}

TEST(Admission, CountsAddressesApart) {
  Scene scene{Transport::mqtt, with("admission.connections_per_address_max", "1")};
  auto first = scene.admitted({}, {"127.0.0.2", 0});
  auto second = scene.admitted({}, {"127.0.0.3", 0});
  EXPECT_EQ(scene.dial({"127.0.0.3", 0}).read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::too_many_connections, Cause::per_ip}));
  EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_sessions")), 2);
}

TEST(Listener, TakesIpv6OnAnAddressOfItsOwn) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.no_listeners().listener("test", "mqtts", R"(["127.0.0.1:0", "[::1]:0"])");
              }};
  ScriptedClient client{scene.gate.address("test", 1)};
  client.start_tls();
  client.send(make_connect());
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read_packet(), make_connect());
}

TEST(Upstream, MayBeAUnixSocket) {
  TempDir directory;
  ScriptedBroker broker{directory.path("broker.sock")};
  PolicyBuilder policy{directory, broker.address()};
  policy.no_listeners().listener("test", "mqtt");
  Gate gate{policy.write()};
  ScriptedClient client{gate.address()};
  client.send(make_connect());
  auto upstream = broker.accept();
  EXPECT_EQ(upstream.read_packet(), make_connect());
  upstream.send(connack(v3_1_1));
  EXPECT_EQ(client.read(4), connack(v3_1_1));
  client.send(pingreq());
  EXPECT_EQ(upstream.read(2), pingreq());
}

class Credentials : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(In, Credentials, testing::Values(v3_1_1, v5_0),
                         [](const auto& row) { return row.param == v5_0 ? "Mqtt5" : "Mqtt311"; });

TEST_P(Credentials, OfTheGateReplaceTheClientsOwnUpstream) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.set("upstream.credentials", R"({ username = "bastion", password_file = "upstream.secret" })");
                policy.file("upstream.secret", "its own secret\n");
              }};
  ConnectOptions options{.version = GetParam(), .will = Will{}};
  auto client = scene.client_after(make_connect(options));
  auto broker = scene.broker.accept();
  auto seen = options;
  seen.user = "bastion";
  seen.password = "its own secret";
  EXPECT_EQ(broker.read_packet(), make_connect(seen));
  // And they are no way in.
  EXPECT_EQ(answer_to(scene, {.version = GetParam(), .password = "its own secret"})[3], GetParam() == v5_0 ? 0x86 : 4);
  EXPECT_EQ(answer_to(scene, seen)[3], GetParam() == v5_0 ? 0x86 : 4);
}

TEST_P(Credentials, ThatAreWrongGetTheSameAnswerWhetherTheUserIsKnownOrNot) {
  Scene scene;
  const auto wrong_password = answer_to(scene, {.version = GetParam(), .password = "x"});
  const auto unknown_user = answer_to(scene, {.version = GetParam(), .user = "nobody", .password = "x"});
  EXPECT_FALSE(wrong_password.empty());
  EXPECT_EQ(wrong_password, unknown_user);
  scene.gate.wait_for(series_of({Reason::bad_credentials, Cause::none}), 2);
  expect_broker_untouched(scene);
}

TEST_P(Credentials, MayHoldANulThatIsNotTheEnd) {
  const std::string password{"a\0b", 3};
  Scene scene{Transport::mqtts, [&](PolicyBuilder& policy) { policy.users({{"alice", password}}); }};
  EXPECT_EQ(answer_to(scene, {.version = GetParam(), .password = password}), told_connack(GetParam()));
  EXPECT_EQ(answer_to(scene, {.version = GetParam(), .password = "a"})[3], GetParam() == v5_0 ? 0x86 : 4);
  EXPECT_EQ(answer_to(scene, {.version = GetParam(), .password = std::string{"a\0c", 3}})[3], GetParam() == v5_0 ? 0x86 : 4);
}

TEST(Anonymous, IsLetInOnlyWhereThePolicySaysSo) {
  Scene scene{Transport::mqtts, with("authentication.required", "false")};
  EXPECT_EQ(answer_to(scene, {.user = std::nullopt, .password = std::nullopt}), connack(v3_1_1));
  // Who names a user must prove to be it all the same.
  EXPECT_EQ(answer_to(scene, {.password = "wrong"}), connack(v3_1_1, 4));
  EXPECT_EQ(answer_to(scene, {.password = std::nullopt}), connack(v3_1_1, 5));
  EXPECT_EQ(answer_to(scene, {}), connack(v3_1_1));
}

TEST(Roles, BindUsersToNetworksAndClientIdentifiers) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.users({{"alice", "secret"}, {"sensor-1", "secret"}});
                policy.role("name = \"sensor\"\nusers = [\"sensor-*\"]\nnetworks = [\"127.0.0.2\"]\nclient_id = \"%u-*\"");
                policy.role("name = \"people\"\nusers = [\"alice\"]");
              }};
  EXPECT_EQ(answer_to(scene, {.client_id = "sensor-1-a", .user = "sensor-1"}, {"127.0.0.2", 0}), connack(v3_1_1));
  EXPECT_EQ(answer_to(scene, {.client_id = "sensor-1-a", .user = "sensor-1"}, {"127.0.0.3", 0}), connack(v3_1_1, 5));
  EXPECT_EQ(answer_to(scene, {.client_id = "sensor-2-a", .user = "sensor-1"}, {"127.0.0.2", 0}), connack(v3_1_1, 2));
  EXPECT_EQ(answer_to(scene, {.client_id = "anything"}, {"127.0.0.3", 0}), connack(v3_1_1));
}

TEST(Verification, IsDoneWhileOthersAreServed) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) {
                policy.costly_user("bob", "secret", 400'000).set("authentication.required", "false");
              }};
  auto session = scene.admitted({.user = std::nullopt, .password = std::nullopt});
  auto waits = scene.client_after(make_connect({.user = "bob", .password = "wrong"}));
  for (int i = 0; i < 20; ++i) {
    session.client.send(pingreq());
    EXPECT_EQ(session.broker.read(2), pingreq());
  }
  EXPECT_EQ(waits.read_to_end(), connack(v3_1_1, 4));
}

}  // namespace
}  // namespace bastion::test
