// mosquitto_pub and mosquitto_sub, in every version that they speak.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

PolicyText all_versions() {
  PolicyText policy;
  policy.mqtt = "versions = [\"3.1\", \"3.1.1\", \"5.0\"]\n";
  return policy;
}

std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "message " + std::to_string(i) + '\n';
  return lines;
}

/// Every byte value, in no order that a text would have.
std::string binary(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1'664'525U + 1'013'904'223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class MosquittoClients : public ::testing::TestWithParam<const char*> {
 protected:
  Finished publish(const Stage& stage, Words words, const std::string& input = {}) {
    words.insert(words.end(), {"-V", GetParam()});
    return run(stage.mosquitto_client("mosquitto_pub", words), input);
  }
  std::unique_ptr<Process> subscribe(const Stage& stage, Words words) {
    words.insert(words.end(), {"-V", GetParam(), "-i", "subscriber"});
    auto process = std::make_unique<Process>(stage.mosquitto_client("mosquitto_sub", words));
    EXPECT_TRUE(stage.broker.wait_for_subscriber("subscriber")) << process->err().text();
    return process;
  }
};

TEST_P(MosquittoClients, SendAMessageAtEachQoS) {
  const Stage stage{all_versions()};
  const auto subscriber = subscribe(stage, {"-t", "qos/#", "-q", "2", "-C", "3", "-v", "-F", "%t %q %p"});
  for (const auto* qos : {"0", "1", "2"}) {
    EXPECT_EQ(publish(stage, {"-t", std::string{"qos/"} + qos, "-q", qos, "-m", "hello"}).code, 0);
  }
  EXPECT_EQ(subscriber->wait(), 0);
  EXPECT_EQ(subscriber->out().text(), "qos/0 0 hello\nqos/1 1 hello\nqos/2 2 hello\n");
}

TEST_P(MosquittoClients, GetARetainedMessageThatWasSentBeforeTheyCame) {
  const Stage stage{all_versions()};
  ASSERT_EQ(publish(stage, {"-t", "kept", "-q", "1", "-r", "-m", "for later"}).code, 0);
  const auto subscriber = subscribe(stage, {"-t", "kept", "-q", "1", "-C", "1", "-F", "%r %p"});
  EXPECT_EQ(subscriber->wait(), 0);
  EXPECT_EQ(subscriber->out().text(), "1 for later\n");
}

TEST_P(MosquittoClients, CarryALargePayloadByteForByte) {
  constexpr std::size_t size = 200U << 10;
  const Stage stage{all_versions()};
  const auto payload = binary(size);
  const auto subscriber = subscribe(stage, {"-t", "large", "-q", "1", "-C", "1", "-N"});
  ASSERT_EQ(publish(stage, {"-t", "large", "-q", "1", "-s"}, payload).code, 0);
  EXPECT_EQ(subscriber->wait(), 0);
  EXPECT_TRUE(subscriber->out().text() == payload) << "of " << subscriber->out().text().size() << " bytes";
}

TEST_P(MosquittoClients, CarryTenThousandMessagesInOrder) {
  constexpr int count = 10'000;
  const Stage stage{all_versions()};
  const auto messages = numbered_lines(count);
  const auto subscriber = subscribe(stage, {"-t", "many", "-q", "1", "-C", std::to_string(count)});
  ASSERT_EQ(publish(stage, {"-t", "many", "-q", "1", "-l"}, messages).code, 0);
  EXPECT_EQ(subscriber->wait(), 0);
  EXPECT_TRUE(subscriber->out().text() == messages) << subscriber->out().text().size() << " of " << messages.size();
}

INSTANTIATE_TEST_SUITE_P(Versions, MosquittoClients, ::testing::Values("mqttv31", "mqttv311", "mqttv5"),
                         [](const auto& version) { return std::string{version.param}; });

TEST(MosquittoClient, NegotiatesMqttByAlpn) {
  const Stage stage;
  const auto done = run(stage.mosquitto_client("mosquitto_pub", {"--tls-alpn", "mqtt", "-t", "a", "-m", "b", "-q", "1"}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(stage.gate->wait_for_ends(1));
}

TEST(MosquittoClient, IsRefusedWithAnotherProtocolByAlpn) {
  const Stage stage;
  const auto done = run(stage.mosquitto_client("mosquitto_pub", {"--tls-alpn", "h2", "-t", "a", "-m", "b", "-q", "1"}));
  EXPECT_NE(done.code, 0);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"tls/tls_handshake_failed/alpn", 1}}));
}

