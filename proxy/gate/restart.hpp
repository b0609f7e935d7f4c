// What a reload can't change.
#pragma once

#include <cstddef>
#include <vector>

#include "policy/policy.hpp"

namespace bastion::gate {

/// How many workers the policy wants.
[[nodiscard]] unsigned worker_count(const Policy& policy);

/// A warning for each key that says in `next` what the gate has otherwise from its start, at its place. `workers`: those
/// that it has.
[[nodiscard]] std::vector<Complaint> wait_for_restart(const Policy& started_with, const Policy& next, std::size_t workers);

}  // namespace bastion::gate
