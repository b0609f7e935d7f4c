// What the gate itself reads in a stream that it let through: its own parsers, and nothing that is not theirs.
#pragma once

#include "tests/differ/quirks.hpp"
#include "tests/differ/reading.hpp"

namespace bastion::differ {

/// `quirks`: of the reader that this is to be compared with. A client's stream may begin with CONNECT.
[[nodiscard]] Reading gate_reading(const Stream& stream, Quirks quirks);

}  // namespace bastion::differ
