// One coroutine that waits for whatever comes first, and what keeps it in memory while events may still come.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <coroutine>
#include <utility>

namespace bastion::net {

/// The base of an object whose coroutine waits on several events at once: sockets, a deadline, messages. The handlers of
/// deadlines and messages hold a reference, so that one that comes late finds memory, though perhaps nobody waiting; sockets
/// are the object's own, and the poller forgets them with it. Belongs to one thread: the count is not atomic.
class Waiter : public boost::intrusive_ref_counter<Waiter, boost::thread_unsafe_counter> {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;

  /// Something happened. Resumes the coroutine inside this call if it waits; it may end and drop everything it owns, so the
  /// caller touches nothing of it afterwards that it does not hold itself.
  void notify() {
    woken_ = true;
    if (auto waiting = std::exchange(waiting_, nullptr)) waiting.resume();
  }

  /// `co_await woken()`: returns after the next notify(), or at once if there was one since the last return.
  [[nodiscard]] auto woken() {
    struct Awaiter {
      Waiter& self;
      [[nodiscard]] bool await_ready() const noexcept { return self.woken_; }
      void await_suspend(std::coroutine_handle<> waiting) const noexcept { self.waiting_ = waiting; }
      void await_resume() const noexcept { self.woken_ = false; }
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiting_;
  bool woken_ = false;
};

using WaiterRef = boost::intrusive_ptr<Waiter>;

}  // namespace bastion::net
