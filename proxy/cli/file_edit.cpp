// Changing a small file as a whole.
#include "proxy/cli/file_edit.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

namespace bastion::cli {

namespace {

constexpr std::size_t size_max = 64u << 20;
constexpr int lock_tries_max = 100;
constexpr timespec lock_pause{0, 100'000'000};
constexpr mode_t mode_of_a_new_file = 0600;
constexpr mode_t permissions = 07777;

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::optional<std::string> resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
  if (!real) return std::nullopt;
  return std::string(real.get());
}

/// All of a file up to the limit, from its beginning; nothing at an error or where it is longer.
std::optional<std::string> read_all(int descriptor) {
  std::string text;
  std::array<char, 1u << 16> block{};
  while (text.size() <= size_max) {
    const ssize_t size = pread(descriptor, block.data(), block.size(), static_cast<off_t>(text.size()));
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    text.append(block.data(), static_cast<std::size_t>(size));
  }
  errno = EFBIG;
  return std::nullopt;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(descriptor, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

bool lock(int directory) {
  for (int tries = 0; tries < lock_tries_max; ++tries) {
    if (flock(directory, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    nanosleep(&lock_pause, nullptr);
  }
  errno = EWOULDBLOCK;
  return false;
}

std::optional<std::string> temporary_name() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) return std::nullopt;
  return ".mqtt-bastion-" + std::to_string(number) + ".tmp";
}

/// Holds back the signals that would leave a temporary file behind.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigemptyset(&held);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) sigaddset(&held, number);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

FileEdit::Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

FileEdit::FileEdit(std::string path, std::string name, Descriptor directory)
    : path_(std::move(path)), name_(std::move(name)), directory_(std::move(directory)) {}

EditFault FileEdit::fault(std::string_view what, int error) const {
  return {path_ + ": " + std::string(what) + ": " + reason(error) + "; nothing was changed", false};
}

std::variant<FileEdit, EditFault> FileEdit::open(const std::string& path, bool create) {
  auto target = resolved(path);
  if (!target && errno != ENOENT) return EditFault{path + ": can't be reached: " + reason(errno), false};
  const auto slash = path.find_last_of('/');
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  if (!target) {
    struct stat link {};
    if (lstat(path.c_str(), &link) == 0)
      return EditFault{path + ": is a symbolic link to nothing: remove it or make its target", false};
    if (!create) return EditFault{path + ": does not exist: name an existing file, or add --create to make this one", true};
    if (last.empty() || last == "." || last == "..") return EditFault{path + ": is no name for a file", true};
    const auto directory = resolved(slash == std::string::npos ? "." : path.substr(0, slash + 1));
    if (!directory) return EditFault{path + ": its directory can't be reached: " + reason(errno), false};
    target = *directory + "/" + last;
  }
  const auto end = target->find_last_of('/');
  Descriptor directory(::open(target->substr(0, end + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number_ < 0) return EditFault{path + ": its directory can't be opened: " + reason(errno), false};
  if (!lock(directory.number_)) {
    return EditFault{
        path + ": its directory can't be locked: " + reason(errno) + "; is somebody else changing it? Try again", false};
  }
  FileEdit edit(path, target->substr(end + 1), std::move(directory));
  if (auto fault = edit.read(create)) return std::move(*fault);
  return edit;
}

std::optional<EditFault> FileEdit::read(bool create) {
  // Not to hang on a FIFO that somebody put here.
  const Descriptor file(openat(directory_.number_, name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number_ < 0) {
    if (errno == ENOENT && create) return std::nullopt;
    return fault("can't be opened", errno);
  }
  struct stat status {};
  if (fstat(file.number_, &status) != 0) return fault("can't be examined", errno);
  if (!S_ISREG(status.st_mode)) return EditFault{path_ + ": is not a regular file: name the file itself", true};
  auto text = read_all(file.number_);
  if (!text) return fault("can't be read", errno);
  text_ = std::move(*text);
  before_ = status;
  return std::nullopt;
}

bool FileEdit::is_as_before() const {
  struct stat now {};
  if (fstatat(directory_.number_, name_.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT && !before_;
  return before_ && now.st_ino == before_->st_ino && now.st_dev == before_->st_dev && now.st_size == before_->st_size &&
         same_time(now.st_mtim, before_->st_mtim) && same_time(now.st_ctim, before_->st_ctim);
}

std::optional<EditFault> FileEdit::write_beside(const std::string& name, std::string_view text,
                                                const std::function<bool(std::string_view)>& check) const {
  const Descriptor file(
      openat(directory_.number_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_of_a_new_file));
  if (file.number_ < 0) return fault("its directory takes no new file", errno);
  if (before_) {
    struct stat made {};
    if (fstat(file.number_, &made) != 0) return fault("the new file can't be examined", errno);
    const bool same_owner = made.st_uid == before_->st_uid && made.st_gid == before_->st_gid;
    if (!same_owner && fchown(file.number_, before_->st_uid, before_->st_gid) != 0) {
      return fault("the new file can't be given to the old one's owner; run this as root or as the owner", errno);
    }
  }
  if (fchmod(file.number_, before_ ? before_->st_mode & permissions : mode_of_a_new_file) != 0) {
    return fault("the new file's mode can't be set", errno);
  }
  if (!write_all(file.number_, text) || fsync(file.number_) != 0) return fault("can't be written", errno);
  const auto written = read_all(file.number_);
  if (!written || *written != text || !check(*written)) return fault("reads back differently from what was written", EIO);
  return std::nullopt;
}

std::optional<EditFault> FileEdit::replace(std::string_view text, const std::function<bool(std::string_view)>& check) {
  const SignalsHeld held;
  const auto name = temporary_name();
  if (!name) return fault("no random name for a new file", errno);
  if (auto fault = write_beside(*name, text, check)) {
    unlinkat(directory_.number_, name->c_str(), 0);
    return fault;
  }
  if (!is_as_before()) {
    unlinkat(directory_.number_, name->c_str(), 0);
    return EditFault{path_ + ": somebody else changed it meanwhile; nothing was changed, run this again", false};
  }
  if (renameat(directory_.number_, name->c_str(), directory_.number_, name_.c_str()) != 0) {
    const int error = errno;
    unlinkat(directory_.number_, name->c_str(), 0);
    return fault("can't be replaced", error);
  }
  if (fsync(directory_.number_) != 0) {
    return EditFault{path_ + ": was changed, but may not survive a power cut: " + reason(errno), false};
  }
  const Descriptor file(openat(directory_.number_, name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const auto written = file.number_ < 0 ? std::nullopt : read_all(file.number_);
  if (!written || *written != text)
    return EditFault{path_ + ": was changed by somebody else right after: look at it", false};
  return std::nullopt;
}

}  // namespace bastion::cli
