// A set of names by their hashes: enough to count them, at 8 bytes for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/inspect/keyed_hash.hpp"

namespace bastion::inspect {

/// Two names with one hash would count as one. Without the key nobody finds two such.
class HashSet {
 public:
  using Hash = std::uint64_t;

  /// Borrows the key.
  explicit HashSet(const HashKey& key) : key_{&key} {}

  [[nodiscard]] Hash hash(std::string_view name) const { return keyed_hash(*key_, name); }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::binary_search(hashes_.begin(), hashes_.end(), hash(name));
  }
  void add(std::string_view name) {
    const auto added = hash(name);
    const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), added);
    if (at == hashes_.end() || *at != added) hashes_.insert(at, added);
  }
  /// It is there until it is removed as many times.
  void add_once_more(std::string_view name) {
    const auto added = hash(name);
    hashes_.insert(std::lower_bound(hashes_.begin(), hashes_.end(), added), added);
  }
  /// False: it was not there.
  bool remove(std::string_view name) { return remove(hash(name)); }
  bool remove(Hash hash) {
    const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
    if (at == hashes_.end() || *at != hash) return false;
    hashes_.erase(at);
    return true;
  }
  [[nodiscard]] std::size_t size() const { return hashes_.size(); }

 private:
  const HashKey* key_;
  std::vector<Hash> hashes_;  ///< sorted
};

}  // namespace bastion::inspect
