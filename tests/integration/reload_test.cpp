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
  scene_.policy.users({{"bob", "new"}});
  ASSERT_TRUE(scene_.gate.reload());
  EXPECT_EQ(code_for(scene_, {.user = "bob", .password = "new"}), 0);
  EXPECT_EQ(code_for(scene_, {}), 4);
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

}  // namespace
}  // namespace bastion::test
