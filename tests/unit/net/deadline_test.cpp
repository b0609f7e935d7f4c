// One timer for a deadline that moves.
#include "proxy/net/deadline.hpp"

#include <gtest/gtest.h>

#include "proxy/net/task.hpp"
#include "tests/unit/net/pair.hpp"

namespace bastion::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::Owner;

struct DeadlineTest : ::testing::Test {
  IoContext context;
  boost::intrusive_ptr<Owner> owner{new Owner};
};

Detached note_wakeup(Owner& owner, bool& woken) {
  co_await owner.woken();
  woken = true;
}

TEST_F(DeadlineTest, WakesItsOwnerWhenItHasPassed) {
  Deadline deadline{context, *owner};
  bool woken = false;
  note_wakeup(*owner, woken);
  const auto at = Clock::now() + milliseconds{5};
  deadline.set(at);
  test::run_until(context, [&] { return woken; });
  EXPECT_TRUE(deadline.passed(Clock::now()));
  EXPECT_GE(Clock::now(), at);
}

TEST_F(DeadlineTest, MovedLaterDoesNotWakeAtItsOldTime) {
  Deadline deadline{context, *owner};
  bool woken = false;
  note_wakeup(*owner, woken);
  deadline.set(Clock::now() + milliseconds{5});
  const auto later = Clock::now() + milliseconds{60};
  deadline.set(later);
  test::run_until(context, [&] { return woken; });
  EXPECT_GE(Clock::now(), later);
}

TEST_F(DeadlineTest, MovedEarlierWakesAtItsNewTime) {
  Deadline deadline{context, *owner};
  bool woken = false;
  note_wakeup(*owner, woken);
  deadline.set(Clock::now() + hours{1});
  deadline.set(Clock::now() + milliseconds{5});
  test::run_until(context, [&] { return woken; });
  EXPECT_TRUE(woken);
}

TEST_F(DeadlineTest, LetsGoOfItsOwnerWhenStopped) {
  Deadline deadline{context, *owner};
  deadline.set(Clock::now() + hours{1});
  EXPECT_EQ(owner->use_count(), 2U);
  deadline.stop();
  test::run_until(context, [&] { return owner->use_count() == 1; });
}

}  // namespace
}  // namespace bastion::net
