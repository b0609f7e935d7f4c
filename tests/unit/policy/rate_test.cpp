// Rates: bursts, debts and how they are paid, and clients that always want more.
#include "policy/rate.hpp"

#include <gtest/gtest.h>

namespace bastion {
namespace {

using namespace std::chrono_literals;
using Clock = TokenBucket::Clock;

const Clock::time_point start{1h};

TEST(TokenBucket, GivesItsBurstAtOnceAndThenAsksToWait) {
  TokenBucket bucket{{10, 5}, start};
  EXPECT_EQ(bucket.take(10, start), 0ns);
  EXPECT_EQ(bucket.take(1, start), 200ms);
  EXPECT_EQ(bucket.take(4, start), 1s);
}

TEST(TokenBucket, FillsWithTimeAndNeverBeyondItsBurst) {
  TokenBucket bucket{{10, 5}, start};
  EXPECT_EQ(bucket.take(10, start), 0ns);
  EXPECT_EQ(bucket.take(5, start + 1s), 0ns);
  EXPECT_EQ(bucket.take(10, start + 1h), 0ns);
  EXPECT_EQ(bucket.take(1, start + 1h), 200ms);
  EXPECT_EQ(bucket.take(0, start + 24'000h), 0ns);
  EXPECT_EQ(bucket.take(10, start + 24'000h), 0ns);
}

TEST(TokenBucket, IsPaidWhenTheTimeThatItNamedIsOver) {
  TokenBucket bucket{{1, 3}, start};
  const auto wait = bucket.take(2, start);
  EXPECT_EQ(wait, 333'333'334ns);
  EXPECT_EQ(bucket.take(0, start + wait), 0ns);
  EXPECT_GT(bucket.take(1, start + wait), 0ns);
}

TEST(TokenBucket, LosesNothingAtRatesThatAreFasterThanTheClock) {
  constexpr std::uint64_t gib = 1U << 30;
  TokenBucket bucket{{gib, gib}, start};
  EXPECT_EQ(bucket.take(gib, start), 0ns);
  // A nanosecond brings a little more than one byte.
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(bucket.take(1, start + std::chrono::nanoseconds{i}), 0ns) << i;
  EXPECT_EQ(bucket.take(73, start + 1000ns), 0ns);
  EXPECT_GT(bucket.take(1, start + 1000ns), 0ns);
}

TEST(TokenBucket, TakesWhateverIsAskedWithoutOverflow) {
  TokenBucket bucket{{1, 1}, start};
  EXPECT_GT(bucket.take(UINT64_MAX, start), 24h);
  EXPECT_GT(bucket.take(UINT64_MAX, start), 24h);
  EXPECT_GT(bucket.take(1, start + 24h), 24h);
}

TEST(TokenBucket, StandsStillWhereTheClockDoesNotGoOn) {
  TokenBucket bucket{{2, 1}, start};
  EXPECT_EQ(bucket.take(2, start), 0ns);
  EXPECT_EQ(bucket.take(1, start - 1h), 1s);
  EXPECT_EQ(bucket.take(0, start + 1s), 0ns);
}

TEST(TokenBucket, KeepsItsDebtUnderAnotherRate) {
  TokenBucket bucket{{10, 1}, start};
  EXPECT_EQ(bucket.take(20, start), 10s);
  bucket.limit({5, 10}, start);
  EXPECT_EQ(bucket.take(0, start), 1s);
  TokenBucket full{{10, 1}, start};
  full.limit({2, 1}, start);
  EXPECT_EQ(full.take(3, start), 1s);
}

RateGuard::Limits limits() {
  return {{10, 10}, {1'000, 100}, 5s};
}

TEST(RateGuard, LetsAClientThatKeepsToItsRatesGoOn) {
  RateGuard guard{limits(), start};
  for (int i = 0; i < 100; ++i) {
    const auto verdict = guard.take(1, 10, start + i * 100ms);
    EXPECT_FALSE(verdict.pause_until);
    EXPECT_FALSE(verdict.is_exceeded);
  }
}

TEST(RateGuard, PausesForWhicheverRateNeedsLonger) {
  RateGuard by_messages{limits(), start};
  EXPECT_EQ(by_messages.take(20, 1, start).pause_until, start + 1s);
  RateGuard by_bytes{limits(), start};
  EXPECT_EQ(by_bytes.take(20, 1'300, start).pause_until, start + 3s);
}

TEST(RateGuard, GivesUpOnAClientThatAlwaysWantsMore) {
  RateGuard guard{limits(), start};
  auto now = start;
  auto verdict = guard.take(20, 0, now);
  while (now < start + 5s) {
    EXPECT_FALSE(verdict.is_exceeded) << (now - start).count();
    ASSERT_TRUE(verdict.pause_until);
    now = *verdict.pause_until;
    verdict = guard.take(10, 0, now);
  }
  EXPECT_TRUE(verdict.is_exceeded);
}

TEST(RateGuard, ForgetsWhatAClientWantedOnceItHasCalmedDown) {
  RateGuard guard{limits(), start};
  auto now = start;
  for (int i = 0; i < 20; ++i) {
    const auto verdict = guard.take(20, 0, now);
    EXPECT_FALSE(verdict.is_exceeded) << i;
    ASSERT_TRUE(verdict.pause_until);
    now = *verdict.pause_until + 1s;
  }
}

}  // namespace
}  // namespace bastion
