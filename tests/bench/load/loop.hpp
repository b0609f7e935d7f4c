// Calls whoever waits for a descriptor: epoll, level-triggered, in one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include "proxy/net/unique_fd.hpp"

namespace bastion::bench {

/// What makes a run void: something was lost, changed or answered otherwise than it should have been.
struct Void : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Watcher {
 public:
  /// `events` are epoll's. May destroy itself, and no other watcher.
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

class Loop {
 public:
  /// `patience`: how long anything is waited for.
  explicit Loop(std::chrono::seconds patience);

  /// Begins to watch a descriptor, or changes what for. Closing the descriptor ends it.
  void watch(int fd, Watcher& watcher, std::uint32_t events);
  void change(int fd, Watcher& watcher, std::uint32_t events);
  /// Runs until the condition holds. Throws Void, with what `waits_for` says, when patience is at its end.
  void run_until(const std::function<bool()>& condition, const std::function<std::string()>& waits_for);
  /// Runs until the condition holds, of which no event tells, or the time is over: then false.
  [[nodiscard]] bool run_at_most(std::chrono::milliseconds time, const std::function<bool()>& condition);

 private:
  /// Calls who is to be called; false where nothing happened within that time.
  bool run_once(std::chrono::milliseconds timeout);

  net::UniqueFd epoll_;
  std::chrono::seconds patience_;
};

}  // namespace bastion::bench
