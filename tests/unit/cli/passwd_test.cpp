// `mqtt-bastion passwd`: what it changes, what it leaves alone, what it refuses.
#include "proxy/cli/passwd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <vector>

#include "passwd_support.hpp"

namespace bastion::cli {
namespace {

using namespace std::literals;
using testing::HasSubstr;
using testing::Not;

/// For "old-a", "old-b": `$7$` with two iterations.
std::string line_for(const std::string& user, const std::string& password) {
  identity::NewCredential how;
  how.pbkdf2_iterations = 2;
  return identity::password_line(user, password, how);
}

struct Passwd : testing::Test {
  TemporaryDirectory directory;
  std::string file = directory / "passwd";
};

TEST_F(Passwd, MakesAFileForTheFirstUser) {
  auto options = batch(file, "alice");
  options.create = true;
  const auto outcome = run_passwd(options, "secret\n");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("'alice' added"));
  EXPECT_TRUE(lets_in(file, "alice", "secret"));
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0600u);
  EXPECT_EQ(directory.count(), 1);
}

TEST_F(Passwd, MakesNoFileUnasked) {
  const auto outcome = run_passwd(batch(file, "alice"), "secret\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr(file + ": does not exist"));
  EXPECT_THAT(outcome.err, HasSubstr("--create"));
  EXPECT_EQ(directory.count(), 0);
}

TEST_F(Passwd, EmptiesNoFileThatIsAlreadyThere) {
  put(file, line_for("bob", "b") + "\n");
  auto options = batch(file, "alice");
  options.create = true;
  EXPECT_EQ(run_passwd(options, "secret\n").code, 0);
  EXPECT_TRUE(lets_in(file, "bob", "b"));
  EXPECT_TRUE(lets_in(file, "alice", "secret"));
}

TEST_F(Passwd, AddsBehindTheLastLine) {
  const std::string before = "# users of the plant\n\n" + line_for("bob", "b") + "\n# the end\n";
  put(file, before);
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
  EXPECT_EQ(contents(file).substr(0, before.size()), before);
  EXPECT_TRUE(lets_in(file, "alice", "secret"));
  EXPECT_TRUE(lets_in(file, "bob", "b"));
}

TEST_F(Passwd, AddsTheNewlineThatWasMissing) {
  const std::string before = line_for("bob", "b");
  put(file, before);
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
  EXPECT_EQ(contents(file).substr(0, before.size() + 7), before + "\nalice:");
  EXPECT_TRUE(lets_in(file, "bob", "b"));
}

TEST_F(Passwd, AddsToAFileWithoutUsers) {
  put(file, "# nobody yet\n");
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
  EXPECT_TRUE(contents(file).starts_with("# nobody yet\nalice:"));
}

TEST_F(Passwd, ChangesOneLineAndNoOther) {
  const std::string head = "# head\n \t\n" + line_for("alicea", "x") + "\n";
  const std::string tail = "#alice:commented out\n" + line_for("Alice", "y") + "\n\n# tail";
  put(file, head + line_for("alice", "old") + "\n" + tail);
  const auto outcome = run_passwd(batch(file, "alice"), "new\n");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("'alice' changed"));
  const auto after = contents(file);
  EXPECT_TRUE(after.starts_with(head + "alice:$7$2$"));
  EXPECT_TRUE(after.ends_with("\n" + tail));
  EXPECT_TRUE(lets_in(file, "alice", "new"));
  EXPECT_FALSE(lets_in(file, "alice", "old"));
  EXPECT_EQ(users_of(file)->size(), 3u);
}

TEST_F(Passwd, RemovesOneLineAndNoOther) {
  const std::string head = "# head\n" + line_for("bob", "b") + "\n";
  const std::string tail = "# about alice: gone\n" + line_for("carol", "c");
  put(file, head + line_for("alice", "a") + "\n" + tail);
  auto options = batch(file, "alice");
  options.remove = true;
  const auto outcome = run_passwd(options);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(contents(file), head + tail);
}

TEST_F(Passwd, RemovesNobodyWhoIsNotThere) {
  const std::string before = line_for("bob", "b") + "\n";
  put(file, before);
  auto options = batch(file, "alice");
  options.remove = true;
  const auto outcome = run_passwd(options);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no user 'alice'"));
  EXPECT_EQ(contents(file), before);
}

TEST_F(Passwd, LeavesTheLastUserIn) {
  const std::string before = "#\n" + line_for("alice", "a") + "\n";
  put(file, before);
  auto options = batch(file, "alice");
  options.remove = true;
  const auto outcome = run_passwd(options);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("only user"));
  EXPECT_EQ(contents(file), before);
}

