// Keeping what is in memory off every disk: no core dump, no swap.
#pragma once

#include <string>

namespace bastion::sandbox {

/// No core dump of this process is written, by the kernel or by a program that it hands them to; and only root may look into
/// its memory. Has to come after the last change of user, which undoes it. Empty, or what went wrong.
[[nodiscard]] std::string forbid_core_dumps();

/// Lets the process lock as much memory as it wants, where it may say so: root may.
void raise_limit_of_locked_memory();

/// Locks each page of this process from the moment it is first touched, all that will come later included: none is swapped
/// out. It takes no memory that is not used. Empty, or what went wrong: an unlimited RLIMIT_MEMLOCK is needed, since with a
/// limit a later allocation would fail.
[[nodiscard]] std::string lock_memory();

}  // namespace bastion::sandbox
