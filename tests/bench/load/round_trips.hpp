// How long a message takes through the proxy to the broker and back.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "tests/bench/load/crowd.hpp"

namespace bastion::bench {

struct RoundTrips {
  std::uint32_t count = 0;
  std::size_t payload_bytes = payload_bytes_min;
  /// From one message to the next, whatever became of it; zero: each goes once the one before is back.
  std::chrono::microseconds interval{};
};

/// One client's messages, each echoed by the broker. The time of each in the order sent: from when it was due to be sent,
/// so that a proxy that is late once is late for all that wait behind. Throws Void where one did not come back as it was.
[[nodiscard]] std::vector<std::chrono::nanoseconds> time_round_trips(Loop& loop, StubBroker& broker, SSL_CTX* tls,
                                                                     const Credentials& credentials, std::uint16_t port,
                                                                     const RoundTrips& wanted);

}  // namespace bastion::bench
