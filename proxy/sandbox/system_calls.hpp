// The system calls that the gate makes, and those that nobody but an intruder would make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bastion::sandbox {

/// What must hold of one argument of a system call: all of its bits under the mask are these.
struct Condition {
  unsigned argument = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
};

/// A call of which all of these hold.
struct ConditionalCall {
  static constexpr std::size_t conditions_max = 3;
  std::string_view name;
  Condition conditions[conditions_max];
  std::size_t conditions_count = 1;
};

/// Allowed whatever their arguments are. By the names that they have on amd64, arm64 and armhf, with the C libraries of
/// Debian 12 and 13: each of those has some of them.
[[nodiscard]] std::span<const std::string_view> allowed_calls();
/// Allowed with some arguments; a call may stand here several times.
[[nodiscard]] std::span<const ConditionalCall> conditional_calls();
/// No part of the gate, and no library of its, makes one of these after the start.
[[nodiscard]] std::span<const std::string_view> hostile_calls();
/// The same, of calls that it makes otherwise.
[[nodiscard]] std::span<const ConditionalCall> hostile_conditional_calls();

}  // namespace bastion::sandbox
