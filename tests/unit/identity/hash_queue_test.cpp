// The order of hashing, with no thread and no clock.
#include "proxy/identity/hash_queue.hpp"

#include <gtest/gtest.h>

namespace bastion::identity {
namespace {

constexpr std::uint64_t mib = 1u << 20;

HashClock::time_point at(int second) {
  return HashClock::time_point(std::chrono::seconds(second));
}

/// A queue whose jobs are told apart by their addresses.
struct Fixture {
  explicit Fixture(std::size_t jobs_max = 100, std::uint64_t memory_max = 64 * mib) { queue.limit(jobs_max, memory_max); }

  const HashJob* push(std::uint64_t memory, int deadline = 1'000) {
    auto job = std::make_unique<HashJob>();
    job->memory = memory;
    job->deadline = at(deadline);
    const HashJob* place = job.get();
    return queue.push(job) ? place : nullptr;
  }
  const HashJob* take() {
    taken.push_back(queue.take());
    return taken.back().get();
  }

  HashQueue queue;
  std::vector<std::unique_ptr<HashJob>> taken;
};

TEST(HashQueue, ServesFirstComeFirst) {
  Fixture f;
  const auto* first = f.push(0);
  const auto* second = f.push(mib);
  const auto* third = f.push(0);
  EXPECT_EQ(f.queue.size(), 3u);
  EXPECT_EQ(f.take(), first);
  EXPECT_EQ(f.take(), second);
  EXPECT_EQ(f.take(), third);
  EXPECT_EQ(f.take(), nullptr);
  EXPECT_EQ(f.queue.size(), 0u);
}

TEST(HashQueue, TakesNoMoreJobsThanItsLimit) {
  Fixture f(2);
  EXPECT_TRUE(f.push(0));
  EXPECT_TRUE(f.push(0));
  EXPECT_FALSE(f.push(0));
  f.take();
  EXPECT_TRUE(f.push(0));
}

TEST(HashQueue, LeavesARefusedJobToTheCaller) {
  Fixture f(0);
  auto job = std::make_unique<HashJob>();
  EXPECT_FALSE(f.queue.push(job));
  EXPECT_TRUE(job);
}

TEST(HashQueue, HoldsAJobBackUntilItsMemoryIsFree) {
  Fixture f;
  f.push(40 * mib);
  const auto* waits = f.push(25 * mib);
  f.take();
  EXPECT_EQ(f.take(), nullptr);
  EXPECT_EQ(f.queue.memory_in_use(), 40 * mib);
  f.queue.give_back(40 * mib);
  EXPECT_EQ(f.take(), waits);
  EXPECT_EQ(f.queue.memory_in_use(), 25 * mib);
}

TEST(HashQueue, FillsTheLimitExactly) {
  Fixture f;
  f.push(40 * mib);
  const auto* fits = f.push(24 * mib);
  f.take();
  EXPECT_EQ(f.take(), fits);
}

TEST(HashQueue, LetsJobsWithoutMemoryOvertakeOneThatWaitsForIt) {
  Fixture f;
  f.push(60 * mib);
  const auto* waits = f.push(60 * mib);
  const auto* small = f.push(0);
  f.take();
  EXPECT_EQ(f.take(), small);
  f.queue.give_back(60 * mib);
  EXPECT_EQ(f.take(), waits);
}

TEST(HashQueue, NeverLetsASmallHashStarveALargeOne) {
  Fixture f;
  f.push(40 * mib);
  const auto* large = f.push(60 * mib);
  f.push(mib);
  f.take();
  // There is room for the small one, but were it taken, the next small one could be taken too, and so on.
  EXPECT_EQ(f.take(), nullptr);
  f.queue.give_back(40 * mib);
  EXPECT_EQ(f.take(), large);
}

TEST(HashQueue, RunsAJobAloneThatIsLargerThanTheLimit) {
  Fixture f(100, mib);
  const auto* huge = f.push(5 * mib);
  const auto* small = f.push(mib);
  EXPECT_EQ(f.take(), huge);
  EXPECT_EQ(f.take(), nullptr);
  f.queue.give_back(5 * mib);
  EXPECT_EQ(f.take(), small);
}

TEST(HashQueue, BearsALimitLoweredBelowWhatIsInUse) {
  Fixture f;
  f.push(60 * mib);
  f.take();
  f.queue.limit(100, 10 * mib);
  const auto* waits = f.push(mib);
  EXPECT_EQ(f.take(), nullptr);
  f.queue.give_back(60 * mib);
  EXPECT_EQ(f.take(), waits);
}

TEST(HashQueue, TakesOutTheLateOnes) {
  Fixture f;
  const auto* late = f.push(0, 10);
  const auto* in_time = f.push(0, 30);
  const auto* late_too = f.push(0, 20);
  EXPECT_EQ(f.queue.next_deadline(), at(10));
  EXPECT_TRUE(f.queue.take_late(at(9)).empty());
  const auto taken = f.queue.take_late(at(20));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].get(), late);
  EXPECT_EQ(taken[1].get(), late_too);
  EXPECT_EQ(f.queue.next_deadline(), at(30));
  EXPECT_EQ(f.take(), in_time);
  EXPECT_EQ(f.queue.next_deadline(), std::nullopt);
}

TEST(HashQueue, CountsNoMemoryForLateJobs) {
  Fixture f;
  f.push(mib, 10);
  EXPECT_EQ(f.queue.take_late(at(10)).size(), 1u);
  EXPECT_EQ(f.queue.memory_in_use(), 0u);
}

}  // namespace
}  // namespace bastion::identity
