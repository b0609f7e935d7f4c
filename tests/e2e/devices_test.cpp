// The devices of examples/devices: what they send arrives, they are missed when they die, and they come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <numeric>
#include <set>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

constexpr const char* left_in_good_order = "mqtt_bastion_closes_total{listener=\"devices\",how=\"client_disconnect\"}";
constexpr const char* wrong_password = "user name or password are wrong";

/// A stage whose gate can come back on the port that it had.
struct DeviceStage {
  explicit DeviceStage(const PolicyText& policy = {}) : stage{on(port, policy)} {
    write_file(stage.directory / "secret", alices_password + "\n");
  }
  static PolicyText on(const ReservedPort& port, PolicyText policy) {
    policy.listener_address = "127.0.0.1:" + std::to_string(port.number());
    return policy;
  }

  [[nodiscard]] Words device(const std::string& program, const Words& more = {}) const {
    Words words{program,  "--host", "127.0.0.1", "--port",  std::to_string(port.number()), "--id", "pump",
                "--user", alice,    "--ca",      stage.ca()};
    words.insert(words.end(), more.begin(), more.end());
    if (std::find(more.begin(), more.end(), "--password-file") == more.end()) {
      words.insert(words.end(), {"--password-file", stage.directory / "secret"});
    }
    return words;
  }
  /// Behind the gate: sees what the broker got. A watcher of `filter` until it has `count` messages.
  [[nodiscard]] std::unique_ptr<Process> watch(const std::string& filter, const Words& more = {}) const {
    Words words{"mosquitto_sub", "-h", "127.0.0.1", "-p", broker_port(), "-i", "watcher", "-t", filter, "-q", "1"};
    words.insert(words.end(), more.begin(), more.end());
    auto process = std::make_unique<Process>(words);
    EXPECT_TRUE(stage.broker.wait_for_subscriber("watcher")) << process->err().text();
    return process;
  }
  void send(const std::string& topic, const std::string& payload) const {
    const auto done = run({"mosquitto_pub", "-h", "127.0.0.1", "-p", broker_port(), "-t", topic, "-q", "1", "-m", payload});
    EXPECT_EQ(done.code, 0) << done.err;
  }
  void kill_gate() {
    stage.gate->process().signal(SIGKILL);
    static_cast<void>(stage.gate->process().wait());
  }
  [[nodiscard]] std::string broker_port() const { return std::to_string(stage.broker.endpoint().port); }

  ReservedPort port;
  Stage stage;
};

std::optional<int> stop(Process& device) {
  device.signal(SIGTERM);
  return device.wait();
}

/// The numbers behind `"reading":` in the order in which they came.
std::vector<int> readings(std::string_view text) {
  constexpr std::string_view key = "\"reading\":";
  std::vector<int> numbers;
  for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    numbers.push_back(std::stoi(std::string{text.substr(at + key.size(), 9)}));
  }
  return numbers;
}

