// Core dumps and locked memory.
#include "proxy/sandbox/secrecy.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "proxy/sandbox/trouble.hpp"

namespace bastion::sandbox {

std::string forbid_core_dumps() {
  const rlimit nothing{0, 0};
  if (::setrlimit(RLIMIT_CORE, &nothing) != 0) return trouble("can't set RLIMIT_CORE");
  // Where core_pattern is a program, as with systemd-coredump, it gets dumps whatever that limit is.
  return ::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0 ? std::string{} : trouble("can't become undumpable");
}

void raise_limit_of_locked_memory() {
  const rlimit endless{RLIM_INFINITY, RLIM_INFINITY};
  static_cast<void>(::setrlimit(RLIMIT_MEMLOCK, &endless));
}

std::string lock_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return trouble("can't read RLIMIT_MEMLOCK");
  if (limit.rlim_max != RLIM_INFINITY) return "memory may be swapped out: the limit of locked memory is not infinite";
  limit.rlim_cur = RLIM_INFINITY;
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return trouble("can't set RLIMIT_MEMLOCK");
  return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? std::string{} : trouble("can't lock memory");
}

}  // namespace bastion::sandbox
