// Reading and writing the counters on disk.
#include "proxy/gate/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "proxy/gate/files.hpp"
#include "proxy/net/socket.hpp"

namespace bastion::gate {
namespace {

constexpr std::chrono::seconds traffic_save{60};

std::string fault_of(const std::string& what) {
  return what + ": " + net::error_text(errno);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Removes what a gate that was killed left half written. Empty, or what stands there that no gate has made: it stays.
std::string clear(const std::string& beside) {
  struct stat found {};
  if (::lstat(beside.c_str(), &found) != 0) return errno == ENOENT ? std::string{} : fault_of("can't look at " + beside);
  if (!S_ISREG(found.st_mode)) return beside + " is no regular file, and nothing of the gate's: remove it";
  return ::unlink(beside.c_str()) == 0 ? std::string{} : fault_of("can't remove " + beside);
}

/// Empty, or what went wrong; then the file at `path` is as it was.
std::string replace_file(const std::string& path, std::string_view text) {
  const auto beside = path + ".new";
  if (auto fault = clear(beside); !fault.empty()) return fault;
  {
    const net::UniqueFd file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)};
    if (!file) return fault_of("can't make " + beside);
    if (!write_all(file.get(), text) || ::fsync(file.get()) != 0) {
      auto fault = fault_of("can't write " + beside);
      ::unlink(beside.c_str());
      return fault;
    }
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return fault_of("can't rename " + beside);
  const auto directory = path.substr(0, path.rfind('/') + 1);
  const net::UniqueFd opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return fault_of("can't make the renaming of " + path + " durable");
  return {};
}

}  // namespace

bool SavePace::is_due(const account::Tally& sum, TimePoint now) const {
  if (failed_ || sum.events() != events_) return true;
  return sum.packets_up + sum.packets_down != packets_ && now >= at_ + traffic_save;
}

void SavePace::saved(const account::Tally& sum, TimePoint at) {
  events_ = sum.events();
  packets_ = sum.packets_up + sum.packets_down;
  at_ = at;
  failed_ = false;
}

/// One thread, so that writes follow one another.
struct StateFile::Writer {
  boost::asio::thread_pool thread{1};
};

StateFile::StateFile(net::IoContext& home, const std::string& directory)
    : home_{home}, directory_{directory}, path_{directory + "/counters"}, writer_{std::make_unique<Writer>()} {}

StateFile::~StateFile() {
  writer_->thread.join();
}

StateFile::Claim StateFile::claim() {
  if (lock_) return Claim::ours;
  // Not the directory itself, which anybody may lock who may read it.
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  net::UniqueFd lock{::open((directory_ + "/lock").c_str(), flags, 0600)};
  if (!lock) return Claim::unknown;
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK ? Claim::anothers : Claim::unknown;
  lock_ = std::move(lock);
  return Claim::ours;
}

/// Empty, or what went wrong.
std::string StateFile::write(std::string_view text) {
  if (claim() == Claim::anothers) return "another gate keeps its counters in " + directory_;
  return replace_file(path_, text);
}

std::variant<std::monostate, account::Counters, std::string> StateFile::load(std::span<const std::string> in_policy) {
  if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return std::monostate{};
  const auto text = read_file(path_);
  if (const auto* error = std::get_if<FileError>(&text)) return "can't read " + path_ + ": " + error->what;
  auto read = account::read_counters(std::get<std::string>(text), in_policy);
  if (auto* counters = std::get_if<account::Counters>(&read)) return std::move(*counters);
  const auto aside = path_ + ".bad";
  const bool moved = std::rename(path_.c_str(), aside.c_str()) == 0;
  return path_ + ": " + std::get<account::CountersFault>(read).what + "; counting starts anew" +
         (moved ? ", and the file is kept as " + aside : std::string{});
}

void StateFile::save(std::string text, std::function<void(std::string fault)> done) {
  if (saving_) return;
  saving_ = true;
  boost::asio::post(writer_->thread, [this, text = std::move(text), done = std::move(done)]() mutable {
    boost::asio::post(home_, [this, fault = write(text), done = std::move(done)]() mutable {
      saving_ = false;
      done(std::move(fault));
    });
  });
}

std::string StateFile::save_now(const std::string& text) {
  writer_->thread.join();
  return write(text);
}

}  // namespace bastion::gate
