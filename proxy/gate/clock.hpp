// The time of day, for what people and files are told; decisions use net::Clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace bastion::gate {

/// Seconds since 1970-01-01 UTC.
inline std::int64_t unix_time_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace bastion::gate
