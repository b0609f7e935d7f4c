// The kernel's side of a filter: a program of classic BPF, run on a system call that nobody makes.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <vector>

#include "proxy/sandbox/filter.hpp"

namespace bastion::sandbox {

class FilterProgram {
 public:
  /// The one for this machine; throws where there is none.
  explicit FilterProgram(Machine machine);

  /// What the kernel of that machine would do: SECCOMP_RET_ALLOW, ..._KILL_PROCESS, ..._ERRNO | number.
  [[nodiscard]] std::uint32_t verdict(const char* call, const std::array<std::uint64_t, 6>& arguments = {}) const;

 private:
  [[nodiscard]] std::uint32_t run(const seccomp_data& data) const;

  Machine machine_;
  std::vector<sock_filter> program_;
};

}  // namespace bastion::sandbox
