// How many descriptors the system lets the gate have.
#pragma once

#include <string>

#include "policy/policy.hpp"

namespace bastion::gate {

/// Raises the process's limit to two for each connection that the policy allows, and some for all else. Where the system
/// won't give that many, takes what it gives, and says so with what to do about it: known now rather than found out under
/// load.
[[nodiscard]] std::string make_room_for(const AdmissionPolicy& policy);

}  // namespace bastion::gate
