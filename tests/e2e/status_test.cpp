// status, reload, and counters that outlive the gate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* anonymous = "auth/anonymous/no_user";

PolicyText with_socket() {
  PolicyText policy;
  policy.admin = "socket = \"control.sock\"\n";
  return policy;
}

/// A stage whose gate is not up yet, since it wants a directory.
struct KeepingStage {
  KeepingStage() {
    fs::create_directory(state());
    stage.gate.reset();
    stage.policy.gate = "state_dir = \"state\"\n";
    stage.write_policy();
  }
  [[nodiscard]] fs::path state() const { return stage.directory / "state"; }
  [[nodiscard]] fs::path counters() const { return state() / "counters"; }

  Stage stage{with_socket()};
};

Finished command(const Stage& stage, const std::string& name, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{BASTION_PROGRAM, name, "-c", stage.directory / "policy.toml"};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

void knock_without_credentials(const Stage& stage) {
  TlsClient client{stage.gate->devices(), stage.ca()};
  client.write(packet({4, "anonymous"}));
  EXPECT_EQ(client.read_to_end(), (Bytes{0x20, 2, 0, 5}));
}

int knocks(const Stage& stage) {
  const auto refusals = stage.gate->refusals();
  const auto found = refusals.find(anonymous);
  return found != refusals.end() ? found->second : 0;
}

/// The checksum of a file of counters, as it stands there.
std::string fnv1a(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::ostringstream out;
  out << std::hex << sum;
  return out.str();
}

TEST(Reload, SaysWhoseAnAddressIsThatGoesToAnotherListener) {
  Stage stage{with_socket()};
  stage.policy.listener_address = "127.0.0.1:" + std::to_string(stage.gate->devices().port);
  auto text = stage.policy.text();
  const std::string name = "name = \"devices\"";
  ASSERT_NE(text.find(name), std::string::npos);
  write_file(stage.directory / "policy.toml", text.replace(text.find(name), name.size(), "name = \"others\""));
  const auto reload = command(stage, "reload");
  EXPECT_EQ(reload.code, 1);
  EXPECT_THAT(
      reload.out + reload.err,
      HasSubstr("it is open as listener \"devices\", and which listener an address is of takes effect at the next start"));
  EXPECT_NO_THROW(static_cast<void>(stage.admitted())) << "as before";
}

TEST(Status, WatchesOnWhileTheGateIsRestarted) {
  Stage stage{with_socket()};
  Process watch{{BASTION_PROGRAM, "status", "--json", "--watch", "1", "-c", stage.directory / "policy.toml"}};
  ASSERT_TRUE(watch.out().wait_for("\"version\""));
  stage.gate.reset();
  ASSERT_TRUE(watch.err().wait_for("control.sock"));
  const auto before = count_of("\"version\"", watch.out().text());
  stage.start_gate();
  EXPECT_TRUE(watch.out().wait_for("\"version\"", before + 1)) << watch.err().text();
  stage.gate.reset();
  EXPECT_NE(run({BASTION_PROGRAM, "status", "--watch", "1", "-c", stage.directory / "policy.toml"}).code, 0)
      << "a gate that never was there is not waited for";
}

TEST(Status, ShowsSessionsAndWhoWasRefused) {
  const Stage stage{with_socket()};
  const auto session = stage.admitted();
  knock_without_credentials(stage);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  const auto text = command(stage, "status");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("mqtt-bastion " BASTION_VERSION_EXPECTED ", up "));
  EXPECT_THAT(text.out, HasSubstr("anonymous    auth   no_user      1"));
  EXPECT_THAT(text.out, HasSubstr("127.0.0.1         1  anonymous"));
  const auto json = command(stage, "status", {"--json"});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_THAT(json.out, HasSubstr(R"("reason":"anonymous","cause":"no_user","times":1)"));
  EXPECT_THAT(json.out, HasSubstr(R"("sessions":1)"));
  EXPECT_EQ(run({"python3", "-m", "json.tool"}, json.out).code, 0) << json.out;
}

TEST(Status, SaysWhatToDoWhereNoGateAnswers) {
  Stage stage{with_socket()};
  stage.gate.reset();
  const auto answer = command(stage, "status");
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.err, HasSubstr("control.sock: "));
  EXPECT_THAT(answer.err, HasSubstr("does the gate run"));
  stage.policy.admin.clear();
  stage.write_policy();
  const auto no_socket = command(stage, "status");
  EXPECT_EQ(no_socket.code, 2);
  EXPECT_THAT(no_socket.err, HasSubstr("write [admin] socket"));
}

