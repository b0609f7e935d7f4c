// Listening sockets that share a port among workers, and with nobody else.
#include "proxy/net/listen.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>

#include "tests/unit/net/pair.hpp"

namespace bastion::net {
namespace {

constexpr Endpoint loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 0};

std::vector<UniqueFd> must_listen(const Endpoint& endpoint, unsigned count) {
  auto result = listen_on(endpoint, count);
  EXPECT_TRUE(std::holds_alternative<std::vector<UniqueFd>>(result));
  return std::move(std::get<std::vector<UniqueFd>>(result));
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(Listen, LetsTheKernelChooseOnePortForAllWorkers) {
  const auto sockets = must_listen(loopback, 3);
  ASSERT_EQ(sockets.size(), 3U);
  const auto port = local_endpoint(sockets[0].get()).port;
  EXPECT_NE(port, 0);
  for (const auto& socket : sockets) EXPECT_EQ(local_endpoint(socket.get()).port, port);
}

TEST(Listen, RefusesAPortThatAnotherGateListensOn) {
  const auto sockets = must_listen(loopback, 1);
  auto taken = loopback;
  taken.port = local_endpoint(sockets[0].get()).port;
  const auto again = listen_on(taken, 1);
  ASSERT_TRUE(std::holds_alternative<ListenError>(again));
  EXPECT_EQ(std::get<ListenError>(again).what, listen_trouble(EADDRINUSE, taken.port));
}

TEST(Listen, SaysWhatToDoAboutAPortThatCantBeHad) {
  using ::testing::EndsWith;
  using ::testing::HasSubstr;
  EXPECT_THAT(listen_trouble(EADDRINUSE, 8883),
              AllOf(HasSubstr("Address already in use"), EndsWith("ss -ltnp 'sport = :8883' shows which")));
  EXPECT_THAT(listen_trouble(EACCES, 883), AllOf(HasSubstr("Permission denied"), HasSubstr("below 1024")));
  EXPECT_EQ(listen_trouble(EACCES, 8883), "Permission denied");
  EXPECT_THAT(listen_trouble(EADDRNOTAVAIL, 8883), HasSubstr("this machine has no such address"));
  EXPECT_EQ(listen_trouble(EADDRINUSE, 0), "Address already in use");
}

TEST(Listen, TakesIpv6OnAnIpv6SocketOnly) {
  Endpoint any6{};
  const auto v6 = must_listen(any6, 1);
  Endpoint any4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, local_endpoint(v6[0].get()).port};
  EXPECT_EQ(must_listen(any4, 1).size(), 1U) << "the same port is free for IPv4";
}

struct ListenerTest : ::testing::Test {
  IoContext context;
  std::vector<UniqueFd> sockets = must_listen(loopback, 1);
  std::uint16_t port = local_endpoint(sockets[0].get()).port;
  std::vector<Accepted> accepted;
  unsigned overflows = 0;
  Listener listener{context, std::move(sockets[0]), [this](Accepted peer) { accepted.push_back(std::move(peer)); },
                    [this](const Accepted&) { ++overflows; }, [](int) {}};
};

TEST_F(ListenerTest, HandsOverAPeerWithItsAddress) {
  listener.start();
  const auto client = connect_to(port);
  test::run_until(context, [&] { return !accepted.empty(); });
  EXPECT_EQ(accepted[0].peer.address, loopback.address);
  EXPECT_EQ(accepted[0].peer.port, local_endpoint(client.get()).port);
}

TEST_F(ListenerTest, LeavesPeersInTheBacklogWhilePaused) {
  listener.start();
  listener.pause(true);
  const auto client = connect_to(port);
  context.poll();
  EXPECT_TRUE(accepted.empty());
  listener.pause(false);
  test::run_until(context, [&] { return !accepted.empty(); });
  EXPECT_EQ(accepted.size(), 1U);
}

TEST_F(ListenerTest, KeepsNoDescriptorOnceStopped) {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return std::distance(begin(all), end(all));
  };
  listener.start();
  const auto before = open_descriptors();
  listener.stop();
  EXPECT_EQ(open_descriptors(), before - 2) << "the socket and the spare one";
}

TEST_F(ListenerTest, RefusesPeersCountedWhenDescriptorsHaveRunOut) {
  listener.start();
  const auto client = connect_to(port);
  // From here on no descriptor can be had, but the one that the listener keeps for this.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd probe{::dup(0)};
  const rlimit none{static_cast<rlim_t>(probe.get()), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  // The spare descriptor is below the limit; fill what is left below it.
  std::vector<UniqueFd> filling;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filling.emplace_back(fd);
  test::run_until(context, [&] { return overflows > 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(overflows, 1U);
  EXPECT_TRUE(accepted.empty());
}

}  // namespace
}  // namespace bastion::net
