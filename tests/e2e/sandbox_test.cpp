// The gate shut in by the kernel: as somebody else than root, without rights, files and system calls that it has no use for;
// and at work in there.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <utility>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

namespace fs = std::filesystem;

const std::string somebody = "nobody";

bool is_root() {
  return ::geteuid() == 0;
}

/// The user that a gate of `somebody`'s has: only root can become another one.
uid_t its_user() {
  return is_root() ? ::getpwnam(somebody.c_str())->pw_uid : ::geteuid();
}

/// What a line of /proc/PID/status says.
std::string said_by(const fs::path& status, std::string_view name) {
  const auto lines = lines_with(std::string{name} + ":\t", read_file(status));
  return lines.empty() ? "nothing" : lines.front().substr(name.size() + 2);
}

/// A stage whose files belong to somebody who is not root, and a gate that becomes him.
class Sandbox : public ::testing::Test {
 protected:
  Sandbox() {
    fs::create_directory(stage_.directory / "state");
    fs::create_directory(stage_.directory / "run");
    stage_.policy.gate = "state_dir = \"state\"\n";
    stage_.policy.admin = "socket = \"run/control.sock\"\n";
    stage_.gate.reset();
  }

  void hand_over(const fs::path& path) {
    if (is_root()) {
      ASSERT_EQ(::lchown(path.c_str(), its_user(), static_cast<gid_t>(-1)), 0);
    }
    if (!fs::is_directory(path)) return;
    for (const auto& each : fs::directory_iterator{path}) hand_over(each.path());
  }
  void start() {
    stage_.write_policy();
    hand_over((stage_.directory / ".").parent_path());
    stage_.gate = std::make_unique<Gate>(stage_.directory, std::vector<std::string>{}, somebody);
  }
  /// How it ends that can't start.
  Finished start_in_vain(const std::string& user = somebody) {
    stage_.write_policy();
    return run({BASTION_PROGRAM, "run", "-c", stage_.directory / "policy.toml", "--user", user});
  }
  /// Writes the policy as an editor does, and has it read.
  void reload() {
    write_file(stage_.directory / "policy.new", stage_.policy.text());
    put("policy.new", "policy.toml");
    answer_ = run({BASTION_PROGRAM, "reload", "-c", stage_.directory / "policy.toml"});
  }
  void put(const std::string& fresh, const std::string& name) {
    hand_over(stage_.directory / fresh);
    fs::rename(stage_.directory / fresh, stage_.directory / name);
  }

  [[nodiscard]] Gate& gate() { return *stage_.gate; }
  [[nodiscard]] fs::path proc(const std::string& name) {
    return fs::path{"/proc"} / std::to_string(gate().process().pid()) / name;
  }
  [[nodiscard]] bool holds(const std::string& layer) {
    return gate().metric("mqtt_bastion_sandbox_layer{layer=\"" + layer + "\"}") == 1;
  }
  /// Of Landlock, which older kernels have in part or not at all.
  [[nodiscard]] int version() {
    const std::string_view before = "landlock (version ";
    const auto log = gate().log().text();
    const auto at = log.find(before);
    int number = 0;
    if (at != std::string::npos) std::from_chars(log.data() + at + before.size(), log.data() + log.size(), number);
    return number;
  }
  /// Sanitizers do what the filter forbids, and a build with them says that it has none.
  [[nodiscard]] bool is_instrumented() { return gate().log().text().find("build with sanitizers") != std::string::npos; }

  [[nodiscard]] Bytes answer_to(const std::string& user, const std::string& password) const {
    TlsClient client{stage_.gate->devices(), stage_.ca()};
    client.write(packet({4, "raw", user, password}));
    return client.read_packet();
  }

  Stage stage_;
  Finished answer_;
};

const Bytes accepted{0x20, 2, 0, 0};
const Bytes not_authorized{0x20, 2, 0, 5};
const Bytes bad_credentials{0x20, 2, 0, 4};

TEST_F(Sandbox, HoldsEachOfItsThreads) {
  start();
  const auto user = std::to_string(its_user());
  for (const auto& thread : fs::directory_iterator{proc("task")}) {
    const auto status = thread.path() / "status";
    EXPECT_EQ(said_by(status, "Uid"), user + '\t' + user + '\t' + user + '\t' + user);
    EXPECT_EQ(said_by(status, "NoNewPrivs"), "1");
    for (const auto* const set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
      EXPECT_EQ(said_by(status, set), "0000000000000000") << set;
    }
    if (is_root()) {
      EXPECT_EQ(said_by(status, "CapBnd"), "0000000000000000");
    }
    EXPECT_EQ(said_by(status, "Seccomp"), is_instrumented() ? "0" : "2");
  }
  const auto limits = lines_with("Max core file size", read_file(proc("limits")));
  ASSERT_EQ(limits.size(), 1U);
  EXPECT_NE(limits.front().find(" 0                    0 "), std::string::npos) << limits.front();
}