TEST(MosquittoClient, DiesHardAndItsWillIsPublished) {
  const Stage stage;
  Process heir{stage.mosquitto_client("mosquitto_sub", {"-t", "will/#", "-i", "heir", "-C", "1", "-F", "%t %p"})};
  ASSERT_TRUE(stage.broker.wait_for_subscriber("heir"));
  Process mortal{stage.mosquitto_client(
      "mosquitto_sub", {"-t", "x", "-i", "mortal", "--will-topic", "will/of/mortal", "--will-payload", "farewell"})};
  ASSERT_TRUE(stage.broker.wait_for_subscriber("mortal"));
  mortal.signal(SIGKILL);
  EXPECT_EQ(heir.wait(), 0);
  EXPECT_EQ(heir.out().text(), "will/of/mortal farewell\n");
  EXPECT_TRUE(stage.gate->log().wait_for("how=client_gone"));
}

TEST(MosquittoClient, IsDeniedATopicAndTheLogSaysSoOnceInASession) {
  PolicyText policy;
  policy.last = "[[role]]\nname = \"sensor\"\npublish = [\"telemetry/#\"]\n";
  const Stage stage{policy};
  const auto done =
      run(stage.mosquitto_client("mosquitto_pub", {"-t", "door/open", "-q", "1", "-i", "pump", "-l"}), "1\n2\n3\n");
  EXPECT_EQ(done.code, 0) << done.err;
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_denied_total{listener=\"devices\",what=\"publish\"}"), 3);
  const auto lines = lines_with(" denied ", stage.gate->log().text());
  ASSERT_EQ(lines.size(), 1U) << stage.gate->log().text();
  EXPECT_NE(lines[0].find("what=publish"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("role=\"sensor\" user=\"alice\" client_id=\"pump\" topic=\"door/open\""), std::string::npos)
      << lines[0];
  EXPECT_EQ(stage.broker.log().text().find("PUBLISH"), std::string::npos) << "the broker has heard of none";
}

PolicyText observed_sensor() {
  PolicyText policy;
  policy.last = "[[role]]\nname = \"sensor\"\npublish = [\"telemetry/#\"]\nqos_max = 1\n";
  return policy;
}

TEST(MosquittoClient, IsToldOfInTheLogByTheTopicThatAnObservedPolicyWouldDeny) {
  auto policy = observed_sensor();
  policy.listener = "mode = \"observe\"\n";
  const Stage stage{policy};
  EXPECT_EQ(run(stage.mosquitto_client("mosquitto_pub", {"-t", "door/open", "-q", "1", "-i", "pump", "-m", "x"})).code, 0);
  EXPECT_EQ(run(stage.mosquitto_client("mosquitto_pub", {"-t", "telemetry/a", "-q", "2", "-i", "pump", "-m", "x"})).code, 0);
  ASSERT_TRUE(stage.gate->wait_for_ends(2));
  const auto lines = lines_with(" would_refuse client", stage.gate->log().text());
  ASSERT_EQ(lines.size(), 2U) << stage.gate->log().text();
  EXPECT_THAT(lines[0], HasSubstr("reason=acl_denied cause=publish qos=1 "));
  EXPECT_THAT(lines[0], EndsWith(" topic=\"door/open\""));
  EXPECT_THAT(lines[1], HasSubstr("reason=acl_denied cause=publish qos=2 "));
  EXPECT_THAT(lines[1], EndsWith(" topic=\"telemetry/a\""));
}

TEST(MosquittoClient, IsToldOfInTheLogByTheWillForWhichItIsRefused) {
  const Stage stage{observed_sensor()};
  const auto done = run(stage.mosquitto_client(
      "mosquitto_pub", {"-t", "telemetry/a", "-m", "x", "--will-topic", "door/open", "--will-payload", "x"}));
  EXPECT_NE(done.code, 0);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  const auto lines = lines_with("reason=will_denied cause=topic", stage.gate->log().text());
  ASSERT_EQ(lines.size(), 1U) << stage.gate->log().text();
  EXPECT_THAT(lines[0], HasSubstr("detail=\"a will to door/open\""));
}

TEST(MosquittoClient, ThatBehavesTakesNoLogLineFromOneAtItsAddressThatIsRefused) {
  PolicyText policy;
  policy.lines_per_source_max = 2;
  const Stage stage{policy};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(stage.mosquitto_client("mosquitto_pub", {"-t", "a", "-m", "x"})).code, 0);
  for (int i = 0; i < 2; ++i)
    EXPECT_NE(run(stage.mosquitto_client("mosquitto_pub", {"-t", "a", "-m", "x", "-P", "no"})).code, 0);
  ASSERT_TRUE(stage.gate->log().wait_for(" refused ", 2)) << stage.gate->log().text();
  EXPECT_EQ(lines_with(" closed ", stage.gate->log().text()).size(), 2U);
}

}  // namespace
}  // namespace bastion::e2e
