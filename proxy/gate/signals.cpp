// Signals from a signalfd(2).
#include "proxy/gate/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <system_error>
#include <utility>

namespace bastion::gate {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

void block(const sigset_t& set) {
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

/// A descriptor that gives these signals, which only works where nothing else takes them.
int take_over(const sigset_t& set) {
  block(set);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) throw std::system_error{errno, std::generic_category(), "signalfd"};
  return fd;
}

}  // namespace

Signals::Signals(net::IoContext& context) : descriptor_{context, take_over(set_of({SIGHUP, SIGTERM, SIGINT}))} {}

void Signals::listen(Handlers handlers) {
  handlers_ = std::move(handlers);
  wait();
}

void Signals::wait() {
  descriptor_.async_wait(net::Descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    take();
    wait();
  });
}

void Signals::take() {
  bool reload = false;
  signalfd_siginfo signal{};
  while (::read(descriptor_.native_handle(), &signal, sizeof signal) == sizeof signal) {
    if (static_cast<int>(signal.ssi_signo) == SIGHUP) {
      reload = true;
    } else {
      handlers_.stop();
    }
  }
  if (reload) handlers_.reload();
}

void hold_reload_signal() {
  block(set_of({SIGHUP}));
}

}  // namespace bastion::gate
