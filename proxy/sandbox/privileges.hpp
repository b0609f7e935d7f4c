// What a process may do beyond what its user may: giving all of it up.
#pragma once

#include <string>

namespace bastion::sandbox {

/// From now on no program that is executed brings more rights than this process has (no_new_privs). Empty, or what went
/// wrong.
[[nodiscard]] std::string allow_no_new_privileges();

/// Empties the bounding set of the calling thread, and of those that it starts later: not even a program of root's would
/// have a capability. Only who has CAP_SETPCAP can, as root has until it becomes somebody else; for all others no_new_privs
/// does it.
void empty_the_bounding_set();

/// Empties the other sets of capabilities, likewise. Empty, or what went wrong.
[[nodiscard]] std::string drop_capabilities();

}  // namespace bastion::sandbox