TEST_F(Passwd, TouchesNoFileThatHasFaults) {
  const std::string before = line_for("bob", "b") + "\ncarol:hunter2\nnonsense\n";
  put(file, before);
  for (const bool remove : {false, true}) {
    auto options = batch(file, "bob");
    options.remove = remove;
    const auto outcome = run_passwd(options, "secret\n");
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(file + ":2:7: "));
    EXPECT_THAT(outcome.err, HasSubstr(file + ":3:1: "));
    EXPECT_THAT(outcome.err, HasSubstr("nothing was changed"));
    EXPECT_THAT(outcome.err, Not(HasSubstr("hunter2")));
    EXPECT_EQ(contents(file), before);
  }
}

TEST_F(Passwd, LeavesCostlyEntriesOfOthersInPeace) {
  std::string before = line_for("bob", "b");
  before.replace(before.find("$7$2$"), 5, "$7$99999999$");
  put(file, before + "\ncarol:$argon2id$v=19$m=1048576,t=99,p=64$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc\n");
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
}

TEST_F(Passwd, TakesOnlyTheFirstLineOfItsInput) {
  put(file, "");
  EXPECT_EQ(run_passwd(batch(file, "alice"), "first\nsecond\n").code, 0);
  EXPECT_TRUE(lets_in(file, "alice", "first"));
  EXPECT_EQ(run_passwd(batch(file, "alice"), "no newline").code, 0);
  EXPECT_TRUE(lets_in(file, "alice", "no newline"));
}

TEST_F(Passwd, TakesPasswordsOfAnyBytes) {
  put(file, "");
  const auto password = " sp ace:\t\xFF\0 ü"s;
  const auto outcome = run_passwd(batch(file, "alice"), password + "\n");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("first NUL"));
  EXPECT_TRUE(lets_in(file, "alice", password));
  EXPECT_FALSE(lets_in(file, "alice", " sp ace:\t\xFF"));
}