TEST(ControlSocket, IsForItsOwnerAndGroupOnly) {
  const Stage stage{with_socket()};
  struct stat found {};
  ASSERT_EQ(::stat((stage.directory / "control.sock").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0660u);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can ask as somebody else";
  fs::permissions(stage.directory / "control.sock", fs::perms::all);
  fs::permissions((stage.directory / "policy.toml").parent_path(), fs::perms::all);
  const std::vector<std::string> nobody{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BASTION_PROGRAM};
  auto words = nobody;
  words.insert(words.end(), {"status", "--socket", stage.directory / "control.sock"});
  const auto stranger = run(words);
  EXPECT_EQ(stranger.code, 1);
  EXPECT_THAT(stranger.err, HasSubstr("the gate does not answer you"));
  auto member = std::vector<std::string>{"setpriv", "--reuid=65534", "--clear-groups", BASTION_PROGRAM};
  auto looks = member;
  looks.insert(looks.end(), {"status", "--socket", stage.directory / "control.sock"});
  EXPECT_EQ(run(looks).code, 0);
  auto reloads = member;
  reloads.insert(reloads.end(), {"reload", "--socket", stage.directory / "control.sock"});
  const auto refused = run(reloads);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("reload is for root"));
}

TEST(ControlSocket, ThatIsInUseKeepsASecondGateAway) {
  const Stage stage{with_socket()};
  const auto second = run({BASTION_PROGRAM, "run", "-c", stage.directory / "policy.toml", "--user", "root"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("can't listen on the control socket"));
  EXPECT_EQ(command(stage, "status").code, 0) << "the first one goes on";
}

TEST(ControlSocket, LeftByAGateThatWasKilledIsTakenOver) {
  Stage stage{with_socket()};
  stage.gate->process().signal(SIGKILL);
  ASSERT_TRUE(stage.gate->process().wait());
  ASSERT_TRUE(fs::exists(stage.directory / "control.sock"));
  stage.start_gate();
  EXPECT_EQ(command(stage, "status").code, 0);
}

TEST(Reload, ByCommandTellsWhatCameOfIt) {
  const Stage stage{with_socket()};
  const auto good = command(stage, "reload");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("in force: 1 worker, devices on 127.0.0.1:"));
  stage.write_policy("schema = 1\n[admision]\n");
  const auto bad = run({BASTION_PROGRAM, "reload", "--socket", stage.directory / "control.sock"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("policy.toml:2:"));
  EXPECT_THAT(bad.err, HasSubstr("the last good policy stays in force"));
  const auto status = run({BASTION_PROGRAM, "status", "--socket", stage.directory / "control.sock"});
  EXPECT_THAT(status.out, HasSubstr("THE LAST RELOAD FAILED"));
  EXPECT_THAT(status.out, HasSubstr("policy.toml:2:"));
}

TEST(Reload, TellsWhatWaitsForTheNextStart) {
  Stage stage{with_socket()};
  stage.policy.admin = "socket = \"other.sock\"\n";
  stage.policy.workers = 2;
  stage.write_policy();
  const std::string socket = stage.directory / "control.sock";
  const auto reload = run({BASTION_PROGRAM, "reload", "--socket", socket});
  EXPECT_EQ(reload.code, 0) << reload.err;
  EXPECT_THAT(reload.out, HasSubstr("policy.toml:3:1: warning: \"gate.workers\" takes effect at the next start\n"));
  EXPECT_THAT(reload.out,
              HasSubstr("\"admin.socket\" takes effect at the next start; until then the gate is reached by --socket " +
                        socket + "\n"));
  EXPECT_THAT(reload.out, HasSubstr("in force: 1 worker"));
}

// --- counters on disk ---

TEST(Counters, AreThereAgainAfterARestart) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  stage.start_gate();
  knock_without_credentials(stage);
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0);
  stage.start_gate();
  EXPECT_EQ(knocks(stage), 1) << read_file(keeping.counters());
  knock_without_credentials(stage);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(knocks(stage), 2);
  const auto connections = stage.gate->metric("mqtt_bastion_connections_total{listener=\"devices\"}");
  EXPECT_EQ(connections, 2) << "accepted = ended + open, across restarts";
}

