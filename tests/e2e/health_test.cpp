// mqtt-bastion health: what a container's health check is told.
#include <gtest/gtest.h>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

PolicyText with_admin(const std::string& address) {
  PolicyText policy;
  policy.admin_address = address;
  return policy;
}

/// A gate whose policy says where it is asked.
class Health : public ::testing::Test {
 protected:
  Finished health(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{BASTION_PROGRAM, "health", "-c", stage.directory / "policy.toml"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }

  ReservedPort admin;
  Stage stage{with_admin("127.0.0.1:" + std::to_string(admin.number()))};
};

TEST_F(Health, IsGoodWhileTheGateCanServe) {
  const auto done = health();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "ready\n");
}

TEST_F(Health, IsBadWithoutTheBrokerAndSaysSo) {
  stage.broker.kill();
  // The gate asks the broker at most once a second.
  ASSERT_TRUE(eventually([this] { return health().code == 1; }));
  const auto done = health();
  EXPECT_NE(done.err.find(": HTTP 503, the broker can't be reached"), std::string::npos) << done.err;
  EXPECT_EQ(health({"--live"}).code, 0) << "a restart of the gate would not help";
}

TEST_F(Health, IsBadWithoutTheGate) {
  stage.gate.reset();
  for (const auto& more : {std::vector<std::string>{}, std::vector<std::string>{"--live"}}) {
    const auto done = health(more);
    EXPECT_EQ(done.code, 1);
    EXPECT_NE(done.err.find("Connection refused"), std::string::npos) << done.err;
  }
}

TEST_F(Health, IsThatOfTheRunningGateAlsoWhenItsPolicyWasSpoiledSince) {
  stage.write_policy(stage.policy.text() + "[[role]]\nnome = \"typo\"\n");
  const auto done = health();
  EXPECT_EQ(done.code, 0) << done.err;
}

TEST(HealthOf, APolicyWithoutAnAdminCantBeTold) {
  const Directory directory;
  for (const auto& [address, words] :
       {std::pair{"off", "is \"off\""},
        std::pair{"127.0.0.1:0", "has port 0, so that only the gate knows where it listens; give it a port"}}) {
    write_file(directory / "policy.toml", with_admin(address).text());
    const auto done = run({BASTION_PROGRAM, "health", "-c", directory / "policy.toml"});
    EXPECT_EQ(done.code, 1);
    EXPECT_NE(done.err.find(words), std::string::npos) << done.err;
  }
}

TEST(HealthOf, APolicyThatCantBeReadCantBeTold) {
  const Directory directory;
  EXPECT_EQ(run({BASTION_PROGRAM, "health", "-c", directory / "policy.toml"}).code, 1);
  write_file(directory / "policy.toml", "schema = = 1\n");
  const auto done = run({BASTION_PROGRAM, "health", "-c", directory / "policy.toml"});
  EXPECT_EQ(done.code, 1);
  EXPECT_NE(done.err.find("policy.toml:1:10: "), std::string::npos) << done.err;
}

TEST(HealthOf, AGateThatListensEverywhereIsAskedOnLoopback) {
  const ReservedPort admin;
  const Stage stage{with_admin("0.0.0.0:" + std::to_string(admin.number()))};
  const auto done = run({BASTION_PROGRAM, "health", "-c", stage.directory / "policy.toml"});
  EXPECT_EQ(done.code, 0) << done.err;
}

}  // namespace
}  // namespace bastion::e2e
