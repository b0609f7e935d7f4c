// The gate does not start on half of what it was told: fail closed, in words, and with the right exit code.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

namespace fs = std::filesystem;

struct Broken {
  const char* name;
  std::function<void(const Directory&, PolicyText&)> breakage;
  const char* words;  ///< what it says, among other things
};

void PrintTo(const Broken& broken, std::ostream* to) {
  *to << broken.name;
}

/// A directory where a file is expected can't be read by anybody, root included.
void make_unreadable(const fs::path& file) {
  fs::remove(file);
  fs::create_directory(file);
}

const std::vector<Broken>& breakages() {
  static const std::vector<Broken> all{
      {"AllowFileMissing", [](const Directory&, PolicyText& policy) { policy.admission = "allow_file = \"allow.txt\"\n"; },
       "allow.txt"},
      {"AllowFileUnreadable",
       [](const Directory& directory, PolicyText& policy) {
         make_unreadable(directory / "allow.txt");
         policy.admission = "allow_file = \"allow.txt\"\n";
       },
       "allow.txt"},
      {"AllowFileEmpty",
       [](const Directory& directory, PolicyText& policy) {
         write_file(directory / "allow.txt", "# nobody yet\n");
         policy.allow = "[]";
         policy.admission = "allow_file = \"allow.txt\"\n";
       },
       "allow.txt"},
      {"NobodyAllowed", [](const Directory&, PolicyText& policy) { policy.allow = "[]"; }, "allow"},
      {"PasswordFileMissing", [](const Directory& directory, PolicyText&) { fs::remove(directory / "passwd"); }, "passwd"},
      {"PasswordFileUnreadable", [](const Directory& directory, PolicyText&) { make_unreadable(directory / "passwd"); },
       "passwd"},
      {"PasswordFileEmpty", [](const Directory& directory, PolicyText&) { write_file(directory / "passwd", ""); }, "passwd"},
      {"PasswordFileBroken",
       [](const Directory& directory, PolicyText&) { write_file(directory / "passwd", "alice:Wonderland-4711\n"); },
       "passwd:1"},
      {"PasswordFileForgotten", [](const Directory&, PolicyText& policy) { policy.authentication = ""; }, "password_file"},
      {"CertificateMissing", [](const Directory& directory, PolicyText&) { fs::remove(directory / "server-rsa.crt"); },
       "server-rsa.crt"},
      {"CertificateUnreadable",
       [](const Directory& directory, PolicyText&) { make_unreadable(directory / "server-rsa.crt"); }, "server-rsa.crt"},
      {"CertificateEmpty", [](const Directory& directory, PolicyText&) { write_file(directory / "server-rsa.crt", ""); },
       "server-rsa.crt"},
      {"KeyMissing", [](const Directory& directory, PolicyText&) { fs::remove(directory / "server-rsa.key"); },
       "server-rsa.key"},
      {"KeyOfAnother",
       [](const Directory& directory, PolicyText&) {
         fs::copy_file(directory / "server-ecdsa.key", directory / "server-rsa.key", fs::copy_options::overwrite_existing);
       },
       "server-rsa.key"},
  };
  return all;
}

class Start : public ::testing::TestWithParam<Broken> {};

TEST_P(Start, IsRefusedWithExitCode2AndWords) {
  const Directory directory;
  furnish(directory);
  PolicyText policy;
  policy.broker_address = "127.0.0.1:1883";
  GetParam().breakage(directory, policy);
  write_file(directory / "policy.toml", policy.text());
  for (const std::string command : {"run", "check"}) {
    const auto done = run({BASTION_PROGRAM, command, "-c", directory / "policy.toml"});
    EXPECT_EQ(done.code, 2) << command << ": " << done.err;
    EXPECT_NE(done.err.find(GetParam().words), std::string::npos) << command << ": " << done.err;
    EXPECT_EQ(done.err.find(alices_password), std::string::npos) << done.err;
    EXPECT_EQ(done.err.find("the gate is up"), std::string::npos) << done.err;
  }
}

INSTANTIATE_TEST_SUITE_P(With, Start, ::testing::ValuesIn(breakages()),
                         [](const auto& broken) { return std::string{broken.param.name}; });

class PortInUse : public ::testing::Test {
 protected:
  PortInUse() : broker_{directory_} {
    furnish(directory_);
    broker_.start();
    taken_ = "127.0.0.1:" + std::to_string(broker_.endpoint().port);
    policy_.broker_address = "127.0.0.1:1883";
  }
  Finished start() {
    write_file(directory_ / "policy.toml", policy_.text());
    return run({BASTION_PROGRAM, "run", "-c", directory_ / "policy.toml", "--user", "root"});
  }

  Directory directory_;
  Broker broker_;
  PolicyText policy_;
  std::string taken_;
};

TEST_F(PortInUse, OfAListenerIsExitCode1WithItsPlaceInThePolicy) {
  policy_.listener_address = taken_;
  const auto done = start();
  EXPECT_EQ(done.code, 1);
  EXPECT_NE(done.err.find("can't listen on " + taken_), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("ss -ltnp 'sport = :"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("policy.toml:"), std::string::npos) << done.err;
}

TEST_F(PortInUse, OfTheAdminIsExitCode1WithItsPlaceInThePolicy) {
  policy_.admin_address = taken_;
  const auto done = start();
  EXPECT_EQ(done.code, 1);
  EXPECT_NE(done.err.find("can't listen for the admin on " + taken_), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("ss -ltnp 'sport = :"), std::string::npos) << done.err;
}

TEST_F(PortInUse, OfAnotherGateIsNotShared) {
  write_file(directory_ / "policy.toml", policy_.text());
  const Gate first{directory_};
  policy_.listener_address = "127.0.0.1:" + std::to_string(first.devices().port);
  const auto done = start();
  EXPECT_EQ(done.code, 1) << "two gates on one port would each get half of the clients";
  EXPECT_NE(done.err.find("can't listen on " + policy_.listener_address), std::string::npos) << done.err;
}

}  // namespace
}  // namespace bastion::e2e
