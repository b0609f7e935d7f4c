// Eclipse Paho's C clients over TLS: what most embedded devices run.
#include "paho.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace bastion::e2e {
namespace {

std::string url_of(const Stage& stage) {
  return "ssl://127.0.0.1:" + std::to_string(stage.gate->devices().port);
}

class Paho : public ::testing::TestWithParam<int> {};

TEST_P(Paho, SubscribesPublishesAtEachQoSAndLeaves) {
  const Stage stage;
  PahoAsync client{stage, "paho", GetParam()};
  const auto connected = client.connect({});
  ASSERT_TRUE(connected.good) << connected.code << ' ' << connected.words;
  ASSERT_TRUE(client.subscribe("paho/#", 2).good);
  const std::vector<Message> sent{{"paho/0", "zero", 0}, {"paho/1", std::string(1000, 'o'), 1}, {"paho/2", "two", 2}};
  for (const auto& message : sent) EXPECT_TRUE(client.publish(message).good);
  EXPECT_EQ(client.messages(sent.size()), sent);
  EXPECT_TRUE(client.disconnect().good);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"client_disconnect\"}"), 1);
}

TEST_P(Paho, LearnsThatItsPasswordIsWrong) {
  const Stage stage;
  PahoAsync client{stage, "paho", GetParam()};
  const auto outcome = client.connect({alice, "wrong", false});
  EXPECT_FALSE(outcome.good);
  // Paho tells the return code of MQTT 3.1.1; that of MQTT 5 stays inside it.
  if (GetParam() == MQTTVERSION_3_1_1) {
    EXPECT_EQ(outcome.code, 4) << outcome.words;
  }
  EXPECT_TRUE(stage.gate->log().wait_for("reason=bad_credentials cause=password"));
}

TEST_P(Paho, ReconnectsByItselfWhenTheBrokerIsBack) {
  Stage stage;
  PahoAsync client{stage, "paho", GetParam()};
  ASSERT_TRUE(client.connect({alice, alices_password, true}).good);
  ASSERT_TRUE(client.wait_until_connected(1));
  stage.broker.kill();
  ASSERT_TRUE(client.wait_until_lost());
  stage.broker.start();
  ASSERT_TRUE(client.wait_until_connected(2)) << stage.gate->log().text();
  ASSERT_TRUE(client.subscribe("again", 1).good);
  EXPECT_TRUE(client.publish({"again", "here", 1}).good);
  EXPECT_EQ(client.messages(1), (std::vector<Message>{{"again", "here", 1}}));
  EXPECT_TRUE(client.disconnect().good);
}

INSTANTIATE_TEST_SUITE_P(Versions, Paho, ::testing::Values(MQTTVERSION_3_1_1, MQTTVERSION_5),
                         [](const auto& version) { return version.param == MQTTVERSION_5 ? "Mqtt5" : "Mqtt311"; });

TEST(PahoSynchronous, SendsToItselfAndReceives) {
  const Stage stage;
  const auto done = run({BASTION_PAHO_CLIENT, url_of(stage), stage.ca(), alice, alices_password, "sync", "echo"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "echo qos=1 round trip\n");
}

class Will : public ::testing::Test {
 protected:
  std::vector<std::string> mortal(const std::string& how) const {
    return {BASTION_PAHO_CLIENT, url_of(stage_), stage_.ca(), alice, alices_password, "mortal", how};
  }
  Stage stage_;
};

TEST_F(Will, IsPublishedWhenItsClientDiesHard) {
  PahoAsync heir{stage_, "heir", MQTTVERSION_3_1_1};
  ASSERT_TRUE(heir.connect({}).good);
  ASSERT_TRUE(heir.subscribe("will/#", 1).good);
  Process client{mortal("stay")};
  ASSERT_TRUE(client.out().wait_for("connected"));
  client.signal(SIGKILL);
  EXPECT_EQ(heir.messages(1), (std::vector<Message>{{"will/of/paho", "farewell", 1}}));
  EXPECT_TRUE(stage_.gate->log().wait_for("how=client_gone"));
}

TEST_F(Will, IsNotPublishedWhenItsClientTakesLeave) {
  PahoAsync heir{stage_, "heir", MQTTVERSION_3_1_1};
  ASSERT_TRUE(heir.connect({}).good);
  ASSERT_TRUE(heir.subscribe("will/#", 1).good);
  EXPECT_EQ(run(mortal("leave")).code, 0);
  ASSERT_TRUE(stage_.gate->log().wait_for("how=client_disconnect"));
  // The broker has seen the end of the mortal's connection before this message, which would come after any will.
  ASSERT_TRUE(stage_.broker.log().wait_for("Client mortal disconnected"));
  EXPECT_TRUE(heir.publish({"will/none", "marker", 1}).good);
  EXPECT_EQ(heir.messages(1), (std::vector<Message>{{"will/none", "marker", 1}}));
}

TEST_F(Will, IsPublishedWhenTheGateRefusesAPacketOfItsClient) {
  PahoAsync heir{stage_, "heir", MQTTVERSION_3_1_1};
  ASSERT_TRUE(heir.connect({}).good);
  ASSERT_TRUE(heir.subscribe("will/#", 1).good);
  TlsClient client{stage_.gate->devices(), stage_.ca()};
  // Will flag, QoS 1, clean session, user and password.
  auto connect = packet(Connect{4, "bad", alice, alices_password});
  const std::string will{
      "\0\x08will/bad\0\x03"
      "bye",
      15};
  connect[9] |= 0x0c;
  connect.insert(connect.begin() + 12 + 2 + 3, will.begin(), will.end());
  connect[1] = static_cast<std::uint8_t>(connect[1] + will.size());
  client.write(connect);
  ASSERT_EQ(client.read_packet(), (Bytes{0x20, 2, 0, 0}));
  client.write({0x00, 0x00});
  EXPECT_EQ(client.read_to_end(), Bytes{});
  EXPECT_EQ(heir.messages(1), (std::vector<Message>{{"will/bad", "bye", 1}}));
}

}  // namespace
}  // namespace bastion::e2e
