// A Mosquitto that bridges, through the gate, to the Mosquitto behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "example.hpp"

namespace bastion::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string own_state = "$SYS/broker/connection/site.up/state";
constexpr auto with_bridges = "versions = [\"3.1\", \"3.1.1\", \"5.0\", \"bridge\"]\n";

PolicyText policy_with(std::string mqtt, std::string last = {}) {
  PolicyText policy;
  policy.mqtt = std::move(mqtt);
  policy.last = std::move(last);
  return policy;
}

/// The Mosquitto at the other site, whose bridge comes to the gate as alice.
class Site {
 public:
  Site(const Stage& stage, const std::string& more) : broker_{stage.directory / "site.conf"} {
    write_file(stage.directory / "site.conf", "listener " + std::to_string(port_.number()) +
                                                  " 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\n"
                                                  "log_type all\nconnection up\naddress 127.0.0.1:" +
                                                  std::to_string(stage.gate->devices().port) + "\nbridge_cafile " +
                                                  stage.ca() + "\nremote_clientid site.up\nremote_username " + alice +
                                                  "\nremote_password " + alices_password +
                                                  "\nrestart_timeout 1\ntopic both/# both 2\ntopic out/# out 2\n"
                                                  "topic in/# in 2\n" +
                                                  more + '\n');
    broker_.start();
  }
  [[nodiscard]] Broker& broker() { return broker_; }
  [[nodiscard]] std::uint16_t port() const { return port_.number(); }

 private:
  ReservedPort port_;
  Broker broker_;
};

std::vector<std::string> client(const char* program, std::uint16_t port, const std::vector<std::string>& more) {
  std::vector<std::string> words{program, "-h", "127.0.0.1", "-p", std::to_string(port)};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Hears this filter at a broker itself, as topic, QoS, whether it is retained, and message.
class Listener {
 public:
  Listener(const Broker& broker, std::uint16_t port, const std::string& filter, const std::string& id = "listener")
      : process_{client("mosquitto_sub", port, {"-i", id, "-t", filter, "-q", "2", "-F", "%t %q %r %p"})} {
    EXPECT_TRUE(broker.wait_for_subscriber(id)) << process_.err().text();
  }
  [[nodiscard]] bool hears(const std::string& line, std::size_t times = 1) const {
    return process_.out().wait_for(line + '\n', times);
  }
  [[nodiscard]] std::string text() const { return process_.out().text(); }

 private:
  Process process_;
};

void publish(std::uint16_t port, const std::string& topic, const std::string& qos, const std::string& message,
             const std::vector<std::string>& more = {}) {
  auto words = client("mosquitto_pub", port, {"-t", topic, "-q", qos, "-m", message});
  words.insert(words.end(), more.begin(), more.end());
  EXPECT_EQ(run(words).code, 0) << topic;
}

/// `bridge_protocol_version`: 3.1 and 3.1.1 are marked, MQTT 5 is not.
class BridgeThroughTheGate : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string version() const { return std::string{"bridge_protocol_version "} + GetParam(); }
};

TEST_P(BridgeThroughTheGate, CarriesMessagesBothWaysAtEachQos) {
  const Stage stage{policy_with(with_bridges)};
  const Listener state{stage.broker, stage.broker.endpoint().port, own_state};
  Site site{stage, version()};
  ASSERT_TRUE(state.hears(own_state + " 1 0 1")) << site.broker().log().text();
  const Listener far{stage.broker, stage.broker.endpoint().port, "both/#", "far"};
  const Listener near{site.broker(), site.port(), "both/#", "near"};
  ASSERT_TRUE(stage.broker.wait_for_subscriber("site.up", 2)) << "both/# and in/#";
  for (const std::string qos : {"0", "1", "2"}) {
    publish(site.port(), "both/up/" + qos, qos, "up");
    EXPECT_TRUE(far.hears("both/up/" + qos + ' ' + qos + " 0 up"));
    publish(stage.broker.endpoint().port, "both/down/" + qos, qos, "down");
    EXPECT_TRUE(near.hears("both/down/" + qos + ' ' + qos + " 0 down"));
  }
  // Each of them once on either side: none came back over the bridge. What is said last has come behind everything else.
  publish(site.port(), "both/end", "2", "end");
  EXPECT_TRUE(far.hears("both/end 2 0 end"));
  publish(stage.broker.endpoint().port, "both/end", "2", "very end");
  EXPECT_TRUE(near.hears("both/end 2 0 very end"));
  const auto lines = [](const Listener& of) { return count_of("\n", of.text()); };
  EXPECT_EQ(lines(far), 8U) << far.text();
  EXPECT_EQ(lines(near), 8U) << near.text();
  EXPECT_TRUE(stage.gate->refusals().empty());
  EXPECT_EQ(stage.gate->metric_sum("mqtt_bastion_denied_total"), 0);
}

