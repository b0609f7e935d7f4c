// What the gate tells of itself to a person: a page of tables, or JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/account/sources.hpp"
#include "proxy/account/tally.hpp"

namespace bastion::account {

struct ListenerStatus {
  std::string name;
  Transport transport = Transport::mqtts;
  Mode mode = Mode::enforce;
  bool open = true;                    ///< false: not in the policy any more; its counts are
  std::vector<std::string> addresses;  ///< where it listens
  Tally tally;
};

struct Status {
  GateFacts gate;
  std::int64_t now_s = 0;  ///< Unix time
  std::string policy_path;
  unsigned workers = 0;
  bool draining = false;
  std::vector<ListenerStatus> listeners;
  /// What was counted in the last `recent_s` seconds, of all listeners; nothing to tell where that is 0.
  Tally recent;
  std::int64_t recent_s = 0;
  std::vector<Source> sources;           ///< most refused first
  std::vector<Source> observed_sources;  ///< whom enforcing would have refused most
  std::vector<std::string> complaints;   ///< of the last reload, where it was not good
  std::string state_fault;               ///< why counters are not being kept, where they should be
};

[[nodiscard]] std::string status_text(const Status& status);
/// One object, with the metrics' names where they have one.
[[nodiscard]] std::string status_json(const Status& status);

}  // namespace bastion::account
