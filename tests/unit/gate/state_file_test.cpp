// The file of counters: replaced whole or not at all, wherever a kill strikes; and how often it is worth the flash.
#include "proxy/gate/state_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace bastion::gate {
namespace {

using account::Counters;
using testing::HasSubstr;

struct StateFileTest : ::testing::Test {
  std::filesystem::path directory;
  net::IoContext context{1};

  StateFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "state-XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~StateFileTest() override { std::filesystem::remove_all(directory); }

  static std::string text_with(std::uint64_t accepted) {
    Counters counters;
    counters.by_listener["devices"].accepted = accepted;
    counters.saved_s = 1;
    return counters_text(counters);
  }
  std::string save(std::uint64_t accepted) { return StateFile{context, directory.string()}.save_now(text_with(accepted)); }
  /// What a gate that starts now would go on from; nothing where there is none, or none that can be understood.
  std::optional<std::uint64_t> load() {
    auto loaded = StateFile{context, directory.string()}.load();
    const auto* counters = std::get_if<Counters>(&loaded);
    if (counters == nullptr) return std::nullopt;
    return counters->by_listener.at("devices").accepted;
  }

  /// Saves in a process of its own, over a file that says 1, and is killed when it enters or leaves its `stop`-th system
  /// call. False: it was through with all of them before.
  bool save_and_be_killed_at(std::uint64_t accepted, int stop) {
    const auto child = ::fork();
    if (child == 0) {
      StateFile file{context, directory.string()};
      // Once before: its thread is joined then, which takes now more and now fewer calls.
      static_cast<void>(file.save_now(text_with(1)));
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      static_cast<void>(file.save_now(text_with(accepted)));
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    for (int stops = 0; stops < stop && WIFSTOPPED(status); ++stops) {
      ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
      ::waitpid(child, &status, 0);
    }
    if (WIFEXITED(status)) return false;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return true;
  }
};

TEST_F(StateFileTest, IsNeverTornWhereverAKillStrikes) {
  constexpr int calls_at_least = 7;  // open, write, fsync, rename; the directory's open, fsync, close
  int kept_old = 0;
  int kept_new = 0;
  int stop = 1;
  do {
    if (!save_and_be_killed_at(2, stop)) break;
    const auto found = load();
    ASSERT_TRUE(found) << "killed at stop " << stop;
    ASSERT_TRUE(*found == 1 || *found == 2) << *found;
    ++(*found == 1 ? kept_old : kept_new);
    // Once it is replaced it stays so.
    ASSERT_TRUE(kept_new == 0 || *found == 2) << "killed at stop " << stop;
  } while (++stop < 1000);
  EXPECT_EQ(load(), 2U) << "nobody was killed";
  EXPECT_GT(kept_old, calls_at_least);
  EXPECT_GT(kept_new, 2);
}

TEST_F(StateFileTest, IsAsItWasWhereItsDirectoryIsGone) {
  ASSERT_EQ(save(1), "");
  const auto aside = directory.string() + ".aside";
  std::filesystem::rename(directory, aside);
  EXPECT_NE(save(2), "");
  std::filesystem::rename(aside, directory);
  EXPECT_EQ(load(), 1U);
  EXPECT_EQ(save(3), "");
  EXPECT_EQ(load(), 3U);
}

TEST_F(StateFileTest, WaitsForNobodyAndSparesWhatIsNotItsOwnWhereItWrites) {
  const auto beside = directory / "counters.new";
  ASSERT_EQ(save(1), "");
  ASSERT_EQ(::mkfifo(beside.c_str(), 0600), 0);
  EXPECT_THAT(save(2), HasSubstr("counters.new is no regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(beside));
  std::filesystem::remove(beside);

  std::ofstream{directory / "precious"} << "kept";
  std::filesystem::create_symlink(directory / "precious", beside);
  EXPECT_THAT(save(2), HasSubstr("counters.new is no regular file"));
  std::filesystem::remove(beside);
  // A second name of a file is nothing to write to either, but may go.
  std::filesystem::create_hard_link(directory / "precious", beside);
  EXPECT_EQ(save(2), "");
  std::string precious;
  std::ifstream{directory / "precious"} >> precious;
  EXPECT_EQ(precious, "kept");
  EXPECT_EQ(load(), 2U);
}

TEST_F(StateFileTest, RemovesWhatAKilledGateHasLeftHalfWritten) {
  std::ofstream{directory / "counters.new"} << "mqtt-bast";
  EXPECT_EQ(save(1), "");
  EXPECT_EQ(load(), 1U);
  EXPECT_FALSE(std::filesystem::exists(directory / "counters.new"));
}

TEST_F(StateFileTest, IsOneGatesAtATime) {
  using Claim = StateFile::Claim;
  std::optional<StateFile> first{std::in_place, context, directory.string()};
  EXPECT_EQ(first->claim(), Claim::ours);
  EXPECT_EQ(first->save_now(text_with(1)), "");
  EXPECT_EQ(StateFile(context, directory.string()).claim(), Claim::anothers);
  EXPECT_THAT(save(2), HasSubstr("another gate keeps its counters in " + directory.string()));
  EXPECT_EQ(load(), 1U);
  first.reset();
  EXPECT_EQ(StateFile(context, directory.string()).claim(), Claim::ours);
  EXPECT_EQ(save(2), "");
}

TEST_F(StateFileTest, ClaimsADirectoryThatComesLaterBeforeItWritesThere) {
  const auto later = (directory / "later").string();
  StateFile first{context, later};
  StateFile second{context, later};
  EXPECT_EQ(first.claim(), StateFile::Claim::unknown);
  EXPECT_NE(first.save_now(text_with(1)), "");
  std::filesystem::create_directory(later);
  EXPECT_EQ(first.save_now(text_with(1)), "");
  EXPECT_THAT(second.save_now(text_with(2)), HasSubstr("another gate"));
}

// --- how often ------------------------------------------------------------------------------------------------------------

struct SavePaceTest : ::testing::Test {
  net::Clock::time_point start = net::Clock::now();
  SavePace pace;
  account::Tally sum;
};

TEST_F(SavePaceTest, SavesWhatHasEndedAtOnce) {
  EXPECT_FALSE(pace.is_due(sum, start));
  sum.accepted = 1;
  EXPECT_TRUE(pace.is_due(sum, start));
  pace.saved(sum, start);
  EXPECT_FALSE(pace.is_due(sum, start + std::chrono::hours{1}));
}

TEST_F(SavePaceTest, SavesMereTrafficOnceAMinute) {
  pace.saved(sum, start);
  sum.packets_up = 1;
  EXPECT_FALSE(pace.is_due(sum, start + std::chrono::seconds{59}));
  EXPECT_TRUE(pace.is_due(sum, start + std::chrono::seconds{60}));
  pace.saved(sum, start + std::chrono::seconds{60});
  sum.packets_down = 1;
  EXPECT_FALSE(pace.is_due(sum, start + std::chrono::seconds{119}));
  EXPECT_TRUE(pace.is_due(sum, start + std::chrono::seconds{120}));
}

TEST_F(SavePaceTest, TriesAgainWhatCouldNotBeSaved) {
  pace.saved(sum, start);
  pace.failed();
  EXPECT_TRUE(pace.is_due(sum, start));
  pace.saved(sum, start);
  EXPECT_FALSE(pace.is_due(sum, start));
}

}  // namespace
}  // namespace bastion::gate
