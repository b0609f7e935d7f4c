// Reload, drain, stop, and a broker that goes away.
#include <gtest/gtest.h>

#include <csignal>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

const Bytes pingreq{0xc0, 0};
const Bytes pingresp{0xd0, 0};

constexpr const char* last_reload = "mqtt_bastion_policy_last_reload_successful";
constexpr const char* sessions = "mqtt_bastion_sessions{listener=\"devices\"}";

bool is_alive(TlsClient& client) {
  return client.write(pingreq) && client.read_packet() == pingresp;
}

Bytes answer_to(const Stage& stage, const Connect& connect) {
  TlsClient client{stage.gate->devices(), stage.ca()};
  client.write(packet(connect));
  return client.read_to_end();
}

// --- SIGHUP ---------------------------------------------------------------------------------------------------------------

TEST(Sighup, KeepsSessionsAndTheirSubscriptions) {
  const Stage stage;
  auto subscriber = stage.admitted(4, "subscriber");
  subscriber.write(subscribe_packet(4, "news"));
  EXPECT_EQ(subscriber.read_packet(), (Bytes{0x90, 3, 0, 1, 0}));

  stage.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage.gate->log().wait_for("reloaded the policy"));
  EXPECT_EQ(run(stage.mosquitto_client("mosquitto_pub", {"-t", "news", "-m", "after", "-q", "1"})).code, 0);
  EXPECT_EQ(subscriber.read_packet(), publish_packet(4, "news", "after"));
  EXPECT_EQ(stage.gate->metric(last_reload), 1);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_policy_reloads_total{result=\"good\"}"), 1);
}

TEST(Sighup, WithABadPolicyKeepsTheOldOneAndSaysSo) {
  const Stage stage;
  auto session = stage.admitted();
  EXPECT_EQ(stage.gate->metric(last_reload), 1);

  stage.write_policy("schema = 1\n[admision]\n");
  stage.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage.gate->log().wait_for("the policy was not reloaded; the last good one stays in force"));
  EXPECT_NE(stage.gate->log().text().find("policy.toml:2:"), std::string::npos) << stage.gate->log().text();
  EXPECT_EQ(stage.gate->metric(last_reload), 0);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_policy_reloads_total{result=\"bad\"}"), 1);
  EXPECT_TRUE(is_alive(session));
  EXPECT_EQ(answer_to(stage, {4, "anonymous"}), (Bytes{0x20, 2, 0, 5})) << "the old policy is in force";
  EXPECT_NO_THROW(static_cast<void>(stage.admitted(4, "newcomer")));

  stage.write_policy();
  stage.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage.gate->log().wait_for("reloaded the policy"));
  EXPECT_EQ(stage.gate->metric(last_reload), 1);
}

TEST(Sighup, WithAPolicyThatOpensADoorWarnsOfItOnce) {
  Stage stage;
  stage.policy.authentication = "required = false\n";
  stage.write_policy();
  stage.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage.gate->log().wait_for("reloaded the policy"));
  const auto lines = lines_with("clients without credentials are let in", stage.gate->log().text());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("warning"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0].find("warning"), lines[0].rfind("warning")) << lines[0];
}

TEST(Sighup, AppliesNewAddressRulesToNewcomers) {
  Stage stage;
  EXPECT_NO_THROW(static_cast<void>(stage.admitted(4, "before")));
  stage.policy.allow = R"(["192.0.2.0/24"])";
  stage.write_policy();
  stage.gate->process().signal(SIGHUP);
  ASSERT_TRUE(stage.gate->log().wait_for("reloaded the policy"));
  EXPECT_EQ(Tcp{stage.gate->devices()}.read_to_end(), "");
  ASSERT_TRUE(stage.gate->log().wait_for("reason=ip_denied"));
}

/// Whether this signal was sent to the process and waits to be taken.
bool is_pending(const Process& process, int signal) {
  const auto status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  const auto lines = lines_with("ShdPnd:", status);
  return !lines.empty() && ((std::stoull(lines.front().substr(7), nullptr, 16) >> (signal - 1)) & 1) != 0;
}

