// mqtt-bastion status and reload.
#pragma once

#include "proxy/cli/control_client.hpp"

namespace bastion::cli {

struct StatusOptions {
  ControlOptions gate;
  bool json = false;
  unsigned watch_s = 0;  ///< asks again after so many seconds, until interrupted; 0: once
};
[[nodiscard]] int status_command(const StatusOptions& options);

/// Exit code 1 where the policy was not taken, with its complaints.
[[nodiscard]] int reload_command(const ControlOptions& options);

}  // namespace bastion::cli
