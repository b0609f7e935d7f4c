// Coroutines of the I/O shell: who resumes whom, and what happens to exceptions and to what is given up.
#include "proxy/net/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "proxy/net/waiter.hpp"

namespace bastion::net {
namespace {

Task<std::string> answer(std::string text) {
  co_return text + "!";
}

Task<std::string> asks_twice() {
  auto first = co_await answer("one");
  auto second = co_await answer("two");
  co_return first + second;
}

Task<int> fails() {
  throw std::runtime_error{"no luck"};
  co_return 1;
}

Task<int> catches() {
  try {
    co_return co_await fails();
  } catch (const std::runtime_error&) {
    co_return -1;
  }
}

template <class T>
Detached run(Task<T> task, T& result, bool& finished) {
  result = co_await task;
  finished = true;
}

TEST(Task, GivesItsValueToTheOneThatAwaitsIt) {
  std::string result;
  bool finished = false;
  run(asks_twice(), result, finished);
  EXPECT_TRUE(finished);
  EXPECT_EQ(result, "one!two!");
}

TEST(Task, CarriesAnExceptionToItsCaller) {
  int result = 0;
  bool finished = false;
  run(catches(), result, finished);
  EXPECT_TRUE(finished);
  EXPECT_EQ(result, -1);
}

struct Sleeper final : Waiter {
  int wakeups = 0;
  bool* destroyed = nullptr;
  ~Sleeper() override {
    if (destroyed != nullptr) *destroyed = true;
  }
};

Task<int> waits_for(Sleeper& sleeper, int wakeups) {
  while (sleeper.wakeups < wakeups) {
    co_await sleeper.woken();
    ++sleeper.wakeups;
  }
  co_return sleeper.wakeups;
}

TEST(Waiter, ResumesItsCoroutineInsideNotify) {
  boost::intrusive_ptr<Sleeper> sleeper{new Sleeper};
  int result = 0;
  bool finished = false;
  run(waits_for(*sleeper, 2), result, finished);
  EXPECT_FALSE(finished);
  sleeper->notify();
  EXPECT_EQ(sleeper->wakeups, 1);
  EXPECT_FALSE(finished);
  sleeper->notify();
  EXPECT_TRUE(finished);
  EXPECT_EQ(result, 2);
}

TEST(Waiter, RemembersANotifyThatCameBeforeTheWait) {
  boost::intrusive_ptr<Sleeper> sleeper{new Sleeper};
  sleeper->notify();
  sleeper->notify();  // two before one wait are one
  int result = 0;
  bool finished = false;
  run(waits_for(*sleeper, 1), result, finished);
  EXPECT_TRUE(finished);
}

Detached holds_itself(boost::intrusive_ptr<Sleeper> self) {
  co_await self->woken();
}

TEST(Waiter, LivesUntilTheCoroutineThatHoldsItEnds) {
  bool destroyed = false;
  Sleeper* sleeper = new Sleeper;
  sleeper->destroyed = &destroyed;
  holds_itself(boost::intrusive_ptr<Sleeper>{sleeper});
  EXPECT_FALSE(destroyed);
  const WaiterRef handler{sleeper};
  sleeper->notify();
  EXPECT_FALSE(destroyed) << "the handler that notifies still holds it";
}

}  // namespace
}  // namespace bastion::net