TEST_F(Sandbox, IsToldInTheLogTheFiguresAndTheStatus) {
  start();
  EXPECT_TRUE(gate().log().wait_for("in its sandbox: "));
  for (const auto* const layer : {"capabilities", "no_new_privs", "no_core"}) EXPECT_TRUE(holds(layer)) << layer;
  EXPECT_EQ(holds("user"), is_root());
  EXPECT_EQ(holds("seccomp"), !is_instrumented());
  EXPECT_EQ(holds("landlock"), version() > 0);
  const auto status = run({BASTION_PROGRAM, "status", "-c", stage_.directory / "policy.toml"});
  const auto lines = lines_with("sandbox: ", status.out);
  ASSERT_EQ(lines.size(), 1U) << status.out << status.err;
  EXPECT_NE(lines.front().find("capabilities, no_new_privs, no_core"), std::string::npos) << lines.front();
}

TEST_F(Sandbox, LetsTheGateServeAndKeepItsCountersAndStop) {
  start();
  EXPECT_EQ(answer_to(alice, alices_password), accepted);
  EXPECT_EQ(answer_to(alice, "wrong"), bad_credentials);
  gate().process().signal(SIGTERM);
  EXPECT_EQ(gate().process().wait(), 0) << gate().log().text();
  EXPECT_NE(read_file(stage_.directory / "state/counters"), "");
  EXPECT_FALSE(fs::exists(stage_.directory / "run/control.sock")) << "it removes its socket";
}

TEST_F(Sandbox, ReadsNewFilesInTheOldOnesPlacesAtAReload) {
  start();
  EXPECT_EQ(answer_to(alice, alices_password), accepted);
  const auto made = run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-keyout", stage_.directory / "fresh.key", "-out", stage_.directory / "fresh.crt", "-days", "30",
                         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"});
  ASSERT_EQ(made.code, 0) << made.err;
  fs::copy_file(stage_.directory / "fresh.crt", stage_.directory / "ca.crt", fs::copy_options::overwrite_existing);
  put("fresh.crt", "server-ecdsa.crt");
  put("fresh.key", "server-ecdsa.key");
  fs::copy_file(stage_.directory / "passwd", stage_.directory / "passwd.new");
  ASSERT_EQ(run({BASTION_PROGRAM, "passwd", "--remove", stage_.directory / "passwd.new", alice}).code, 0);
  put("passwd.new", "passwd");
  reload();
  ASSERT_EQ(answer_.code, 0) << answer_.out << answer_.err;
  EXPECT_EQ(answer_to(bob, bobs_password), accepted) << "by the new certificate, which the client takes for its CA";
  EXPECT_EQ(answer_to(alice, alices_password), bad_credentials);
}

TEST_F(Sandbox, OpensNewListenersAtAReload) {
  start();
  stage_.policy.last = "[[listener]]\nname = \"more\"\naddress = \"127.0.0.1:0\"\n";
  reload();
  ASSERT_EQ(answer_.code, 0) << answer_.out << answer_.err;
  const std::string_view before = "more on 127.0.0.1:";
  const auto at = answer_.out.find(before);
  ASSERT_NE(at, std::string::npos) << answer_.out;
  Endpoint more{"127.0.0.1", 0};
  std::from_chars(answer_.out.data() + at + before.size(), answer_.out.data() + answer_.out.size(), more.port);
  EXPECT_NO_THROW(TlsClient(more, stage_.ca()));
}

TEST_F(Sandbox, OpensPortsThatAreRootsBeforeItGivesRootUpAndNoneAfterwards) {
  // One that nobody listens on; by the C library, since the kernel gives only higher ones.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int held = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_allowed = ::bindresvport(held, &address) == 0;
  const auto port = std::to_string(is_allowed ? ntohs(address.sin_port) : 1023);
  if (is_allowed) stage_.policy.listener_address = "127.0.0.1:" + port;
  start();
  if (is_allowed) {
    EXPECT_EQ(std::to_string(gate().devices().port), port);
    EXPECT_EQ(answer_to(alice, alices_password), accepted);
  }
  stage_.policy.last = "[[listener]]\nname = \"more\"\naddress = \"127.0.0.2:" + port + "\"\n";
  reload();
  EXPECT_EQ(answer_.code, 1);
  const auto all = answer_.out + answer_.err;
  EXPECT_NE(all.find("can't listen on 127.0.0.2:" + port + ": Permission denied: ports below 1024 are for root"),
            std::string::npos)
      << all;
  EXPECT_EQ(answer_to(alice, alices_password), accepted) << "the last good policy stays in force";
  ::close(held);
}

