// How a described client fares, with the line that decides; and the tests that a policy holds of itself.
#include "policy/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/judge.hpp"
#include "policy/parse.hpp"

namespace bastion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view toml = R"(schema = 1
[upstream]
address = "127.0.0.1:1883"
[tls]
certificate = "c"
key = "k"
[[listener]]
name = "devices"
address = "0.0.0.0:8883"
[[listener]]
name = "trial"
address = "0.0.0.0:8884"
mode = "observe"
[admission]
allow = [
  "192.168.10.0/24",
]
deny = ["192.168.10.66"]
[authentication]
password_file = "passwd"
[mqtt]
versions = ["3.1.1", "5.0"]
[[role]]
name = "sensor"
users = ["sensor-*"]
client_id = "%u-*"
)";

Policy policy_of(std::string_view text) {
  auto parsed = parse_policy(text, "p.toml", {});
  std::string complaints;
  for (const auto& complaint : parsed.complaints) complaints += bastion::text(complaint) + '\n';
  EXPECT_TRUE(parsed.policy) << complaints;
  return parsed.policy ? std::move(*parsed.policy) : Policy{};
}

bool knows(std::string_view user) {
  return user == "sensor-1" || user == "bob";
}

DescribedClient sensor() {
  DescribedClient client;
  client.from = Address::v4(192, 168, 10, 7);
  client.user = "sensor-1";
  client.client_id = "sensor-1-a";
  return client;
}

class Explain : public testing::Test {
 protected:
  /// The refusal and the line that decides.
  std::string verdict(const DescribedClient& client) {
    const auto explanation = explain(policy_, client, knows);
    const auto& last = explanation.steps.back();
    return (last.refusal ? refusal_text(*last.refusal) : std::string{"admitted"}) + " by " + deciding_line(last);
  }
  Policy policy_ = policy_of(toml);
};

TEST_F(Explain, WalksAnAdmittedClientThroughEachStage) {
  const auto explanation = explain(policy_, sensor(), knows);
  EXPECT_FALSE(explanation.refusal());
  std::vector<std::string> lines;
  for (const auto& step : explanation.steps) lines.push_back(std::string{label(step.stage)} + ": " + deciding_line(step));
  EXPECT_THAT(lines, ElementsAre("accept: p.toml:16", "connect: p.toml:22", "connect: default of mqtt.client_id_characters",
                                 "auth: default of mqtt.keep_alive_max", "auth: default of authentication.required",
                                 "auth: p.toml:20", "auth: p.toml:23", "upstream: p.toml:3"));
  ASSERT_NE(explanation.role, nullptr);
  EXPECT_EQ(explanation.role->name, "sensor");
}

TEST_F(Explain, NamesTheLineThatRefuses) {
  auto client = sensor();
  client.from = Address::v4(192, 168, 10, 66);
  EXPECT_EQ(verdict(client), "ip_denied/denied by p.toml:18");
  client.from = Address::v4(203, 0, 113, 9);
  EXPECT_EQ(verdict(client), "ip_denied/not_allowed by p.toml:15");
  client = sensor();
  client.version = MqttVersion::v3_1;
  EXPECT_EQ(verdict(client), "unsupported_version/mqtt31 by p.toml:22");
  client = sensor();
  client.client_id = "a/b";
  EXPECT_EQ(verdict(client), "client_id_denied/characters by default of mqtt.client_id_characters");
  client = sensor();
  client.keep_alive_s = 0;
  EXPECT_EQ(verdict(client), "session_denied/keep_alive by default of mqtt.keep_alive_max");
  client = sensor();
  client.user.reset();
  EXPECT_EQ(verdict(client), "anonymous/no_user by default of authentication.required");
  client = sensor();
  client.password = DescribedClient::Password::none;
  EXPECT_EQ(verdict(client), "anonymous/no_password by default of authentication.required");
  client = sensor();
  client.password = DescribedClient::Password::wrong;
  EXPECT_EQ(verdict(client), "bad_credentials/password by p.toml:20");
  client = sensor();
  client.user = "sensor-2";
  EXPECT_EQ(verdict(client), "bad_credentials/user by p.toml:20");
  client = sensor();
  client.user = "bob";
  EXPECT_EQ(verdict(client), "not_authorized/role by p.toml:23");
  client = sensor();
  client.client_id = "other";
  EXPECT_EQ(verdict(client), "client_id_denied/pattern by p.toml:23");
}