TEST_P(BridgeThroughTheGate, IsSeenToBeUpAndToBeDownOnceItIsKilled) {
  const Stage stage{policy_with(with_bridges)};
  const Listener state{stage.broker, stage.broker.endpoint().port, "$SYS/broker/connection/+/state"};
  Site site{stage, version()};
  ASSERT_TRUE(state.hears(own_state + " 1 0 1")) << site.broker().log().text();
  site.broker().kill();
  EXPECT_TRUE(state.hears(own_state + " 1 0 0")) << "the broker's own word, by the will";
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  site.broker().start();
  EXPECT_TRUE(state.hears(own_state + " 1 0 1", 2)) << site.broker().log().text();
  EXPECT_EQ(count_of("\n", state.text()), 3U) << state.text();
}

INSTANTIATE_TEST_SUITE_P(By, BridgeThroughTheGate, testing::Values("mqttv31", "mqttv311", "mqttv50"),
                         [](const auto& row) { return std::string{row.param}; });

/// The versions that are marked. (Of MQTT 5, Mosquitto 2.0 has a bridge's session end with its connection.)
class MarkedBridge : public BridgeThroughTheGate {};

TEST_P(MarkedBridge, HasInItsSessionWhatWasSentWhileItWasAway) {
  const Stage stage{policy_with(with_bridges)};
  Site site{stage, version()};
  ASSERT_TRUE(stage.broker.wait_for_subscriber("site.up", 2)) << site.broker().log().text();
  site.broker().kill();
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  publish(stage.broker.endpoint().port, "in/a", "1", "kept");
  const auto thief = run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(stage.gate->devices().port), "--cafile",
                          stage.ca(), "-u", bob, "-P", bobs_password, "-i", "site.up", "-c", "-t", "in/#", "-C", "1"});
  EXPECT_THAT(thief.err, HasSubstr("identifier rejected"));
  site.broker().start();
  EXPECT_TRUE(site.broker().log().wait_for(", 'in/a', ... (4 bytes))")) << site.broker().log().text();
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"connect/client_id_denied/in_use", 1}}));
}

INSTANTIATE_TEST_SUITE_P(By, MarkedBridge, testing::Values("mqttv31", "mqttv311"),
                         [](const auto& row) { return std::string{row.param}; });

// Seconds pass until Mosquitto tries again.
TEST(BridgeMark, IsLeftOutByTheBridgeWhereBridgesAreNotLetIn) {
  // As any client it needs a rule for its state.
  const Stage stage{policy_with("versions = [\"3.1\", \"3.1.1\"]\n",
                                "[[role]]\nname = \"site\"\nsubscribe = [\"#\"]\n"
                                "publish = [\"#\", \"$SYS/broker/connection/%c/state\"]\n")};
  const Listener state{stage.broker, stage.broker.endpoint().port, own_state};
  Site site{stage, ""};
  EXPECT_TRUE(state.hears(own_state + " 1 0 1")) << site.broker().log().text();
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"connect/unsupported_version/bridge", 1}}));
}

TEST(BridgeMark, IsNotAllThatKeepsABridgeOutWhoseVersionIsNotLetIn) {
  const Stage stage{policy_with("versions = [\"5.0\"]\n")};
  Site site{stage, ""};
  // With its mark, and without.
  ASSERT_TRUE(stage.gate->wait_for_ends(2)) << site.broker().log().text();
  const auto refusals = stage.gate->refusals();
  EXPECT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals.count("connect/unsupported_version/bridge"), 1U);
  EXPECT_EQ(refusals.count("connect/unsupported_version/mqtt311"), 1U);
  EXPECT_THAT(stage.broker.log().text(), Not(HasSubstr("New connection")));
}

