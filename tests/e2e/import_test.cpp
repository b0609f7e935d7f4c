// mqtt-bastion import, done for real: a Mosquitto that serves its clients, the gate put before it as import says, and the
// same clients with the same credentials.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "example.hpp"
#include "stage.hpp"

namespace bastion::e2e {
namespace {

/// A Mosquitto of the site's own, and the gate that comes before it.
class Import : public ::testing::Test {
 protected:
  Import() {
    std::signal(SIGPIPE, SIG_IGN);
    furnish(directory_);
    std::filesystem::create_directory(directory_ / "conf.d");
    write_file(directory_ / "acl", "user alice\ntopic readwrite home/#\nuser bob\ntopic read home/#\n");
    write_file(main_, "user root\nlog_dest stderr\nlog_type all\nconnection_messages true\ninclude_dir " +
                          (directory_ / "conf.d").string() + '\n');
  }

  [[nodiscard]] std::string port() const { return std::to_string(port_.number()); }
  [[nodiscard]] std::string file(std::string_view name) const { return directory_ / name; }
  /// The door of the site: TLS, a password file and an ACL file.
  [[nodiscard]] std::string door() const {
    return "listener " + port() + " 0.0.0.0\n" + "certfile " + file("server-ecdsa.crt") + "\nkeyfile " +
           file("server-ecdsa.key") + "\nallow_anonymous false\npassword_file " + file("passwd") + "\nacl_file " +
           file("acl") + "\nmax_keepalive 600\n";
  }

  void start_broker() {
    broker_ = std::make_unique<Process>(std::vector<std::string>{BASTION_MOSQUITTO, "-c", main_.string()});
    ASSERT_TRUE(broker_->err().wait_for(" running")) << broker_->err().text();
  }
  void stop_broker() {
    broker_->signal(SIGTERM);
    ASSERT_EQ(broker_->wait(), 0);
  }

  Finished import(const std::vector<std::string>& more) {
    std::vector<std::string> command{BASTION_PROGRAM, "import", main_, "-o", policy_};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }
  /// As an operator would: what import printed, given to patch(1).
  Finished change(const std::string& diff) { return run({"patch", "-p1", "-d", "/"}, diff); }

  void start_gate() {
    // A port that is not everybody's, which is all that a test has to add.
    write_file(policy_, read_file(policy_) + "\n[admin]\naddress = \"127.0.0.1:0\"\n");
    gate_ = std::make_unique<Gate>(directory_);
  }

  Finished publish(const std::string& user, const std::string& password, const std::string& topic) {
    return run({"mosquitto_pub", "-h", "127.0.0.1", "-p", port(),   "--cafile", file("ca.crt"), "-V",
                "mqttv5",        "-u", user,        "-P", password, "-i",       "id-" + user,   "-t",
                topic,           "-m", "hello",     "-q", "1"});
  }