TEST_F(Explain, AsksForTheWillOnceTheRoleIsKnown) {
  auto client = sensor();
  client.will = TopicQuestion{TopicQuestion::Kind::will, "last/words"};
  const auto admitted = explain(policy_, client, knows);
  EXPECT_FALSE(admitted.refusal());
  EXPECT_EQ(admitted.steps[7].what, R"(will on "last/words": left to the broker)");
  client.will->text = "$SYS/broker/x";
  EXPECT_EQ(verdict(client), "will_denied/topic by default of mqtt.shields_off");
  client.will->text = "last/words";
  client.will->qos = 2;
  policy_.mqtt.qos_max = 1;
  EXPECT_EQ(verdict(client), "will_denied/qos by default of mqtt.qos_max");
}

TEST_F(Explain, ShowsARefusalAtTheStageAtWhichItIsCounted) {
  auto client = sensor();
  client.client_id = "other";  // found after the password, and still CONNECT's
  const auto by_pattern = explain(policy_, client, knows);
  EXPECT_EQ(by_pattern.steps.back().stage, Stage::connect);
  client.client_id = sensor().client_id;
  client.user = "bob";
  EXPECT_EQ(explain(policy_, client, knows).steps.back().stage, Stage::auth);
}

TEST_F(Explain, TellsWhatABridgeComesToAndByWhichLine) {
  auto bridge = sensor();
  bridge.speak("bridge");
  EXPECT_EQ(bridge.version, MqttVersion::v3_1_1);
  EXPECT_EQ(verdict(bridge), "unsupported_version/bridge by p.toml:22");
  policy_.mqtt.allow_bridge = true;
  const auto explanation = explain(policy_, bridge, knows);
  EXPECT_FALSE(explanation.refusal());
  EXPECT_EQ(explanation.steps[1].what, "MQTT 3.1.1 of a bridge");
  const auto& will = explanation.steps[explanation.steps.size() - 2];
  EXPECT_EQ(will.what,
            R"(will on "$SYS/broker/connection/sensor-1-a/state" with QoS 1, retained: allowed, since bridges are)");
  EXPECT_EQ(deciding_line(will), "p.toml:22");
  ASSERT_NE(explanation.role, nullptr);
  // With topics in the role, one of them has to be this one.
  policy_.roles[0].topics.emplace();
  EXPECT_EQ(verdict(bridge), "will_denied/topic by p.toml:23");
  auto& rules = policy_.roles[0].topics->rules;
  rules = TopicRules{"p.toml"};
  EXPECT_EQ(rules.add("$SYS/broker/connection/%c/state", TopicRight::publish, TopicRules::Placeholders::with_escape, 27, 12),
            std::nullopt);
  EXPECT_EQ(verdict(bridge), "admitted by p.toml:3");
  policy_.roles[0].topics->will_list = Location{};
  EXPECT_EQ(explain(policy_, bridge, knows).steps.back().what,
            R"(will on "$SYS/broker/connection/sensor-1-a/state" with QoS 1, retained: denied by a will)");
  // `notification_topic` names another one.
  bridge.will = TopicQuestion{TopicQuestion::Kind::will, "up", 1, true};
  EXPECT_EQ(explain(policy_, bridge, knows).steps.back().what, R"(will on "up" with QoS 1, retained: allowed by no rule)");
}

TEST_F(Explain, TellsAnMqtt5ClientsKeepAlive) {
  auto client = sensor();
  client.version = MqttVersion::v5_0;
  client.keep_alive_s = 7200;
  const auto explanation = explain(policy_, client, knows);
  EXPECT_FALSE(explanation.refusal());
  EXPECT_THAT(explanation.steps[3].what, HasSubstr("told to use 1200 s"));
}

