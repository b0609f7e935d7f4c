// A real Mosquitto lets in whom `mqtt-bastion passwd` let in. Needs Debian's packages mosquitto and mosquitto-clients.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <vector>

#include "passwd_support.hpp"

namespace bastion::cli {
namespace {

/// A program with its standard error in a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    errors_ = ends[0];
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    if (posix_spawnp(&child_, argv[0], &actions, nullptr, argv.data(), environ) != 0) child_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Program() {
    if (child_ > 0) {
      kill(child_, SIGTERM);
      waitpid(child_, nullptr, 0);
    }
    close(errors_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Reads its errors until the text stands there; false where it ended before.
  bool await(const std::string& text) {
    while (said_.find(text) == std::string::npos) {
      char block[256];
      const ssize_t size = read(errors_, block, sizeof block);
      if (size <= 0) return false;
      said_.append(block, static_cast<std::size_t>(size));
    }
    return true;
  }
  int exit_code() {
    await("\x01 never said");
    int status = 0;
    const bool ended = child_ > 0 && waitpid(child_, &status, 0) == child_;
    child_ = -1;
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  pid_t child_ = -1;
  int errors_ = -1;
  std::string said_;
};

struct PasswdAndMosquitto : testing::Test {
  int publish_as(const std::string& user, const std::string& password) const {
    return Program({"mosquitto_pub", "--unix", socket, "-u", user, "-P", password, "-t", "t", "-m", "m", "-q", "1"})
        .exit_code();
  }

  TemporaryDirectory directory;
  std::string file = directory / "passwd";
  // A Unix socket: no port that somebody else might take.
  std::string socket = directory / "broker.sock";
};

TEST_F(PasswdAndMosquitto, AgreeOnWhoComesIn) {
  put(file, "# made by a test\n");
  auto by_default = batch(file, "alice");
  by_default.iterations = 0;
  ASSERT_EQ(run_passwd(by_default, "secret of alice\n").code, 0);
  auto old = batch(file, "bob");
  old.scheme = "sha512";
  old.iterations = 0;
  ASSERT_EQ(run_passwd(old, "secret of bob\n").code, 0);
  ASSERT_EQ(run_passwd(batch(file, "carol"), "secret of carol\n").code, 0);
  auto gone = batch(file, "carol");
  gone.remove = true;
  ASSERT_EQ(run_passwd(gone).code, 0);

  put(directory / "mosquitto.conf", "listener 0 " + socket + "\nallow_anonymous false\npassword_file " + file +
                                        "\nlog_dest stderr\n" + (geteuid() == 0 ? "user root\n" : ""));
  Program broker({"mosquitto", "-c", directory / "mosquitto.conf"});
  ASSERT_TRUE(broker.await("running")) << "install Debian's package mosquitto\n" << broker.said();

  EXPECT_EQ(publish_as("alice", "secret of alice"), 0) << "install Debian's package mosquitto-clients";
  EXPECT_EQ(publish_as("bob", "secret of bob"), 0);
  EXPECT_NE(publish_as("alice", "secret of bob"), 0);
  EXPECT_NE(publish_as("carol", "secret of carol"), 0);
}

}  // namespace
}  // namespace bastion::cli
