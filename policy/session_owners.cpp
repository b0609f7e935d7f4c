// Claims on client identifiers.
#include "policy/session_owners.hpp"

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
  entry.owner = owner ? std::optional<std::string>{*owner} : std::nullopt;
  ++entry.connections;
  if (entry.place) {
    kept_.erase(*entry.place);
    entry.place.reset();
  }
}

void SessionOwners::release(std::string_view client_id, std::optional<Seconds> kept, Clock::time_point now) {
  forget_ended(now);
  const auto found = entries_.find(client_id);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  if (kept) entry.kept_until = *kept == for_ever ? Clock::time_point::max() : now + *kept;
  if (--entry.connections > 0) return;
  if (entry.kept_until <= now) {
    entries_.erase(found);
    return;
  }
  entry.place = kept_.emplace(entry.kept_until, found);
  forget_beyond(kept_max_);
}

void SessionOwners::forget_ended(Clock::time_point now) {
  while (!kept_.empty() && kept_.begin()->first <= now) {
    entries_.erase(kept_.begin()->second);
    kept_.erase(kept_.begin());
  }
}

void SessionOwners::forget_beyond(std::size_t kept_max) {
  while (kept_.size() > kept_max) {
    entries_.erase(kept_.begin()->second);
    kept_.erase(kept_.begin());
  }
}

}  // namespace bastion
