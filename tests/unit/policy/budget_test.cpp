// Places and tokens, with a time that only the test moves.
#include "policy/budget.hpp"

#include <gtest/gtest.h>

namespace bastion {
namespace {

using namespace std::chrono_literals;

constexpr auto none = std::optional<Refusal>{};
constexpr std::optional<Refusal> rate_limited{Refusal{Reason::rate_limited, Cause::per_ip}};
std::optional<Refusal> too_many(Cause cause) {
  return Refusal{Reason::too_many_connections, cause};
}

AdmissionPolicy limits() {
  AdmissionPolicy out;
  out.connections_max = 8;
  out.connections_per_address_max = 3;
  out.handshakes_max = 8;
  out.handshakes_per_address_max = 8;
  out.connect_rate_per_address = {4, Milliseconds{1'000}};
  out.addresses_tracked_max = 8;
  return out;
}

Address v4(unsigned last) {
  return Address::v4(192, 0, 2, static_cast<std::uint8_t>(last));
}
Address v6(const char* text) {
  return Address::parse(text).value();
}

class BudgetTest : public testing::Test {
 protected:
  Budget::Clock::time_point now_ = Budget::Clock::time_point{} + 1h;
  std::optional<Refusal> take(Budget& budget, const Address& address) { return budget.take(address, now_).refusal; }
  /// Comes and goes at once.
  std::optional<Refusal> visit(Budget& budget, const Address& address) {
    const auto refusal = take(budget, address);
    if (!refusal) budget.give_back(address, true);
    return refusal;
  }
};

TEST_F(BudgetTest, LetsABurstInAndThenOneForEachPeriod) {
  Budget budget{limits()};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(visit(budget, v4(1)), none);
  EXPECT_EQ(visit(budget, v4(1)), rate_limited);
  now_ += 999ms;
  EXPECT_EQ(visit(budget, v4(1)), rate_limited);
  now_ += 1ms;
  EXPECT_EQ(visit(budget, v4(1)), none);
  EXPECT_EQ(visit(budget, v4(1)), rate_limited);
  EXPECT_EQ(visit(budget, v4(2)), none);
}

TEST_F(BudgetTest, FillsTheBucketNoFurtherThanItsBurst) {
  Budget budget{limits()};
  EXPECT_EQ(visit(budget, v4(1)), none);
  now_ += 24h;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(visit(budget, v4(1)), none);
  EXPECT_EQ(visit(budget, v4(1)), rate_limited);
}

TEST_F(BudgetTest, LimitsConnectionsOfAnAddress) {
  Budget budget{limits()};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(budget, v4(1)), none);
  EXPECT_EQ(take(budget, v4(1)), too_many(Cause::per_ip));
  EXPECT_EQ(take(budget, v4(2)), none);
  budget.give_back(v4(1), true);
  now_ += 10s;
  EXPECT_EQ(take(budget, v4(1)), none);
}

TEST_F(BudgetTest, SpendsATokenOnARefusedAttempt) {
  Budget budget{limits()};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(budget, v4(1)), none);
  EXPECT_EQ(take(budget, v4(1)), too_many(Cause::per_ip));
  EXPECT_EQ(take(budget, v4(1)), rate_limited);
}

TEST_F(BudgetTest, SpendsATokenOnARefusedAttemptOfAnIdleAddress) {
  auto few = limits();
  few.connections_max = 0;
  Budget budget{few};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(budget, v4(1)), too_many(Cause::total));
  EXPECT_EQ(take(budget, v4(1)), rate_limited);
}

TEST_F(BudgetTest, LimitsConnectionsInAll) {
  Budget budget{limits()};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(take(budget, v4(i / 2)), none);
  EXPECT_EQ(take(budget, v4(7)), too_many(Cause::total));
  EXPECT_EQ(budget.connections(), 8u);
}

TEST_F(BudgetTest, LimitsHandshakesUntilTheyAreDone) {
  auto few = limits();
  few.handshakes_max = 2;
  Budget budget{few};
  EXPECT_EQ(take(budget, v4(1)), none);
  EXPECT_EQ(take(budget, v4(2)), none);
  EXPECT_EQ(take(budget, v4(3)), too_many(Cause::handshakes));
  budget.handshake_done(v4(1));
  EXPECT_EQ(budget.handshakes(), 1u);
  EXPECT_EQ(budget.connections(), 2u);
  EXPECT_EQ(take(budget, v4(3)), none);
  budget.give_back(v4(3), true);
  budget.give_back(v4(1), false);
  EXPECT_EQ(budget.handshakes(), 1u);
  EXPECT_EQ(budget.connections(), 1u);
}

TEST_F(BudgetTest, LimitsTheHandshakesOfAnAddressUntilTheyAreDone) {
  auto few = limits();
  few.handshakes_per_address_max = 2;
  Budget budget{few};
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::1")), none);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::2")), none);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::3")), too_many(Cause::per_ip));
  EXPECT_EQ(take(budget, v4(1)), none) << "another address has its own";
  budget.handshake_done(v6("2001:db8:0:1::1"));
  EXPECT_EQ(budget.handshakes(), 2u);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::3")), none);
  now_ += 10s;
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::4")), too_many(Cause::per_ip));
  // One whose handshake was done frees no handshake; one that left in its handshake does.
  budget.give_back(v6("2001:db8:0:1::1"), false);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::4")), too_many(Cause::per_ip));
  budget.give_back(v6("2001:db8:0:1::2"), true);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::4")), none);
}

