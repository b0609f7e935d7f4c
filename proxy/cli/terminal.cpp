// Asking for a password on the terminal: echo off, and on again whatever happens.
#include "proxy/cli/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace bastion::cli {

namespace {

/// All that would leave the terminal without echo.
constexpr std::array signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGALRM, SIGPIPE};

/// More than a terminal gives in one line (4095 bytes on Linux).
constexpr std::size_t line_size_max = 4096;

volatile std::sig_atomic_t caught_signal = 0;
void catch_signal(int number) {
  caught_signal = number;
}

/// The controlling terminal, open for reading and writing.
class Terminal {
 public:
  Terminal() : descriptor_(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {}
  ~Terminal() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Catches the signals, and lets them in only where wait() waits: none can fall between a look and a read.
class SignalGuard {
 public:
  SignalGuard() {
    caught_signal = 0;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int number : signals) sigaddset(&blocked, number);
    pthread_sigmask(SIG_BLOCK, &blocked, &mask_before_);
    struct sigaction action {};
    action.sa_handler = &catch_signal;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      sigaction(signals[i], nullptr, &actions_before_[i]);
      // Who ignored it (nohup) goes on ignoring it.
      if (actions_before_[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, nullptr);
    }
  }
  ~SignalGuard() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &actions_before_[i], nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  /// False where a signal came first.
  [[nodiscard]] bool wait(int descriptor) const {
    pollfd waiting{descriptor, POLLIN, 0};
    return ppoll(&waiting, 1, nullptr, &mask_before_) > 0;
  }

 private:
  sigset_t mask_before_{};
  std::array<struct sigaction, signals.size()> actions_before_{};
};

class EchoOff {
 public:
  explicit EchoOff(int descriptor) : descriptor_(descriptor) {
    if (tcgetattr(descriptor, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    silent.c_lflag |= ICANON;
    off_ = tcsetattr(descriptor, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (off_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  [[nodiscard]] bool off() const { return off_; }

 private:
  int descriptor_;
  termios before_{};
  bool off_ = false;
};

void say(int descriptor, std::string_view text) {
  // A terminal that takes no text gives no password either.
  (void)!write(descriptor, text.data(), text.size());
}

/// Nothing where it ended without a newline: at the end of input, at a signal, or for being too long.
std::optional<identity::Secret> read_line(int descriptor, const SignalGuard& guard) {
  std::array<char, line_size_max> line{};
  std::optional<identity::Secret> password;
  if (guard.wait(descriptor)) {
    // A terminal in canonical mode hands over one whole line.
    const ssize_t size = read(descriptor, line.data(), line.size());
    if (size > 0 && line[static_cast<std::size_t>(size) - 1] == '\n') {
      password.emplace(std::string_view(line.data(), static_cast<std::size_t>(size) - 1));
    }
  }
  identity::wipe({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
  return password;
}

}  // namespace

bool has_terminal() {
  return Terminal().descriptor() >= 0;
}

std::optional<identity::Secret> ask_for_password(const char* prompt) {
  const Terminal terminal;
  if (terminal.descriptor() < 0) return std::nullopt;
  while (true) {
    std::optional<identity::Secret> password;
    int came = 0;
    {
      const SignalGuard guard;
      const EchoOff silence(terminal.descriptor());
      if (!silence.off()) return std::nullopt;
      say(terminal.descriptor(), prompt);
      password = read_line(terminal.descriptor(), guard);
      say(terminal.descriptor(), "\n");
      came = caught_signal;
    }
    if (came == 0) return password;
    // The terminal is as it was: now the signal may do its work. Whoever was only stopped is asked again.
    raise(came);
    if (came != SIGTSTP) return std::nullopt;
  }
}

}  // namespace bastion::cli
