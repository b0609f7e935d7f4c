// Counts allocations: what must not allocate is shown not to.
#pragma once

namespace bastion::test {

/// While it lives, every operator new counts, of one thread; one counter at a time. Needs allocation_count.cpp in the
/// program.
class AllocationCount {
 public:
  AllocationCount() { running_ = this; }
  ~AllocationCount() { running_ = nullptr; }
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;
  [[nodiscard]] int allocations() const { return allocations_; }

  static void add() {
    if (running_ != nullptr) ++running_->allocations_;
  }

 private:
  static inline AllocationCount* running_ = nullptr;
  int allocations_ = 0;
};

}  // namespace bastion::test