TEST_F(BudgetTest, CountsAnIpv6NetworkAsOneAddress) {
  Budget budget{limits()};
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::1")), none);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::2")), none);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1:ffff::3")), none);
  EXPECT_EQ(take(budget, v6("2001:db8:0:1::4")), too_many(Cause::per_ip));
  EXPECT_EQ(take(budget, v6("2001:db8:0:2::1")), none);
  EXPECT_EQ(budget.addresses_tracked(), 2u);
}

TEST_F(BudgetTest, RefusesStrangersWhenItsTableIsFullOfMemories) {
  Budget budget{limits()};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(visit(budget, v4(i)), none);
  EXPECT_EQ(visit(budget, v4(100)), too_many(Cause::total));
  EXPECT_EQ(visit(budget, v4(3)), none);
  EXPECT_EQ(budget.addresses_tracked(), 8u);
}

TEST_F(BudgetTest, ForgetsOnlyThoseWhoseBucketIsFull) {
  Budget budget{limits()};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(visit(budget, v4(0)), none);
  for (unsigned i = 1; i < 8; ++i) EXPECT_EQ(visit(budget, v4(i)), none);
  now_ += 1s;
  EXPECT_EQ(visit(budget, v4(100)), none);
  EXPECT_EQ(visit(budget, v4(0)), none);
  EXPECT_EQ(visit(budget, v4(0)), rate_limited) << "the one who had emptied its bucket was forgotten";
}

TEST_F(BudgetTest, NeverForgetsAnOpenConnection) {
  Budget budget{limits()};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(take(budget, v4(i)), none);
  now_ += 1h;
  budget.give_back(v4(5), true);
  EXPECT_EQ(take(budget, v4(100)), none);
  EXPECT_EQ(take(budget, v4(101)), too_many(Cause::total));
  EXPECT_EQ(budget.addresses_tracked(), 8u);
  for (const unsigned i : {0u, 1u, 2u, 3u, 4u, 6u, 7u, 100u}) budget.give_back(v4(i), true);
  EXPECT_EQ(budget.connections(), 0u);
  EXPECT_EQ(budget.handshakes(), 0u);
}

TEST_F(BudgetTest, ShrinksItsTableAgain) {
  auto many = limits();
  many.addresses_tracked_max = 200;
  Budget budget{many};
  for (unsigned i = 0; i < 200; ++i) EXPECT_EQ(visit(budget, v4(i)), none);
  now_ += 1h;
  for (unsigned i = 0; i < 150; ++i) {
    EXPECT_EQ(visit(budget, v4(200 + i % 50)), none);
    now_ += 1h;
  }
  EXPECT_LT(budget.addresses_tracked(), 60u);
}

TEST_F(BudgetTest, KeepsWhatIsOpenWhenLimitsChange) {
  Budget budget{limits()};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(budget, v4(1)), none);
  auto fewer = limits();
  fewer.connections_per_address_max = 1;
  fewer.connect_rate_per_address = {1, Milliseconds{100}};
  budget.limit(fewer);
  EXPECT_EQ(budget.connections(), 3u);
  EXPECT_EQ(take(budget, v4(1)), rate_limited);
  now_ += 100ms;
  EXPECT_EQ(take(budget, v4(1)), too_many(Cause::per_ip)) << "a debt from larger limits lasts no longer than the new bucket";
  for (int i = 0; i < 2; ++i) budget.give_back(v4(1), true);
  now_ += 1s;
  EXPECT_EQ(take(budget, v4(1)), too_many(Cause::per_ip));
  budget.give_back(v4(1), true);
  now_ += 1s;
  EXPECT_EQ(take(budget, v4(1)), none);
}

