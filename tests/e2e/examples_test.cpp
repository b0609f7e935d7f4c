// Every example with a policy: checked, run between real clients and a real Mosquitto, and walked through as its README
// says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "example.hpp"

namespace bastion::e2e {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

// --- home-gateway
// -----------------------------------------------------------------------------------------------------------

class HomeGateway : public ::testing::Test {
 protected:
  HomeGateway() { example_.start(); }

  Example example_{"home-gateway",
                   {{alice, alices_password}, {"lamp", "Lamp-0001"}},
                   {{"unix:/run/mosquitto/mosquitto.sock", "unix:{directory}/mosquitto.sock"},
                    {R"("0.0.0.0:8883")", R"("127.0.0.1:0")"},
                    {R"(, "[::]:8883")", ""},
                    {"192.168.", "127.0."}},
                   {{"/run/mosquitto/mosquitto.sock", "{directory}/mosquitto.sock"}}};
};

TEST_F(HomeGateway, LetsTheHomeNetworkInWithItsPassword) {
  Process resident{
      example_.client("mosquitto_sub", "127.0.1.20", alice, {"-i", "phone", "-t", "home/#", "-q", "1", "-C", "1", "-v"})};
  ASSERT_TRUE(example_.broker.wait_for_subscriber("phone")) << resident.err().text();
  const auto sent =
      run(example_.client("mosquitto_pub", "127.0.1.21", "lamp", {"-t", "home/lamp/state", "-q", "1", "-m", "on"}));
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_EQ(resident.wait(), 0);
  EXPECT_EQ(resident.out().text(), "home/lamp/state on\n");
}

TEST_F(HomeGateway, LetsADeviceHearAndSayNothingButItsOwn) {
  Process resident{
      example_.client("mosquitto_sub", "127.0.1.20", alice, {"-i", "phone", "-t", "home/#", "-q", "1", "-C", "1", "-v"})};
  ASSERT_TRUE(example_.broker.wait_for_subscriber("phone")) << resident.err().text();
  const auto says = [&](const char* topic) {
    return run(example_.client("mosquitto_pub", "127.0.1.21", "lamp", {"-V", "5", "-q", "1", "-t", topic, "-m", "open"}));
  };
  EXPECT_THAT(says("home/door/set").err, HasSubstr("Not authorized"));
  EXPECT_EQ(says("home/lamp/state").err, "");
  EXPECT_EQ(resident.wait(), 0);
  EXPECT_EQ(resident.out().text(), "home/lamp/state open\n") << "and nothing before it";
  const auto heard = run(example_.client("mosquitto_sub", "127.0.1.21", "lamp", {"-q", "1", "-t", "home/#", "-C", "1"}));
  EXPECT_THAT(heard.err, HasSubstr("All subscription requests were denied"));
  EXPECT_EQ(example_.gate->metric(R"(mqtt_bastion_denied_total{listener="home",what="publish"})"), 1);
  EXPECT_EQ(example_.gate->metric(R"(mqtt_bastion_denied_total{listener="home",what="subscribe"})"), 1);
  EXPECT_THAT(example_.broker.log().text(), Not(HasSubstr("home/door/set")));
}

TEST_F(HomeGateway, KeepsEverybodyElseFromTheBroker) {
  const std::vector<std::string> message{"-t", "home/lamp/set", "-q", "1", "-m", "on"};
  EXPECT_NE(run(example_.client("mosquitto_pub", "127.0.2.20", alice, message)).code, 0) << "another network";
  EXPECT_EQ(run(example_.client("mosquitto_pub", "127.0.1.20", "", message)).code, 5) << "nobody";
  EXPECT_EQ(run(example_.client("mosquitto_pub", "127.0.1.20", "mallory", message)).code, 4) << "an unknown user";
  ASSERT_TRUE(example_.gate->wait_for_ends(3));
  EXPECT_EQ(example_.gate->refusals(), (std::map<std::string, int>{{"accept/ip_denied/not_allowed", 1},
                                                                   {"auth/anonymous/no_user", 1},
                                                                   {"auth/bad_credentials/credentials", 1}}));
  EXPECT_THAT(example_.broker.log().text(), Not(HasSubstr("New client connected")));
}

TEST_F(HomeGateway, HasABrokerWithoutAPort) {
  EXPECT_THAT(example_.broker.log().text(), HasSubstr("Opening unix listen socket"));
  EXPECT_THAT(example_.broker.log().text(), Not(HasSubstr("Opening ipv")));
  const auto health = example_.command("health");
  EXPECT_EQ(health.code, 0) << health.err;
  EXPECT_EQ(example_.command("check").err, "") << "nothing to warn of";
}

// --- observe-first
// ----------------------------------------------------------------------------------------------------------

TEST(ObserveFirst, IsSeenMendedAndEnforcedAsItsReadmeSays) {
  const ReservedPort port;
  const auto address = "127.0.0.1:" + std::to_string(port.number());
  Example example{
      "observe-first",
      {{"panel", "Panel-0001"}, {"sensor-1", "Sensor-0001"}, {"sensor-2", "Sensor-0002"}},
      {{"/var/lib/mqtt-bastion", "{directory}"},
       {"/run/mqtt-bastion/control.sock", "{directory}/control.sock"},
       {"127.0.0.1:1883", address},
       {R"("0.0.0.0:8883")", R"("127.0.0.1:0")"},
       {R"(, "[::]:8883")", ""},
       {"192.168.", "127.0."},
       {"/etc/mosquitto/passwd", "{directory}/passwd"}},
      {{"listener 1883", "listener " + std::to_string(port.number())}, {"/etc/mosquitto/passwd", "{directory}/passwd"}}};
  example.start();

  // Step 1. Everybody comes as before: two as the policy has it, and one from a network that nobody thought of.
  const auto device = [&](const char* from, const char* name) {
    auto process = std::make_unique<Process>(
        example.client("mosquitto_sub", from, name, {"-i", name, "-t", std::string{"command/"} + name, "-q", "1"}));
    EXPECT_TRUE(example.broker.wait_for_subscriber(name)) << process->err().text();
    return process;
  };
  const auto panel = device("127.0.10.5", "panel");
  const auto sensor = device("127.0.20.31", "sensor-1");
  const auto forgotten = device("127.0.30.7", "sensor-2");
  const std::vector<std::string> message{"-i", "stranger", "-t", "x", "-q", "1", "-m", "x"};
  const auto guess = run(example.client("mosquitto_pub", "127.0.99.9", "admin", message));
  EXPECT_THAT(guess.err, HasSubstr("not authorised")) << "the broker still asks for passwords";

  // Step 2. The status tells who would have been refused, and what for.
  const auto observed = example.command("status").out;
  EXPECT_THAT(observed, HasSubstr("devices   observe  mqtts"));
  const auto reasons = lines_with("ip_denied", observed);
  ASSERT_EQ(reasons.size(), 3U) << observed;
  EXPECT_THAT(reasons[0], MatchesRegex("  ip_denied +accept +not_allowed +2.*"));
  EXPECT_EQ(lines_with("  127.0.30.7  ", observed).size(), 1U) << observed;
  EXPECT_EQ(lines_with("  127.0.99.9  ", observed).size(), 1U) << observed;
  EXPECT_EQ(lines_with("127.0.20.31", observed).size() + lines_with("127.0.10.5", observed).size(), 0U) << observed;

  // Step 3. The network that was forgotten is put in. The sensor there has its role then, too.
  const Change allow{R"(allow = ["127.0.10.0/24", "127.0.20.0/24"])",
                     R"(allow = ["127.0.10.0/24", "127.0.20.0/24", "127.0.30.0/24"])"};
  const Change network{R"(networks  = ["127.0.20.0/24"])", R"(networks  = ["127.0.20.0/24", "127.0.30.0/24"])"};
  example.change_policy({allow, network});
  const auto explained =
      example.command("explain", {"--from", "127.0.30.7", "--user", "sensor-2", "--client-id", "sensor-2"});
  EXPECT_EQ(explained.code, 0) << explained.out;
  EXPECT_EQ(example.command("check").code, 0);

  // Step 4. Enforced by a reload: nobody who belongs here notices.
  example.change_policy({{R"(mode   = "observe")", R"(mode   = "enforce")"}});
  const auto reloaded = example.command("reload");
  EXPECT_EQ(reloaded.code, 0) << reloaded.err;
  EXPECT_THAT(example.command("status").out, HasSubstr("devices   enforce  mqtts"));
  const auto connections = count_of("New connection from", example.broker.log().text());
  for (const auto* name : {"panel", "sensor-1", "sensor-2"}) {
    const auto sent = run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(port.number()), "-u", "panel", "-P",
                           "Panel-0001", "-i", "operator", "-t", std::string{"command/"} + name, "-q", "1", "-m", "go"});
    EXPECT_EQ(sent.code, 0) << sent.err;
  }
  EXPECT_TRUE(panel->out().wait_for("go\n")) << panel->err().text();
  EXPECT_TRUE(sensor->out().wait_for("go\n")) << sensor->err().text();
  EXPECT_TRUE(forgotten->out().wait_for("go\n")) << forgotten->err().text();

  // And the stranger does not get as far as the broker any more.
  EXPECT_NE(run(example.client("mosquitto_pub", "127.0.99.9", "admin", message)).code, 0);
  ASSERT_TRUE(example.gate->log().wait_for("reason=ip_denied"));
  EXPECT_EQ(count_of("New connection from", example.broker.log().text()), connections + 3) << "the operator's three";
}

