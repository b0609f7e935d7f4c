// The counters on disk: read at start, written now and then, never half.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/account/counters_file.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::gate {

/// When the counters are worth writing: flash wears out. Pure, and on a clock that nobody sets.
class SavePace {
 public:
  using TimePoint = net::Clock::time_point;

  /// Once something has ended, and once a minute where there was only traffic; and always after a failure.
  [[nodiscard]] bool is_due(const account::Tally& sum, TimePoint now) const;
  /// What was counted `at` that time is on disk.
  void saved(const account::Tally& sum, TimePoint at);
  void failed() { failed_ = true; }

 private:
  std::uint64_t events_ = 0;
  std::uint64_t packets_ = 0;
  TimePoint at_{};
  bool failed_ = false;
};

/// `DIR/counters`. Reading happens at start; writing on a thread of its own, since flash may take seconds for it.
class StateFile {
 public:
  /// Whose the directory is.
  enum class Claim : std::uint8_t {
    ours,      ///< until this is destroyed, or the process ends however it does
    anothers,  ///< another gate holds it, and nothing may be written here
    unknown,   ///< it can't be opened, or its file system knows no locks
  };

  /// `home`: the context on whose thread all of this is called, and called back.
  StateFile(net::IoContext& home, const std::string& directory);
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;
  /// Waits for a write that is under way.
  ~StateFile();

  /// Locks `DIR/lock` (flock(2)), so that no two gates overwrite each other's counters. What could not be told at start
  /// is asked again before anything is written.
  [[nodiscard]] Claim claim();

  /// What was kept; nothing where there is no such file yet. `in_policy`: the listeners, see account::read_counters(). A
  /// file that can't be understood is moved to `counters.bad`, and the fault says so.
  [[nodiscard]] std::variant<std::monostate, account::Counters, std::string> load(
      std::span<const std::string> in_policy = {});

  /// Replaces the file: a new one beside it, fsync, rename, fsync of the directory. Never waits for whatever else may stand
  /// in its place, and never writes over it. `done` gets what went wrong, or an empty text. Does nothing, and answers
  /// nothing, while an earlier one is under way.
  void save(std::string text, std::function<void(std::string fault)> done);
  /// The same at once, after any that is under way.
  [[nodiscard]] std::string save_now(const std::string& text);

  [[nodiscard]] bool is_saving() const { return saving_; }

 private:
  struct Writer;
  [[nodiscard]] std::string write(std::string_view text);

  net::IoContext& home_;
  std::string directory_;
  std::string path_;
  net::UniqueFd lock_;  ///< `DIR/lock`, once it is ours; touched by no two threads at a time
  std::unique_ptr<Writer> writer_;
  bool saving_ = false;
};

}  // namespace bastion::gate
