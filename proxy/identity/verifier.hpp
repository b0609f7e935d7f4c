// The bounded pool that checks passwords off the I/O threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "proxy/identity/password_file.hpp"
#include "proxy/identity/secret.hpp"

namespace bastion::identity {

struct VerifierLimits {
  unsigned threads = 1;
  unsigned queue_max = 128;
  std::chrono::milliseconds wait_max{5'000};  ///< from submit() to the beginning of the hash; at most a day
  std::uint64_t memory_max = 64u << 20;       ///< bytes of argon2 memory in use at one time, over all threads
};

enum class Verified : std::uint8_t {
  right,
  wrong_password,
  unknown_user,  ///< same cost as wrong_password; told apart for logs only
  timed_out,     ///< waited longer than wait_max
};

/// Threads that verify, and one more that keeps time: a job that has waited for `wait_max` is answered then, even while all
/// threads are busy, and its place in the queue is free again. First come, first served; a job that needs argon2 memory
/// waits until its memory is free, and only jobs that need none overtake it. All functions may be called from any
/// thread; only the destructor not from within `Done`.
class Verifier {
 public:
  /// Called once for each accepted job, on a pool thread; must only hand the result over (post to a worker), and
  /// not throw.
  using Done = std::function<void(Verified)>;

  explicit Verifier(const VerifierLimits& limits);
  /// Waits for hashes under way; jobs that still wait are dropped without a call.
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  /// False where the queue is full: nothing was taken and `done` is never called. The job keeps `file` alive.
  [[nodiscard]] bool submit(std::shared_ptr<const PasswordFile> file, std::string user_name, Secret password, Done done);

  /// New limits for jobs to come; the number of threads (at least 1, at most 256) changes too. Waits for no hash.
  void limit(const VerifierLimits& limits);
  [[nodiscard]] unsigned waiting() const;

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace bastion::identity
