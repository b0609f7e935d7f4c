// `mqtt-bastion import`: the policy for a Mosquitto that is there already.
#pragma once

#include <string>
#include <vector>

namespace bastion::cli {

struct ImportCommandOptions {
  std::string conf;                ///< mosquitto.conf
  std::string output;              ///< the policy; empty: standard output
  bool force = false;              ///< replaces a policy that is there
  std::vector<std::string> allow;  ///< prefixes
  bool observe = false;
  std::string unix_socket;  ///< where Mosquitto shall listen; empty: on a loopback port
};

/// Writes the policy, and prints the lines of mosquitto.conf to change: to standard output, or where that is taken by the
/// policy, to standard error with everything else. The exit code.
[[nodiscard]] int import_command(const ImportCommandOptions& options);

}  // namespace bastion::cli