/// As a QoS of "at least once" allows: again, but no gap.
std::vector<int> once_each(std::vector<int> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

std::vector<int> from_1_to(int last) {
  std::vector<int> numbers(static_cast<std::size_t>(last));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

/// What mosquitto_sub with `-F "%t %p"` prints for the publisher's readings from 1 to this one.
std::set<std::string> lines_from_1_to(int last) {
  std::set<std::string> lines;
  for (int reading = 1; reading <= last; ++reading) {
    const auto tenths = 200 + reading % 50;
    lines.insert("telemetry/pump/temperature {\"reading\":" + std::to_string(reading) +
                 ",\"celsius\":" + std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + '}');
  }
  return lines;
}

/// But not one of which only a part has come.
std::set<std::string> whole_lines_of(std::string_view text) {
  const auto lines = lines_with("", text.substr(0, text.rfind('\n') + 1));
  return {lines.begin(), lines.end()};
}

/// From `publisher: 12 readings, 12 confirmed`.
struct Account {
  int taken = -1;
  int confirmed = -1;
};
Account account_of(const Process& publisher) {
  const auto lines = lines_with(" confirmed", publisher.err().text());
  if (lines.size() != 1) return {};
  const auto words = lines[0].substr(lines[0].find(' ') + 1);
  return {std::stoi(words), std::stoi(words.substr(words.find(", ") + 2))};
}

// --- publisher ------------------------------------------------------------------------------------------------------------

TEST(DevicePublisher, PublishesItsReadingsAndLeaves) {
  const DeviceStage on;
  const auto watcher = on.watch("#", {"-C", "3", "-F", "%t %q %p"});
  const auto done = run(on.device(BASTION_DEVICE_PUBLISHER, {"--count", "3", "--every", "10"}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("publisher: 3 readings, 3 confirmed\n"));
  EXPECT_EQ(watcher->wait(), 0);
  EXPECT_EQ(watcher->out().text(),
            "telemetry/pump/temperature 1 {\"reading\":1,\"celsius\":20.1}\n"
            "telemetry/pump/temperature 1 {\"reading\":2,\"celsius\":20.2}\n"
            "telemetry/pump/temperature 1 {\"reading\":3,\"celsius\":20.3}\n");
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->metric(left_in_good_order), 1);
}

TEST(DevicePublisher, KeepsItsReadingsUntilThereIsAGate) {
  DeviceStage on;
  on.kill_gate();
  const auto watcher = on.watch("telemetry/#");
  Process publisher{on.device(BASTION_DEVICE_PUBLISHER, {"--every", "20"})};
  ASSERT_TRUE(publisher.err().wait_for("not connected: no answer"));
  on.stage.start_gate();
  ASSERT_TRUE(publisher.err().wait_for(": connected")) << publisher.err().text();
  EXPECT_EQ(stop(publisher), 0) << publisher.err().text();
  const auto account = account_of(publisher);
  ASSERT_GT(account.taken, 0) << publisher.err().text();
  EXPECT_EQ(account.confirmed, account.taken);
  ASSERT_TRUE(watcher->out().wait_for("\"reading\":" + std::to_string(account.taken) + ','));
  EXPECT_EQ(once_each(readings(watcher->out().text())), from_1_to(account.taken));
}

TEST(DevicePublisher, LosesAndFalsifiesNoReadingWhenTheGateDiesAndComesBack) {
  DeviceStage on;
  const auto watcher = on.watch("#", {"-F", "%t %p"});
  // A queue that holds them all, however long the gate takes to come back.
  Process publisher{on.device(BASTION_DEVICE_PUBLISHER, {"--every", "5", "--queue", "100000"})};
  ASSERT_TRUE(watcher->out().wait_for("\"reading\":20,")) << publisher.err().text();
  on.kill_gate();
  ASSERT_TRUE(publisher.err().wait_for("connection lost"));
  on.stage.start_gate();
  ASSERT_TRUE(publisher.err().wait_for(": connected", 2)) << publisher.err().text();
  EXPECT_EQ(stop(publisher), 0) << publisher.err().text();
  const auto account = account_of(publisher);
  EXPECT_EQ(account.confirmed, account.taken) << publisher.err().text();
  ASSERT_TRUE(watcher->out().wait_until([&](std::string_view text) {
    return whole_lines_of(text).size() >= static_cast<std::size_t>(account.taken);
  })) << watcher->out().text();
  EXPECT_EQ(whole_lines_of(watcher->out().text()), lines_from_1_to(account.taken));
}

TEST(DevicePublisher, GivesUpWhenItComesBackToAGateThatDoesNotKnowItAnyMore) {
  DeviceStage on;
  Process publisher{on.device(BASTION_DEVICE_PUBLISHER)};
  ASSERT_TRUE(publisher.err().wait_for(": connected")) << publisher.err().text();
  on.kill_gate();
  ASSERT_TRUE(publisher.err().wait_for("connection lost"));
  const auto others = lines_with("bob:", read_file(on.stage.directory / "passwd"));
  ASSERT_EQ(others.size(), 1U);
  write_file(on.stage.directory / "passwd", others[0] + '\n');
  on.stage.start_gate();
  EXPECT_EQ(publisher.wait(), 3) << publisher.err().text();
  EXPECT_THAT(publisher.err().text(), HasSubstr(std::string{"not connected: "} + wrong_password));
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->refusals(), (std::map<std::string, int>{{"auth/bad_credentials/credentials", 1}}));
}

TEST(DevicePublisher, StopsWithinSecondsWhereTheGateDoesNotAnswer) {
  const DeviceStage on;
  const auto watcher = on.watch("telemetry/#");
  Process connected{on.device(BASTION_DEVICE_PUBLISHER, {"--every", "20"})};
  ASSERT_TRUE(watcher->out().wait_for("\"reading\":5,")) << connected.err().text();
  on.stage.gate->process().signal(SIGSTOP);
  Process connecting{on.device(BASTION_DEVICE_PUBLISHER, {"--every", "20", "--queue", "5"})};
  ASSERT_TRUE(connecting.err().wait_for("the queue is full"));
  connected.signal(SIGTERM);
  connecting.signal(SIGTERM);
  EXPECT_EQ(connected.wait(), 1) << connected.err().text();
  EXPECT_EQ(connecting.wait(), 1) << connecting.err().text();
  const auto one = account_of(connected);
  EXPECT_GE(one.confirmed, 0) << connected.err().text();
  EXPECT_GT(one.taken, one.confirmed);
  const auto other = account_of(connecting);
  EXPECT_GT(other.taken, 5) << connecting.err().text();
  EXPECT_EQ(other.confirmed, 0);
}

TEST(DevicePublisher, DropsTheOldestReadingsWhenItsQueueIsFull) {
  DeviceStage on;
  on.kill_gate();
  const auto watcher = on.watch("telemetry/#");
  Process publisher{on.device(BASTION_DEVICE_PUBLISHER, {"--every", "100", "--queue", "5"})};
  ASSERT_TRUE(publisher.err().wait_for("the queue is full: old readings are dropped"));
  on.stage.start_gate();
  ASSERT_TRUE(publisher.err().wait_for(": connected")) << publisher.err().text();
  ASSERT_TRUE(watcher->out().wait_for("\"reading\":")) << publisher.err().text();
  EXPECT_EQ(stop(publisher), 1) << "not every reading arrived, and it says so";
  const auto account = account_of(publisher);
  EXPECT_LT(account.confirmed, account.taken) << publisher.err().text();
  ASSERT_TRUE(watcher->out().wait_for("\"reading\":" + std::to_string(account.taken) + ','));
  const auto came = once_each(readings(watcher->out().text()));
  ASSERT_EQ(came.size(), static_cast<std::size_t>(account.confirmed));
  const auto gap = account.taken - account.confirmed;
  EXPECT_EQ(came.front(), gap + 1) << "the oldest are missing, and no other";
  EXPECT_EQ(came.back(), account.taken);
}

// --- subscriber -----------------------------------------------------------------------------------------------------------

TEST(DeviceSubscriber, ObeysCommandsAndSaysWhenItStops) {
  const DeviceStage on;
  const auto watcher = on.watch("status/#", {"-C", "3", "-F", "%t %p"});
  Process subscriber{on.device(BASTION_DEVICE_SUBSCRIBER)};
  ASSERT_TRUE(watcher->out().wait_for("status/pump online\n")) << subscriber.err().text();
  on.send("command/pump/valve", "open");
  on.send("command/other/valve", "not for us");
  on.send("command/pump/valve", "shut\n\x1b[2J");
  ASSERT_TRUE(subscriber.out().wait_for("shut"));
  EXPECT_EQ(stop(subscriber), 0) << subscriber.err().text();
  EXPECT_EQ(subscriber.out().text(), "command/pump/valve open\ncommand/pump/valve shut??[2J\n");
  // The broker has seen the end of the connection before this message, which would come after any will.
  ASSERT_TRUE(on.stage.broker.log().wait_for("Client pump disconnected"));
  on.send("status/none", "marker");
  EXPECT_EQ(watcher->wait(), 0);
  EXPECT_EQ(watcher->out().text(), "status/pump online\nstatus/pump stopped\nstatus/none marker\n");
}

TEST(DeviceSubscriber, IsReportedOfflineWhenItDies) {
  const DeviceStage on;
  const auto watcher = on.watch("status/#", {"-C", "2", "-F", "%t %p"});
  Process subscriber{on.device(BASTION_DEVICE_SUBSCRIBER)};
  ASSERT_TRUE(watcher->out().wait_for("status/pump online\n")) << subscriber.err().text();
  subscriber.signal(SIGKILL);
  EXPECT_EQ(watcher->wait(), 0);
  EXPECT_EQ(watcher->out().text(), "status/pump online\nstatus/pump offline\n");
  const auto later =
      run({"mosquitto_sub", "-h", "127.0.0.1", "-p", on.broker_port(), "-t", "status/pump", "-C", "1", "-F", "%r %p"});
  EXPECT_EQ(later.out, "1 offline\n") << "whoever asks later is told too";
}

TEST(DeviceSubscriber, ComesBackAndIsOnlineAgain) {
  DeviceStage on;
  const auto watcher = on.watch("status/#", {"-C", "3", "-F", "%p"});
  Process subscriber{on.device(BASTION_DEVICE_SUBSCRIBER)};
  ASSERT_TRUE(subscriber.err().wait_for(": online")) << subscriber.err().text();
  on.kill_gate();
  ASSERT_TRUE(subscriber.err().wait_for("connection lost"));
  on.stage.start_gate();
  EXPECT_EQ(watcher->wait(), 0) << subscriber.err().text();
  EXPECT_EQ(watcher->out().text(), "online\noffline\nonline\n");
  on.send("command/pump/valve", "open");
  EXPECT_TRUE(subscriber.out().wait_for("command/pump/valve open\n"));
  EXPECT_EQ(stop(subscriber), 0);
}

// --- reconnect ------------------------------------------------------------------------------------------------------------

class DeviceReconnect : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static bool is_5() { return GetParam() == std::string{"5"}; }
  [[nodiscard]] static Words device(const DeviceStage& on) {
    return on.device(BASTION_DEVICE_RECONNECT, {"--mqtt", GetParam()});
  }
};

