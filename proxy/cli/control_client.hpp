// Finding a running gate, and asking it.
#pragma once

#include <string>
#include <variant>

#include "proxy/admin/control_client.hpp"

namespace bastion::cli {

/// Where the gate is reached when neither `--socket` nor a policy says so: what the packaged policy has.
inline constexpr const char* default_control_socket = "/run/mqtt-bastion/control.sock";

/// How a command names the gate that it means.
struct ControlOptions {
  std::string policy;  ///< whose `admin.socket` it is; or
  std::string socket;  ///< the path itself; where both are empty, the default
};
/// The path, or why there is none.
[[nodiscard]] std::variant<std::string, admin::ControlFault> control_socket_of(const ControlOptions& options);

/// Asks the gate that is meant; where that fails, says so on standard error and gives the exit code.
[[nodiscard]] std::variant<admin::ControlAnswer, int> ask_or_tell(const ControlOptions& options, const std::string& request);

}  // namespace bastion::cli
