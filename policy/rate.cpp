// Counting tokens in billionths, so that nothing is lost to rounding at any rate.
#include "policy/rate.hpp"

#include <algorithm>

namespace bastion {
namespace {

constexpr std::int64_t billion = 1'000'000'000;
/// A client that owes nothing for so long has calmed down.
constexpr std::chrono::seconds calm{1};
/// No debt is larger; what it stands for takes years to send.
constexpr std::int64_t debt_max = std::int64_t{1} << 61;

std::int64_t full(const PacedRate& rate) {
  return static_cast<std::int64_t>(rate.burst) * billion;
}

}  // namespace

TokenBucket::TokenBucket(const PacedRate& rate, Clock::time_point now)
    : rate_{rate}, balance_{full(rate)}, filled_at_{now} {}

void TokenBucket::fill(Clock::time_point now) {
  const auto elapsed = std::max<std::int64_t>(0, std::chrono::nanoseconds{now - filled_at_}.count());
  filled_at_ = std::max(filled_at_, now);
  const auto per_second = static_cast<std::int64_t>(rate_.per_second);
  const auto missing = full(rate_) - balance_;
  // Compared by division: the product would overflow after a long silence.
  balance_ = elapsed > missing / per_second ? full(rate_) : balance_ + elapsed * per_second;
}

std::chrono::nanoseconds TokenBucket::take(std::uint64_t tokens, Clock::time_point now) {
  fill(now);
  const auto room = static_cast<std::uint64_t>((balance_ + debt_max) / billion);
  balance_ -= static_cast<std::int64_t>(std::min(tokens, room)) * billion;
  if (balance_ >= 0) return std::chrono::nanoseconds{0};
  const auto per_second = static_cast<std::int64_t>(rate_.per_second);
  return std::chrono::nanoseconds{(-balance_ + per_second - 1) / per_second};
}

void TokenBucket::limit(const PacedRate& rate, Clock::time_point now) {
  fill(now);
  rate_ = rate;
  balance_ = std::min(balance_, full(rate));
}

RateGuard::RateGuard(const Limits& limits, Clock::time_point now)
    : messages_{limits.messages, now}, bytes_{limits.bytes, now}, patience_{limits.patience}, paid_at_{now} {}

RateGuard::Verdict RateGuard::take(std::uint64_t messages, std::uint64_t bytes, Clock::time_point now) {
  const auto wait = std::max(messages_.take(messages, now), bytes_.take(bytes, now));
  if (over_since_ && now - paid_at_ >= calm) over_since_.reset();
  if (wait.count() == 0) return {};
  if (!over_since_) over_since_ = now;
  paid_at_ = now + wait;
  return {paid_at_, now - *over_since_ >= patience_};
}

void RateGuard::limit(const Limits& limits, Clock::time_point now) {
  messages_.limit(limits.messages, now);
  bytes_.limit(limits.bytes, now);
  patience_ = limits.patience;
}

}  // namespace bastion
