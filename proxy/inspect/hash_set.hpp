// A set of names by their hashes: enough to count them, at 8 bytes for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace bastion::inspect {

/// Two names with one hash count as one, which only ever lets one more in.
class HashSet {
 public:
  using Hash = std::uint64_t;
  [[nodiscard]] static Hash hash(std::string_view name) { return std::hash<std::string_view>{}(name); }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::binary_search(hashes_.begin(), hashes_.end(), hash(name));
  }
  void add(std::string_view name) {
    const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash(name));
    if (at == hashes_.end() || *at != hash(name)) hashes_.insert(at, hash(name));
  }
  /// It is there until it is removed as many times.
  void add_once_more(std::string_view name) {
    hashes_.insert(std::lower_bound(hashes_.begin(), hashes_.end(), hash(name)), hash(name));
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
  std::vector<Hash> hashes_;  ///< sorted
};

}  // namespace bastion::inspect
