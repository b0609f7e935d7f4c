// Which scripts a test plays: some thousands of fixed seeds, or those that somebody asks for.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/differ/script.hpp"

namespace bastion::differ {

struct Seeds {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

/// 0 to `count` - 1, or what the variable DIFFER_SEEDS says: a number for that one alone, `FIRST:END` for a range.
inline Seeds seeds_to_play(std::uint64_t count) {
  const char* const asked = std::getenv("DIFFER_SEEDS");
  if (asked == nullptr || *asked == '\0') return {0, count};
  std::size_t read = 0;
  const std::string text = asked;
  const auto first = std::stoull(text, &read);
  return {first, read < text.size() ? std::stoull(text.substr(read + 1)) : first + 1};
}

/// How a failure is seen again.
inline std::string again(const Script& script) {
  return "\nagain with DIFFER_SEEDS=" + std::to_string(script.seed) + " in the environment";
}

}  // namespace bastion::differ
