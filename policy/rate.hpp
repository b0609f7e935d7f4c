// How fast a client may send: a bucket of tokens, and what becomes of a client that goes on wanting more. Pure: `now` is
// given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace bastion {

/// `burst` at once, then so many a second. Both at least 1 and at most 2^32.
struct PacedRate {
  std::uint64_t burst = 1;
  std::uint64_t per_second = 1;
  friend bool operator==(const PacedRate&, const PacedRate&) = default;
};

/// A bucket of tokens that may be overdrawn: what has been read has been read, and the debt is paid by waiting.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(const PacedRate& rate, Clock::time_point now);

  /// Takes so many tokens, and says how long it takes until the debt is paid; zero where there is none.
  [[nodiscard]] std::chrono::nanoseconds take(std::uint64_t tokens, Clock::time_point now);
  /// Another rate from now on. A debt stays; what is beyond the new burst goes.
  void limit(const PacedRate& rate, Clock::time_point now);

 private:
  void fill(Clock::time_point now);

  PacedRate rate_;
  std::int64_t balance_;  ///< in tokens × 10^9, so that a nanosecond brings `per_second` of them
  Clock::time_point filled_at_;
};

/// The rates of one session, in messages and in bytes. A client over a rate is not read from until its debt is paid; one
/// that stays over a rate for all of `patience`, never letting a second pass without debt, has had its chance.
class RateGuard {
 public:
  using Clock = TokenBucket::Clock;
  struct Limits {
    PacedRate messages;
    PacedRate bytes;
    std::chrono::nanoseconds patience;
  };
  struct Verdict {
    std::optional<Clock::time_point> pause_until;  ///< nothing: read on
    bool is_exceeded = false;                      ///< the session has to end
  };

  RateGuard(const Limits& limits, Clock::time_point now);

  /// What was read, once for a wake-up rather than for each message.
  [[nodiscard]] Verdict take(std::uint64_t messages, std::uint64_t bytes, Clock::time_point now);
  /// Other limits from now on.
  void limit(const Limits& limits, Clock::time_point now);

 private:
  TokenBucket messages_;
  TokenBucket bytes_;
  std::chrono::nanoseconds patience_;
  std::optional<Clock::time_point> over_since_;
  Clock::time_point paid_at_;  ///< when the last debt is or was paid
};

}  // namespace bastion
