// One movable deadline for a coroutine: each stage moves it; moving it later costs no timer.
#pragma once

#include "proxy/net/asio.hpp"
#include "proxy/net/waiter.hpp"

namespace bastion::net {

/// Wakes its owner when the time has come. A deadline that moves into the future is noticed only when the old one fires, so
/// a keep alive that moves with each packet costs a store.
class Deadline {
 public:
  using TimePoint = Clock::time_point;

  Deadline(IoContext& context, Waiter& owner) : timer_{context}, owner_{owner} {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(TimePoint at);
  void set_never() { set(TimePoint::max()); }
  [[nodiscard]] bool passed(TimePoint now) const { return now >= at_; }
  /// Lets go of the owner. The deadline must not be set again.
  void stop();

 private:
  void arm();

  Timer timer_;
  Waiter& owner_;
  TimePoint at_ = TimePoint::max();
  TimePoint armed_for_ = TimePoint::max();
};

}  // namespace bastion::net
