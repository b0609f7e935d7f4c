// The bounded pool that checks passwords off the I/O threads, and the timekeeper that answers those who waited too long.
#include "proxy/identity/verifier.hpp"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/identity/hash_queue.hpp"

namespace bastion::identity {

namespace {

constexpr unsigned threads_max = 256;
constexpr std::chrono::hours wait_longest{24};

Verified outcome(const HashJob& job) {
  if (verify(*job.credential, job.password.view())) return Verified::right;
  return job.known ? Verified::wrong_password : Verified::unknown_user;
}

}  // namespace

struct Verifier::Pool {
  using Lock = std::unique_lock<std::mutex>;
  using Jobs = std::vector<std::unique_ptr<HashJob>>;

  Pool() : timekeeper_([this] { keep_time(); }) {}
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Throws std::system_error where not even one thread can be had.
  void limit(const VerifierLimits& limits) {
    std::list<std::thread> gone;
    {
      const Lock lock(mutex_);
      wait_max_ = std::clamp<std::chrono::milliseconds>(limits.wait_max, std::chrono::milliseconds::zero(), wait_longest);
      queue_.limit(limits.queue_max, limits.memory_max);
      wanted_ = std::clamp(limits.threads, 1u, threads_max);
      gone.splice(gone.end(), gone_);
      while (alive_ < wanted_ && start_thread()) {
      }
    }
    // They have left their loop already, so this waits for no hash.
    for (auto& thread : gone) thread.join();
    work_.notify_all();
  }

  bool submit(std::unique_ptr<HashJob> job) {
    const HashClock::time_point now = HashClock::now();
    bool sooner = false;
    {
      const Lock lock(mutex_);
      job->deadline = now + wait_max_;
      const auto before = queue_.next_deadline();
      sooner = !before || job->deadline < *before;
      if (!queue_.push(job)) return false;
    }
    work_.notify_one();
    if (sooner) time_.notify_one();
    return true;
  }

  unsigned waiting() {
    const Lock lock(mutex_);
    return static_cast<unsigned>(queue_.size());
  }

 private:
  /// Under the lock. False where the system gives no more threads and there is one at least.
  bool start_thread() {
    const auto self = threads_.emplace(threads_.end());
    try {
      *self = std::thread([this, self] { work(self); });
    } catch (const std::system_error&) {
      threads_.erase(self);
      if (alive_ == 0) throw;
      return false;
    }
    ++alive_;
    return true;
  }

  void work(std::list<std::thread>::iterator self) {
    Lock lock(mutex_);
    while (!stopping_) {
      if (alive_ > wanted_) {
        --alive_;
        gone_.splice(gone_.end(), threads_, self);
        // What woke this thread may have been a job.
        work_.notify_one();
        return;
      }
      if (answer_late(lock)) continue;
      if (auto job = queue_.take()) {
        run(lock, std::move(job));
        continue;
      }
      work_.wait(lock);
    }
  }

  void run(Lock& lock, std::unique_ptr<HashJob> job) {
    lock.unlock();
    const Verified verified = outcome(*job);
    job->password = Secret();
    if (job->memory > 0) {
      lock.lock();
      queue_.give_back(job->memory);
      lock.unlock();
      // More than one of those that wait may fit now.
      work_.notify_all();
    }
    job->done(verified);
    job.reset();
    lock.lock();
  }

  /// Whether there were any; the lock was open for a while then.
  bool answer_late(Lock& lock) {
    Jobs late = queue_.take_late(HashClock::now());
    if (late.empty()) return false;
    lock.unlock();
    // A late job that waited for memory may have held others back.
    work_.notify_all();
    for (auto& job : late) {
      job->password = Secret();
      job->done(Verified::timed_out);
    }
    late.clear();
    lock.lock();
    return true;
  }

  void keep_time() {
    Lock lock(mutex_);
    while (!stopping_) {
      if (answer_late(lock)) continue;
      if (const auto deadline = queue_.next_deadline()) {
        time_.wait_until(lock, *deadline);
      } else {
        time_.wait(lock);
      }
    }
  }

  void stop() {
    {
      const Lock lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    time_.notify_all();
    timekeeper_.join();
    // Nobody moves between the lists any more: who sees `stopping_` leaves as he is.
    for (auto& thread : threads_) thread.join();
    for (auto& thread : gone_) thread.join();
  }

  std::mutex mutex_;
  std::condition_variable work_;  ///< for the threads: a job, memory, a new limit, or the end
  std::condition_variable time_;  ///< for the timekeeper: an earlier deadline, or the end
  HashQueue queue_;
  std::list<std::thread> threads_;
  std::list<std::thread> gone_;  ///< have left their loop, and want to be joined
  unsigned alive_ = 0;
  unsigned wanted_ = 1;
  std::chrono::milliseconds wait_max_{0};
  bool stopping_ = false;
  std::thread timekeeper_;  ///< last, for it uses all the others
};

Verifier::Verifier(const VerifierLimits& limits) : pool_(std::make_unique<Pool>()) {
  pool_->limit(limits);
}

Verifier::~Verifier() = default;

bool Verifier::submit(std::shared_ptr<const PasswordFile> file, std::string user_name, Secret password, Done done) {
  auto job = std::make_unique<HashJob>();
  job->credential = &file->find(user_name);
  job->known = !job->credential->user_name.empty();
  job->memory = memory_needed(*job->credential);
  job->file = std::move(file);
  job->password = std::move(password);
  job->done = std::move(done);
  return pool_->submit(std::move(job));
}

void Verifier::limit(const VerifierLimits& limits) {
  pool_->limit(limits);
}

unsigned Verifier::waiting() const {
  return pool_->waiting();
}

}  // namespace bastion::identity