TEST(BridgeByAclFile, TellsItsStateByTheLineOfMosquittosManual) {
  auto policy = policy_with(with_bridges, "[authorization]\nacl_file = \"acl\"\n");
  const std::string line = "pattern write $SYS/broker/connection/%c/state\n";
  Stage stage{policy_with(with_bridges)};
  write_file(stage.directory / "acl", "user " + alice + "\ntopic readwrite both/#\n");
  policy.broker_address = stage.policy.broker_address;
  stage.write_policy(policy.text());
  const auto check = [&] { return run({BASTION_PROGRAM, "check", "-c", stage.directory / "policy.toml"}); };
  EXPECT_THAT(check().err, HasSubstr("\"bridge\" is allowed, and the ACL file lets nobody publish to"));
  write_file(stage.directory / "acl", read_file(stage.directory / "acl") + line);
  EXPECT_THAT(check().err, Not(HasSubstr("bridge")));
  stage.start_gate();
  const Listener state{stage.broker, stage.broker.endpoint().port, own_state};
  Site site{stage, ""};
  EXPECT_TRUE(state.hears(own_state + " 1 0 1")) << site.broker().log().text();
}

// --- examples/bridge ------------------------------------------------------------------------------------------------------

TEST(BridgeExample, CarriesASitesMeasurementsAndOrdersAndShowsWhetherItIsThere) {
  const ReservedPort behind;
  const ReservedPort at_the_site;
  const auto address = "127.0.0.1:" + std::to_string(behind.number());
  Example example{"bridge",
                  {{alice, alices_password}, {"site-1", "Site-0001"}, {"site-2", "Site-0002"}},
                  {{"127.0.0.1:1883", address},
                   {R"("0.0.0.0:8883")", R"("127.0.0.1:0")"},
                   {R"(, "[::]:8883")", ""},
                   {"192.168.71.", "127.0.0."},  // a bridge comes from nowhere else on this machine
                   {"192.168.", "127.0."}},
                  {{"listener 1883", "listener " + std::to_string(behind.number())}}};
  example.start();
  EXPECT_EQ(example.command("check").err, "") << "nothing to warn of";
  const auto explained =
      example.command("explain", {"--from", "127.0.0.2", "--mqtt", "bridge", "--user", "site-1", "--client-id", "site-1"});
  EXPECT_THAT(explained.out, HasSubstr("\nadmitted"));
  EXPECT_THAT(explained.out, HasSubstr(R"(will on "$SYS/broker/connection/site-1/state" with QoS 1, retained: allowed)"));

  Process office{example.client("mosquitto_sub", "127.0.10.5", alice,
                                {"-i", "office", "-q", "1", "-v", "-t", "$SYS/broker/connection/+/state", "-t", "site/#"})};
  ASSERT_TRUE(example.broker.wait_for_subscriber("office")) << office.err().text();
  write_file(example.directory / "site.conf",
             example.file("site.conf", {{"listener 1883", "listener " + std::to_string(at_the_site.number())},
                                        {"hq.example:8883", "127.0.0.1:" + std::to_string(example.gate->devices().port) +
                                                                "\nrestart_timeout 1"},
                                        {"/etc/mosquitto/ca.crt", (example.directory / "ca.crt").string()}}) +
                 "user root\nlog_dest stderr\nlog_type all\n");
  Broker site{example.directory / "site.conf"};
  site.start();
  EXPECT_TRUE(office.out().wait_for("$SYS/broker/connection/site-1/state 1\n")) << site.log().text();
  publish(at_the_site.number(), "measured/tank", "1", "17");
  EXPECT_TRUE(office.out().wait_for("site/site-1/measured/tank 17\n")) << site.log().text();

  const Listener pump{site, at_the_site.number(), "orders/#"};
  ASSERT_TRUE(example.broker.wait_for_subscriber("site-1")) << site.log().text();
  const auto order = [&](const std::string& user, const std::string& from) {
    return run(example.client("mosquitto_pub", from, user,
                              {"-V", "5", "-i", user, "-t", "site/site-1/orders/pump", "-q", "1", "-m", "on"}));
  };
  EXPECT_THAT(order("site-2", "127.0.0.3").err, HasSubstr("Not authorized")) << "another site gives no orders";
  EXPECT_EQ(order(alice, "127.0.10.5").code, 0);
  EXPECT_TRUE(pump.hears("orders/pump 1 0 on"));
  EXPECT_EQ(count_of("\n", pump.text()), 1U) << pump.text();

  site.kill();
  EXPECT_TRUE(office.out().wait_for("$SYS/broker/connection/site-1/state 0\n"));
}

}  // namespace
}  // namespace bastion::e2e
