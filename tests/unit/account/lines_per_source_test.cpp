// A source gets so many lines in a minute; the table of sources is bounded, and what was left out is told.
#include <gtest/gtest.h>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using Clock = LinesPerSource::Clock;
using namespace std::chrono_literals;

constexpr Clock::time_point start{1h};
constexpr Address one = Address::v4(192, 0, 2, 1);
constexpr Address two = Address::v4(192, 0, 2, 2);

Address numbered(unsigned i) {
  return Address::v4(10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                     static_cast<std::uint8_t>(i));
}

TEST(LinesPerSource, WritesUpToItsLimitInAMinute) {
  LinesPerSource lines{2};
  EXPECT_TRUE(lines.decide(one, start).write);
  EXPECT_TRUE(lines.decide(one, start + 1s).write);
  EXPECT_FALSE(lines.decide(one, start + 59s).write);
}

TEST(LinesPerSource, GivesEachSourceItsOwnLimit) {
  LinesPerSource lines{1};
  EXPECT_TRUE(lines.decide(one, start).write);
  EXPECT_TRUE(lines.decide(two, start).write);
  EXPECT_FALSE(lines.decide(one, start).write);
}

TEST(LinesPerSource, TellsInTheNextMinuteHowManyItLeftOut) {
  LinesPerSource lines{1};
  EXPECT_TRUE(lines.decide(one, start).write);
  EXPECT_FALSE(lines.decide(one, start).write);
  EXPECT_FALSE(lines.decide(one, start).write);
  const auto next = lines.decide(one, start + 60s);
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.repeated, 2u);
  EXPECT_FALSE(lines.decide(one, start + 61s).write);
  EXPECT_EQ(lines.decide(one, start + 120s).repeated, 1u);
}

TEST(LinesPerSource, CountsANetworkOf64BitsAsOneSource) {
  LinesPerSource lines{1};
  EXPECT_TRUE(lines.decide(*Address::parse("2001:db8::1"), start).write);
  EXPECT_FALSE(lines.decide(*Address::parse("2001:db8::2"), start).write);
}

TEST(LinesPerSource, SweepsEachSourceOnceWhenItsMinuteIsOver) {
  LinesPerSource lines{1};
  for (int i = 0; i < 4; ++i) (void)lines.decide(one, start);
  (void)lines.decide(two, start + 30s);
  EXPECT_TRUE(lines.sweep(start + 59s).empty());
  const auto left_out = lines.sweep(start + 60s);
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].source, one);
  EXPECT_EQ(left_out[0].lines, 3u);
  EXPECT_EQ(lines.sources(), 1u);
  EXPECT_TRUE(lines.sweep(start + 90s).empty());
  EXPECT_EQ(lines.sources(), 0u);
}

TEST(LinesPerSource, SweepsASourceThatCameBackByItsLastMinute) {
  LinesPerSource lines{1};
  (void)lines.decide(one, start);
  (void)lines.decide(two, start + 30s);
  (void)lines.decide(one, start + 60s);
  (void)lines.sweep(start + 90s);
  EXPECT_EQ(lines.sources(), 1u);
  EXPECT_FALSE(lines.decide(one, start + 91s).write);
}

TEST(LinesPerSource, BoundsTableAndLinesWhenAddressesAreCycled) {
  LinesPerSource lines{2, 16};
  unsigned written = 0;
  for (unsigned i = 0; i < 10'000; ++i) written += lines.decide(numbered(i), start).write ? 1u : 0u;
  EXPECT_EQ(lines.sources(), 16u);
  EXPECT_EQ(written, 16u + 2u);
  const auto left_out = lines.sweep(start + 60s);
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].source, Address{});
  EXPECT_EQ(left_out[0].lines, 10'000u - 18u);
}

TEST(LinesPerSource, MakesRoomFromSourcesWhoseMinuteIsOver) {
  LinesPerSource lines{1, 2};
  (void)lines.decide(numbered(1), start);
  (void)lines.decide(numbered(1), start);
  (void)lines.decide(numbered(2), start);
  EXPECT_TRUE(lines.decide(numbered(3), start + 60s).write);
  EXPECT_EQ(lines.sources(), 2u);
  // The line of the one who made room is not forgotten.
  const auto left_out = lines.sweep(start + 120s);
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].lines, 1u);
}

TEST(LinesPerSource, WritesNothingWhereNothingIsAllowed) {
  LinesPerSource lines{0};
  EXPECT_FALSE(lines.decide(one, start).write);
  EXPECT_EQ(lines.sweep(start + 60s).size(), 1u);
}

TEST(LinesPerSource, FollowsANewLimit) {
  LinesPerSource lines{1};
  (void)lines.decide(one, start);
  lines.limit(2);
  EXPECT_TRUE(lines.decide(one, start).write);
}

TEST(LeftOut, IsToldInWords) {
  EXPECT_EQ(text(LinesPerSource::LeftOut{one, 12}, Lines::refusals), "12 more refusals of 192.0.2.1 were left out");
  EXPECT_EQ(text(LinesPerSource::LeftOut{Address{}, 3}, Lines::closings),
            "3 more closed connections of other sources were left out");
}

}  // namespace
}  // namespace bastion::account