TEST(Sighup, HoldsUpNoSigtermHoweverOftenItCame) {
  constexpr int times = 100;
  Stage stage;
  auto& process = stage.gate->process();
  // Large enough that reading it takes much longer than sending a signal.
  std::string allow;
  for (int i = 0; i < 200'000; ++i) {
    allow +=
        std::to_string(11 + i / 65'536) + '.' + std::to_string(i / 256 % 256) + '.' + std::to_string(i % 256) + ".0/24\n";
  }
  write_file(stage.directory / "allow.txt", allow);
  stage.policy.admission = "allow_file = \"allow.txt\"\n";
  stage.write_policy();
  for (int i = 0; i < times; ++i) {
    process.signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return !is_pending(process, SIGHUP); })) << "signal " << i;
  }
  const auto reloads = [&] { return count_of("reloaded the policy", stage.gate->log().text()); };
  const auto before = reloads();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_LE(reloads(), before + 2) << "one that was just done, and one whose line was on its way";
  EXPECT_LT(reloads(), times / 2U) << "each reload took so long that others came meanwhile";
  EXPECT_TRUE(stage.gate->log().text().ends_with(" stopped\n")) << stage.gate->log().text();
}

TEST(Sighup, ThatCameBeforeTheGateWasUpReloadsOnceItIs) {
  Stage stage;
  stage.gate.reset();
  // A program that signals itself before it becomes the gate: pending signals outlive that where they are blocked.
  stage.start_gate({"python3", "-c",
                    "import os, signal, sys\n"
                    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])\n"
                    "os.kill(os.getpid(), signal.SIGHUP)\n"
                    "os.execv(sys.argv[1], sys.argv[1:])"});
  EXPECT_TRUE(stage.gate->log().wait_for("reloaded the policy"));
}

// --- SIGTERM --------------------------------------------------------------------------------------------------------------

TEST(Sigterm, TellsEachClientAndEndsWithExitCode0) {
  const Stage stage;
  {
    auto old = stage.admitted(4, "version4");
    auto modern = stage.admitted(5, "version5");
    stage.gate->process().signal(SIGTERM);
    EXPECT_EQ(modern.read_to_end(), (Bytes{0xe0, 2, 0x8b, 0})) << "DISCONNECT: server shutting down";
    EXPECT_EQ(old.read_to_end(), Bytes{}) << "MQTT 3 has no word for it";
  }
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
  EXPECT_EQ(count_of("reason=evicted cause=shutdown", stage.gate->log().text()), 2U) << stage.gate->log().text();
  EXPECT_TRUE(stage.gate->log().text().ends_with(" stopped\n")) << stage.gate->log().text();
}

TEST(Sigterm, WithoutClientsStopsAtOnce) {
  const Stage stage;
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
  EXPECT_THROW(Tcp{stage.gate->devices()}, std::system_error);
}

TEST(Sigint, StopsLikeSigterm) {
  const Stage stage;
  stage.gate->process().signal(SIGINT);
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
}

TEST(Sigterm, IsHarmlessUntilTheVeryEndHoweverOftenItComes) {
  const Stage stage;
  const auto session = stage.admitted();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!stage.gate->process().has_ended() && std::chrono::steady_clock::now() < until) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) stage.gate->process().signal(signal);
  }
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
  EXPECT_TRUE(stage.gate->log().text().ends_with(" stopped\n")) << stage.gate->log().text();
}

