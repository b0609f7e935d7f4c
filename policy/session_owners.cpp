// Claims on client identifiers.
#include "policy/session_owners.hpp"

#include <algorithm>

namespace bastion {

void SessionOwners::limit(std::size_t kept_max) {
  kept_max_ = kept_max;
  forget_beyond(kept_max);
}

bool SessionOwners::claim(std::string_view client_id, Owner owner, Clock::time_point now) {
  forget_ended(now);
  const auto found = entries_.find(client_id);
  if (found != entries_.end() && found->second.owner != owner) return false;
  assign(client_id, owner, now);
  return true;
}

void SessionOwners::assign(std::string_view client_id, Owner owner, Clock::time_point now) {
  forget_ended(now);
  auto& entry = entries_[std::string{client_id}];
  if (entry.place) unkeep(entry);
  entry.owner = owner ? std::optional<std::string>{*owner} : std::nullopt;
  ++entry.connections;
}

void SessionOwners::release(std::string_view client_id, const std::optional<Kept>& kept, Clock::time_point now) {
  forget_ended(now);
  const auto found = entries_.find(client_id);
  if (found == entries_.end() || found->second.connections == 0) return;
  auto& entry = found->second;
  // A connection that was taken over ends after the one that took it over has begun, and may after that has ended.
  if (kept && kept->since >= entry.told_by) {
    const auto until = kept->time == for_ever ? Clock::time_point::max() : now + kept->time;
    entry.kept_until = kept->is_answered ? until : std::max(entry.kept_until, until);
    entry.told_by = kept->since;
  }
  if (--entry.connections > 0) return;
  if (entry.kept_until <= now) {
    entries_.erase(found);
    return;
  }
  keep(found);
  forget_beyond(kept_max_);
}

void SessionOwners::keep(Entries::iterator entry) {
  const auto until = entry->second.kept_until;
  const auto holding = holdings_.try_emplace(entry->second.owner).first;
  const auto before = holding->second.size();
  entry->second.place = Place{by_end_.emplace(until, entry), holding, holding->second.emplace(until, entry)};
  resize(holding, before);
}

void SessionOwners::unkeep(Entry& entry) {
  const auto [by_end, holding, in_holding] = *entry.place;
  entry.place.reset();
  const auto before = holding->second.size();
  by_end_.erase(by_end);
  holding->second.erase(in_holding);
  resize(holding, before);
}

/// A holding had so many, and has another number now.
void SessionOwners::resize(Holdings::iterator holding, std::size_t from) {
  by_size_.erase({from, &holding->first});
  if (holding->second.empty()) {
    holdings_.erase(holding);
  } else {
    by_size_.emplace(holding->second.size(), &holding->first);
  }
}

void SessionOwners::forget_ended(Clock::time_point now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    const auto entry = by_end_.begin()->second;
    unkeep(entry->second);
    entries_.erase(entry);
  }
}

void SessionOwners::forget_beyond(std::size_t kept_max) {
  while (by_end_.size() > kept_max) {
    const auto entry = holdings_.find(*by_size_.rbegin()->second)->second.begin()->second;
    unkeep(entry->second);
    entries_.erase(entry);
  }
}

}  // namespace bastion
