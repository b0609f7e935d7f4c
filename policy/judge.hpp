// The questions that the gate puts to its policy, one function each. Pure: no clock, no socket, no allocation.
#pragma once

#include <variant>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"
#include "policy/reason.hpp"

namespace bastion {

/// The client may go on. `role` is null where the policy has no roles.
struct Admitted {
  const Role* role = nullptr;
};

using Verdict = std::variant<Admitted, Refusal>;

/// Stage 1: may this address come in at all?
[[nodiscard]] Verdict judge(const Policy& policy, const Origin& origin);

/// Stages 5 and 6 up to the password: version, Authentication Method, client identifier, keep alive, credentials present,
/// user name. In that order; the first that fails is the reason. `client_id_pattern` is left to the second call below, since
/// it may name a user who has not proved to be it.
[[nodiscard]] Verdict judge(const Policy& policy, const ConnectFacts& connect);

/// After the password was right (or none was needed): client identifier pattern, then roles: user, network and client
/// identifier fit each other; then whether the client may leave the will that it asks to leave.
[[nodiscard]] Verdict judge_identity(const Policy& policy, const Origin& origin, const ConnectFacts& connect);

/// All that the second question finds, not just the first; empty where the client may go on. For those who want to know
/// what else would be in the way.
[[nodiscard]] std::vector<Refusal> refusals_of(const Policy& policy, const ConnectFacts& connect);

/// A client that was admitted under an earlier policy: the three questions again, in their order.
[[nodiscard]] Verdict judge_again(const Policy& policy, const Origin& origin, const ConnectFacts& connect);

/// The keep alive that MQTT 5 clients are told by Server Keep Alive (OASIS 5.0 section 3.2.2.3.14), seconds; nothing where
/// the client's own is within `keep_alive_max`. MQTT 3 has no such property: there judge() refuses.
[[nodiscard]] std::optional<std::uint16_t> server_keep_alive(const Policy& policy, const ConnectFacts& connect);

}  // namespace bastion
