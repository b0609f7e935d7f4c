// Starting programs, and reading what they write while they run.
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace bastion::e2e {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int patience_ms = static_cast<int>(std::chrono::milliseconds{patience}.count());
constexpr int exec_failed = 127;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe2");
  return ends;
}

int file_with(const std::string& text) {
  const int fd = ::memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) fail("memfd_create");
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto written = ::write(fd, rest.data(), rest.size());
    if (written <= 0) fail("write");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(fd, 0, SEEK_SET) != 0) fail("lseek");
  return fd;
}

/// In the child: only what is safe between fork and exec.
[[noreturn]] void become(char* const* arguments, int in, int out, int err, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_DFL);  // a test ignores it, and that would be inherited
  if (::getppid() != parent) ::_exit(exec_failed);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  ::_exit(exec_failed);
}

}  // namespace

// --- Output ---------------------------------------------------------------------------------------------------------------

void Output::append(std::string_view text) {
  const std::lock_guard lock{mutex_};
  text_ += text;
  changed_.notify_all();
}

void Output::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  changed_.notify_all();
}

std::string Output::text() const {
  const std::lock_guard lock{mutex_};
  return text_;
}

bool Output::wait_until(const std::function<bool(std::string_view)>& condition) const {
  const auto deadline = Clock::now() + patience;
  std::unique_lock lock{mutex_};
  for (;;) {
    if (condition(text_)) return true;
    if (closed_) return false;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return condition(text_);
  }
}

void Output::wait_for_end() const {
  static_cast<void>(wait_until([](std::string_view) { return false; }));
}

bool Output::wait_for(std::string_view wanted, std::size_t times) const {
  return wait_until([&](std::string_view text) { return count_of(wanted, text) >= times; });
}

std::size_t count_of(std::string_view wanted, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size())) ++count;
  return count;
}

std::vector<std::string> lines_with(std::string_view wanted, std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (line.find(wanted) != std::string_view::npos) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// --- Process --------------------------------------------------------------------------------------------------------------

Process::Process(const std::vector<std::string>& command, const std::string& input) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const int in = file_with(input);
  const auto out = make_pipe();
  const auto err = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) become(arguments.data(), in, out[1], err[1], parent);
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  // By number: the function of glibc 2.36 is declared without C linkage.
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) fail("pidfd_open");
  reader_ = std::thread{[this, from_out = out[0], from_err = err[0]] { read(from_out, from_err); }};
}

Process::~Process() {
  signal(SIGKILL);
  static_cast<void>(reap(patience_ms));
  reader_.join();
  ::close(pidfd_);
}

void Process::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

bool Process::reap(int timeout_ms) {
  if (status_) return true;
  pollfd ended{pidfd_, POLLIN, 0};
  if (::poll(&ended, 1, timeout_ms) != 1) return false;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return false;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return true;
}

std::optional<int> Process::wait() {
  if (reap(patience_ms)) {
    out_.wait_for_end();
    err_.wait_for_end();
  }
  return status_;
}

bool Process::has_ended() {
  return reap(0);
}

void Process::read(int out, int err) {
  std::array<pollfd, 2> sources{{{out, POLLIN, 0}, {err, POLLIN, 0}}};
  const std::array<Output*, 2> sinks{&out_, &err_};
  std::array<char, 1U << 16> buffer{};
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].fd < 0 || sources[i].revents == 0) continue;
      const auto got = ::read(sources[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        sinks[i]->append({buffer.data(), static_cast<std::size_t>(got)});
      } else if (got == 0 || errno != EINTR) {
        ::close(std::exchange(sources[i].fd, -1));
        sinks[i]->close();
      }
    }
  }
}

Finished run(const std::vector<std::string>& command, const std::string& input) {
  Process process{command, input};
  const auto code = process.wait();
  return {code, process.out().text(), process.err().text()};
}

bool eventually(const std::function<bool()>& condition) {
  constexpr int pause_ms = 20;
  const auto deadline = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    static_cast<void>(::poll(nullptr, 0, pause_ms));
  }
  return true;
}

}  // namespace bastion::e2e
