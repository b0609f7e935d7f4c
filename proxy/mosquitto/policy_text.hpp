// The policy that does at the gate what a mosquitto.conf did at the broker, as TOML with comments.
#pragma once

#include <string>
#include <vector>

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/plan.hpp"

namespace bastion::mosquitto {

struct PolicyText {
  std::string toml;                    ///< `parse_policy` takes it
  std::vector<std::string> decisions;  ///< what it also says as `# Decide:`, a sentence each
};

/// Where the two differ, it is the narrower that is written, and a comment says so.
[[nodiscard]] PolicyText policy_text(const Conf& conf, const Plan& plan, const ImportOptions& options);

}  // namespace bastion::mosquitto