TEST_F(Explain, SaysTheSameAsTheJudges) {
  // Any described client: the first refusal is the judges' own.
  for (const auto* from : {"192.168.10.7", "192.168.10.66", "10.0.0.1"}) {
    for (const auto version : {MqttVersion::v3_1, MqttVersion::v3_1_1, MqttVersion::v5_0}) {
      for (const auto* id : {"", "sensor-1-a", "a/b"}) {
        for (const std::uint16_t keep_alive : {std::uint16_t{0}, std::uint16_t{60}, std::uint16_t{7200}}) {
          DescribedClient client{
              {}, Address::parse(from).value(), version, "sensor-1", DescribedClient::Password::right, id, keep_alive};
          ConnectFacts facts;
          facts.version = version;
          facts.client_id = id;
          facts.keep_alive_s = keep_alive;
          facts.user_name = "sensor-1";
          facts.has_password = true;
          const auto verdict = judge_again(policy_, {client.from, 0}, facts);
          const auto* wanted = std::get_if<Refusal>(&verdict);
          const auto found = explain(policy_, client, knows).refusal();
          ASSERT_EQ(found.has_value(), wanted != nullptr) << from << ' ' << id << ' ' << keep_alive;
          if (wanted != nullptr) {
            EXPECT_EQ(refusal_text(*found), refusal_text(*wanted));
          }
        }
      }
    }
  }
}

std::vector<std::string> disappointments(const std::string& expectations) {
  const auto policy = policy_of(std::string{toml} + expectations);
  std::vector<std::string> out;
  for (const auto& expectation : policy.expectations) {
    if (const auto complaint = disappointment(policy, expectation, knows)) out.push_back(text(*complaint));
  }
  return out;
}

TEST(Expectations, ThatHoldSayNothing) {
  EXPECT_THAT(disappointments(R"([[expect]]
from = "192.168.10.7"
user = "sensor-1"
client_id = "sensor-1-x"
version = "5.0"
keep_alive = "2h"
listener = "trial"
admitted = true
[[expect]]
from = "192.168.10.7"
user = "sensor-1"
client_id = "sensor-1-x"
version = "bridge"
refused = "unsupported_version/bridge"
[[expect]]
from = "203.0.113.9"
refused = "ip_denied"
[[expect]]
from = "192.168.10.7"
user = "sensor-1"
password_is = "wrong"
refused = "bad_credentials/password"
)"),
              IsEmpty());
}

TEST(Expectations, ThatDoNotHoldSayWhatIs) {
  EXPECT_THAT(
      disappointments(R"([[expect]]
from = "203.0.113.9"
admitted = true
[[expect]]
from = "192.168.10.7"
user = "sensor-1"
client_id = "sensor-1-x"
refused = "ip_denied"
[[expect]]
from = "192.168.10.7"
refused = "anonymous/no_password"
)"),
      ElementsAre("p.toml:27:1: expected to be admitted, but this client is refused: ip_denied/not_allowed (p.toml:15)",
                  "p.toml:30:1: expected to be refused as ip_denied, but this client is admitted",
                  "p.toml:35:1: expected to be refused as anonymous/no_password, but this client is refused: "
                  "anonymous/no_user (default of authentication.required)"));
}

std::vector<std::string> complaints(const std::string& expectation) {
  std::vector<std::string> out;
  for (const auto& complaint : parse_policy(std::string{toml} + "[[expect]]\n" + expectation, "p.toml", {}).complaints) {
    if (!complaint.warning) out.push_back(text(complaint));
  }
  return out;
}

TEST(Expectations, ThatMeanNothingAreComplainedOf) {
  EXPECT_THAT(complaints("admitted = true\n"), ElementsAre(HasSubstr(R"(missing key "from" in [[expect]])")));
  EXPECT_THAT(complaints("from = \"10.0.0.0/8\"\nadmitted = true\n"), ElementsAre(HasSubstr("is not an IP address")));
  EXPECT_THAT(complaints("from = \"10.0.0.1\"\n"), ElementsAre(HasSubstr("nothing is expected: write admitted = true")));
  EXPECT_THAT(complaints("from = \"10.0.0.1\"\nadmitted = true\nrefused = \"ip_denied\"\n"),
              ElementsAre(HasSubstr("can't both")));
  EXPECT_THAT(complaints("from = \"10.0.0.1\"\nrefused = \"ip_denid\"\n"),
              ElementsAre(HasSubstr(R"(did you mean "ip_denied"?)")));
  EXPECT_THAT(complaints("from = \"10.0.0.1\"\nrefused = \"ip_denied/x\"\n"),
              ElementsAre(HasSubstr(R"("x" is no cause of ip_denied; it has not_allowed, denied)")));
  EXPECT_THAT(complaints("from = \"10.0.0.1\"\nadmitted = true\nlistener = \"nope\"\n"),
              ElementsAre(HasSubstr(R"(there is no listener "nope")")));
}

}  // namespace
}  // namespace bastion
