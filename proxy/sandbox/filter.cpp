// The filter, built by libseccomp from the tables of system calls.
#include "proxy/sandbox/filter.hpp"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "proxy/sandbox/system_calls.hpp"
#include "proxy/sandbox/trouble.hpp"

namespace bastion::sandbox {
namespace {

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

constexpr std::uint32_t not_there = SCMP_ACT_ERRNO(ENOSYS);
constexpr std::uint32_t by_speed = 2;  // a tree, where each call costs the same, in place of a list

std::uint32_t architecture_of(Machine machine) {
  switch (machine) {
    case Machine::amd64:
      return SCMP_ARCH_X86_64;
    case Machine::arm64:
      return SCMP_ARCH_AARCH64;
    case Machine::armhf:
      return SCMP_ARCH_ARM;
  }
  return SCMP_ARCH_NATIVE;
}

/// One of the two filters, while it is being built; the first error stays.
class Builder {
 public:
  Builder(std::uint32_t otherwise, std::uint32_t architecture) : filter_{seccomp_init(otherwise)} {
    if (!filter_) {
      error_ = ENOMEM;
      return;
    }
    if (architecture != seccomp_arch_native()) {
      keep(seccomp_arch_remove(filter_.get(), SCMP_ARCH_NATIVE));
      keep(seccomp_arch_add(filter_.get(), architecture));
    }
    // Of the three, that is amd64's x32: its calls have other numbers, and whoever makes one is not the gate.
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    set(SCMP_FLTATR_CTL_NNP, 0);  // that is no business of a filter's
    set(SCMP_FLTATR_CTL_TSYNC, 1);
    set(SCMP_FLTATR_CTL_OPTIMIZE, by_speed);
    set(SCMP_FLTATR_API_SYSRAWRC, 1);  // the kernel's own errors
  }

  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (error_ == 0) keep(seccomp_attr_set(filter_.get(), attribute, value));
  }

  void add(std::uint32_t action, std::string_view name) { add(action, ConditionalCall{name, {}, 0}); }

  void add(std::uint32_t action, const ConditionalCall& call) {
    if (error_ != 0) return;
    // By the number that it has here, from which libseccomp finds the other machine's; and it leaves out what that has not.
    const int number = seccomp_syscall_resolve_name(std::string{call.name}.c_str());
    if (number == __NR_SCMP_ERROR) return;  // the call is newer than this libseccomp
    scmp_arg_cmp comparisons[ConditionalCall::conditions_max]{};
    for (std::size_t i = 0; i < call.conditions_count; ++i) {
      const auto& condition = call.conditions[i];
      comparisons[i] = {condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
    }
    keep(seccomp_rule_add_array(filter_.get(), action, number, static_cast<unsigned>(call.conditions_count), comparisons));
  }

  [[nodiscard]] std::string load() {
    if (error_ == 0) keep(seccomp_load(filter_.get()));
    return outcome("can't install the filter of system calls");
  }
  [[nodiscard]] std::string write(int fd) {
    if (error_ == 0) keep(seccomp_export_bpf(filter_.get(), fd));
    return outcome("can't write the filter of system calls");
  }

 private:
  void keep(int result) {
    if (error_ == 0 && result != 0) error_ = -result;
  }
  [[nodiscard]] std::string outcome(const std::string& what) const {
    return error_ == 0 ? std::string{} : trouble(what, error_);
  }

  Filter filter_;
  int error_ = 0;
};

/// What clone3() is to do lies in memory, where no filter can look. C libraries do without it.
constexpr std::string_view hidden_call = "clone3";

/// Everything but that, since each thread begins with an attempt at it, and the audit log shall not hear of that.
Builder silent_filter(std::uint32_t architecture) {
  Builder builder{SCMP_ACT_ALLOW, architecture};
  builder.add(not_there, hidden_call);
  return builder;
}

Builder main_filter(std::uint32_t architecture) {
  Builder builder{not_there, architecture};
  builder.set(SCMP_FLTATR_CTL_LOG, 1);
  for (const auto name : allowed_calls()) builder.add(SCMP_ACT_ALLOW, name);
  for (const auto& call : conditional_calls()) builder.add(SCMP_ACT_ALLOW, call);
  for (const auto name : hostile_calls()) builder.add(SCMP_ACT_KILL_PROCESS, name);
  for (const auto& call : hostile_conditional_calls()) builder.add(SCMP_ACT_KILL_PROCESS, call);
  builder.add(SCMP_ACT_ALLOW, hidden_call);
  return builder;
}

}  // namespace

bool has_system_call_filter() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

std::string filter_system_calls() {
  if (!has_system_call_filter()) return "the kernel has no filter of system calls";
  // In this order: the main one does not allow to install any other.
  if (auto error = silent_filter(seccomp_arch_native()).load(); !error.empty()) return error;
  return main_filter(seccomp_arch_native()).load();
}

std::string write_filter(Machine machine, int fd) {
  return main_filter(architecture_of(machine)).write(fd);
}

}  // namespace bastion::sandbox
