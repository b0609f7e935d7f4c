// Chance out of a seed, the same on every machine: the distributions of the standard library are not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/bytes.hpp"

namespace bastion::differ {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{seed} {}

  /// 0 to `count` - 1.
  [[nodiscard]] std::uint32_t below(std::uint64_t count) { return static_cast<std::uint32_t>(engine_() % count); }
  [[nodiscard]] bool one_in(std::uint32_t count) { return below(count) == 0; }
  [[nodiscard]] std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }
  template <class T, std::size_t size>
  [[nodiscard]] const T& pick(const std::array<T, size>& from) {
    return from[below(size)];
  }
  [[nodiscard]] test::ByteVector bytes(std::size_t size) {
    test::ByteVector made(size);
    for (auto& each : made) each = byte();
    return made;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace bastion::differ
