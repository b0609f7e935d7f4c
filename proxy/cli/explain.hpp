// mqtt-bastion explain: the question that is put to a policy.
#pragma once

#include <string>

#include "policy/explain.hpp"
#include "policy/policy.hpp"

namespace bastion::cli {

struct ExplainOptions {
  std::string policy;
  std::string from;
  std::string version = "3.1.1";
  std::string user;  ///< empty: none
  std::string password = "right";
  TopicQuestion publish{TopicQuestion::Kind::publish};      ///< an empty text: not asked; so in the next two
  TopicQuestion subscribe{TopicQuestion::Kind::subscribe};  ///< a topic filter
  TopicQuestion will{TopicQuestion::Kind::will};
  DescribedClient client;  ///< what needs no reading: listener, client identifier, keep alive
};
/// Exit code 0 whether the client would be admitted or refused; 2 where the policy or the question is no good.
[[nodiscard]] int explain_command(const ExplainOptions& options);

}  // namespace bastion::cli