TEST(Counters, OutliveAKill) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  stage.start_gate();
  knock_without_credentials(stage);
  ASSERT_TRUE(eventually([&] {
    return fs::exists(keeping.counters()) && count_of("refused anonymous no_user 1", read_file(keeping.counters())) == 1;
  }));
  stage.gate->process().signal(SIGKILL);
  ASSERT_TRUE(stage.gate->process().wait());
  stage.start_gate();
  EXPECT_EQ(knocks(stage), 1);
}

TEST(Counters, ThatCantBeWrittenAreAWarningAndAMetric) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  fs::create_directory(keeping.state() / "counters.new");
  stage.start_gate();
  knock_without_credentials(stage);
  ASSERT_TRUE(stage.gate->log().wait_for("warning the counters are not kept: "));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_state_last_save_successful"), 0);
  EXPECT_THAT(command(stage, "status").out, HasSubstr("COUNTERS ARE NOT KEPT: "));
  EXPECT_NO_THROW(static_cast<void>(stage.admitted())) << "the gate goes on";
  fs::remove(keeping.state() / "counters.new");
  ASSERT_TRUE(stage.gate->log().wait_for("the counters can be kept again"));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_state_last_save_successful"), 1);
}

TEST(Counters, OfAnotherGateAreNotOverwritten) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  stage.start_gate();
  auto policy = stage.policy;
  policy.admin.clear();
  write_file(stage.directory / "second.toml", policy.text());
  const auto second = run({BASTION_PROGRAM, "run", "-c", stage.directory / "second.toml", "--user", "root"});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("second.toml:"));
  EXPECT_THAT(second.err, HasSubstr("another gate keeps its counters in"));
  EXPECT_THAT(second.err, HasSubstr("give each a state_dir of its own"));
  stage.gate->process().signal(SIGKILL);
  ASSERT_TRUE(stage.gate->process().wait());
  stage.start_gate();  // a dead gate holds nothing
}

TEST(Counters, StayWhereTheyAreKeptWhenAReloadNamesAnotherPlace) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  stage.start_gate();
  stage.policy.gate = "state_dir = \"elsewhere\"\n";
  stage.write_policy();
  for (const std::size_t times : {1U, 2U}) {
    const auto reload = command(stage, "reload");
    EXPECT_EQ(reload.code, 0) << reload.err;
    EXPECT_THAT(reload.out, HasSubstr("elsewhere\": No such file or directory"));
    EXPECT_THAT(reload.out, HasSubstr("warning: \"gate.state_dir\" takes effect at the next start\n"));
    ASSERT_TRUE(stage.gate->log().wait_for("\"gate.state_dir\" takes effect at the next start", times)) << "each time";
  }
  knock_without_credentials(stage);
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0);
  EXPECT_EQ(count_of("refused anonymous no_user 1", read_file(keeping.counters())), 1U);
}

TEST(Counters, OfListenersThatWereAreKeptTogetherWhereTheyAreTooMany) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  std::string text = "mqtt-bastion counters 1\nsaved 1\ndevices accepted 5\n";
  for (int i = 0; i < 300; ++i) text += "gone" + std::to_string(i) + " accepted 1\n";
  write_file(keeping.counters(), text + "end " + fnv1a(text) + '\n');
  stage.start_gate();
  ASSERT_TRUE(stage.gate->log().wait_for("warning more than 256 listeners have been counted; "));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_connections_total{listener=\"devices\"}"), 5);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_connections_total{listener=\"(former)\"}"), 300);
  EXPECT_FALSE(fs::exists(keeping.state() / "counters.bad"));
}

TEST(Counters, KeepNoGateFromStoppingWhereAFifoStandsInTheirPlace) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  ASSERT_EQ(::mkfifo((keeping.state() / "counters.new").c_str(), 0600), 0);
  stage.start_gate();
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0);
  EXPECT_THAT(stage.gate->log().text(), HasSubstr("counters.new is no regular file"));
}

TEST(Counters, OfADamagedFileAreLeftAside) {
  KeepingStage keeping;
  auto& stage = keeping.stage;
  write_file(keeping.counters(), "mqtt-bastion counters 1\ndevices accepted 5\n");
  stage.start_gate();
  ASSERT_TRUE(stage.gate->log().wait_for("its end is missing; counting starts anew"));
  EXPECT_TRUE(fs::exists(keeping.state() / "counters.bad"));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_connections_total{listener=\"devices\"}"), 0);
}

}  // namespace
}  // namespace bastion::e2e