  const Directory directory_;
  const std::filesystem::path main_ = directory_ / "mosquitto.conf";
  const std::filesystem::path policy_ = directory_ / "policy.toml";
  ReservedPort port_;
  std::unique_ptr<Process> broker_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(Import, KeepsEveryCredentialAndPutsTheBrokerBehindAUnixSocket) {
  write_file(directory_ / "conf.d/door.conf", door());
  ASSERT_NO_FATAL_FAILURE(start_broker());
  EXPECT_EQ(publish(alice, alices_password, "home/before").code, 0);
  ASSERT_NO_FATAL_FAILURE(stop_broker());

  const auto imported = import({"--allow", "127.0.0.1", "--unix-socket", file("broker.sock")});
  ASSERT_EQ(imported.code, 0) << imported.err;
  const auto changed = change(imported.out);
  ASSERT_EQ(changed.code, 0) << imported.out << changed.out << changed.err;
  EXPECT_EQ(read_file(directory_ / "conf.d/door.conf"), "listener 0 " + file("broker.sock") +
                                                            "\nallow_anonymous false\npassword_file " + file("passwd") +
                                                            "\nacl_file " + file("acl") + "\nmax_keepalive 600\n");
  const auto checked = run({BASTION_PROGRAM, "check", "-c", policy_});
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_EQ(checked.err, "");

  ASSERT_NO_FATAL_FAILURE(start_broker());
  EXPECT_EQ(lines_with("Opening ipv", broker_->err().text()).size(), 0U) << broker_->err().text();
  EXPECT_NE(publish(alice, alices_password, "home/between").code, 0) << "nobody listens there until the gate does";
  start_gate();
  EXPECT_EQ(publish(alice, alices_password, "home/after").code, 0) << gate_->log().text();
  EXPECT_NE(publish(alice, bobs_password, "home/after").code, 0);
  EXPECT_TRUE(gate_->wait_for_ends(2));
  EXPECT_EQ(gate_->refusals(), (std::map<std::string, int>{{"auth/bad_credentials/credentials", 1}}));
  // The broker still sees who everybody is, and its rules hold.
  EXPECT_TRUE(broker_->err().wait_for("Received PUBLISH from id-alice"));
  static_cast<void>(publish(bob, bobs_password, "home/after"));
  EXPECT_TRUE(broker_->err().wait_for("Denied PUBLISH from id-bob")) << broker_->err().text();
}

TEST_F(Import, UsesTheListenerThatIsThereOnLoopback) {
  const ReservedPort inner;
  const auto local = "listener " + std::to_string(inner.number()) + " 127.0.0.1\n";
  write_file(directory_ / "conf.d/a.conf", local);
  write_file(directory_ / "conf.d/door.conf", door());
  const auto imported = import({"--allow", "127.0.0.1"});
  ASSERT_EQ(imported.code, 0) << imported.err;
  ASSERT_EQ(change(imported.out).code, 0);
  EXPECT_EQ(read_file(directory_ / "conf.d/a.conf"), local);
  ASSERT_NO_FATAL_FAILURE(start_broker());
  EXPECT_EQ(lines_with("Opening ipv", broker_->err().text()).size(), 1U) << broker_->err().text();
  start_gate();
  EXPECT_EQ(publish(alice, alices_password, "home/after").code, 0) << gate_->log().text();
}

TEST_F(Import, LeavesStrangersOutWhereNoNetworkWasNamedAndSaysSo) {
  write_file(directory_ / "conf.d/door.conf", door());
  const auto imported = import({});
  EXPECT_EQ(imported.code, 0);
  EXPECT_NE(imported.err.find("Name the networks that your clients come from"), std::string::npos) << imported.err;
  const auto explained =
      run({BASTION_PROGRAM, "explain", "-c", policy_, "--from", "192.0.2.1", "--user", alice, "--client-id", "a"});
  EXPECT_NE(explained.out.find("ip_denied"), std::string::npos) << explained.out << explained.err;
}

TEST_F(Import, WritesThePolicyAloneToStandardOutput) {
  write_file(directory_ / "conf.d/door.conf", door());
  const auto done = run({BASTION_PROGRAM, "import", main_, "--observe"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.out.find("\nmode = \"observe\"\n"), std::string::npos) << done.out;
  EXPECT_EQ(done.out.find("+listener"), std::string::npos) << done.out;
  EXPECT_NE(done.err.find("\n+listener "), std::string::npos) << done.err;
}

TEST_F(Import, WritesAPolicyThatStatusCanAskWhoWouldBeRefused) {
  write_file(directory_ / "conf.d/door.conf", door());
  const auto imported = import({"--observe"});
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_NE(imported.err.find("belong to the user that the gate runs as"), std::string::npos) << imported.err;
  ASSERT_EQ(change(imported.out).code, 0);
  const auto here = (directory_ / ".").parent_path().string();
  write_file(policy_, changed(read_file(policy_), {{"/var/lib/mqtt-bastion\"", here + '"'},
                                                   {"/run/mqtt-bastion/", here + '/'},
                                                   {"[admin]\n", "[admin]\naddress = \"127.0.0.1:0\"\n"},
                                                   {R"("127.0.0.1", "::1")", R"("192.0.2.1")"}}));
  ASSERT_NO_FATAL_FAILURE(start_broker());
  gate_ = std::make_unique<Gate>(directory_);
  EXPECT_EQ(publish(alice, alices_password, "home/observed").code, 0) << gate_->log().text();
  const auto status = run({BASTION_PROGRAM, "status", "-c", policy_});
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_EQ(lines_with("ip_denied   ", status.out).size(), 1U) << status.out;
}

TEST_F(Import, HasClientsReadSysOnceTheAclFileIsTakenOverAsItSays) {
  write_file(directory_ / "acl", "user alice\ntopic read $SYS/#\n");
  write_file(directory_ / "conf.d/door.conf", door());
  const auto imported = import({"--allow", "127.0.0.1", "--unix-socket", file("broker.sock")});
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_NE(imported.err.find("let the gate go by the same file"), std::string::npos) << imported.err;
  ASSERT_EQ(change(imported.out).code, 0);
  ASSERT_NO_FATAL_FAILURE(start_broker());
  const auto read_sys = [&](const std::string& user, const std::string& password) {
    return run({"mosquitto_sub", "-h", "127.0.0.1", "-p", port(), "--cafile", file("ca.crt"), "-u", user, "-P", password,
                "-i", "id-" + user, "-t", "$SYS/broker/version", "-C", "1"});
  };
  start_gate();
  EXPECT_EQ(read_sys(alice, alices_password).err, "All subscription requests were denied.\n") << "as import says";
  gate_.reset();
  write_file(policy_, changed(read_file(policy_), {{"# [authorization]\n# acl_file", "[authorization]\nacl_file"},
                                                   {"\n[admin]\naddress = \"127.0.0.1:0\"\n", ""}}));
  start_gate();
  EXPECT_EQ(read_sys(alice, alices_password).out.substr(0, 18), "mosquitto version ") << gate_->log().text();
  EXPECT_EQ(read_sys(bob, bobs_password).out, "") << "the file does not name it for bob";
}

TEST_F(Import, NamesFilesAsTheBrokerDoes) {
  write_file(directory_ / "conf.d/door.conf", door());
  ASSERT_EQ(import({}).code, 0);
  const auto policy = read_file(policy_);
  EXPECT_NE(policy.find("\npassword_file = \"" + file("passwd") + '"'), std::string::npos) << policy;
}

TEST_F(Import, PrintsADiffThatPatchTakesWhateverTheFilesAreCalled) {
  const auto folder = directory_ / "with a blank";
  std::filesystem::create_directory(folder);
  for (const auto* name : {"my broker.conf", "a \"b\" \\c.conf", "tab\tand blank.conf"}) {
    const auto conf = (folder / name).string();
    write_file(conf, "user root\n" + door());
    const auto imported = run({BASTION_PROGRAM, "import", conf, "-o", policy_, "--force"});
    ASSERT_EQ(imported.code, 0) << imported.err;
    const auto changed = change(imported.out);
    EXPECT_EQ(changed.code, 0) << imported.out << changed.out << changed.err;
    const auto text = read_file(conf);
    EXPECT_EQ(text.substr(0, text.find("\nallow")), "user root\nlistener 1883 127.0.0.1") << conf;
  }
}

TEST_F(Import, ReplacesAPolicyOnlyWhenToldTo) {
  write_file(directory_ / "conf.d/door.conf", door());
  write_file(policy_, "mine\n");
  const auto refused = import({});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("policy.toml: is there already; --force replaces it"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(read_file(policy_), "mine\n");
  EXPECT_EQ(import({"--force"}).code, 0);
  EXPECT_NE(read_file(policy_).find("schema = 1"), std::string::npos);
}

TEST_F(Import, ComplainsAtTheLineAndWritesNothing) {
  write_file(directory_ / "conf.d/door.conf", "listener 8883\nallow_anonymous perhaps\n");
  const auto done = import({});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find(file("conf.d/door.conf") + ":2: \"allow_anonymous\" must be true or false"), std::string::npos)
      << done.err;
  EXPECT_FALSE(std::filesystem::exists(policy_));
}

TEST_F(Import, ComplainsOfADirectoryThatCantBeRead) {
  write_file(main_, "user root\ninclude_dir " + file("nowhere") + '\n');
  const auto done = import({});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find(main_.string() + ":2: \"include_dir\": can't read"), std::string::npos) << done.err;
}

struct BadImport {
  const char* name;
  std::vector<std::string> words;
  const char* complaint;
};
class BadImportUsage : public ::testing::TestWithParam<BadImport> {};

TEST_P(BadImportUsage, IsExitCode2) {
  std::vector<std::string> command{BASTION_PROGRAM, "import"};
  command.insert(command.end(), GetParam().words.begin(), GetParam().words.end());
  const auto done = run(command);
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find(GetParam().complaint), std::string::npos) << done.err;
  EXPECT_EQ(done.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, BadImportUsage,
    ::testing::Values(BadImport{"NoFile", {}, "file is required"},
                      BadImport{"MissingFile", {"/nowhere/mosquitto.conf"}, "No such file"},
                      BadImport{"HostBits", {"/dev/null", "--allow", "10.0.0.1/8"}, "--allow \"10.0.0.1/8\": "},
                      BadImport{"RelativeSocket", {"/dev/null", "--unix-socket", "m.sock"}, "write a whole path"},
                      BadImport{"SocketOfTwoWords", {"/dev/null", "--unix-socket", "/run/m sock"}, "without blanks"}),
    [](const auto& usage) { return std::string{usage.param.name}; });

}  // namespace
}  // namespace bastion::e2e
