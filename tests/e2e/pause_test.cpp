// A gate that was held up: what came in time is not refused for being read late.
#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <vector>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

/// More than the reactor asks the kernel for at a time.
constexpr std::size_t clients = 300;
constexpr int connect_timeout_ms = 1500;
constexpr int head_start_ms = 300;

PolicyText with_plain_listener() {
  PolicyText policy;
  policy.mqtt = "connect_timeout = \"" + std::to_string(connect_timeout_ms) + "ms\"\n";
  policy.admission = "handshakes_max = 1000\n";
  policy.authentication += "hash_queue_max = 1000\n";
  policy.last = "[[listener]]\nname = \"plain\"\naddress = \"127.0.0.1:0\"\ntransport = \"mqtt\"\n";
  return policy;
}

/// The clock's own event.
void let_pass(int ms) {
  static_cast<void>(::poll(nullptr, 0, ms));
}

TEST(Pause, RefusesNobodyWhoseConnectCameInTime) {
  const Stage stage{with_plain_listener()};
  const auto connect = packet(Connect{4, "", alice, alices_password});
  const std::string text(connect.begin(), connect.end());
  const Tcp silent{stage.gate->devices()};
  let_pass(head_start_ms);
  std::vector<Tcp> crowd;
  for (std::size_t i = 0; i < clients; ++i) crowd.emplace_back(stage.gate->devices());
  while (stage.gate->metric("mqtt_bastion_open_connections{listener=\"plain\"}") <= clients) let_pass(1);

  // The kernel tells of the silent one's deadline first: then all deadlines that have passed have their turn, and that of
  // the crowd has passed too, though not all of what it sent has been told of.
  stage.gate->process().signal(SIGSTOP);
  let_pass(connect_timeout_ms - head_start_ms);
  for (const auto& client : crowd) client.write(text);
  let_pass(connect_timeout_ms);
  stage.gate->process().signal(SIGCONT);

  for (const auto& client : crowd) ASSERT_TRUE(client.wait_for_bytes()) << client.name();
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"preamble/connect_timeout/no_data", 1}}));
}

/// What a client is refused for whose first bytes came in time, to a gate that was held until its deadline was past.
std::map<std::string, int> refused_for(PolicyText policy, const std::string& first_bytes) {
  policy.tls = "handshake_timeout = \"" + std::to_string(connect_timeout_ms) + "ms\"\n";
  const Stage stage{std::move(policy)};
  const Tcp client{stage.gate->devices()};
  while (stage.gate->metric_sum("mqtt_bastion_open_connections") < 1) let_pass(1);
  stage.gate->process().signal(SIGSTOP);
  client.write(first_bytes);
  let_pass(2 * connect_timeout_ms);
  stage.gate->process().signal(SIGCONT);
  EXPECT_EQ(client.read_to_end(), "");
  return stage.gate->refusals();
}

TEST(Pause, ReadsTheFirstBytesOfATlsListenerThatCameInTime) {
  EXPECT_EQ(refused_for({}, "GET / HTTP/1.1\r\n"), (std::map<std::string, int>{{"tls/not_tls/http", 1}}));
}

TEST(Pause, ReadsAProxyHeaderThatCameInTime) {
  PolicyText policy;
  policy.last =
      "[[listener]]\nname = \"behind\"\naddress = \"127.0.0.1:0\"\ntransport = \"mqtt\"\nbalancers = [\"127.0.0.1\"]\n";
  EXPECT_EQ(refused_for(policy, "PROXY TCP4 203.0.113.9 127.0.0.1 4711 8883\r\n"),
            (std::map<std::string, int>{{"accept/ip_denied/not_allowed", 1}}));
}

}  // namespace
}  // namespace bastion::e2e
