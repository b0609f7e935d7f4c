// What a process may open and connect to, held by the kernel (Landlock).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace bastion::sandbox {

/// Everything else is forbidden. Paths are directories with all that will ever lie beneath them, or files.
struct Reach {
  std::vector<std::string> readable;
  std::vector<std::string> writable;          ///< read, made, written, renamed and removed; sockets too
  std::vector<std::uint16_t> tcp_ports;       ///< that may be connected to, at whatever address
  bool reaches_abstract_sockets_too = false;  ///< those of other processes; path names are a matter of permissions
};

/// The version of Landlock's interface that this kernel has; 0: none.
[[nodiscard]] int landlock_abi();

/// Holds the calling thread to it, and all threads and processes that it starts later. As much of it as the kernel knows:
/// files from version 1 on, ports from 4 (Linux 6.7), abstract sockets and signals to other processes from 6 (6.12). Needs
/// no_new_privs. The version, or what went wrong. Paths that are not there are passed over.
[[nodiscard]] std::variant<int, std::string> confine_to(const Reach& reach);

}  // namespace bastion::sandbox