TEST(ObserveFirst, DoesNotEnforceWhatItsExpectationsForbid) {
  Example example{"observe-first",
                  {{"panel", "Panel-0001"}, {"sensor-1", "Sensor-0001"}},
                  {{"/var/lib/mqtt-bastion", "{directory}"},
                   {"/run/mqtt-bastion/control.sock", "{directory}/control.sock"},
                   {"/etc/mosquitto/passwd", "{directory}/passwd"}},
                  {}};
  EXPECT_EQ(example.command("check").code, 0);
  example.change_policy({{R"("192.168.10.0/24", "192.168.20.0/24")", R"("192.168.20.0/24")"}});
  const auto checked = example.command("check");
  EXPECT_EQ(checked.code, 2);
  EXPECT_THAT(checked.err, HasSubstr("expected to be admitted, but this client is refused: ip_denied/not_allowed"));
}

// --- factory
// ----------------------------------------------------------------------------------------------------------------

/// A gate and the broker behind a real HAProxy; the second gate of its configuration is not there.
class Factory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string_view{BASTION_HAPROXY}.empty()) GTEST_SKIP() << "no haproxy: cmake/install-dependencies test";
    example_.start();
    write_file(
        example_.directory / "haproxy.cfg",
        example_.file("haproxy.cfg", {{"maxconn 20000", "maxconn 100"},
                                      {"0.0.0.0:8883", at(entrance_)},
                                      {"10.0.0.11:8883", "127.0.0.1:" + std::to_string(example_.gate->devices().port)},
                                      {"10.0.0.12:8883", at(missing_)}}));
    balancer_ = std::make_unique<Process>(
        std::vector<std::string>{BASTION_HAPROXY, "-db", "-f", example_.directory / "haproxy.cfg"});
    example_.balancer_port = entrance_.number();
    // It looks after its gates from the moment on from which it listens.
    ASSERT_TRUE(eventually([this] { return example_.gate->metric(checks) >= 1; })) << balancer_->err().text();
  }
  static std::string at(const ReservedPort& port) { return "127.0.0.1:" + std::to_string(port.number()); }

  static constexpr const char* checks = "mqtt_bastion_closes_total{listener=\"factory\",how=\"balancer_check\"}";
  const std::vector<std::string> message_{"-t", "machine/plc-7/state/belt", "-q", "1", "-m", "halted"};
  ReservedPort entrance_;
  ReservedPort missing_;
  ReservedPort broker_port_;
  Example example_{"factory",
                   {{"plc-7", "Machine-0007"}, {"scada", "Control-0001"}},
                   {{"10.0.1.10:1883", at(broker_port_)},
                    {R"("0.0.0.0:8883")", R"("127.0.0.1:0")"},
                    {R"("10.0.0.5")", R"("127.0.0.1")"},
                    {"192.168.", "127.0."}},
                   {{"listener 1883 10.0.1.10", "listener " + std::to_string(broker_port_.number()) + " 127.0.0.1"},
                    {"/etc/mosquitto/passwd", "{directory}/passwd"}}};
  std::unique_ptr<Process> balancer_;
};

