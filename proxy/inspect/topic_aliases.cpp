// Setting and finding topic aliases.
#include "proxy/inspect/topic_aliases.hpp"

namespace bastion::inspect {

const TopicAliases::Topic* TopicAliases::find(std::uint16_t alias) const {
  if (alias == 0 || alias > topics_.size() || topics_[alias - 1u].name.empty()) return nullptr;
  return &topics_[alias - 1u];
}

bool TopicAliases::set(std::uint16_t alias, std::string_view name, bool told) {
  const bool is_new = alias > topics_.size();
  const auto slots = is_new ? (alias - topics_.size()) * sizeof(Topic) : 0;
  const auto before = is_new ? 0 : topics_[alias - 1u].name.size();
  const auto bytes = bytes_ + slots + name.size() - before;
  if (bytes > bytes_max) return false;
  if (is_new) topics_.resize(alias);
  auto& topic = topics_[alias - 1u];
  if (topic.name != name) topic.name = name;
  topic.told = told;
  bytes_ = bytes;
  return true;
}

}  // namespace bastion::inspect
