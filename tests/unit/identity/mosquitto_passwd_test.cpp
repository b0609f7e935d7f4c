// What Mosquitto's own mosquitto_passwd writes is read and verified as it is. Needs Debian's package `mosquitto`.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "samples.hpp"

namespace bastion::identity {
namespace {

/// The program's exit status; 127 where it can't be run.
int run(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return 127;
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 126;
  return WEXITSTATUS(status);
}

class MosquittoPasswd : public testing::Test {
 protected:
  MosquittoPasswd() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bastion-passwd-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    file_ = (directory_ / "passwd").string();
    std::ofstream(file_).close();
    std::filesystem::permissions(file_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  ~MosquittoPasswd() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string text() const {
    std::ifstream stream(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::filesystem::path directory_;
  std::string file_;
};

TEST_F(MosquittoPasswd, WritesFilesThatVerify) {
  ASSERT_EQ(run({"mosquitto_passwd", "-b", file_, "alice", "p w:$#"}), 0) << "install Debian's package mosquitto";
  ASSERT_EQ(run({"mosquitto_passwd", "-H", "sha512", "-b", file_, "bob", "other"}), 0);
  const auto file = samples::must_parse(text());
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 2u);
  EXPECT_EQ(file->find("alice").scheme, Scheme::pbkdf2);
  EXPECT_EQ(file->find("bob").scheme, Scheme::sha512);
  EXPECT_TRUE(verify(file->find("alice"), "p w:$#"));
  EXPECT_FALSE(verify(file->find("alice"), "other"));
  EXPECT_TRUE(verify(file->find("bob"), "other"));
  EXPECT_FALSE(verify(file->find("bob"), "p w:$#"));
}

TEST_F(MosquittoPasswd, KeepsTheEntriesThatWeWrote) {
  const std::string ours = password_line("carol", "pw", {});
  std::ofstream(file_) << ours << "\n";
  ASSERT_EQ(run({"mosquitto_passwd", "-b", file_, "alice", "other"}), 0) << "install Debian's package mosquitto";
  const auto file = samples::must_parse(text());
  ASSERT_TRUE(file);
  EXPECT_TRUE(verify(file->find("carol"), "pw"));
  EXPECT_TRUE(verify(file->find("alice"), "other"));
}

}  // namespace
}  // namespace bastion::identity
