// An interpreter for those of BPF's instructions that filters of system calls may have (seccomp(2), filter.rst of the
// kernel).
#include "filter_program.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace bastion::sandbox {
namespace {

std::uint32_t architecture_of(Machine machine) {
  switch (machine) {
    case Machine::amd64:
      return AUDIT_ARCH_X86_64;
    case Machine::arm64:
      return AUDIT_ARCH_AARCH64;
    case Machine::armhf:
      return AUDIT_ARCH_ARM;
  }
  return 0;
}

std::uint32_t result_of(std::uint16_t operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    default:
      throw std::runtime_error{"an operation that is not expected: " + std::to_string(operation)};
  }
}

bool is_taken(std::uint16_t jump, std::uint32_t a, std::uint32_t b) {
  switch (jump) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    case BPF_JSET:
      return (a & b) != 0;
    default:
      throw std::runtime_error{"a jump that is not expected: " + std::to_string(jump)};
  }
}

}  // namespace

FilterProgram::FilterProgram(Machine machine) : machine_{machine} {
  const int fd = ::memfd_create("filter", MFD_CLOEXEC);
  if (const auto error = write_filter(machine, fd); !error.empty()) throw std::runtime_error{error};
  program_.resize(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)) / sizeof(sock_filter));
  const auto size = static_cast<ssize_t>(program_.size() * sizeof(sock_filter));
  const bool is_read = ::pread(fd, program_.data(), static_cast<std::size_t>(size), 0) == size;
  ::close(fd);
  if (!is_read) throw std::runtime_error{"no filter"};
}

std::uint32_t FilterProgram::verdict(const char* call, const std::array<std::uint64_t, 6>& arguments) const {
  const auto architecture = architecture_of(machine_);
  const int number = seccomp_syscall_resolve_name_arch(architecture, call);
  if (number < 0) throw std::runtime_error{std::string{"this machine has no "} + call};
  seccomp_data data{number, architecture, 0, {}};
  std::memcpy(data.args, arguments.data(), sizeof data.args);
  return run(data);
}

std::uint32_t FilterProgram::run(const seccomp_data& data) const {
  std::uint32_t accumulator = 0;
  std::uint32_t index = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
  for (std::size_t at = 0;; ++at) {
    const auto& step = program_.at(at);
    const std::uint32_t operand = BPF_SRC(step.code) == BPF_X ? index : step.k;
    switch (BPF_CLASS(step.code)) {
      case BPF_RET:
        return BPF_RVAL(step.code) == BPF_A ? accumulator : step.k;
      case BPF_LD:
        if (BPF_MODE(step.code) == BPF_MEM) {
          accumulator = memory.at(step.k);
        } else {
          std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator);
        }
        break;
      case BPF_ST:
        memory.at(step.k) = accumulator;
        break;
      case BPF_ALU:
        accumulator = result_of(BPF_OP(step.code), accumulator, operand);
        break;
      case BPF_JMP:
        at += BPF_OP(step.code) == BPF_JA ? step.k : is_taken(BPF_OP(step.code), accumulator, operand) ? step.jt : step.jf;
        break;
      default:
        index = BPF_MISCOP(step.code) == BPF_TAX ? accumulator : index;
        break;
    }
  }
}

}  // namespace bastion::sandbox