TEST_F(BudgetTest, TakesNothingBackThatItNeverGave) {
  Budget budget{limits()};
  budget.give_back(v4(1), true);
  budget.handshake_done(v4(1));
  EXPECT_EQ(take(budget, v4(1)), none);
  budget.handshake_done(v4(1));
  budget.handshake_done(v4(1));
  budget.give_back(v4(1), true);
  budget.give_back(v4(1), true);
  EXPECT_EQ(budget.connections(), 0u);
  EXPECT_EQ(budget.handshakes(), 0u);
}

TEST_F(BudgetTest, OnlyTellsOfTheLimitsOfAnAddressThatIsObserved) {
  Budget budget{limits()};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(v4(1), now_, Mode::observe).taken);
  const auto fourth = budget.take(v4(1), now_, Mode::observe);
  EXPECT_TRUE(fourth.taken);
  EXPECT_EQ(fourth.refusal, too_many(Cause::per_ip));
  const auto fifth = budget.take(v4(1), now_, Mode::observe);
  EXPECT_TRUE(fifth.taken);
  EXPECT_EQ(fifth.refusal, rate_limited);
  EXPECT_EQ(budget.connections(), 5U);
  for (int i = 0; i < 5; ++i) budget.give_back(v4(1), true);
  EXPECT_EQ(budget.connections(), 0U);
}

TEST_F(BudgetTest, EnforcesTheLimitsOfTheWholeGateWhereItObserves) {
  Budget budget{limits()};
  for (unsigned i = 0; i < 8; ++i) EXPECT_TRUE(budget.take(v4(1), now_, Mode::observe).taken);
  const auto ninth = budget.take(v4(1), now_, Mode::observe);
  EXPECT_FALSE(ninth.taken);
  EXPECT_EQ(ninth.refusal, too_many(Cause::total)) << "what decides is told, not what is only observed";
}

TEST_F(BudgetTest, LetsABalancerBringMoreThanAnAddressMay) {
  Budget budget{limits()};
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(budget.take_for_balancer(v4(1), now_).taken);
  EXPECT_EQ(budget.take_for_balancer(v4(1), now_).refusal, too_many(Cause::total)) << "but not more than there may be";
}

TEST_F(BudgetTest, MovesAPlaceToTheAddressThatTheBalancerNamed) {
  Budget budget{limits()};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(budget.take_for_balancer(v4(1), now_).taken);
    EXPECT_TRUE(budget.move(v4(1), v4(2), now_).taken);
  }
  EXPECT_EQ(budget.connections(), 3U);
  EXPECT_EQ(budget.handshakes(), 3U);
  EXPECT_TRUE(budget.take_for_balancer(v4(1), now_).taken);
  const auto refused = budget.move(v4(1), v4(2), now_);
  EXPECT_FALSE(refused.taken);
  EXPECT_EQ(refused.refusal, too_many(Cause::per_ip));
  budget.give_back(v4(1), true);
  for (int i = 0; i < 3; ++i) budget.handshake_done(v4(2));
  EXPECT_EQ(budget.handshakes(), 0U);
  for (int i = 0; i < 3; ++i) budget.give_back(v4(2), false);
  EXPECT_EQ(budget.connections(), 0U);
  now_ += 10s;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take(budget, v4(2)), none) << "no place was lost on the way";
}

TEST_F(BudgetTest, LimitsTheRateOfTheAddressThatTheBalancerNamed) {
  Budget budget{limits()};
  const auto pass_on = [&] {
    EXPECT_TRUE(budget.take_for_balancer(v4(1), now_).taken);
    const auto place = budget.move(v4(1), v4(2), now_);
    budget.give_back(place.taken ? v4(2) : v4(1), true);
    return place.refusal;
  };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pass_on(), none);
  EXPECT_EQ(pass_on(), rate_limited);
  EXPECT_EQ(budget.connections(), 0U);
  EXPECT_EQ(budget.move(v4(1), v4(2), now_, Mode::observe).taken, true) << "told, and not enforced";
}

TEST_F(BudgetTest, MovesWithinOneAddressToo) {
  Budget budget{limits()};
  EXPECT_TRUE(budget.take_for_balancer(v4(1), now_).taken);
  EXPECT_TRUE(budget.move(v4(1), v4(1), now_).taken);
  EXPECT_EQ(budget.connections(), 1U);
  budget.give_back(v4(1), true);
  EXPECT_EQ(budget.connections(), 0U);
  EXPECT_EQ(budget.handshakes(), 0U);
}

}  // namespace
}  // namespace bastion
