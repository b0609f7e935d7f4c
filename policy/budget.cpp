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
  const auto found = entry_of(address.counted_as(), now);
  if (found == entries_.end()) return {false, Refusal{Reason::too_many_connections, Cause::total}};
  auto& entry = found->second;
  const bool was_idle = entry.connections == 0;
  const auto share = refuse_share(entry, now);
  const auto whole = refuse_whole();
  const bool taken = !whole && (!share || mode == Mode::observe);
  if (taken) {
    ++entry.connections;
    ++entry.handshakes;
    ++connections_;
    ++handshakes_;
  }
  if (was_idle) {
    idle_.erase(entry.idle);
    if (!taken) entry.idle = idle_.emplace(entry.full_at, found->first);
  }
  const bool whole_decides = whole && (!share || mode == Mode::observe);
  return {taken, whole_decides ? whole : share};
}

void Budget::handshake_done(const Address& address) {
  const auto found = entries_.find(address.counted_as());
  if (found != entries_.end()) end_handshake(found->second);
}

void Budget::end_handshake(Entry& entry) {
  if (entry.handshakes == 0) return;
  --entry.handshakes;
  --handshakes_;
}

void Budget::give_back(const Address& address, bool in_handshake) {
  const auto found = entries_.find(address.counted_as());
  if (found == entries_.end() || found->second.connections == 0) return;
  auto& entry = found->second;
  --connections_;
  if (in_handshake) end_handshake(entry);
  if (--entry.connections == 0) entry.idle = idle_.emplace(entry.full_at, found->first);
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
