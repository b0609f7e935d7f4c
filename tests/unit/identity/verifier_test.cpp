// The pool that verifies. Threads are held up by their own callbacks, never by time.
#include "proxy/identity/verifier.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "samples.hpp"

namespace bastion::identity {
namespace {

using namespace std::literals;
using samples::cheap_entry;
using samples::entry;
using samples::must_parse;

VerifierLimits limits(unsigned threads, unsigned queue_max = 128) {
  VerifierLimits result;
  result.threads = threads;
  result.queue_max = queue_max;
  // Longer than any test: only those that ask for a time-out get one.
  result.wait_max = std::chrono::hours(1);
  return result;
}

std::shared_ptr<const PasswordFile> two_users() {
  return must_parse(cheap_entry("alice", "right") + cheap_entry("bob", "other"));
}

/// A callback whose result can be waited for. The callback shares the promise: it may still be at its end when the waiting
/// thread goes on.
struct Answer {
  std::shared_ptr<std::promise<Verified>> promise = std::make_shared<std::promise<Verified>>();
  std::future<Verified> future = promise->get_future();
  [[nodiscard]] Verifier::Done done() const {
    return [shared = promise](Verified verified) { shared->set_value(verified); };
  }
};

Verified ask(Verifier& verifier, std::shared_ptr<const PasswordFile> file, const std::string& user,
             std::string_view password) {
  Answer answer;
  EXPECT_TRUE(verifier.submit(std::move(file), user, Secret(password), answer.done()));
  return answer.future.get();
}

/// Keeps one thread of the pool busy until it is let go.
class Blocker {
 public:
  Blocker(Verifier& verifier, std::shared_ptr<const PasswordFile> file) {
    const auto begun = std::make_shared<std::promise<void>>();
    const auto open = std::shared_future<void>(gate_.get_future());
    EXPECT_TRUE(verifier.submit(std::move(file), "alice", Secret("right"), [begun, open](Verified) {
      begun->set_value();
      open.wait();
    }));
    begun->get_future().wait();
  }
  void let_go() { gate_.set_value(); }

 private:
  std::promise<void> gate_;
};

TEST(Verifier, TellsRightFromWrongAndUnknown) {
  Verifier verifier(limits(1));
  const auto file = two_users();
  EXPECT_EQ(ask(verifier, file, "alice", "right"), Verified::right);
  EXPECT_EQ(ask(verifier, file, "alice", "other"), Verified::wrong_password);
  EXPECT_EQ(ask(verifier, file, "bob", "other"), Verified::right);
  EXPECT_EQ(ask(verifier, file, "mallory", "right"), Verified::unknown_user);
  EXPECT_EQ(ask(verifier, file, "", ""), Verified::unknown_user);
}

TEST(Verifier, TakesThePasswordToItsLastByte) {
  Verifier verifier(limits(1));
  const auto file = must_parse(cheap_entry("alice", "a\0b"sv));
  EXPECT_EQ(ask(verifier, file, "alice", "a\0b"sv), Verified::right);
  EXPECT_EQ(ask(verifier, file, "alice", "a"sv), Verified::wrong_password);
  EXPECT_EQ(ask(verifier, file, "alice", "a\0c"sv), Verified::wrong_password);
}

TEST(Verifier, CallsBackOnAThreadOfItsOwn) {
  Verifier verifier(limits(1));
  const auto where = std::make_shared<std::promise<std::thread::id>>();
  ASSERT_TRUE(verifier.submit(two_users(), "alice", Secret("right"),
                              [where](Verified) { where->set_value(std::this_thread::get_id()); }));
  EXPECT_NE(where->get_future().get(), std::this_thread::get_id());
}

TEST(Verifier, RefusesWhenTheQueueIsFull) {
  Verifier verifier(limits(1, 2));
  const auto file = two_users();
  Blocker blocker(verifier, file);
  Answer first;
  Answer second;
  EXPECT_TRUE(verifier.submit(file, "alice", Secret("right"), first.done()));
  EXPECT_TRUE(verifier.submit(file, "alice", Secret("wrong"), second.done()));
  EXPECT_EQ(verifier.waiting(), 2u);
  std::atomic<bool> called = false;
  EXPECT_FALSE(verifier.submit(file, "alice", Secret("right"), [&](Verified) { called = true; }));
  blocker.let_go();
  EXPECT_EQ(first.future.get(), Verified::right);
  EXPECT_EQ(second.future.get(), Verified::wrong_password);
  EXPECT_FALSE(called);
  EXPECT_EQ(verifier.waiting(), 0u);
}

TEST(Verifier, AnswersInTheOrderOfAsking) {
  Verifier verifier(limits(1));
  const auto file = two_users();
  Blocker blocker(verifier, file);
  std::vector<int> order;
  const auto last = std::make_shared<std::promise<void>>();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(verifier.submit(file, "alice", Secret("right"), [&order, last, i](Verified) {
      order.push_back(i);
      if (i == 19) last->set_value();
    }));
  }
  blocker.let_go();
  last->get_future().wait();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Verifier, AnswersALateJobWhileAllThreadsAreBusy) {
  Verifier verifier(limits(1, 1));
  const auto file = two_users();
  Blocker blocker(verifier, file);
  auto impatient = limits(1, 1);
  impatient.wait_max = 1ms;
  verifier.limit(impatient);
  EXPECT_EQ(ask(verifier, file, "alice", "right"), Verified::timed_out);
  // Its place is free again.
  EXPECT_EQ(verifier.waiting(), 0u);
  EXPECT_EQ(ask(verifier, file, "alice", "right"), Verified::timed_out);
  blocker.let_go();
}

TEST(Verifier, HashesNothingForWhoMayNotWait) {
  auto none = limits(2);
  none.wait_max = 0ms;
  Verifier verifier(none);
  EXPECT_EQ(ask(verifier, two_users(), "alice", "right"), Verified::timed_out);
}

TEST(Verifier, BearsAWaitLongerThanClocksCount) {
  auto endless = limits(1);
  endless.wait_max = std::chrono::milliseconds::max();
  Verifier verifier(endless);
  EXPECT_EQ(ask(verifier, two_users(), "alice", "right"), Verified::right);
}

TEST(Verifier, WorksWithAsManyThreadsAsAskedFor) {
  Verifier verifier(limits(1));
  const auto file = two_users();
  Blocker first(verifier, file);
  verifier.limit(limits(3));
  // Were there no more threads, these two would never begin.
  Blocker second(verifier, file);
  Blocker third(verifier, file);
  EXPECT_EQ(verifier.waiting(), 0u);
  first.let_go();
  second.let_go();
  third.let_go();
}

TEST(Verifier, LivesOnWithFewerThreads) {
  Verifier verifier(limits(4));
  const auto file = two_users();
  verifier.limit(limits(1));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(verifier, file, "alice", "right"), Verified::right);
  verifier.limit(limits(4));
  verifier.limit(limits(2));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(verifier, file, "alice", "wrong"), Verified::wrong_password);
}

