// MQTT.js, the client of browsers and Node.js.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

class MqttJs : public ::testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { ::setenv("NODE_PATH", BASTION_NODE_MODULES, 0); }

  Finished run_script(const Stage& stage, const std::string& password) {
    const auto url = "mqtts://127.0.0.1:" + std::to_string(stage.gate->devices().port);
    return run({"node", BASTION_MQTTJS_SCRIPT, url, stage.ca(), GetParam(), alice, password});
  }
};

TEST_P(MqttJs, LogsInSubscribesPublishesAndLeaves) {
  ASSERT_TRUE(std::filesystem::exists(std::filesystem::path{std::getenv("NODE_PATH")} / "mqtt"))
      << "MQTT.js is installed by tests/run e2e";
  const Stage stage;
  const auto done = run_script(stage, alices_password);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "granted 2\nmqttjs/echo qos=2 there and back\n") << done.err;
  EXPECT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"client_disconnect\"}"), 1)
      << stage.gate->log().text() << stage.broker.log().text();
}

TEST_P(MqttJs, LearnsThatItsPasswordIsWrong) {
  ASSERT_TRUE(std::filesystem::exists(std::filesystem::path{std::getenv("NODE_PATH")} / "mqtt"))
      << "MQTT.js is installed by tests/run e2e";
  const Stage stage;
  const auto done = run_script(stage, "wrong");
  EXPECT_EQ(done.code, 1);
  const std::string code = std::string{GetParam()} == "5" ? "code=134" : "code=4";
  EXPECT_NE(done.err.find(code), std::string::npos) << done.err;
}

INSTANTIATE_TEST_SUITE_P(Versions, MqttJs, ::testing::Values("4", "5"));

}  // namespace
}  // namespace bastion::e2e
