// A new policy while clients are connected.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"
#include "tests/support/key_pairs.hpp"

namespace bastion::test {
namespace {

std::uint8_t code_for(Scene& scene, const ConnectOptions& options) {
  auto client = scene.client_after(make_connect(options));
  if (!scene.broker.is_called_before_heard(client)) return client.read_to_end().at(3);
  auto broker = scene.broker.accept();
  static_cast<void>(broker.read_packet());
  broker.send(connack(options.version));
  return client.read_packet().at(3);
}

class Reload : public testing::TestWithParam<const char*> {
 protected:
  Scene scene_{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("gate.workers", GetParam()); }};
};
INSTANTIATE_TEST_SUITE_P(With, Reload, testing::Values("1", "2"),
                         [](const auto& row) { return std::string{"Workers"} + row.param; });

TEST_P(Reload, LetsNewUsersInAndKeepsSessions) {
  auto session = scene_.admitted();
  EXPECT_EQ(code_for(scene_, {.user = "bob", .password = "new"}), 4);
  scene_.policy.users({{"alice", "secret"}, {"bob", "new"}});
  ASSERT_TRUE(scene_.gate.reload());
  EXPECT_EQ(code_for(scene_, {.client_id = "c2", .user = "bob", .password = "new"}), 0);
  EXPECT_EQ(code_for(scene_, {}), 0);
  session.client.send(pingreq());
  EXPECT_EQ(session.broker.read(2), pingreq());
}

TEST_P(Reload, OfABadPolicyChangesNothing) {
  scene_.policy.users({{"bob", "new"}}).set("mqtt.no_such_key", "1").write();
  EXPECT_FALSE(scene_.gate.reload());
  EXPECT_EQ(code_for(scene_, {}), 0);
  EXPECT_EQ(code_for(scene_, {.user = "bob", .password = "new"}), 4);
  EXPECT_EQ(scene_.gate.count("mqtt_bastion_policy_last_reload_successful"), 0);
  scene_.policy.unset("mqtt.no_such_key").write();
  EXPECT_TRUE(scene_.gate.reload());
  EXPECT_EQ(scene_.gate.count("mqtt_bastion_policy_last_reload_successful"), 1);
  EXPECT_EQ(code_for(scene_, {.user = "bob", .password = "new"}), 0);
}

TEST_P(Reload, OfABadPasswordFileChangesNothing) {
  scene_.directory.write("passwd", "alice:plain\n");
  EXPECT_FALSE(scene_.gate.reload());
  EXPECT_EQ(code_for(scene_, {}), 0);
}

TEST_P(Reload, ReachesAClientWhoseBrokerIsBeingDialled) {
  scene_.broker.leave_no_room();
  auto client = scene_.client_after(make_connect());
  scene_.gate.wait_for(series_of("mqtt_bastion_upstream_connects_total"));
  scene_.policy.role("name = \"others\"\nusers = [\"bob\"]").write();
  ASSERT_TRUE(scene_.gate.reload());
  scene_.broker.make_room();
  EXPECT_EQ(client.read_to_end(), connack(v3_1_1, 5));
  EXPECT_EQ(scene_.broker.accept().read_to_end(), ByteVector{});
  expect_only_refusal(scene_, {Reason::not_authorized, Cause::role});
}

TEST_P(Reload, OpensAndClosesListeners) {
  auto session = scene_.admitted();
  const auto before = scene_.gate.address();
  scene_.policy.listener("second", "mqtt", R"("127.0.0.2:0")").write();
  ASSERT_TRUE(scene_.gate.reload());
  EXPECT_EQ(scene_.gate.address(), before);
  ScriptedClient plain{scene_.gate.address("second")};
  plain.send(make_connect());
  EXPECT_EQ(scene_.broker.accept().read_packet(), make_connect());

  scene_.policy.no_listeners().listener("second", "mqtt", R"("127.0.0.2:0")").write();
  ASSERT_TRUE(scene_.gate.reload());
  EXPECT_FALSE(scene_.gate.listens("test"));
  EXPECT_THROW(ScriptedClient{before}, std::runtime_error);
  // Sessions of the listener that is gone are not.
  session.client.send(pingreq());
  EXPECT_EQ(session.broker.read(2), pingreq());
}

TEST_P(Reload, ServesTheNewCertificate) {
  EXPECT_EQ(scene_.client().certificate_serial(), 1);
  scene_.directory.write("server.crt", ecdsa_pair(2).certificate);
  scene_.directory.write("server.key", ecdsa_pair(2).key);
  ASSERT_TRUE(scene_.gate.reload());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(scene_.client().certificate_serial(), 2);
}

TEST_P(Reload, OfAKeyThatDoesNotFitKeepsTheOldPair) {
  scene_.directory.write("server.crt", ecdsa_pair(2).certificate);
  EXPECT_FALSE(scene_.gate.reload());
  EXPECT_EQ(scene_.client().certificate_serial(), 1);
}

TEST_P(Reload, OfTheAllowlistMeetsTheNextConnection) {
  scene_.policy.set("admission.allow", R"(["10.0.0.0/8"])").write();
  ASSERT_TRUE(scene_.gate.reload());
  EXPECT_EQ(scene_.dial().read_to_end(), ByteVector{});
  scene_.gate.wait_for(series_of({Reason::ip_denied, Cause::not_allowed}));
}

// --- sessions that the new policy would refuse ---

constexpr Refusal reloaded{Reason::evicted, Cause::reload};
constexpr std::uint8_t not_authorized = 0x87;
constexpr std::uint8_t administrative_action = 0x98;

/// A session of each version, of which the new policy lets none go on.
struct Ousted {
  const char* name;
  EditPolicy edit;
  std::uint8_t v5_code;
  ConnectOptions options = {};
};

void PrintTo(const Ousted& row, std::ostream* out) {
  *out << row.name;
}

EditPolicy set(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

class ReloadEvicts : public testing::TestWithParam<Ousted> {};

TEST_P(ReloadEvicts, ASessionThatTheNewPolicyRefuses) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("gate.workers", "2"); }};
  auto v3_options = GetParam().options;
  auto v5_options = v3_options;
  v5_options.version = v5_0;
  auto v3 = scene.admitted(v3_options);
  auto v5 = scene.admitted(v5_options);
  GetParam().edit(scene.policy);
  scene.policy.write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(v3.client.read_to_end(), ByteVector{});
  EXPECT_EQ(v5.client.read_to_end(), disconnect_v5(GetParam().v5_code));
  EXPECT_EQ(v3.broker.read_to_end(), ByteVector{}) << "no DISCONNECT: the will is the broker's to publish";
  EXPECT_EQ(v5.broker.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(reloaded), 2);
  expect_each_ended_once(scene);
}

