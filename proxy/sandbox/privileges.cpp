// Capabilities by capset(2), which has no wrapper in the C library.
#include "proxy/sandbox/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "proxy/sandbox/trouble.hpp"

namespace bastion::sandbox {
namespace {

/// The kernel has about forty; it says EINVAL for the first that it does not know.
constexpr unsigned long capabilities_max = 64;

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool is_empty(const __user_cap_data_struct& sets) {
  return (sets.effective | sets.permitted | sets.inheritable) == 0;
}

}  // namespace

void empty_the_bounding_set() {
  for (unsigned long capability = 0; capability < capabilities_max; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) != 0) return;
  }
}

std::string allow_no_new_privileges() {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 ? std::string{} : trouble("can't set no_new_privs");
}

std::string drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Sets held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) return trouble("can't ask for capabilities");
  // Where there are none, a service manager may well forbid to change them.
  if (std::all_of(held.begin(), held.end(), is_empty)) return {};
  Sets none{};
  // The ambient set goes with them: it is part of both the permitted and the inheritable set.
  return ::syscall(SYS_capset, &header, none.data()) == 0 ? std::string{} : trouble("can't drop capabilities");
}

}  // namespace bastion::sandbox