TEST_F(Factory, KnowsEachClientBehindTheBalancerByItsOwnAddress) {
  Process scada{
      example_.client("mosquitto_sub", "127.0.41.2", "scada", {"-i", "screen", "-t", "machine/#", "-q", "1", "-C", "1"})};
  ASSERT_TRUE(example_.broker.wait_for_subscriber("screen")) << scada.err().text();
  auto machine = message_;
  machine.insert(machine.end(), {"-i", "plc-7"});
  const auto sent = run(example_.client("mosquitto_pub", "127.0.40.7", "plc-7", machine));
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_EQ(scada.wait(), 0);
  EXPECT_EQ(scada.out().text(), "halted\n");
  ASSERT_TRUE(example_.gate->log().wait_for("closed client=127.0.40.7:"));
  ASSERT_TRUE(example_.gate->log().wait_for("closed client=127.0.41.2:"));
  const auto ends = lines_with("closed client=127.0.4", example_.gate->log().text());
  ASSERT_EQ(ends.size(), 2U);
  for (const auto& line : ends) EXPECT_THAT(line, HasSubstr(" via=127.0.0.1"));
  EXPECT_EQ(example_.gate->refusals(), (std::map<std::string, int>{})) << "the balancer's checks are no knocks";
}

TEST_F(Factory, RefusesThroughTheBalancerWhomThePolicyRefuses) {
  auto machine = message_;
  machine.insert(machine.end(), {"-i", "plc-7"});
  EXPECT_NE(run(example_.client("mosquitto_pub", "127.0.99.9", "plc-7", machine)).code, 0) << "from another network";
  EXPECT_NE(run(example_.client("mosquitto_pub", "127.0.40.8", "scada", message_)).code, 0) << "on a machine's cable";
  ASSERT_TRUE(example_.gate->log().wait_for("refused client=127.0.40.8:"));
  ASSERT_TRUE(example_.gate->log().wait_for("refused client=127.0.99.9:"));
  const auto refusals = example_.gate->refusals();
  EXPECT_EQ(refusals, (std::map<std::string, int>{{"accept/ip_denied/not_allowed", 1}, {"auth/not_authorized/source", 1}}));
}

