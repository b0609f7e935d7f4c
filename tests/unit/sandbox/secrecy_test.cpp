// No core dump, no swap.
#include "proxy/sandbox/secrecy.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "child.hpp"

namespace bastion::sandbox {
namespace {

TEST(CoreDumps, AreForbiddenByBothOfTheirSwitches) {
  const auto said = in_child([] {
    auto error = forbid_core_dumps();
    if (!error.empty()) return error;
    rlimit limit{1, 1};
    ::getrlimit(RLIMIT_CORE, &limit);
    return in_order({outcome(::prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL)), std::to_string(limit.rlim_cur),
                     std::to_string(limit.rlim_max)});
  });
  EXPECT_EQ(said, "0 0 0");
}

/// KiB of this process that can't be swapped out.
long locked_kib() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return -1;
}

TEST(LockedMemory, IsLeftAloneUnderALimitSinceLaterMemoryWouldNotBeHad) {
  const auto said = in_child([] {
    const rlimit limit{1 << 16, 1 << 16};
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
    return lock_memory() + "; " + std::to_string(locked_kib()) + " KiB";
  });
  EXPECT_EQ(said, "memory may be swapped out: the limit of locked memory is not infinite; 0 KiB");
}

TEST(LockedMemory, IsHadWhereThereIsNoLimit) {
  const auto said = in_child([] {
    raise_limit_of_locked_memory();
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    const bool is_endless = limit.rlim_max == RLIM_INFINITY;
    return std::string{lock_memory().empty() == is_endless ? "as the limit says" : "otherwise"};
  });
  EXPECT_EQ(said, "as the limit says");
}

}  // namespace
}  // namespace bastion::sandbox
