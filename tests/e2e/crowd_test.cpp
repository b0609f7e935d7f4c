// Many clients at once: nobody is lost in the account, and limits hold across workers.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

constexpr const char* connections = "mqtt_bastion_connections_total{listener=\"devices\"}";
constexpr const char* open_now = "mqtt_bastion_open_connections{listener=\"devices\"}";
constexpr const char* sessions = "mqtt_bastion_sessions{listener=\"devices\"}";

const Bytes disconnect{0xe0, 0};

/// What was counted as refused and as closed, and what is open, is all that was ever accepted.
void expect_balance(const Gate& gate) {
  EXPECT_EQ(gate.metric(connections), gate.metric_sum("mqtt_bastion_refusals_total") +
                                          gate.metric_sum("mqtt_bastion_closes_total") + gate.metric(open_now));
}

class Crowd : public ::testing::TestWithParam<unsigned> {
 protected:
  static PolicyText policy() {
    PolicyText text;
    text.workers = GetParam();
    return text;
  }
  /// The inodes of the sockets that listen on this port of 127.0.0.1.
  static std::set<std::string> listening_on(std::uint16_t port) {
    std::array<char, 16> wanted{};
    std::snprintf(wanted.data(), wanted.size(), "0100007F:%04X", port);
    std::set<std::string> inodes;
    std::ifstream table{"/proc/net/tcp"};
    for (std::string line; std::getline(table, line);) {
      std::istringstream words{line};
      std::vector<std::string> fields{std::istream_iterator<std::string>{words}, {}};
      constexpr std::size_t local = 1;
      constexpr std::size_t state = 3;
      constexpr std::size_t inode = 9;
      if (fields.size() > inode && fields[local] == wanted.data() && fields[state] == "0A") inodes.insert(fields[inode]);
    }
    return inodes;
  }
};

TEST_P(Crowd, Of300IsServedAndAccountedFor) {
  constexpr std::size_t count = 300;
  constexpr std::size_t kinds = 4;
  const Stage stage{policy()};
  std::vector<TlsClient> clients;
  for (std::size_t i = 0; i < count; ++i) clients.push_back(stage.admitted(i % 2 == 0 ? 4 : 5, "c" + std::to_string(i)));
  EXPECT_EQ(stage.gate->metric(sessions), count);
  EXPECT_EQ(stage.gate->metric(open_now), count);
  expect_balance(*stage.gate);

  // They leave in every way there is, while strangers are turned away.
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kinds == 0) clients[i].write(disconnect);
    if (i % kinds == 1) clients[i].tcp().reset_on_close();
    if (i % kinds == 2) clients[i].write({0x00, 0x00});
    if (i % kinds == 3) {
      TlsClient stranger{stage.gate->devices(), stage.ca()};
      stranger.write(packet(Connect{4, "stranger"}));
      EXPECT_EQ(stranger.read_packet(), (Bytes{0x20, 2, 0, 5}));
    }
  }
  for (std::size_t i = 2; i < count; i += kinds) static_cast<void>(clients[i].read_to_end());
  clients.clear();

  constexpr std::size_t strangers = count / kinds;
  ASSERT_TRUE(stage.gate->wait_for_ends(count + strangers));
  EXPECT_EQ(stage.gate->metric(sessions), 0);
  EXPECT_EQ(stage.gate->metric(open_now), 0);
  EXPECT_EQ(stage.gate->metric(connections), count + strangers);
  expect_balance(*stage.gate);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"client_disconnect\"}"), count / kinds);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"client_gone\"}"), 2 * count / kinds);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_closes_total{listener=\"devices\",how=\"fault\"}"), 0);
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"auth/anonymous/no_user", static_cast<int>(strangers)},
                                                                {"session/malformed_packet/reserved", 75}}));
}

TEST_P(Crowd, FromOneAddressIsLimitedToTheLast) {
  constexpr unsigned limit = 20;
  constexpr std::size_t too_many = 30;
  auto text = policy();
  text.allow = R"(["127.0.0.0/8"])";
  text.connections_per_address_max = limit;
  const Stage stage{text};
  // Threads, so that both workers ask for a place at once.
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<Tcp>> crowd(limit + too_many);
  constexpr std::size_t at_once = 5;
  for (std::size_t first = 0; first < at_once; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < crowd.size(); i += at_once) crowd[i] = std::make_unique<Tcp>(stage.gate->devices());
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(stage.gate->wait_for_ends(too_many));
  EXPECT_EQ(stage.gate->metric(open_now), limit);
  EXPECT_EQ(stage.gate->refusals(),
            (std::map<std::string, int>{{"accept/too_many_connections/per_ip", static_cast<int>(too_many)}}));
  EXPECT_EQ(stage.gate->metric(connections), limit + too_many);

  // Another address has places of its own, and whoever leaves makes room again.
  {
    const Tcp elsewhere{stage.gate->devices(), {"127.0.0.2"}};
    elsewhere.write("hello\r\n");
    ASSERT_TRUE(stage.gate->log().wait_for("reason=not_tls"));
  }
  crowd.clear();
  ASSERT_TRUE(stage.gate->wait_for_ends(limit + too_many + 1));
  EXPECT_NO_THROW(static_cast<void>(stage.admitted()));
}

TEST_P(Crowd, HasOneListeningSocketForEachWorker) {
  const Stage stage{policy()};
  EXPECT_EQ(listening_on(stage.gate->devices().port).size(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Workers, Crowd, ::testing::Values(1U, 2U), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace bastion::e2e