TEST_F(Factory, LetsNoMachineGiveOrdersToAnother) {
  Process scada{example_.client("mosquitto_sub", "127.0.41.2", "scada",
                                {"-i", "screen", "-t", "machine/#", "-q", "1", "-C", "1", "-v"})};
  ASSERT_TRUE(example_.broker.wait_for_subscriber("screen")) << scada.err().text();
  const auto says = [&](const char* topic) {
    return run(example_.client("mosquitto_pub", "127.0.40.7", "plc-7",
                               {"-i", "plc-7", "-V", "5", "-q", "1", "-t", topic, "-m", "now"}));
  };
  EXPECT_THAT(says("machine/plc-8/command/stop").err, HasSubstr("Not authorized"));
  EXPECT_THAT(says("machine/plc-8/state/belt").err, HasSubstr("Not authorized"));
  EXPECT_EQ(says("machine/plc-7/state/belt").err, "");
  EXPECT_EQ(scada.wait(), 0);
  EXPECT_EQ(scada.out().text(), "machine/plc-7/state/belt now\n") << "and nothing before it";
  EXPECT_EQ(example_.gate->metric(R"(mqtt_bastion_denied_total{listener="factory",what="publish"})"), 2);
  EXPECT_THAT(example_.broker.log().text(), Not(HasSubstr("plc-8")));
}

TEST_F(Factory, BelievesNoHeaderOfOneWhoIsNoBalancer) {
  const DialOptions liar{"127.0.99.9"};
  const Tcp stranger{example_.gate->devices(), liar};
  EXPECT_EQ(stranger.read_to_end(), "");
  const DialOptions neighbour{"127.0.40.9"};
  const Tcp machine{example_.gate->devices(), neighbour};
  machine.write("PROXY TCP4 127.0.41.2 127.0.0.1 4711 8883\r\n");
  EXPECT_EQ(machine.read_to_end(), "");
  ASSERT_TRUE(example_.gate->log().wait_for("refused client=127.0.40.9:"));
  ASSERT_TRUE(example_.gate->log().wait_for("refused client=127.0.99.9:"));
  EXPECT_EQ(example_.gate->refusals(),
            (std::map<std::string, int>{{"accept/ip_denied/not_allowed", 1}, {"tls/not_tls/proxy_header", 1}}));
}

}  // namespace
}  // namespace bastion::e2e
