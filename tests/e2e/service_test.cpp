// Under a service manager: it is told how the gate is, and may hold the listening socket while the gate restarts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

/// What a service manager listens on.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("bind");
  }
  ~NotifySocket() { ::close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// Waits for a message that begins so; others are passed over.
  [[nodiscard]] bool hears(std::string_view begin) const {
    for (;;) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds{patience}.count())) != 1) return false;
      std::array<char, 4096> text{};
      const auto size = ::recv(fd_, text.data(), text.size(), 0);
      if (size > 0 && std::string_view{text.data(), static_cast<std::size_t>(size)}.starts_with(begin)) return true;
    }
  }

 private:
  int fd_;
};

TEST(ServiceManager, IsToldOfEachStep) {
  Stage stage;
  stage.gate.reset();
  const NotifySocket manager{stage.directory / "notify"};
  stage.start_gate({"env", "NOTIFY_SOCKET=" + (stage.directory / "notify").string(), "WATCHDOG_USEC=300000"});
  EXPECT_TRUE(manager.hears("READY=1\nSTATUS=1 worker, devices on 127.0.0.1:"));
  EXPECT_TRUE(manager.hears("WATCHDOG=1"));
  stage.gate->process().signal(SIGHUP);
  EXPECT_TRUE(manager.hears("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_TRUE(manager.hears("READY=1"));
  stage.gate->process().signal(SIGTERM);
  EXPECT_TRUE(manager.hears("STOPPING=1"));
  EXPECT_EQ(stage.gate->process().wait(), 0);
}

TEST(ServiceManager, HearsOfAFailedReloadThatTheGateIsReadyAllTheSame) {
  Stage stage;
  stage.gate.reset();
  const NotifySocket manager{stage.directory / "notify"};
  stage.start_gate({"env", "NOTIFY_SOCKET=" + (stage.directory / "notify").string()});
  EXPECT_TRUE(manager.hears("READY=1"));
  stage.write_policy("nonsense");
  stage.gate->process().signal(SIGHUP);
  EXPECT_TRUE(manager.hears("RELOADING=1"));
  EXPECT_TRUE(manager.hears("READY=1"));
}

/// A socket that listens on 127.0.0.1 and is handed down to children.
class HeldSocket {
 public:
  HeldSocket() {
    // Far from the number that it is handed over as.
    const int low = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fd_ = ::fcntl(low, F_DUPFD, 100);
    ::close(low);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd_, 64) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("listen");
    }
    port_ = ntohs(address.sin_port);
  }
  ~HeldSocket() { ::close(fd_); }
  HeldSocket(const HeldSocket&) = delete;
  HeldSocket& operator=(const HeldSocket&) = delete;
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  /// The command that hands it over as systemd does.
  [[nodiscard]] std::vector<std::string> hands_over_to() const {
    const auto number = std::to_string(fd_);
    return {
        "bash", "-c",
        "exec 3<&" + number + " " + number + "<&-; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=devices exec \"$0\" \"$@\""};
  }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

TEST(SocketActivation, RefusesNoConnectionWhileTheGateRestarts) {
  for (const unsigned workers : {1u, 2u}) {
    const HeldSocket held;
    PolicyText policy;
    policy.workers = workers;
    Stage stage{policy};
    stage.gate.reset();
    stage.policy.listener_address = "127.0.0.1:" + std::to_string(held.endpoint().port);
    stage.write_policy();
    stage.start_gate(held.hands_over_to());
    EXPECT_EQ(stage.gate->devices().port, held.endpoint().port);
    EXPECT_NO_THROW(static_cast<void>(stage.admitted(4, "before")));
    stage.gate->process().signal(SIGTERM);
    ASSERT_EQ(stage.gate->process().wait(), 0);

    const Tcp waits_in_the_kernel{held.endpoint()};
    stage.start_gate(held.hands_over_to());
    ASSERT_TRUE(eventually([&] { return stage.gate->metric("mqtt_bastion_open_connections{listener=\"devices\"}") == 1; }));
    for (int i = 0; i < 4; ++i) EXPECT_NO_THROW(static_cast<void>(stage.admitted(4, "after")));
  }
}

}  // namespace
}  // namespace bastion::e2e
