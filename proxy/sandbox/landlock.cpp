// Landlock by its three system calls, which have no wrapper in the C library.
#include "proxy/sandbox/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "proxy/sandbox/trouble.hpp"

namespace bastion::sandbox {
namespace {

using Rights = std::uint64_t;

// landlock(7). Spelt out where the headers of Debian 12 are older.
constexpr Rights truncating = 1u << 14;          // from version 3
constexpr Rights ioctl_of_devices = 1u << 15;    // from version 5
constexpr Rights connecting_by_tcp = 1u << 1;    // from version 4
constexpr Rights to_abstract_sockets = 1u << 0;  // from version 6
constexpr Rights to_other_processes = 1u << 1;   // from version 6
constexpr int rule_of_path = LANDLOCK_RULE_PATH_BENEATH;
constexpr int rule_of_port = 2;  // from version 4

/// As version 6 has it: older kernels take a longer one whose end is zero.
struct Ruleset {
  Rights files = 0;
  Rights ports = 0;
  Rights scopes = 0;
};
struct PortRule {
  Rights allowed = 0;
  std::uint64_t port = 0;
};

constexpr Rights of_version_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr Rights reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr Rights writing = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                           LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_SOCK | truncating;
/// What can be allowed for something that is no directory.
constexpr Rights of_single_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | truncating;

/// What this version can forbid at all.
Ruleset all_of(int version) {
  Ruleset all{of_version_1};
  if (version >= 2) all.files |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) all.files |= truncating;
  if (version >= 4) all.ports |= connecting_by_tcp;
  if (version >= 5) all.files |= ioctl_of_devices;
  if (version >= 6) all.scopes |= to_abstract_sockets | to_other_processes;
  return all;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

template <class Rule>
bool add_rule(const Descriptor& ruleset, int type, const Rule& rule) {
  return ::syscall(SYS_landlock_add_rule, ruleset.get(), type, &rule, 0) == 0;
}

/// Empty, or what went wrong.
std::string allow(const Descriptor& ruleset, const std::string& path, Rights rights) {
  const Descriptor place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!place) return errno == ENOENT ? std::string{} : trouble(path);
  struct stat found {};
  if (::fstat(place.get(), &found) != 0) return trouble(path);
  if (!S_ISDIR(found.st_mode)) rights &= of_single_files;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = place.get();
  return add_rule(ruleset, rule_of_path, rule) ? std::string{} : trouble(path);
}

}  // namespace

int landlock_abi() {
  const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

std::variant<int, std::string> confine_to(const Reach& reach) {
  const int version = landlock_abi();
  if (version == 0) return std::string{"the kernel has no Landlock"};
  auto held = all_of(version);
  if (reach.reaches_abstract_sockets_too) held.scopes &= ~to_abstract_sockets;
  const Descriptor ruleset{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &held, sizeof held, 0))};
  if (!ruleset) return trouble("landlock_create_ruleset");
  for (const auto& path : reach.readable) {
    if (auto error = allow(ruleset, path, reading & held.files); !error.empty()) return error;
  }
  for (const auto& path : reach.writable) {
    if (auto error = allow(ruleset, path, writing & held.files); !error.empty()) return error;
  }
  if ((held.ports & connecting_by_tcp) != 0) {
    for (const auto port : reach.tcp_ports) {
      if (!add_rule(ruleset, rule_of_port, PortRule{connecting_by_tcp, port}))
        return trouble("port " + std::to_string(port));
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return trouble("landlock_restrict_self");
  return version;
}

}  // namespace bastion::sandbox
