// Programs that a test starts, listens to, signals, and never leaves behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bastion::e2e {

/// For whatever has to happen: long for a busy machine, short enough for a test that waits in vain.
constexpr std::chrono::seconds patience{20};

/// What a program wrote so far. Written by one thread, waited for by others.
class Output {
 public:
  void append(std::string_view text);
  void close();
  [[nodiscard]] std::string text() const;
  /// Waits until what was written satisfies the condition: false when it did not in time, or can't any more.
  [[nodiscard]] bool wait_until(const std::function<bool(std::string_view)>& condition) const;
  /// Waits until no more can come.
  void wait_for_end() const;
  /// Waits for this text to stand there so many times.
  [[nodiscard]] bool wait_for(std::string_view wanted, std::size_t times = 1) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
  bool closed_ = false;
};

[[nodiscard]] std::size_t count_of(std::string_view wanted, std::string_view text);
/// The lines that hold this text.
[[nodiscard]] std::vector<std::string> lines_with(std::string_view wanted, std::string_view text);

/// A child process. It is killed with its owner, and by the kernel when the test itself dies.
class Process {
 public:
  /// `input`: all of its standard input.
  explicit Process(const std::vector<std::string>& command, const std::string& input = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// Its exit code, or minus the signal that ended it, with all of its output in hand; nothing when it still runs after a
  /// while.
  [[nodiscard]] std::optional<int> wait();
  [[nodiscard]] bool has_ended();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_; }
  [[nodiscard]] const Output& out() const { return out_; }
  [[nodiscard]] const Output& err() const { return err_; }

 private:
  void read(int out, int err);
  [[nodiscard]] bool reap(int timeout_ms);

  Output out_;
  Output err_;
  std::thread reader_;
  std::optional<int> status_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
};

struct Finished {
  std::optional<int> code;
  std::string out;
  std::string err;
};
/// Runs a command to its end.
[[nodiscard]] Finished run(const std::vector<std::string>& command, const std::string& input = {});

/// Asks again and again, for states that no event announces.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

}  // namespace bastion::e2e
