// What both directions take note of.
#include "proxy/inspect/conversation.hpp"

#include <algorithm>

namespace bastion::inspect {
namespace {

constexpr std::size_t shown_topic_bytes_max = 64;

}  // namespace

bool Conversation::observes(Refusal refusal) {
  if (rights_.mode == Mode::enforce) return false;
  if (std::find(observed_.begin(), observed_.end(), refusal) == observed_.end()) observed_.push_back(refusal);
  return true;
}

void Conversation::deny(Denied what, std::string_view topic) {
  if (++denied_[static_cast<std::size_t>(what)] > 1) return;
  first_denials_.push_back({what, std::string{topic.substr(0, shown_topic_bytes_max)}});
}

}  // namespace bastion::inspect
