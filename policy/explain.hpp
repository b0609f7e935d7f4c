// How a client would fare, stage by stage, and which line of the policy decides. By the gate's own decisions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"
#include "policy/reason.hpp"

namespace bastion {

/// One decision.
struct ExplainedStep {
  Stage stage;
  std::optional<Refusal> refusal;  ///< nothing: the client goes on
  std::string what;                ///< one clause: what was asked and found
  /// The line that decides; line 0: a default, and `key` is the key that it is the default of (or empty: none decides).
  Location where;
  std::string_view key;
};

struct Explanation {
  std::vector<ExplainedStep> steps;  ///< up to the first refusal, that included
  const ListenerPolicy* listener = nullptr;
  const Role* role = nullptr;  ///< of an admitted client, where there are roles

  /// Nothing: admitted, as far as the policy goes. Limits and rates depend on who else is there.
  [[nodiscard]] std::optional<Refusal> refusal() const;
};

/// What an admitted client may do with one topic, where the policy is enforced.
struct ExplainedTopic {
  bool is_allowed = true;
  std::string what;        ///< one clause: what was asked and found
  Location where;          ///< the line that decides; line 0: none, or the default of `key`
  std::string_view key{};  ///< empty: no key decides
};

/// `role`: the client's, as `Explanation` has it. By the limits and rules that the session's packets and its will are held
/// to.
[[nodiscard]] ExplainedTopic explain_topic(const Policy& policy, const Role* role, const DescribedClient& client,
                                           const TopicQuestion& question);

/// Whether a user stands in the password file; empty where there is no such file.
using KnowsUser = std::function<bool(std::string_view)>;

/// Views into `policy`, which must outlive it. The policy has at least one listener.
[[nodiscard]] Explanation explain(const Policy& policy, const DescribedClient& client, const KnowsUser& knows_user);

/// What an [[expect]] of the policy did not find, or nothing.
[[nodiscard]] std::optional<Complaint> disappointment(const Policy& policy, const Expectation& expectation,
                                                      const KnowsUser& knows_user);

/// `policy.toml:31`, `default of mqtt.versions`, or empty.
[[nodiscard]] std::string deciding_line(const ExplainedStep& step);
[[nodiscard]] std::string deciding_line(const ExplainedTopic& topic);
/// `reason/cause`; of bad credentials the cause that logs tell.
[[nodiscard]] std::string refusal_text(Refusal refusal);

}  // namespace bastion
