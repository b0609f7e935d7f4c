// Reading the operator's files.
#include "proxy/gate/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "proxy/net/socket.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::gate {
namespace {

FileError trouble(int error_number) {
  return {net::error_text(error_number), error_number == ENOENT};
}

FileError why_not_opened(const std::string& path, int error_number) {
  auto error = trouble(error_number);
  // Landlock says no when a file is opened; faccessat(2) knows of permissions alone.
  if (error_number == EACCES && ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0) {
    error.what +=
        ", though its permissions allow it: a gate in its sandbox reads only in the directories that its policy named "
        "when it started; restart it to read in others";
  }
  return error;
}

}  // namespace

std::variant<std::string, FileError> read_file(const std::string& path) {
  // Without O_NONBLOCK, a FIFO in a file's place would hold up a reload until somebody writes to it.
  const net::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) return why_not_opened(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return trouble(errno);
  if (S_ISDIR(status.st_mode)) return trouble(EISDIR);
  if (!S_ISREG(status.st_mode)) return FileError{"it is no regular file"};
  std::string text;
  std::array<char, 64 * 1024> buffer{};
  for (;;) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return trouble(errno);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > file_bytes_max) return FileError{"it is larger than 64 MiB"};
  }
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string directory_trouble(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return net::error_text(errno);
  if (!S_ISDIR(status.st_mode)) return net::error_text(ENOTDIR);
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? std::string{} : net::error_text(errno);
}

bool is_world_readable(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

}  // namespace bastion::gate
