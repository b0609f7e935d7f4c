// Reloads that come faster than the policy can be read: one at a time, none lost, and nobody waits for the files.
#include "proxy/gate/reloader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <condition_variable>
#include <mutex>

namespace bastion::gate {
namespace {

using testing::ElementsAre;

constexpr std::chrono::seconds patience{20};

/// Files that are read when the test says so.
class Files {
 public:
  void let_one_be_read() {
    const std::lock_guard lock{mutex_};
    ++allowed_;
    changed_.notify_all();
  }
  LoadedSetup load() {
    std::unique_lock lock{mutex_};
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return allowed_ > 0; });
    --allowed_;
    return {};
  }
  [[nodiscard]] bool wait_until_begun(int times) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return begun_ >= times; });
  }
  [[nodiscard]] int begun() {
    const std::lock_guard lock{mutex_};
    return begun_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0;
  int begun_ = 0;
};

struct ReloaderTest : ::testing::Test {
  net::IoContext home{1};
  boost::asio::executor_work_guard<net::Executor> work{home.get_executor()};
  Files files;
  int finished = 0;
  std::vector<std::string> told;
  Reloader reloader{home,
                    {[this] { told.emplace_back("begin"); }, [this] { return files.load(); },
                     [this](const LoadedSetup&) {
                       ++finished;
                       return ReloadResult{true, {std::to_string(finished)}};
                     }}};

  void ask(const std::string& who) {
    reloader.ask([this, who](const ReloadResult& result) { told.push_back(who + " hears " + result.lines.at(0)); });
  }
  /// Runs what comes home until so many have been put in force.
  void run_until_finished(int times) {
    const auto until = net::Clock::now() + patience;
    while (finished < times && net::Clock::now() < until) home.run_one_until(until);
    EXPECT_EQ(finished, times);
  }
};

TEST_F(ReloaderTest, ReadsOnceMoreForAllWhoAskWhileItReads) {
  ask("first");
  ASSERT_TRUE(files.wait_until_begun(1));
  for (const auto* who : {"second", "third", "fourth"}) ask(who);
  reloader.ask({});
  files.let_one_be_read();
  run_until_finished(1);
  ASSERT_TRUE(files.wait_until_begun(2));
  files.let_one_be_read();
  run_until_finished(2);
  EXPECT_EQ(files.begun(), 2);
  EXPECT_THAT(told, ElementsAre("begin", "first hears 1", "begin", "second hears 2", "third hears 2", "fourth hears 2"));
}

TEST_F(ReloaderTest, ReadsAgainForOneWhoAsksLater) {
  for (int i = 1; i <= 2; ++i) {
    files.let_one_be_read();
    ask("somebody");
    run_until_finished(i);
  }
  EXPECT_THAT(told, ElementsAre("begin", "somebody hears 1", "begin", "somebody hears 2"));
}

TEST_F(ReloaderTest, StopsAtOnceAndDropsWhatItWasReading) {
  ask("first");
  ASSERT_TRUE(files.wait_until_begun(1));
  ask("second");
  reloader.stop("over");
  ask("third");
  EXPECT_THAT(told, ElementsAre("begin", "first hears over", "second hears over", "third hears over"));
  files.let_one_be_read();
  EXPECT_EQ(home.run_one_for(patience), 1u) << "the reading came home";
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(files.begun(), 1);
}

}  // namespace
}  // namespace bastion::gate
