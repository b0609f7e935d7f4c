// The order in which passwords are hashed: pure; no thread, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/identity/password_file.hpp"
#include "proxy/identity/secret.hpp"
#include "proxy/identity/verifier.hpp"

namespace bastion::identity {

using HashClock = std::chrono::steady_clock;

/// One password to verify.
struct HashJob {
  std::shared_ptr<const PasswordFile> file;  ///< keeps `credential` alive
  const Credential* credential = nullptr;
  bool known = false;
  Secret password;
  Verifier::Done done;
  HashClock::time_point deadline;  ///< when it has waited too long
  std::uint64_t memory = 0;        ///< bytes that its hash takes
};

/// First come, first served, within a limit of memory. Jobs that need memory never overtake each other, so that a large
/// one can't starve; jobs that need none overtake those that wait for it.
class HashQueue {
 public:
  void limit(std::size_t jobs_max, std::uint64_t memory_max);

  /// False where the queue is full; the job stays the caller's.
  [[nodiscard]] bool push(std::unique_ptr<HashJob>& job);
  /// The next job that may start now, its memory counted until `give_back`; null where there is none. A job that needs more
  /// than the whole limit starts when no other memory is in use.
  [[nodiscard]] std::unique_ptr<HashJob> take();
  void give_back(std::uint64_t memory);
  /// Takes out all jobs whose deadline is not after `now`.
  [[nodiscard]] std::vector<std::unique_ptr<HashJob>> take_late(HashClock::time_point now);

  /// No job is late before this; nothing where no job waits.
  [[nodiscard]] std::optional<HashClock::time_point> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return jobs_.size(); }
  [[nodiscard]] std::uint64_t memory_in_use() const { return memory_in_use_; }

 private:
  [[nodiscard]] bool fits(std::uint64_t memory) const;

  std::deque<std::unique_ptr<HashJob>> jobs_;
  std::size_t jobs_max_ = 0;
  std::uint64_t memory_max_ = 0;
  std::uint64_t memory_in_use_ = 0;
  HashClock::time_point next_deadline_ = HashClock::time_point::max();
};

}  // namespace bastion::identity