TEST_P(DeviceReconnect, ComesBackAndSubscribesAnewWhenTheGateDies) {
  DeviceStage on;
  Process device{this->device(on)};
  ASSERT_TRUE(on.stage.broker.wait_for_subscriber("pump")) << device.err().text();
  on.kill_gate();
  ASSERT_TRUE(device.err().wait_for("connection lost: without a word"));
  on.stage.start_gate();
  ASSERT_TRUE(on.stage.broker.wait_for_subscriber("pump", 2)) << device.err().text();
  on.send("command/pump/valve", "open");
  EXPECT_TRUE(device.out().wait_for("command/pump/valve open\n"));
  EXPECT_EQ(stop(device), 0) << device.err().text();
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->metric(left_in_good_order), 1);
}

TEST_P(DeviceReconnect, HearsWhyAGateThatIsStoppedLetsItGo) {
  DeviceStage on;
  Process device{this->device(on)};
  ASSERT_TRUE(on.stage.broker.wait_for_subscriber("pump")) << device.err().text();
  on.stage.gate->process().signal(SIGTERM);
  ASSERT_TRUE(
      device.err().wait_for(is_5() ? "connection lost: the gate is being shut down" : "connection lost: without a word"))
      << device.err().text();
  EXPECT_EQ(on.stage.gate->process().wait(), 0);
  on.stage.start_gate();
  ASSERT_TRUE(on.stage.broker.wait_for_subscriber("pump", 2)) << device.err().text();
  EXPECT_EQ(stop(device), 0) << device.err().text();
}

