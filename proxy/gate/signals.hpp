// The signals that tell a gate to reload and to stop.
#pragma once

#include <functional>

#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// SIGHUP, SIGTERM and SIGINT of this process, read like any other input. None of them is ever lost behind others: the
/// kernel keeps one of each that is still to be read, however many were sent.
/// They are blocked by the constructor, on the calling thread and on all that it makes from then on, and stay so: one that
/// comes while the gate is being taken down finds nobody to kill.
class Signals {
 public:
  struct Handlers {
    std::function<void()> stop;    ///< SIGTERM, SIGINT: once for each, and before a SIGHUP that came with it
    std::function<void()> reload;  ///< SIGHUP
  };

  /// To be made before any thread is. Throws std::system_error where there is no descriptor left.
  explicit Signals(net::IoContext& context);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Calls these on the context's thread from now on, also for what came before.
  void listen(Handlers handlers);

 private:
  void wait();
  void take();

  net::Descriptor descriptor_;
  Handlers handlers_;
};

/// Keeps a SIGHUP for the gate that is about to be started, instead of letting it kill the process.
void hold_reload_signal();

}  // namespace bastion::gate
