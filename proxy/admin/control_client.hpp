// Asking a running gate by its control socket: the other end of Control.
#pragma once

#include <chrono>
#include <string>
#include <variant>

namespace bastion::admin {

struct ControlAnswer {
  bool ok = false;
  std::string text;
};
struct ControlFault {
  std::string what;  ///< with the path, and what to do
};

/// One question, and its whole answer of at most 4 MiB, within `timeout`.
[[nodiscard]] std::variant<ControlAnswer, ControlFault> ask_gate(const std::string& socket, const std::string& request,
                                                                 std::chrono::milliseconds timeout);

}  // namespace bastion::admin
