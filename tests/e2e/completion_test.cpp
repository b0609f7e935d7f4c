// The shells load the completions that the program writes, and are told its commands, options and values.
#include <gtest/gtest.h>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

class Completion : public ::testing::Test {
 protected:
  Completion() { EXPECT_EQ(run({BASTION_PROGRAM, "write-manual", directory_ / "."}).code, 0); }
  /// What zsh's own functions would be given after these words; they are shown instead of run.
  Finished zsh(const std::string& words, int current) {
    return run({"zsh", "-f", "-c",
                "fpath=($1 $fpath); autoload -Uz _mqtt-bastion\n"
                "_arguments() { print -rl -- \"$@\" }\n_describe() { print -rl -- \"${(P@)4}\" }\n"
                "words=(" +
                    words + "); CURRENT=" + std::to_string(current) + "; _mqtt-bastion",
                "zsh", directory_ / "."});
  }
  Finished bash(const std::string& words, int current) {
    return run({"bash", "-c",
                "source $1/mqtt-bastion.bash; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(current) +
                    "; _mqtt_bastion; printf '%s\\n' \"${COMPREPLY[@]}\"",
                "bash", directory_ / "."});
  }

  const Directory directory_;
};

TEST_F(Completion, OfZshKnowsTheCommands) {
  const auto done = zsh("mqtt-bastion ''", 2);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(lines_with("import:Turn a mosquitto.conf into a policy", done.out).size(), 1U) << done.out;
  EXPECT_EQ(lines_with("status:Show how a running gate is", done.out).size(), 1U) << done.out;
}

TEST_F(Completion, OfZshKnowsTheOptionsOfEachCommand) {
  for (const std::string command : {"run", "check", "explain", "import", "status", "reload", "passwd", "health"}) {
    const auto done = zsh("mqtt-bastion " + command + " --", 3);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.err, "") << command;
    EXPECT_GE(lines_with("--help[", done.out).size(), 1U) << done.out;
  }
  const auto import = zsh("mqtt-bastion import --", 3);
  EXPECT_EQ(lines_with("--output[Write the policy here; left out: to standard output]:FILE:_files", import.out).size(), 1U)
      << import.out;
}

TEST_F(Completion, OfBashKnowsCommandsAndOptions) {
  const auto commands = bash("mqtt-bastion im", 1);
  EXPECT_EQ(commands.out, "import\n") << commands.err;
  const auto options = bash("mqtt-bastion import --un", 2);
  EXPECT_EQ(options.out, "--unix-socket\n") << options.err;
}

TEST_F(Completion, OfBashKnowsTheValuesOfOptionsThatTakeOneOfAFew) {
  const auto all = bash("mqtt-bastion explain --mqtt ''", 3);
  EXPECT_EQ(all.out, "3.1\n3.1.1\n5.0\nbridge\n") << all.err;
  EXPECT_EQ(bash("mqtt-bastion explain --mqtt 5", 3).out, "5.0\n");
  EXPECT_EQ(bash("mqtt-bastion explain --from ::1 --password wr", 5).out, "wrong\n");
  EXPECT_EQ(bash("mqtt-bastion passwd --scheme = a", 4).out, "argon2id\n") << "as the shell parts --scheme=a";
  EXPECT_EQ(bash("mqtt-bastion passwd --scheme =", 3).out, "pbkdf2\nargon2id\nsha512\n");
  EXPECT_EQ(bash("mqtt-bastion passwd --mqtt ''", 3).out.find("3.1"), std::string::npos) << "another command's option";
  EXPECT_EQ(bash("mqtt-bastion explain --mqtt 5.0 --pass", 4).out, "--password\n") << "the value is over";
}

}  // namespace
}  // namespace bastion::e2e