/// A subscriber in the middle of a message that is larger than all buffers on the way: the drain has to wait for it.
class SigtermWithASlowReader : public ::testing::Test {
 protected:
  static constexpr std::size_t message_size = 16U << 20;
  static PolicyText policy(const std::string& drain_timeout) {
    PolicyText text;
    text.drain_timeout = drain_timeout;
    text.mqtt = "packet_size_max = \"64MiB\"\nslow_reader_timeout = \"1h\"\n";
    return text;
  }
  /// The first bytes of the message have come, and no more is read.
  static TlsClient slow_reader(const Stage& stage) {
    auto reader = stage.admitted(4, "slow", {{}, 4096});
    reader.write(subscribe_packet(4, "large"));
    EXPECT_EQ(reader.read_packet(), (Bytes{0x90, 3, 0, 1, 0}));
    const auto sent =
        run(stage.mosquitto_client("mosquitto_pub", {"-t", "large", "-q", "1", "-s"}), std::string(message_size, 'x'));
    EXPECT_EQ(sent.code, 0) << sent.err;
    EXPECT_EQ(reader.read(1), Bytes{0x30});
    return reader;
  }
};

TEST_F(SigtermWithASlowReader, ASecondSigtermStopsAtOnce) {
  const Stage stage{policy("1h")};
  const auto reader = slow_reader(stage);
  stage.gate->process().signal(SIGTERM);
  ASSERT_TRUE(stage.gate->log().wait_for("draining"));
  EXPECT_FALSE(stage.gate->process().has_ended());
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
  EXPECT_NE(stage.gate->log().text().find("stopping at once"), std::string::npos) << stage.gate->log().text();
}

TEST_F(SigtermWithASlowReader, TheDrainIsOverWhenItsTimeHasPassed) {
  const Stage stage{policy("100ms")};
  const auto reader = slow_reader(stage);
  stage.gate->process().signal(SIGTERM);
  EXPECT_EQ(stage.gate->process().wait(), 0) << stage.gate->log().text();
  EXPECT_NE(stage.gate->log().text().find("drain_timeout has passed"), std::string::npos) << stage.gate->log().text();
}

// --- the broker -----------------------------------------------------------------------------------------------------------

TEST(BrokerGone, NewClientsAreToldThatItIsUnavailable) {
  Stage stage;
  stage.broker.kill();
  EXPECT_EQ(answer_to(stage, {4, "old", alice, alices_password}), (Bytes{0x20, 2, 0, 3}));
  EXPECT_EQ(answer_to(stage, {5, "new", alice, alices_password}), (Bytes{0x20, 3, 0, 0x88, 0}));
  ASSERT_TRUE(stage.gate->wait_for_ends(2));
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"upstream/upstream_unavailable/refused", 2}}));
}

TEST(BrokerGone, IsToldWithTheSocketWhereItShouldBe) {
  PolicyText policy;
  policy.broker_address = "unix:nobody.sock";
  const Stage stage{policy};
  EXPECT_EQ(answer_to(stage, {4, "old", alice, alices_password}), (Bytes{0x20, 2, 0, 3}));
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  const auto trouble = "unix:" + (stage.directory / "nobody.sock").string() + ": No such file or directory";
  EXPECT_NE(stage.gate->log().text().find("detail=\"" + trouble + '"'), std::string::npos) << stage.gate->log().text();
  const auto readiness = http_get(stage.gate->admin(), "/readyz");
  EXPECT_EQ(readiness.status, 503);
  EXPECT_NE(readiness.body.find(trouble), std::string::npos) << readiness.body;
}

TEST(BrokerGone, StrangersAreStillToldNothingOfIt) {
  Stage stage;
  stage.broker.kill();
  EXPECT_EQ(answer_to(stage, {4, "stranger", alice, "wrong"}), (Bytes{0x20, 2, 0, 4}));
}

TEST(BrokerGone, SessionsEndAndComeBackWithIt) {
  Stage stage;
  auto session = stage.admitted();
  EXPECT_EQ(stage.gate->metric(sessions), 1);
  stage.broker.kill();
  EXPECT_EQ(session.read_to_end(), Bytes{});
  stage.broker.start();
  auto again = stage.admitted();
  EXPECT_TRUE(is_alive(again));
}

}  // namespace
}  // namespace bastion::e2e