TEST_P(DeviceReconnect, WaitsForABrokerThatIsAway) {
  DeviceStage on;
  on.stage.broker.kill();
  Process device{this->device(on)};
  ASSERT_TRUE(device.err().wait_for("not connected: the broker behind the gate is not available", 2)) << device.err().text();
  on.stage.broker.start();
  ASSERT_TRUE(device.err().wait_for(": connected")) << device.err().text();
  EXPECT_EQ(stop(device), 0) << device.err().text();
}

TEST_P(DeviceReconnect, StaysAwayLongerWithEachTryAndStopsInBetween) {
  DeviceStage on;
  on.kill_gate();
  Process device{this->device(on)};
  ASSERT_TRUE(device.err().wait_for("next try in ", 3));
  EXPECT_EQ(stop(device), 0) << device.err().text();
  const auto lines = lines_with("next try in ", device.err().text());
  ASSERT_EQ(lines.size(), 3U) << device.err().text();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto pause = std::stol(lines[i].substr(lines[i].find("in ") + 3));
    EXPECT_GE(pause, 500L << i);
    EXPECT_LE(pause, 1000L << i);
  }
}

TEST_P(DeviceReconnect, GivesUpWhereNoRoleFitsIt) {
  PolicyText policy;
  policy.last = "[[role]]\nname = \"others\"\nusers = [\"bob\"]\n";
  const DeviceStage on{policy};
  const auto done = run(device(on));
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("not connected: not authorized: no role fits this user"));
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->refusals(), (std::map<std::string, int>{{"auth/not_authorized/role", 1}}));
}

INSTANTIATE_TEST_SUITE_P(Versions, DeviceReconnect, ::testing::Values("3", "5"),
                         [](const auto& version) { return "Mqtt" + std::string{version.param}; });

// --- all of them
// ------------------------------------------------------------------------------------------------------------

struct Program {
  const char* name;
  const char* path;
};
void PrintTo(const Program& program, std::ostream* out) {
  *out << program.name;
}

class Device : public ::testing::TestWithParam<Program> {};

