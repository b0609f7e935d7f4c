// The order in which passwords are hashed.
#include "proxy/identity/hash_queue.hpp"

#include <algorithm>
#include <utility>

namespace bastion::identity {

void HashQueue::limit(std::size_t jobs_max, std::uint64_t memory_max) {
  jobs_max_ = jobs_max;
  memory_max_ = memory_max;
}

bool HashQueue::push(std::unique_ptr<HashJob>& job) {
  if (jobs_.size() >= jobs_max_) return false;
  next_deadline_ = std::min(next_deadline_, job->deadline);
  jobs_.push_back(std::move(job));
  return true;
}

bool HashQueue::fits(std::uint64_t memory) const {
  if (memory == 0 || memory_in_use_ == 0) return true;
  return memory_in_use_ <= memory_max_ && memory <= memory_max_ - memory_in_use_;
}

std::unique_ptr<HashJob> HashQueue::take() {
  bool one_waits_for_memory = false;
  for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
    const std::uint64_t memory = (*job)->memory;
    if (memory > 0 && (one_waits_for_memory || !fits(memory))) {
      one_waits_for_memory = true;
      continue;
    }
    auto taken = std::move(*job);
    jobs_.erase(job);
    memory_in_use_ += memory;
    return taken;
  }
  return nullptr;
}

void HashQueue::give_back(std::uint64_t memory) {
  memory_in_use_ -= std::min(memory, memory_in_use_);
}

std::vector<std::unique_ptr<HashJob>> HashQueue::take_late(HashClock::time_point now) {
  std::vector<std::unique_ptr<HashJob>> late;
  if (now < next_deadline_) return late;
  next_deadline_ = HashClock::time_point::max();
  std::deque<std::unique_ptr<HashJob>> in_time;
  for (auto& job : jobs_) {
    if (job->deadline <= now) {
      late.push_back(std::move(job));
      continue;
    }
    next_deadline_ = std::min(next_deadline_, job->deadline);
    in_time.push_back(std::move(job));
  }
  jobs_ = std::move(in_time);
  return late;
}

std::optional<HashClock::time_point> HashQueue::next_deadline() const {
  if (jobs_.empty()) return std::nullopt;
  return next_deadline_;
}

}  // namespace bastion::identity
