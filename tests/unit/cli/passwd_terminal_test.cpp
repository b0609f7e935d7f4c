// `mqtt-bastion passwd` on a terminal: asks twice, shows nothing, leaves the terminal as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>

#include <csignal>

#include "passwd_support.hpp"

namespace bastion::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The command on a terminal of its own.
class OnTerminal {
 public:
  explicit OnTerminal(const PasswdOptions& options) {
    child_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ != 0) return;
    const int code = passwd_command(options);
    std::fflush(nullptr);
    _exit(code);
  }
  ~OnTerminal() { close(terminal_); }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  /// Reads until the text stands there; false where the command ended before.
  bool await(const std::string& text) {
    while (shown_.find(text, seen_) == std::string::npos) {
      char block[256];
      const ssize_t size = read(terminal_, block, sizeof block);
      if (size <= 0) return false;
      shown_.append(block, static_cast<std::size_t>(size));
    }
    seen_ = shown_.find(text, seen_) + text.size();
    return true;
  }
  void type(std::string_view text) {
    EXPECT_EQ(write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] bool echoes() const {
    termios now{};
    return tcgetattr(terminal_, &now) == 0 && (now.c_lflag & ECHO) != 0;
  }
  /// The wait status of the command.
  int end() {
    await("\x01 never shown");
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    return status;
  }
  [[nodiscard]] const std::string& shown() const { return shown_; }

 private:
  int terminal_ = -1;
  pid_t child_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

struct PasswdOnTerminal : testing::Test {
  PasswdOnTerminal() {
    put(file, "# empty\n");
    options.batch = false;
  }
  TemporaryDirectory directory;
  std::string file = directory / "passwd";
  PasswdOptions options = batch(file, "alice");
};

TEST_F(PasswdOnTerminal, AsksTwiceAndShowsNothing) {
  OnTerminal dialogue(options);
  ASSERT_TRUE(dialogue.await("New password: "));
  EXPECT_FALSE(dialogue.echoes());
  dialogue.type("hunter2\n");
  ASSERT_TRUE(dialogue.await("The same again: "));
  EXPECT_FALSE(dialogue.echoes());
  dialogue.type("hunter2\n");
  ASSERT_TRUE(dialogue.await("'alice' added"));
  EXPECT_TRUE(dialogue.echoes());
  const int status = dialogue.end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << dialogue.shown();
  EXPECT_THAT(dialogue.shown(), Not(HasSubstr("hunter2")));
  EXPECT_TRUE(lets_in(file, "alice", "hunter2"));
}

TEST_F(PasswdOnTerminal, RefusesTwoThatDiffer) {
  OnTerminal dialogue(options);
  ASSERT_TRUE(dialogue.await("New password: "));
  dialogue.type("hunter2\n");
  ASSERT_TRUE(dialogue.await("The same again: "));
  dialogue.type("hunter3\n");
  const int status = dialogue.end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  EXPECT_THAT(dialogue.shown(), HasSubstr("differ"));
  EXPECT_EQ(contents(file), "# empty\n");
}

TEST_F(PasswdOnTerminal, TurnsTheEchoOnAgainWhenInterrupted) {
  OnTerminal dialogue(options);
  ASSERT_TRUE(dialogue.await("New password: "));
  dialogue.type("hunt\x03");
  const int status = dialogue.end();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  EXPECT_TRUE(dialogue.echoes());
  EXPECT_EQ(contents(file), "# empty\n");
}

TEST_F(PasswdOnTerminal, TakesTheEndOfInputForARefusal) {
  OnTerminal dialogue(options);
  ASSERT_TRUE(dialogue.await("New password: "));
  dialogue.type("\x04");
  const int status = dialogue.end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  EXPECT_TRUE(dialogue.echoes());
}

TEST_F(PasswdOnTerminal, AsksNobodyWhereTheFileHasFaults) {
  put(file, "nonsense\n");
  OnTerminal dialogue(options);
  const int status = dialogue.end();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2);
  EXPECT_THAT(dialogue.shown(), Not(HasSubstr("New password")));
  EXPECT_THAT(dialogue.shown(), HasSubstr(":1:1: "));
}

TEST_F(PasswdOnTerminal, SaysWhatToDoWhereThereIsNone) {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (std::freopen(file.c_str(), "w", stderr) == nullptr) _exit(99);
    options.file = directory / "other";
    options.create = true;
    const int code = passwd_command(options);
    std::fflush(nullptr);
    _exit(code);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2);
  EXPECT_THAT(contents(file), HasSubstr("--batch"));
}

}  // namespace
}  // namespace bastion::cli
