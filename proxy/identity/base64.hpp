// Strict base64 (RFC 4648 section 4): one spelling for each value, so that two readers can't differ.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bastion::identity {

enum class Padding : std::uint8_t {
  required,  ///< `=` up to a multiple of four, as Mosquitto writes
  none,      ///< no `=` at all, as the PHC string format has it
};

/// Nothing where a character is foreign, padding is wrong, or bits that mean nothing are set.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text, Padding padding);
[[nodiscard]] std::string base64_encode(std::span<const std::uint8_t> bytes, Padding padding);

}  // namespace bastion::identity
