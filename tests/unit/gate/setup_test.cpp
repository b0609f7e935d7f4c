// Loading a policy with everything that it names: all complaints, each at its place, and closed on every failure.
#include "proxy/gate/setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/net/make_key_pair.hpp"

namespace bastion::gate {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr const char* alice =
    "alice:$7$1$c2FsdHNhbHRzYWx0$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n";

struct SetupTest : ::testing::Test {
  std::filesystem::path directory;
  std::int64_t now_s = static_cast<std::int64_t>(std::time(nullptr));

  SetupTest() {
    std::string name = (std::filesystem::temp_directory_path() / "setup-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    const auto pem = net::test::ecdsa_pair();
    write("server.crt", pem.certificate);
    write("server.key", pem.key);
    write("passwd", alice);
    write("policy.toml", policy());
  }
  ~SetupTest() override { std::filesystem::remove_all(directory); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream{directory / name, std::ios::trunc} << text;
    ::chmod((directory / name).c_str(), 0600);
  }
  static std::string policy(const std::string& more = "") {
    return "schema = 1\n[upstream]\naddress = \"127.0.0.1:1883\"\n" + more +
           "[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n"
           "[[listener]]\nname = \"devices\"\naddress = \"127.0.0.1:0\"\n"
           "[admission]\nallow = [\"127.0.0.1\"]\n[authentication]\npassword_file = \"passwd\"\n";
  }
  [[nodiscard]] LoadedSetup load() const { return load_setup((directory / "policy.toml").string(), now_s); }
  /// The complaints, with the directory taken off their file names.
  [[nodiscard]] std::vector<std::string> complaints() const {
    std::vector<std::string> lines;
    for (const auto& complaint : load().complaints) {
      auto line = text(complaint);
      const auto prefix = directory.string() + "/";
      for (auto at = line.find(prefix); at != std::string::npos; at = line.find(prefix)) line.erase(at, prefix.size());
      lines.push_back(line);
    }
    return lines;
  }
};

TEST_F(SetupTest, LoadsWhatThePolicyNames) {
  const auto loaded = load();
  EXPECT_THAT(complaints(), ::testing::IsEmpty());
  ASSERT_TRUE(loaded.setup);
  EXPECT_TRUE(loaded.setup->passwords->knows("alice"));
  EXPECT_EQ(loaded.setup->tls.key_pairs.size(), 1U);
}

TEST_F(SetupTest, RefusesWithoutThePolicyItself) {
  std::filesystem::remove(directory / "policy.toml");
  EXPECT_FALSE(load().setup);
  EXPECT_THAT(complaints(), Contains("policy.toml: can't read the policy: No such file or directory"));
}

TEST_F(SetupTest, ComplainsOfEveryMissingFileAtTheLineThatNamesIt) {
  for (const auto* name : {"server.crt", "server.key", "passwd"}) std::filesystem::remove(directory / name);
  EXPECT_FALSE(load().setup);
  const auto lines = complaints();
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("policy.toml:5:"), HasSubstr("server.crt"), HasSubstr("No such file"),
                                    HasSubstr("certs/make-certs"))));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("policy.toml:6:"), HasSubstr("server.key"), HasSubstr("No such file"),
                                    HasSubstr("certs/make-certs"))));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("policy.toml:13:"), HasSubstr("No such file"),
                                    EndsWith("make one with: mqtt-bastion passwd --create passwd USER"))));
}

TEST_F(SetupTest, ComplainsOfThePolicyAndOfItsFilesAtOnceInTheOrderOfThePolicy) {
  std::filesystem::remove(directory / "server.key");
  write("policy.toml", policy() + "conections = 1\n");
  EXPECT_FALSE(load().setup);
  EXPECT_THAT(complaints(), ::testing::ElementsAre(AllOf(HasSubstr("policy.toml:6:"), HasSubstr("server.key")),
                                                   AllOf(HasSubstr("policy.toml:14:"), HasSubstr("unknown key"))));
}

TEST_F(SetupTest, RefusesEmptyFiles) {
  for (const auto* name : {"server.crt", "server.key", "passwd"}) {
    const auto path = directory / name;
    std::filesystem::rename(path, directory / "kept");
    write(name, "");
    EXPECT_FALSE(load().setup) << name;
    EXPECT_THAT(complaints(), Contains(HasSubstr(name)));
    std::filesystem::rename(directory / "kept", path);
  }
  EXPECT_TRUE(load().setup);
}

TEST_F(SetupTest, RefusesADirectoryInPlaceOfAFile) {
  std::filesystem::remove(directory / "passwd");
  std::filesystem::create_directory(directory / "passwd");
  EXPECT_FALSE(load().setup);
  EXPECT_THAT(complaints(), Contains(EndsWith("Is a directory")));
}

