// Users come, change and go by `mqtt-bastion passwd` or mosquitto_passwd, and the running gate learns of it by SIGHUP.
#include <gtest/gtest.h>

#include <csignal>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

const Bytes accepted{0x20, 2, 0, 0};
const Bytes refused{0x20, 2, 0, 4};

class Passwords : public ::testing::Test {
 protected:
  Finished passwd(const std::vector<std::string>& options, const std::string& user, const std::string& password = {}) {
    std::vector<std::string> command{BASTION_PROGRAM, "passwd"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {stage_.directory / "passwd", user});
    return run(command, password + '\n');
  }
  void reload() {
    stage_.gate->process().signal(SIGHUP);
    ASSERT_TRUE(stage_.gate->log().wait_for("reloaded the policy", ++reloads_)) << stage_.gate->log().text();
  }
  Bytes log_in(const std::string& user, const std::string& password) {
    TlsClient client{stage_.gate->devices(), stage_.ca()};
    client.write(packet(Connect{4, "id-" + user, user, password}));
    return client.read_packet();
  }

  Stage stage_;
  std::size_t reloads_ = 0;
};

TEST_F(Passwords, AddedUserMayLogInAfterAReload) {
  EXPECT_EQ(passwd({"--batch"}, "carol", "Christmas-1843").code, 0);
  EXPECT_EQ(log_in("carol", "Christmas-1843"), refused) << "not before the reload";
  reload();
  EXPECT_EQ(log_in("carol", "Christmas-1843"), accepted);
  EXPECT_EQ(log_in(alice, alices_password), accepted);
}

TEST_F(Passwords, ChangedPasswordReplacesTheOldOne) {
  EXPECT_EQ(passwd({"--batch"}, alice, "Looking-Glass").code, 0);
  reload();
  EXPECT_EQ(log_in(alice, alices_password), refused);
  EXPECT_EQ(log_in(alice, "Looking-Glass"), accepted);
}

TEST_F(Passwords, RemovedUserIsRefusedAfterAReload) {
  EXPECT_EQ(passwd({"--remove"}, bob).code, 0);
  EXPECT_EQ(log_in(bob, bobs_password), accepted) << "not before the reload";
  reload();
  EXPECT_EQ(log_in(bob, bobs_password), refused);
}

TEST_F(Passwords, EverySchemeLogsIn) {
  for (const std::string scheme : {"pbkdf2", "argon2id", "sha512"}) {
    EXPECT_EQ(passwd({"--batch", "--scheme", scheme}, scheme, "Password-of-" + scheme).code, 0);
  }
  reload();
  for (const std::string scheme : {"pbkdf2", "argon2id", "sha512"}) {
    EXPECT_EQ(log_in(scheme, "Password-of-" + scheme), accepted) << scheme;
    EXPECT_EQ(log_in(scheme, "password-of-" + scheme), refused) << scheme;
  }
}

TEST_F(Passwords, MadeByMosquittosOwnProgramAreGood) {
  const auto done = run({"mosquitto_passwd", "-c", "-b", stage_.directory / "passwd", "dave", "Discovery-2001"});
  ASSERT_EQ(done.code, 0) << done.err;
  reload();
  EXPECT_EQ(log_in("dave", "Discovery-2001"), accepted);
  EXPECT_EQ(log_in("dave", "Discovery-2010"), refused);
  EXPECT_EQ(log_in(alice, alices_password), refused) << "the file was made anew";
}

TEST_F(Passwords, BrokenFileKeepsTheUsersOfBefore) {
  write_file(stage_.directory / "passwd", "alice:$7$nonsense\n");
  stage_.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage_.gate->log().wait_for("the policy was not reloaded"));
  EXPECT_EQ(log_in(alice, alices_password), accepted);
}

}  // namespace
}  // namespace bastion::e2e