INSTANTIATE_TEST_SUITE_P(
    For, ReloadEvicts,
    testing::Values(
        Ousted{"ItsAddress", set("admission.allow", R"(["10.0.0.0/8"])"), administrative_action},
        Ousted{"ItsUserThatIsGone",
               [](PolicyBuilder& policy) {
                 policy.users({{"bob", "b"}});
               },
               not_authorized},
        Ousted{"ItsPasswordThatIsAnother",
               [](PolicyBuilder& policy) {
                 policy.users({{"alice", "other"}});
               },
               not_authorized},
        Ousted{"ItsClientId", set("mqtt.client_id_pattern", R"("%u-*")"), not_authorized},
        Ousted{"ItsRole", [](PolicyBuilder& policy) { policy.role("name = \"r\"\nusers = [\"bob\"]\n"); }, not_authorized},
        Ousted{
            "ItsLongName", set("mqtt.client_id_length_max", "100"), not_authorized, {.client_id = std::string(101, 'c')}}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(ReloadEvictsNobody, WhoseVersionAndKeepAliveStillFit) {
  Scene scene{Transport::mqtts};
  auto session = scene.admitted({.keep_alive_s = 60});
  scene.policy.set("mqtt.versions", R"(["3.1.1"])").set("mqtt.keep_alive_max", R"("60s")").write();
  ASSERT_TRUE(scene.gate.reload());
  session.client.send(pingreq());
  EXPECT_EQ(session.broker.read(2), pingreq());
  scene.policy.set("mqtt.keep_alive_max", R"("59s")").write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
}

TEST(ReloadEvicts, ATls12SessionUnderAModernProfile) {
  Scene scene{Transport::mqtts};
  auto client = scene.dial();
  client.start_tls({.version_max = TLS1_2_VERSION});
  client.send(make_connect());
  auto broker = scene.broker.accept();
  static_cast<void>(broker.read_packet());
  broker.send(connack(v3_1_1));
  ASSERT_EQ(client.read_packet(), connack(v3_1_1));
  scene.policy.set("tls.profile", R"("modern")").write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(reloaded));
}

TEST(ReloadMeets, ANewcomerBeforeTheBrokerIsDialled) {
  Scene scene{Transport::mqtt, [](PolicyBuilder& policy) { policy.costly_user("alice", "secret", 1'000'000); }};
  auto client = scene.client_after(make_connect());
  scene.gate.wait_for(series_of("mqtt_bastion_connections_total"));
  scene.policy.set("admission.allow", R"(["10.0.0.0/8"])").write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  expect_broker_untouched(scene);
}

TEST(ReloadEvicts, WhomItMustOutOfAThousandAndNobodyElse) {
  constexpr int sessions = 1000;
  Scene scene{Transport::mqtt, [](PolicyBuilder& policy) {
                policy.set("gate.workers", "2").users({{"alice", "a"}, {"bob", "b"}});
              }};
  std::vector<Admitted> alices;
  std::vector<Admitted> bobs;
  for (int i = 0; i < sessions / 2; ++i) {
    alices.push_back(scene.admitted({.version = v5_0, .user = "alice", .password = "a"}));
    bobs.push_back(scene.admitted({.version = v5_0, .client_id = "c2", .user = "bob", .password = "b"}));
  }
  scene.policy.users({{"alice", "a"}});
  // Packets are under way in both directions while the policy changes.
  for (auto& alice : alices) {
    alice.client.send(publish(v5_0, "up", "x"));
    alice.broker.send(publish(v5_0, "down", "y"));
  }
  ASSERT_TRUE(scene.gate.reload());
  for (auto& bob : bobs) EXPECT_EQ(bob.client.read_to_end(), disconnect_v5(not_authorized));
  for (auto& alice : alices) {
    alice.client.send(pingreq());
    EXPECT_EQ(alice.broker.read_packet(), publish(v5_0, "up", "x"));
    EXPECT_EQ(alice.broker.read_packet(), pingreq());
    EXPECT_EQ(alice.client.read_packet(), publish(v5_0, "down", "y"));
  }
  bobs.clear();
  scene.gate.wait_for(series_of(reloaded), sessions / 2);
  EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_sessions")), sessions / 2);
}

}  // namespace
}  // namespace bastion::test
