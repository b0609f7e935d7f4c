// Which system calls the kernel takes from this process (seccomp).
#pragma once

#include <cstdint>
#include <string>

namespace bastion::sandbox {

/// Whether the kernel knows filters as they are used here (Linux 4.14).
[[nodiscard]] bool has_system_call_filter();

/// Filters the system calls of all threads from now on. What system_calls.hpp allows is done. What it calls hostile ends the
/// process, by SIGSYS. Anything else fails with ENOSYS, as with a kernel that is too old for it, and the kernel tells its
/// audit log. Needs no_new_privs. Empty, or what went wrong.
[[nodiscard]] std::string filter_system_calls();

/// The machines that the gate is built for.
enum class Machine : std::uint8_t { amd64, arm64, armhf };
/// The same filter, for whichever machine, as the kernel's program (seccomp_export_bpf(3)) at this descriptor. Empty, or
/// what went wrong.
[[nodiscard]] std::string write_filter(Machine machine, int fd);

}  // namespace bastion::sandbox
