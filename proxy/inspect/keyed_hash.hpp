// A hash of names that nobody can aim at without its key: SipHash-1-3 (Aumasson and Bernstein, 2012).
#pragma once

#include <cstdint>
#include <string_view>

namespace bastion::inspect {

/// Drawn at random when the gate starts, and told to nobody.
struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::string_view name);

}  // namespace bastion::inspect
