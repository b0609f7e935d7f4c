// One question to an admin listener, as a health check asks it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

namespace bastion::admin {

struct Answer {
  unsigned status = 0;  ///< HTTP's
  std::string body;     ///< as it came; whoever holds the port chose it
};
struct NoAnswer {
  std::string why;  ///< one line
};

/// GETs a path of whoever listens on this IP address and port. Waits for the whole answer, of at most 64 KiB, for this long
/// at most.
[[nodiscard]] std::variant<Answer, NoAnswer> ask(const std::string& address, std::uint16_t port, const std::string& path,
                                                 std::chrono::milliseconds timeout);

}  // namespace bastion::admin
