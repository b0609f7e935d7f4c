// How many descriptors the system lets the gate have.
#pragma once

#include <string>

#include "policy/policy.hpp"

namespace bastion::gate {

/// Raises the process's limit to what the policy needs: two for each connection, those of each worker, and some for all
/// else. Where the system won't give that many, takes what it gives, and says so with what to do about it: known now rather
/// than found out under load.
[[nodiscard]] std::string make_room_for(const Policy& policy);

/// What that would say to a process that can't raise its own hard limit. Changes nothing.
[[nodiscard]] std::string lack_of_room_for(const Policy& policy);

}  // namespace bastion::gate
