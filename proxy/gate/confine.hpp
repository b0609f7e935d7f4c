// The sandbox that a policy leaves room in: entering it, and what is said of it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/sandbox/sandbox.hpp"

namespace bastion::gate {

/// All files that a policy names and the gate reads, the policy first; each is read again at every reload.
[[nodiscard]] std::vector<Located<std::string>> files_of(const Policy& policy);

/// What a gate with this policy has to reach: the directories of its files, so that a file may be replaced by renaming, and
/// where links lead; `gate.state_dir` and the control socket's directory, to write; the broker's port.
[[nodiscard]] sandbox::Reach reach_of(const Policy& policy);

/// How the process shall be shut in, beside what the policy says.
struct Confinement {
  std::string user;                      ///< in place of the policy's; empty: the policy's
  std::vector<std::string> written_too;  ///< directories that it writes to beside those of the policy
};

/// Why the gate was not shut in, or can't work as it is now.
struct NotConfined {
  std::vector<Complaint> complaints;
  bool bad_policy = true;  ///< false: the machine said no
};

/// Shuts the process in as the policy wants it. Listeners must be open, and no thread started. Where root was given up, each
/// of the policy's files must still be readable, since the next reload would fail.
[[nodiscard]] std::variant<sandbox::Sandbox, NotConfined> confine(const Policy& policy, const Confinement& confinement);

/// The layers that the policy wants and that do not hold, each with its reason, and whether that is grave; and a warning
/// where the gate still is root.
struct Gap {
  LogLevel level = LogLevel::warning;
  std::string text;
};
[[nodiscard]] std::vector<Gap> gaps_of(const sandbox::Sandbox& sandbox);

/// Why a gate in this sandbox can't go on with that policy; nothing: it can.
[[nodiscard]] std::optional<Complaint> out_of_reach(const sandbox::Sandbox& sandbox, const Policy& started_with,
                                                    const Policy& next);

}  // namespace bastion::gate