TEST_F(SetupTest, RefusesAFifoInPlaceOfAFileInsteadOfWaitingForAWriter) {
  std::filesystem::remove(directory / "passwd");
  ASSERT_EQ(::mkfifo((directory / "passwd").c_str(), 0600), 0);
  EXPECT_FALSE(load().setup);
  EXPECT_THAT(complaints(), Contains(HasSubstr("no regular file")));
}

TEST_F(SetupTest, WarnsOfCertificatesOutOfTheirTime) {
  now_s += 31 * 24 * 3600;
  EXPECT_THAT(complaints(), Contains(AllOf(HasSubstr("warning"), HasSubstr("has expired"))));
  now_s -= 32 * 24 * 3600;
  EXPECT_THAT(complaints(), Contains(AllOf(HasSubstr("warning"), HasSubstr("not valid yet"))));
  EXPECT_TRUE(load().setup) << "strangers stay out all the same";
}

TEST_F(SetupTest, RefusesACertificateThatOpensslWouldNotServeWith) {
  const auto weak = net::test::self_signed(EVP_EC_gen("P-256"), nullptr, EVP_sha1());
  write("server.crt", weak.certificate);
  write("server.key", weak.key);
  // A self-signed leaf's own signature is not looked at; that of a certificate below it is.
  EXPECT_TRUE(load().setup);
  const auto leaf = net::test::ecdsa_pair();
  write("server.crt", leaf.certificate + net::test::self_signed(EVP_RSA_gen(1024)).certificate);
  write("server.key", leaf.key);
  EXPECT_FALSE(load().setup);
  EXPECT_THAT(complaints(), Contains(AllOf(HasSubstr("policy.toml:5:"), HasSubstr("ca key too small"))));
}

TEST_F(SetupTest, WarnsOfSecretsThatAnybodyCanRead) {
  ::chmod((directory / "server.key").c_str(), 0644);
  EXPECT_THAT(complaints(), Contains(AllOf(HasSubstr("policy.toml:6:"), HasSubstr("warning"), HasSubstr("chmod o-r"))));
}

TEST_F(SetupTest, WarnsOfAStateDirThatCantBeWrittenTo) {
  write("policy.toml", policy("[gate]\nstate_dir = \"state\"\n"));
  EXPECT_THAT(complaints(), ::testing::ElementsAre(AllOf(HasSubstr("policy.toml:5:13: warning: \"state\": No such file"),
                                                         HasSubstr("counters are not kept"))));
  EXPECT_TRUE(load().setup) << "the gate only forgets";
  write("state", "");
  EXPECT_THAT(complaints(), ::testing::ElementsAre(HasSubstr("Not a directory")));
  std::filesystem::remove(directory / "state");
  std::filesystem::create_directory(directory / "state");
  EXPECT_THAT(complaints(), ::testing::IsEmpty());
}

TEST_F(SetupTest, WarnsOfARoleForAUserWhomThePasswordFileDoesNotHave) {
  write("policy.toml", policy() + "[[role]]\nname = \"a\"\nusers = [\"alice\", \"al*\", \"alise\", \"bob\"]\n");
  EXPECT_THAT(
      complaints(),
      ::testing::ElementsAre(HasSubstr("policy.toml:14:1: warning: role \"a\" is for \"alise\", who is not in \"passwd\"")));
  EXPECT_TRUE(load().setup);
}

TEST_F(SetupTest, WarnsOfASocketWhereItsDirectoryIsMissing) {
  write("policy.toml", policy("[admin]\nsocket = \"run/control.sock\"\n"));
  EXPECT_THAT(complaints(), ::testing::ElementsAre(AllOf(HasSubstr("policy.toml:5:10: warning: \"run\": No such file"),
                                                         HasSubstr("does not start"))));
  std::filesystem::create_directory(directory / "run");
  EXPECT_THAT(complaints(), ::testing::IsEmpty());
}

TEST_F(SetupTest, ComplainsOnceOfAMissingNameOfAFile) {
  write("policy.toml", policy("credentials = { username = \"bastion\" }\n"));
  EXPECT_THAT(complaints(), ::testing::ElementsAre(HasSubstr("missing key \"password_file\" in [upstream.credentials]")));
}

TEST_F(SetupTest, ReadsTheBrokersPasswordFromTheFirstLineOfItsFile) {
  write("policy.toml", policy("credentials = { username = \"bastion\", password_file = \"upstream.secret\" }\n"));
  EXPECT_FALSE(load().setup) << "it is not there yet";
  write("upstream.secret", "\n");
  EXPECT_THAT(complaints(), Contains(HasSubstr("is empty")));
  write("upstream.secret", "pass word\r\nsecond line\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded.setup);
  EXPECT_EQ(loaded.setup->upstream_password.view(), "pass word");
}

}  // namespace
}  // namespace bastion::gate
