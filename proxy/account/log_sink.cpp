// The thread that writes log lines, and the bounded queue before it.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds last_flush_max{1};
// What a pipe that poll() calls writable takes without blocking (POSIX, PIPE_BUF; Linux: a page).
constexpr std::size_t pipe_chunk = 4096;
constexpr std::size_t capacity_kept = 64u << 10;

enum class Kind { file, socket, other };

Kind kind_of(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return Kind::other;
  if (S_ISREG(status.st_mode)) return Kind::file;
  return S_ISSOCK(status.st_mode) ? Kind::socket : Kind::other;
}

/// A thread that takes no signals: they belong to the program's own threads. SIGPIPE comes back as EPIPE.
template <class Function>
std::thread thread_without_signals(Function function) {
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread{std::move(function)};
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

struct LogSink::Queue {
  Queue(int to, std::size_t most, LogFormat lines) : descriptor{to}, kind{kind_of(to)}, bytes_max{most}, format{lines} {
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_event < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  }
  ~Queue() { close(stop_event); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void run();
  [[nodiscard]] std::uint64_t take_batch();
  [[nodiscard]] std::size_t write_all(std::string_view bytes);
  [[nodiscard]] std::size_t chunk_of(std::string_view rest) const;
  [[nodiscard]] ssize_t write_some(std::string_view bytes) const;
  [[nodiscard]] bool wait_until_writable();

  const int descriptor;
  const Kind kind;
  const std::size_t bytes_max;
  int stop_event = -1;

  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable finished;
  std::string pending;          ///< under mutex
  std::size_t in_flight = 0;    ///< bytes of the batch; under mutex
  std::uint64_t dropped = 0;    ///< under mutex
  std::uint64_t announced = 0;  ///< of `dropped`; under mutex
  bool last_failed = false;     ///< the last batch could not be written: nothing to announce before new lines come
  LogFormat format;             ///< under mutex
  std::optional<Clock::time_point> stop_by;  ///< under mutex
  bool is_finished = false;                  ///< under mutex

  // The thread's own.
  std::string batch;
  bool mid_line = false;  ///< a batch broke off inside a line
};

/// Moves what is pending into `batch`, with a line about dropped ones behind it; returns how many were announced.
std::uint64_t LogSink::Queue::take_batch() {
  batch.clear();
  if (batch.capacity() > capacity_kept) std::string{}.swap(batch);
  batch.swap(pending);
  in_flight = batch.size();
  const std::uint64_t news = dropped - announced;
  announced = dropped;
  if (news != 0) {
    batch += message_line(LogLevel::warning, std::to_string(news) + " log lines were dropped",
                          std::chrono::system_clock::now(), format);
    batch += '\n';
  }
  return news;
}

void LogSink::Queue::run() {
  std::unique_lock lock{mutex};
  for (;;) {
    wake.wait(lock, [this] { return !pending.empty() || stop_by || (announced != dropped && !last_failed); });
    if (pending.empty() && (announced == dropped || last_failed)) break;
    const std::uint64_t news = take_batch();
    lock.unlock();
    const std::size_t written = write_all(batch);
    lock.lock();
    in_flight = 0;
    last_failed = written < batch.size();
    if (!last_failed) continue;
    const std::string_view lost = std::string_view{batch}.substr(written);
    const auto lines_lost = static_cast<std::uint64_t>(std::count(lost.begin(), lost.end(), '\n'));
    // The line about dropped ones was the last of the batch, so it is lost as well: it is not counted but said again.
    dropped += lines_lost - (news != 0 ? 1 : 0);
    announced -= news;
  }
  is_finished = true;
  finished.notify_all();
}

/// How many bytes were taken; fewer than given: the descriptor failed, or time is up.
std::size_t LogSink::Queue::write_all(std::string_view bytes) {
  if (mid_line) {
    if (!wait_until_writable() || write_some("\n") != 1) return 0;
    mid_line = false;
  }
  std::size_t written = 0;
  while (written < bytes.size()) {
    if (!wait_until_writable()) break;
    const std::string_view rest = bytes.substr(written);
    const ssize_t count = write_some(rest.substr(0, chunk_of(rest)));
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      break;
    }
  }
  mid_line = written < bytes.size() && written != 0 && bytes[written - 1] != '\n';
  return written;
}

std::size_t LogSink::Queue::chunk_of(std::string_view rest) const {
  if (kind != Kind::other || rest.size() <= pipe_chunk) return rest.size();
  // Whole lines where possible: other programs may write to the same pipe.
  const std::size_t line_end = rest.substr(0, pipe_chunk).rfind('\n');
  return line_end == std::string_view::npos ? pipe_chunk : line_end + 1;
}

ssize_t LogSink::Queue::write_some(std::string_view bytes) const {
  // O_NONBLOCK is not set on the descriptor: others share it (a terminal, the journal's socket).
  if (kind == Kind::socket) return send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return ::write(descriptor, bytes.data(), bytes.size());
}

/// False: it is time to stop.
bool LogSink::Queue::wait_until_writable() {
  if (kind == Kind::file) return true;
  for (;;) {
    std::optional<Clock::time_point> by;
    {
      const std::lock_guard lock{mutex};
      by = stop_by;
    }
    std::array<pollfd, 2> waits{pollfd{descriptor, POLLOUT, 0}, pollfd{stop_event, POLLIN, 0}};
    const auto left = by ? std::chrono::ceil<std::chrono::milliseconds>(*by - Clock::now()).count() : -1;
    const int timeout_ms = by ? static_cast<int>(std::max<std::int64_t>(left, 0)) : -1;
    const int ready = poll(waits.data(), by ? 1 : 2, timeout_ms);
    if (ready < 0 && errno != EINTR) return true;  // write() tells what is wrong
    if (ready > 0 && waits[0].revents != 0) return true;
    if (ready == 0 && by) return false;
  }
}

LogSink::LogSink(int descriptor, std::size_t bytes_max, LogFormat format)
    : queue_{std::make_shared<Queue>(descriptor, bytes_max, format)}, thread_{thread_without_signals([queue = queue_] {
        queue->run();
      })} {}

LogSink::~LogSink() {
  std::unique_lock lock{queue_->mutex};
  queue_->stop_by = Clock::now() + last_flush_max;
  const std::uint64_t one = 1;
  // An eventfd that was written once can't be full.
  [[maybe_unused]] const ssize_t ignored = ::write(queue_->stop_event, &one, sizeof one);
  queue_->wake.notify_all();
  // A descriptor that blocks in spite of poll() (a stopped terminal) may keep the thread, but not the program.
  if (queue_->finished.wait_for(lock, 2 * last_flush_max, [this] { return queue_->is_finished; })) {
    lock.unlock();
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LogSink::write(std::string line) {
  line += '\n';
  const std::lock_guard lock{queue_->mutex};
  const std::size_t held = queue_->pending.size() + queue_->in_flight;
  if (held > queue_->bytes_max || line.size() > queue_->bytes_max - held) {
    ++queue_->dropped;
    return;
  }
  queue_->pending += line;
  queue_->wake.notify_one();
}

void LogSink::format(LogFormat format) {
  const std::lock_guard lock{queue_->mutex};
  queue_->format = format;
}

std::uint64_t LogSink::dropped() const {
  const std::lock_guard lock{queue_->mutex};
  return queue_->dropped;
}

}  // namespace bastion::account
