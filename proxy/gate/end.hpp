// How a stage of a connection's life ended it.
#pragma once

#include <optional>
#include <variant>

#include "policy/reason.hpp"
#include "proxy/account/ending.hpp"

namespace bastion::gate {

using End = std::variant<Refusal, account::Close>;
/// Nothing: the connection goes on.
using MaybeEnd = std::optional<End>;

}  // namespace bastion::gate
