// What the operator's monitoring sees.
#include <gtest/gtest.h>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

TEST(Admin, IsReadyWhileTheBrokerCanBeReached) {
  Stage stage;
  EXPECT_EQ(http_get(stage.gate->admin(), "/livez").status, 200);
  EXPECT_EQ(http_get(stage.gate->admin(), "/readyz").status, 200);
  stage.broker.kill();
  // The gate asks the broker at most once a second.
  EXPECT_TRUE(eventually([&] { return http_get(stage.gate->admin(), "/readyz").status == 503; }));
  const auto answer = http_get(stage.gate->admin(), "/readyz");
  EXPECT_NE(answer.body.find("the broker can't be reached"), std::string::npos) << answer.body;
  EXPECT_EQ(http_get(stage.gate->admin(), "/livez").status, 200) << "a restart of the gate would not help";
  EXPECT_EQ(http_get(stage.gate->admin(), "/healthz").status, 200);
  stage.broker.start();
  EXPECT_TRUE(eventually([&] { return http_get(stage.gate->admin(), "/readyz").status == 200; }));
}

TEST(Admin, TellsWhenTheCertificatesEnd) {
  const Stage stage;
  const auto text = stage.gate->metrics();
  for (const std::string file : {"server-ecdsa.crt", "server-rsa.crt"}) {
    EXPECT_GT(stage.gate->metric("mqtt_bastion_certificate_not_after_seconds{file=\"" + file + "\"}"),
              stage.gate->metric("mqtt_bastion_start_time_seconds"));
  }
  EXPECT_NE(text.find("mqtt_bastion_build_info{version=\"" BASTION_VERSION_EXPECTED "\"} 1\n"), std::string::npos) << text;
}

TEST(Admin, CountsWhatPassedAndHowItEnded) {
  const Stage stage;
  const auto done = run(stage.mosquitto_client("mosquitto_pub", {"-t", "a", "-m", "b", "-q", "1", "-i", "p"}));
  ASSERT_EQ(done.code, 0) << done.err;
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  // PUBLISH, DISCONNECT up (CONNECT is counted as a dial of the broker); CONNACK, PUBACK down.
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_packets_total{listener=\"devices\",direction=\"up\"}"), 2);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_packets_total{listener=\"devices\",direction=\"down\"}"), 2);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_bytes_total{listener=\"devices\",direction=\"down\"}"), 8);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_admitted_total{listener=\"devices\"}"), 1);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_upstream_connects_total{listener=\"devices\"}"), 1);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"client_disconnect\"}"), 1);
}

TEST(Admin, SpeaksToNobodyElsesName) {
  const Stage stage;
  const Tcp tcp{stage.gate->admin()};
  tcp.write("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(tcp.read_to_end().substr(0, 12), "HTTP/1.1 421");
}

}  // namespace
}  // namespace bastion::e2e