TEST_P(Device, SaysThatItsPasswordIsWrongAndTriesOnce) {
  const DeviceStage on;
  write_file(on.stage.directory / "wrong", "123456\n");
  const auto done = run(on.device(GetParam().path, {"--password-file", on.stage.directory / "wrong"}));
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr(std::string{"not connected: "} + wrong_password));
  EXPECT_THAT(done.err, Not(HasSubstr("123456")));
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->refusals(), (std::map<std::string, int>{{"auth/bad_credentials/credentials", 1}}));
}

TEST_P(Device, TakesItsPasswordFromTheEnvironment) {
  const DeviceStage on;
  const auto port = std::to_string(on.port.number());
  Process device{{"env", "MQTT_PASSWORD=" + alices_password, GetParam().path, "--host", "127.0.0.1", "--port", port, "--id",
                  "pump", "--user", alice, "--ca", on.stage.ca()}};
  ASSERT_TRUE(eventually([&] { return on.stage.gate->metric("mqtt_bastion_admitted_total{listener=\"devices\"}") == 1; }))
      << device.err().text();
  EXPECT_EQ(stop(device), 0) << device.err().text();
}

TEST_P(Device, RefusesACertificateOfAnotherAuthority) {
  const DeviceStage on;
  Process device{on.device(GetParam().path, {"--ca", on.stage.directory / "other-ca.crt"})};
  ASSERT_TRUE(device.err().wait_for("TLS: certificate verify failed")) << device.err().text();
  ASSERT_TRUE(device.err().wait_for("not connected: no answer"));
  static_cast<void>(stop(device));
  ASSERT_TRUE(on.stage.gate->wait_for_ends(1));
  EXPECT_EQ(on.stage.gate->metric_sum("mqtt_bastion_tls_handshakes_total"), 0);
}

TEST_P(Device, RefusesACertificateOfAnotherName) {
  const ReservedPort port;
  PolicyText policy;
  policy.listener_address = "127.0.0.2:" + std::to_string(port.number());
  const Stage stage{policy};
  write_file(stage.directory / "secret", alices_password + "\n");
  Process device{{GetParam().path, "--host", "127.0.0.2", "--port", std::to_string(port.number()), "--id", "pump", "--user",
                  alice, "--ca", stage.ca(), "--password-file", stage.directory / "secret"}};
  ASSERT_TRUE(device.err().wait_for("the certificate is not the gate's")) << device.err().text();
  static_cast<void>(stop(device));
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->metric_sum("mqtt_bastion_admitted_total"), 0);
  EXPECT_EQ(stage.gate->log().text().find("user="), std::string::npos) << "it did not say who it is";
}

TEST_P(Device, ExplainsItself) {
  const auto help = run({GetParam().path, "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, testing::StartsWith(std::string{"usage: "} + GetParam().name + " --host HOST"));
  const DeviceStage on;
  const Words wrong[] = {{GetParam().path},
                         on.device(GetParam().path, {"--colour", "red"}),
                         on.device(GetParam().path, {"--port", "0"}),
                         on.device(GetParam().path, {"--port"}),
                         on.device(GetParam().path, {"--ca", on.stage.directory / "nothing.crt"}),
                         on.device(GetParam().path, {"--password-file", on.stage.directory / "nothing"})};
  for (const auto& words : wrong) {
    const auto done = run(words);
    EXPECT_EQ(done.code, 2) << testing::PrintToString(words);
    EXPECT_THAT(done.err, HasSubstr(std::string{GetParam().name} + ": "));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Device,
                         ::testing::Values(Program{"publisher", BASTION_DEVICE_PUBLISHER},
                                           Program{"subscriber", BASTION_DEVICE_SUBSCRIBER},
                                           Program{"reconnect", BASTION_DEVICE_RECONNECT}),
                         [](const auto& program) { return std::string{program.param.name}; });

TEST(Devices, AreBuiltByTheirMakefileAlone) {
  const Directory directory;
  for (const auto& file : std::filesystem::directory_iterator{BASTION_EXAMPLES "/devices"}) {
    std::filesystem::copy_file(file, directory / file.path().filename().string());
  }
  const auto done = run({"make", "-C", (directory / ".").string(), "CFLAGS=-Werror"});
  ASSERT_EQ(done.code, 0) << done.err;
  for (const auto* name : {"publisher", "subscriber", "reconnect"}) {
    EXPECT_EQ(run({directory / name, "--help"}).code, 0) << name;
  }
}

}  // namespace
}  // namespace bastion::e2e