TEST_F(Passwd, TakesTheLongestPasswordOfMqttAndNoLonger) {
  put(file, "");
  const std::string longest(65'535, 'p');
  EXPECT_EQ(run_passwd(batch(file, "alice"), longest).code, 0);
  EXPECT_TRUE(lets_in(file, "alice", longest));
  EXPECT_EQ(run_passwd(batch(file, "bob"), longest + "p\n").code, 2);
  EXPECT_EQ(run_passwd(batch(file, "bob"), longest + "pp\n").code, 2);
  EXPECT_FALSE(users_of(file)->knows("bob"));
}

TEST_F(Passwd, RefusesPasswordsThatNobodyMeant) {
  put(file, "# empty\n");
  for (const auto input : {""sv, "\n"sv, "windows\r\n"sv, "trailing\0\n"sv}) {
    const auto outcome = run_passwd(batch(file, "alice"), input);
    EXPECT_EQ(outcome.code, 2) << input;
    EXPECT_THAT(outcome.err, HasSubstr("the password")) << input;
    EXPECT_THAT(outcome.err, Not(HasSubstr("windows")));
  }
  EXPECT_EQ(contents(file), "# empty\n");
}

TEST_F(Passwd, RefusesNamesThatAFileCannotHold) {
  put(file, "# empty\n");
  for (const auto& name : {""s, "a:b"s, "a\nb"s, "a\0b"s, "#a"s, " a"s, "a\x7F"s, "a\xFF"s, std::string(65'536, 'x')}) {
    const auto outcome = run_passwd(batch(file, name), "secret\n");
    EXPECT_EQ(outcome.code, 2) << name;
    EXPECT_THAT(outcome.err, HasSubstr("the user name "));
  }
  EXPECT_EQ(contents(file), "# empty\n");
}

TEST_F(Passwd, RefusesOptionsThatMakeNoSense) {
  put(file, "# empty\n");
  auto none = batch("", "alice");
  EXPECT_EQ(run_passwd(none, "secret\n").code, 2);
  auto scheme = batch(file, "alice");
  scheme.scheme = "md5";
  EXPECT_EQ(run_passwd(scheme, "secret\n").code, 2);
  auto rounds = batch(file, "alice");
  rounds.scheme = "sha512";
  EXPECT_EQ(run_passwd(rounds, "secret\n").code, 2);
  auto many = batch(file, "alice");
  many.iterations = 10'000'001;
  EXPECT_EQ(run_passwd(many, "secret\n").code, 2);
  auto passes = batch(file, "alice");
  passes.scheme = "argon2id";
  passes.iterations = 17;
  EXPECT_EQ(run_passwd(passes, "secret\n").code, 2);
  auto both = batch(file, "alice");
  both.create = both.remove = true;
  EXPECT_EQ(run_passwd(both).code, 2);
  EXPECT_EQ(contents(file), "# empty\n");
}

TEST_F(Passwd, WritesTheSchemeThatWasAskedFor) {
  put(file, "");
  auto options = batch(file, "alice");
  options.iterations = 0;
  EXPECT_EQ(run_passwd(options, "secret\n").code, 0);
  EXPECT_THAT(contents(file), HasSubstr("alice:$7$10000$"));
  options.scheme = "sha512";
  EXPECT_THAT(run_passwd(options, "secret\n").err, HasSubstr("prefer pbkdf2"));
  EXPECT_THAT(contents(file), HasSubstr("alice:$6$"));
  options.scheme = "argon2id";
  options.iterations = 2;
  EXPECT_THAT(run_passwd(options, "secret\n").err, HasSubstr("Mosquitto before 2.1"));
  EXPECT_THAT(contents(file), HasSubstr("alice:$argon2id$v=19$m=47104,t=2,p=1$"));
  EXPECT_TRUE(lets_in(file, "alice", "secret"));
}

TEST_F(Passwd, AdvisesAgainstFewRoundsAndTakesThem) {
  put(file, "");
  auto options = batch(file, "alice");
  options.iterations = 999;
  const auto few = run_passwd(options, "secret\n");
  EXPECT_EQ(few.code, 0);
  EXPECT_THAT(few.err, HasSubstr("note: 999 iterations of pbkdf2 are quickly guessed"));
  EXPECT_THAT(contents(file), HasSubstr("alice:$7$999$"));
  options.iterations = 1000;
  EXPECT_EQ(run_passwd(options, "secret\n").err, "");
  options.scheme = "argon2id";
  options.iterations = 1;
  EXPECT_THAT(run_passwd(options, "secret\n").err, testing::Not(HasSubstr("iterations")));
}

TEST_F(Passwd, KeepsModeAndOwner) {
  put(file, line_for("bob", "b") + "\n");
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  // Only root may give a file away.
  const bool root = geteuid() == 0;
  const uid_t owner = root ? 1234 : geteuid();
  const gid_t group = root ? 4321 : getegid();
  ASSERT_EQ(chown(file.c_str(), owner, group), 0);
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0640u);
  EXPECT_EQ(status.st_uid, owner);
  EXPECT_EQ(status.st_gid, group);
}

TEST_F(Passwd, WritesTheTargetOfASymbolicLink) {
  std::filesystem::create_directory(directory / "real");
  const std::string target = directory / "real/passwd";
  put(target, line_for("bob", "b") + "\n");
  std::filesystem::create_symlink("real/passwd", file);
  EXPECT_EQ(run_passwd(batch(file, "alice"), "secret\n").code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(file));
  EXPECT_TRUE(lets_in(target, "alice", "secret"));
}

TEST_F(Passwd, RefusesWhatIsNoFile) {
  std::filesystem::create_symlink("nowhere", file);
  auto dangling = batch(file, "alice");
  dangling.create = true;
  EXPECT_EQ(run_passwd(dangling, "secret\n").code, 1);
  EXPECT_EQ(run_passwd(batch(directory.path().string(), "alice"), "secret\n").code, 2);
  const std::string fifo = directory / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(run_passwd(batch(fifo, "alice"), "secret\n").code, 2);
  auto nowhere = batch(directory / "no/such/passwd", "alice");
  nowhere.create = true;
  EXPECT_EQ(run_passwd(nowhere, "secret\n").code, 1);
  EXPECT_FALSE(std::filesystem::exists(directory / "nowhere"));
}

TEST_F(Passwd, LeavesTheOldFileWhereTheDiskIsFull) {
  const std::string before = line_for("bob", "b") + "\n";
  put(file, before);
  const pid_t child = fork();
  if (child == 0) {
    // A limit on the size of files stands in for a full disk: the write comes back short, then fails.
    const rlimit limit{150, 150};
    (void)std::signal(SIGXFSZ, SIG_IGN);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(99);
    auto options = batch(file, "alice");
    options.batch = true;
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "secret\n", 7) != 7 || dup2(ends[0], STDIN_FILENO) < 0) _exit(98);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(97);
    _exit(passwd_command(options));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(contents(file), before);
  EXPECT_EQ(directory.count(), 1);
}

TEST_F(Passwd, LosesNobodyWhenManyAddAtOnce) {
  put(file, "# empty\n");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      int ends[2];
      if (pipe(ends) != 0 || write(ends[1], "secret\n", 7) != 7 || dup2(ends[0], STDIN_FILENO) < 0) _exit(98);
      if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(99);
      _exit(passwd_command(batch(file, "user-" + std::to_string(i))));
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  const auto users = users_of(file);
  ASSERT_TRUE(users);
  EXPECT_EQ(users->size(), 8u);
  EXPECT_EQ(directory.count(), 1);
}

}  // namespace
}  // namespace bastion::cli