TEST_F(Sandbox, ReadsNothingInDirectoriesThatTheFirstPolicyDidNotNameAndSaysWhatToDo) {
  start();
  const Directory other;
  write_file(other / "passwd", read_file(stage_.directory / "passwd"));
  hand_over((other / ".").parent_path());
  stage_.policy.authentication = "password_file = \"" + (other / "passwd").string() + "\"\n";
  reload();
  const bool is_confined = version() > 0;
  EXPECT_EQ(answer_.code, is_confined ? 1 : 0);
  const auto all = answer_.out + answer_.err;
  EXPECT_EQ(all.find("Permission denied, though its permissions allow it") != std::string::npos, is_confined) << all;
  EXPECT_EQ(answer_to(alice, alices_password), accepted);
}

TEST_F(Sandbox, ConnectsToNoPortThatTheFirstPolicyDidNotNameAndSaysWhatToDo) {
  start();
  const ReservedPort other;
  const auto broker = std::exchange(stage_.policy.broker_address, "127.0.0.1:" + std::to_string(other.number()));
  reload();
  const bool is_confined = version() >= 4;
  EXPECT_EQ(answer_.code, is_confined ? 1 : 0);
  const auto all = answer_.out + answer_.err;
  EXPECT_EQ(all.find("the sandbox lets the gate connect to port ") != std::string::npos, is_confined) << all;
  stage_.policy.broker_address = broker;
  reload();
  EXPECT_EQ(answer_.code, 0) << answer_.out << answer_.err;
  EXPECT_EQ(answer_to(alice, alices_password), accepted);
}

TEST_F(Sandbox, IsLeftAwayWhereThePolicySaysSo) {
  stage_.policy.gate += "sandbox = \"off\"\n";
  start();
  EXPECT_EQ(said_by(proc("status"), "Seccomp"), "0");
  EXPECT_FALSE(holds("landlock"));
  EXPECT_EQ(said_by(proc("status"), "NoNewPrivs"), "1") << "nothing that works needs more";
  EXPECT_EQ(said_by(proc("status"), "CapEff"), "0000000000000000");
}

TEST_F(Sandbox, IsTheConditionForAStartWhereItIsRequired) {
  start();
  const bool is_whole = holds("landlock") && holds("seccomp");
  const auto lacks = holds("landlock") ? "seccomp" : "landlock";
  stage_.gate.reset();
  stage_.policy.gate += "sandbox = \"required\"\n";
  if (is_whole) {
    start();
    EXPECT_TRUE(holds("seccomp"));
  } else {
    const auto done = start_in_vain();
    EXPECT_EQ(done.code, 1);
    EXPECT_NE(done.err.find(std::string{"the sandbox is required, and lacks "} + lacks), std::string::npos) << done.err;
  }
}

TEST_F(Sandbox, WhoIsNotRootStaysWhoHeIs) {
  if (is_root()) {
    start();
    const auto user = std::to_string(its_user());
    stage_.gate.reset();
    // As a service manager would start it, as that user, which then names another one in vain.
    stage_.start_gate({"setpriv", "--reuid", user, "--regid", user, "--clear-groups"});
  } else {
    start();
  }
  EXPECT_FALSE(holds("user"));
  EXPECT_EQ(said_by(proc("status"), "Uid").substr(0, std::to_string(its_user()).size()), std::to_string(its_user()));
  EXPECT_EQ(answer_to(alice, alices_password), accepted);
}

TEST_F(Sandbox, HasEveryFileReadableToWhomTheGateBecomesOrItDoesNotStart) {
  if (!is_root()) {
    start();
    EXPECT_EQ(answer_to(alice, alices_password), accepted) << "it has become nobody else, and reads what it could";
    return;
  }
  hand_over((stage_.directory / ".").parent_path());
  for (const auto* const file : {"server-rsa.key", "passwd"}) {
    ASSERT_EQ(::lchown((stage_.directory / file).c_str(), 0, 0), 0);
  }
  const auto done = start_in_vain();
  EXPECT_EQ(done.code, 2) << done.err;
  for (const auto* const file : {"server-rsa.key", "passwd"}) {
    const auto words = "the gate goes on as \"nobody\", who can't read \"" + (stage_.directory / file).string() + '"';
    EXPECT_EQ(lines_with(words, done.err).size(), 1U) << done.err;
  }
}

TEST_F(Sandbox, HasAnAccountToGoOnAsOrIsNotEnteredByRoot) {
  const std::string missing = "no-such-account";
  if (!is_root()) {
    stage_.policy.gate += "user = \"" + missing + "\"\n";
    start();
    EXPECT_FALSE(holds("user"));
    return;
  }
  const auto done = start_in_vain(missing);
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(
      done.err.find("the gate can't become \"no-such-account\": there is no such account on this machine: make it with "
                    "useradd --system no-such-account"),
      std::string::npos)
      << done.err;
}

}  // namespace
}  // namespace bastion::e2e
