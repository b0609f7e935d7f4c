// A question to an admin listener: what comes back, and that nobody who holds its port can make the asker wait or swell.
#include "proxy/admin/ask.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace bastion::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

/// Takes one connection, reads a request, answers with these bytes, and closes; without an answer it waits for the asker to
/// go.
class Peer {
 public:
  explicit Peer(std::string answer) : answer_{std::move(answer)}, socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~Peer() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] std::variant<Answer, NoAnswer> asked(std::chrono::milliseconds timeout = 20s) const {
    return ask("127.0.0.1", port_, "/readyz", timeout);
  }
  /// What was asked; call it once the answer is there.
  [[nodiscard]] const std::string& request() {
    thread_.join();
    thread_ = std::thread{[] {}};
    return request_;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void serve() {
    const int client = accept(socket_, nullptr, nullptr);
    std::array<char, 4096> some{};
    for (ssize_t got = 1; got > 0 && (answer_.empty() || request_.find("\r\n\r\n") == std::string::npos);) {
      got = recv(client, some.data(), some.size(), 0);
      if (got > 0) request_.append(some.data(), static_cast<std::size_t>(got));
    }
    static_cast<void>(send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    close(client);
  }

  std::string answer_;
  std::string request_;
  int socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string words(const std::variant<Answer, NoAnswer>& outcome) {
  const auto* none = std::get_if<NoAnswer>(&outcome);
  return none != nullptr ? none->why : "an answer";
}

TEST(Ask, GivesStatusAndBody) {
  Peer peer{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nnot now.\n"};
  const auto outcome = peer.asked();
  ASSERT_TRUE(std::holds_alternative<Answer>(outcome)) << words(outcome);
  EXPECT_EQ(std::get<Answer>(outcome).status, 503U);
  EXPECT_EQ(std::get<Answer>(outcome).body, "not now.\n");
  EXPECT_THAT(peer.request(), StartsWith("GET /readyz HTTP/1.1\r\n"));
  EXPECT_THAT(peer.request(), HasSubstr("Host: 127.0.0.1:" + std::to_string(peer.port()) + "\r\n"));
}

TEST(Ask, SaysThatNobodyListens) {
  // Bound but not listening: nobody else is given the port.
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(words(ask("127.0.0.1", ntohs(address.sin_port), "/", 20s)), "Connection refused");
  close(socket_fd);
}

TEST(Ask, WaitsNoLongerThanItMay) {
  const Peer silent{""};
  EXPECT_EQ(words(silent.asked(50ms)), "no answer within 50 ms");
}

TEST(Ask, SaysThatTheAnswerIsNoHttp) {
  EXPECT_EQ(words(Peer{"SSH-2.0-OpenSSH_9.2\r\n\r\n"}.asked()), "bad version");
}

TEST(Ask, SaysThatItWasClosedInTheMiddle) {
  EXPECT_EQ(words(Peer{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nali"}.asked()), "partial message");
}

TEST(Ask, TakesNoAnswerWithoutEnd) {
  EXPECT_EQ(words(Peer{"HTTP/1.1 200 OK\r\n\r\n" + std::string(1U << 20, 'x')}.asked()), "body limit exceeded");
  EXPECT_EQ(words(Peer{"HTTP/1.1 200 OK\r\nX: " + std::string(1U << 20, 'x')}.asked()), "header limit exceeded");
}

}  // namespace
}  // namespace bastion::admin