TEST(Verifier, ShrinksWithoutWaitingForAHash) {
  Verifier verifier(limits(2));
  const auto file = two_users();
  Blocker first(verifier, file);
  Blocker second(verifier, file);
  // Would hang here if it waited.
  verifier.limit(limits(1));
  first.let_go();
  second.let_go();
  EXPECT_EQ(ask(verifier, file, "alice", "right"), Verified::right);
}

TEST(Verifier, TakesNoThreadsForOneThread) {
  Verifier verifier(limits(0));
  EXPECT_EQ(ask(verifier, two_users(), "alice", "right"), Verified::right);
}

TEST(Verifier, ServesOrDropsEachJobWholeWhenItGoes) {
  const auto file = two_users();
  std::atomic<int> called = 0;
  const auto token = std::make_shared<int>(0);
  {
    Verifier verifier(limits(1));
    Blocker blocker(verifier, file);
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(verifier.submit(file, "alice", Secret("right"), [&called, token](Verified) { ++called; }));
    }
    EXPECT_EQ(token.use_count(), 51);
    // The one thread races with the destructor from here on.
    blocker.let_go();
  }
  // Nobody calls any more, and nothing of the jobs is left.
  EXPECT_LE(called, 50);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Verifier, KeepsTheFileAliveForItsJobs) {
  Verifier verifier(limits(1));
  auto file = two_users();
  Blocker blocker(verifier, file);
  Answer answer;
  ASSERT_TRUE(verifier.submit(file, "bob", Secret("other"), answer.done()));
  file.reset();
  blocker.let_go();
  EXPECT_EQ(answer.future.get(), Verified::right);
}

TEST(Verifier, RunsHashesThatNeedMoreMemoryThanThereIsOneByOne) {
  auto tight = limits(2);
  tight.memory_max = 1;
  Verifier verifier(tight);
  const auto file = must_parse(entry("alice", samples::argon2id));
  std::vector<Answer> answers(6);
  for (auto& answer : answers)
    ASSERT_TRUE(verifier.submit(file, "alice", Secret(samples::argon2id_password), answer.done()));
  for (auto& answer : answers) EXPECT_EQ(answer.future.get(), Verified::right);
}

TEST(Verifier, BearsManyWhoAskAndChangeItAtOnce) {
  Verifier verifier(limits(2, 100'000));
  const auto file = must_parse(cheap_entry("alice", "right") + entry("bob", samples::argon2id));
  constexpr int askers = 3;
  constexpr int questions = 60;
  std::atomic<int> right = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> left = askers * questions;
  const auto all = std::make_shared<std::promise<void>>();
  std::vector<std::thread> threads;
  for (int t = 0; t < askers; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < questions; ++i) {
        const bool good = i % 2 == 0;
        const std::string user = i % 3 == 0 ? "bob" : "alice";
        const std::string_view password = !good ? "no" : user == "bob" ? samples::argon2id_password : "right";
        ASSERT_TRUE(verifier.submit(file, user, Secret(password), [&, all](Verified verified) {
          ++(verified == Verified::right ? right : wrong);
          if (--left == 0) all->set_value();
        }));
      }
    });
  }
  for (unsigned i = 0; i < 12; ++i) {
    auto changed = limits(1 + i % 4, 100'000);
    changed.memory_max = (i % 2 == 0 ? 256u : 1024u) << 10;
    verifier.limit(changed);
    (void)verifier.waiting();
  }
  for (auto& thread : threads) thread.join();
  all->get_future().wait();
  EXPECT_EQ(right, askers * questions / 2);
  EXPECT_EQ(wrong, askers * questions / 2);
}

}  // namespace
}  // namespace bastion::identity
