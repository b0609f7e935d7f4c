// Waiting for events with epoll, patiently but not for ever.
#include "tests/bench/load/loop.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace bastion::bench {
namespace {

using Clock = std::chrono::steady_clock;

void control(int epoll, int operation, int fd, Watcher& watcher, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll, operation, fd, &event) != 0) throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
}

}  // namespace

Loop::Loop(std::chrono::seconds patience) : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, patience_{patience} {
  if (!epoll_) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
}

void Loop::watch(int fd, Watcher& watcher, std::uint32_t events) {
  control(epoll_.get(), EPOLL_CTL_ADD, fd, watcher, events);
}

void Loop::change(int fd, Watcher& watcher, std::uint32_t events) {
  control(epoll_.get(), EPOLL_CTL_MOD, fd, watcher, events);
}

bool Loop::run_once(std::chrono::milliseconds timeout) {
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(timeout.count()));
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<Watcher*>(event.data.ptr)->ready(event.events);
  }
  return count > 0;
}

void Loop::run_until(const std::function<bool()>& condition, const std::function<std::string()>& waits_for) {
  // Patience is for silence: a slow machine that goes on may take its time.
  while (!condition()) {
    if (!run_once(patience_)) throw Void{"gave up waiting: " + waits_for()};
  }
}

bool Loop::run_at_most(std::chrono::milliseconds time, const std::function<bool()>& condition) {
  const auto end = Clock::now() + time;
  while (!condition()) {
    if (Clock::now() >= end) return false;
    run_once(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace bastion::bench
