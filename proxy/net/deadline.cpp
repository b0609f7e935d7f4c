// One movable deadline, on one timer.
#include "proxy/net/deadline.hpp"

namespace bastion::net {

void Deadline::set(TimePoint at) {
  at_ = at;
  if (at_ < armed_for_) arm();
}

void Deadline::arm() {
  armed_for_ = at_;
  timer_.expires_at(at_);  // ends the wait under way, if there is one
  timer_.async_wait([this, owner = WaiterRef{&owner_}](const boost::system::error_code& error) {
    if (error) return;
    armed_for_ = TimePoint::max();
    if (passed(Clock::now())) {
      owner->notify();
    } else if (at_ != TimePoint::max()) {
      arm();
    }
  });
}

void Deadline::stop() {
  at_ = TimePoint::max();
  armed_for_ = TimePoint::min();
  timer_.cancel();
}

}  // namespace bastion::net
