// How many connections may stand, in all and for each address, and how fast an address may come back. Pure: `now` is given.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "policy/address.hpp"
#include "policy/policy.hpp"
#include "policy/reason.hpp"

namespace bastion {

/// The one account of connections that are open or in their handshake, held by one worker for all. Per-address entries are
/// kept under `Address::counted_as()` and bounded by `addresses_tracked_max`: an entry that has nothing to remember (no
/// connection, full bucket) makes room first; when none has, a stranger is refused as `too_many_connections{total}`. Every
/// call is O(log entries) at worst, and nobody can push out an entry that has something to remember.
class Budget {
 public:
  using Clock = std::chrono::steady_clock;

  /// `hash_key` should be a random number that nobody outside knows: with a known one, a client that owns many networks
  /// could choose addresses that fall into one bucket of the table.
  explicit Budget(const AdmissionPolicy& limits, std::uint64_t hash_key = 0);
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  /// New limits; what is open stays open and counted.
  void limit(const AdmissionPolicy& limits);

  /// Takes a place for a connection in its handshake, or says why there is none: `rate_limited{per_ip}`,
  /// `too_many_connections{per_ip|total|handshakes}`; `per_ip` is also for an address with too many open handshakes. A
  /// refused attempt still spends its token. In mode `observe` the limits of a single address are told and not enforced.
  struct Place {
    bool taken = false;
    std::optional<Refusal> refusal;  ///< why not; or, with a place taken, why there would be none
  };
  [[nodiscard]] Place take(const Address& address, Clock::time_point now, Mode mode = Mode::enforce);
  /// The same for a balancer's address, which passes many clients on: limits of a single address are not its own.
  [[nodiscard]] Place take_for_balancer(const Address& address, Clock::time_point now);
  /// A place in its handshake that `from` holds becomes the one of `to`, if that address may have one more, by its own rate
  /// and limits; otherwise `from` keeps it. Totals stay as they are.
  [[nodiscard]] Place move(const Address& from, const Address& to, Clock::time_point now, Mode mode = Mode::enforce);
  /// The handshake is done; the connection stays.
  void handshake_done(const Address& address);
  /// Gives the place back. `in_handshake`: handshake_done() was not called for it.
  void give_back(const Address& address, bool in_handshake);

  [[nodiscard]] std::size_t connections() const { return connections_; }
  [[nodiscard]] std::size_t handshakes() const { return handshakes_; }
  [[nodiscard]] std::size_t addresses_tracked() const { return entries_.size(); }

 private:
  /// Entries without a connection by the time at which they have nothing more to remember.
  using Idle = std::multimap<Clock::time_point, Address>;
  struct Entry {
    unsigned connections = 0;
    unsigned handshakes = 0;  ///< of these connections
    /// The time at which the bucket is full again (a generic cell rate algorithm: one time stamp is the whole bucket).
    Clock::time_point full_at{};
    Idle::iterator idle;  ///< meaningful while `connections` is 0
  };
  using Entries = std::unordered_map<Address, Entry, KeyedAddressHash>;

  /// Only what a decision needs: the rules stay with the policy.
  struct Limits {
    std::size_t connections;
    std::size_t connections_per_address;
    std::size_t handshakes;
    std::size_t handshakes_per_address;
    std::size_t addresses_tracked;
    Clock::duration bucket;  ///< from empty to full
    Clock::duration token;
  };
  [[nodiscard]] static Limits limits_of(const AdmissionPolicy& policy);
  enum class Limited : std::uint8_t { yes, observed, no };
  [[nodiscard]] Place take(const Address& address, Clock::time_point now, Limited share, bool adds);
  void release(Entries::iterator entry, bool in_handshake);
  void forget_some(Clock::time_point now);
  [[nodiscard]] Entries::iterator entry_of(const Address& address, Clock::time_point now);
  [[nodiscard]] bool spend(Entry& entry, Clock::time_point now) const;
  [[nodiscard]] std::optional<Refusal> refuse_share(Entry& entry, Clock::time_point now) const;
  [[nodiscard]] std::optional<Refusal> refuse_whole() const;

  Limits limits_;
  Idle idle_;
  Entries entries_;
  std::size_t connections_ = 0;
  std::size_t handshakes_ = 0;
};

}  // namespace bastion
