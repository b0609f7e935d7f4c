// The cause under which a peer that speaks something else is counted.
#pragma once

#include "policy/reason.hpp"
#include "proxy/origin/first_bytes.hpp"

namespace bastion::inspect {

/// Of `not_tls` and `not_mqtt`. What can't be told yet could still be TLS.
[[nodiscard]] Cause cause_of(origin::Guess guess);

}  // namespace bastion::inspect
