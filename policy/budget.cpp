// The account of connections and of how often addresses come.
#include "policy/budget.hpp"

#include <algorithm>

namespace bastion {

Budget::Limits Budget::limits_of(const AdmissionPolicy& policy) {
  const auto token = std::chrono::duration_cast<Clock::duration>(policy.connect_rate_per_address.every);
  return {policy.connections_max,
          policy.connections_per_address_max,
          policy.handshakes_max,
          policy.handshakes_per_address_max,
          policy.addresses_tracked_max,
          token * static_cast<Clock::rep>(policy.connect_rate_per_address.burst),
          token};
}

Budget::Budget(const AdmissionPolicy& limits, std::uint64_t hash_key)
    : limits_{limits_of(limits)}, entries_{0, KeyedAddressHash{hash_key}} {}

void Budget::limit(const AdmissionPolicy& limits) {
  limits_ = limits_of(limits);
}

Budget::Place Budget::take(const Address& address, Clock::time_point now, Mode mode) {
  return take(address, now, mode == Mode::observe ? Limited::observed : Limited::yes, true);
}

Budget::Place Budget::take_for_balancer(const Address& address, Clock::time_point now) {
  return take(address, now, Limited::no, true);
}

Budget::Place Budget::move(const Address& from, const Address& to, Clock::time_point now, Mode mode) {
  const auto place = take(to, now, mode == Mode::observe ? Limited::observed : Limited::yes, false);
  if (!place.taken) return place;
  const auto found = entries_.find(from.counted_as());
  if (found != entries_.end()) release(found, true);
  return place;
}

/// `adds`: the place is one more in all.
Budget::Place Budget::take(const Address& address, Clock::time_point now, Limited limited, bool adds) {
  const auto found = entry_of(address.counted_as(), now);
  if (found == entries_.end()) return {false, Refusal{Reason::too_many_connections, Cause::total}};
  auto& entry = found->second;
  const bool was_idle = entry.connections == 0;
  const auto share = limited == Limited::no ? std::nullopt : refuse_share(entry, now);
  const auto whole = adds ? refuse_whole() : std::nullopt;
  const bool taken = !whole && (!share || limited == Limited::observed);
  if (taken) {
    ++entry.connections;
    ++entry.handshakes;
    connections_ += adds ? 1 : 0;
    handshakes_ += adds ? 1 : 0;
  }
  if (was_idle) {
    idle_.erase(entry.idle);
    if (!taken) entry.idle = idle_.emplace(entry.full_at, found->first);
  }
  const bool whole_decides = whole && (!share || limited == Limited::observed);
  return {taken, whole_decides ? whole : share};
}

void Budget::handshake_done(const Address& address) {
  const auto found = entries_.find(address.counted_as());
  if (found != entries_.end() && found->second.handshakes > 0) {
    --found->second.handshakes;
    --handshakes_;
  }
}

void Budget::give_back(const Address& address, bool in_handshake) {
  const auto found = entries_.find(address.counted_as());
  if (found == entries_.end() || found->second.connections == 0) return;
  --connections_;
  if (in_handshake && found->second.handshakes > 0) --handshakes_;
  release(found, in_handshake);
}

/// The entry's own part of giving a place back.
void Budget::release(Entries::iterator found, bool in_handshake) {
  auto& entry = found->second;
  if (in_handshake && entry.handshakes > 0) --entry.handshakes;
  if (entry.connections > 0 && --entry.connections == 0) entry.idle = idle_.emplace(entry.full_at, found->first);
}

/// Two for each that may be added, so that the table shrinks again.
void Budget::forget_some(Clock::time_point now) {
  for (int i = 0; i < 2 && !idle_.empty() && idle_.begin()->first <= now; ++i) {
    entries_.erase(idle_.begin()->second);
    idle_.erase(idle_.begin());
  }
}

Budget::Entries::iterator Budget::entry_of(const Address& address, Clock::time_point now) {
  forget_some(now);
  const auto found = entries_.find(address);
  if (found != entries_.end() || entries_.size() >= limits_.addresses_tracked) return found;
  return entries_.emplace(address, Entry{0, 0, now, idle_.emplace(now, address)}).first;
}

bool Budget::spend(Entry& entry, Clock::time_point now) const {
  // What is beyond a whole bucket comes from larger limits of the past.
  entry.full_at = std::clamp(entry.full_at, now, now + limits_.bucket);
  if (entry.full_at + limits_.token > now + limits_.bucket) return false;
  entry.full_at += limits_.token;
  return true;
}

std::optional<Refusal> Budget::refuse_share(Entry& entry, Clock::time_point now) const {
  if (!spend(entry, now)) return Refusal{Reason::rate_limited, Cause::per_ip};
  const bool has_all =
      entry.connections >= limits_.connections_per_address || entry.handshakes >= limits_.handshakes_per_address;
  if (has_all) return Refusal{Reason::too_many_connections, Cause::per_ip};
  return std::nullopt;
}

std::optional<Refusal> Budget::refuse_whole() const {
  if (connections_ >= limits_.connections) return Refusal{Reason::too_many_connections, Cause::total};
  if (handshakes_ >= limits_.handshakes) return Refusal{Reason::too_many_connections, Cause::handshakes};
  return std::nullopt;
}

}  // namespace bastion
