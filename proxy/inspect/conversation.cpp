// What both directions take note of.
#include "proxy/inspect/conversation.hpp"

#include <algorithm>

namespace bastion::inspect {
bool Conversation::observes(Refusal refusal, const TopicFacts& about) {
  if (rights_.mode == Mode::enforce) return false;
  const auto is_it = [&](const Observed& known) { return known.refusal == refusal; };
  if (std::none_of(observed_.begin(), observed_.end(), is_it)) observed_.push_back({refusal, TopicNote{about}});
  return true;
}

void Conversation::deny(Denied what, const TopicFacts& about) {
  if (++denied_[static_cast<std::size_t>(what)] == 1) first_denials_.push_back({what, TopicNote{about}});
}

}  // namespace bastion::inspect
