// Who is refused most, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "policy/address.hpp"
#include "policy/reason.hpp"

namespace bastion::account {

/// What is known of a source of refusals; an IPv6 source is its /64.
struct Source {
  Address address;
  std::uint64_t refusals = 0;  ///< at most `overcount` more than there were
  std::uint64_t overcount = 0;
  Refusal last{Reason::ip_denied, Cause::none};
  std::int64_t last_s = 0;  ///< Unix time

  /// Refusals that are certain.
  [[nodiscard]] std::uint64_t certain() const { return refusals - overcount; }
};

/// The Space-Saving summary of Metwally, Agrawal and El Abbadi (ICDT 2005): with n places, every source of more than 1/n of
/// all refusals is in it, whatever the others do. A newcomer takes the place of the least, and inherits its count as doubt.
/// Pure, O(log n) for each refusal, and without an allocation once it is full. One for each worker.
class Sources {
 public:
  /// `hash_key` drawn at random, see KeyedAddressHash.
  explicit Sources(std::uint64_t hash_key, std::size_t places = 1024);

  void add(const Address& address, Refusal refusal, std::int64_t now_s);
  /// In no order.
  [[nodiscard]] std::span<const Source> all() const { return heap_; }

 private:
  void sink(std::size_t place);
  void rise(std::size_t place);
  void exchange(std::size_t a, std::size_t b);

  std::size_t places_;
  std::vector<Source> heap_;  ///< the fewest refusals first
  std::unordered_map<Address, std::size_t, KeyedAddressHash> place_of_;
};

/// The summaries of several workers as one: the `count` sources of which most refusals are certain, most first.
[[nodiscard]] std::vector<Source> most_refused(std::span<const Source> of_all, std::size_t count);

}  // namespace bastion::account
