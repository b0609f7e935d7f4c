// Two ends of a connection inside one test: the gate's end on an io_context, the peer's as a plain descriptor.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>

#include "proxy/net/asio.hpp"
#include "proxy/net/socket.hpp"
#include "proxy/net/unique_fd.hpp"
#include "proxy/net/waiter.hpp"

namespace bastion::net::test {

/// Counts its wake-ups; has no coroutine.
struct Owner final : Waiter {};

struct Ends {
  UniqueFd gate;
  UniqueFd peer;
};

inline Ends connected_pair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// Runs handlers until the condition holds; fails the test after ten seconds.
inline void run_until(IoContext& context, const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::seconds{10};
  while (!condition()) {
    context.restart();
    context.run_one_until(deadline);
    ASSERT_LT(Clock::now(), deadline) << "nothing came that was waited for";
  }
}

}  // namespace bastion::net::test
