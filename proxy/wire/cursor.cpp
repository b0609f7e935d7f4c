// Bounds-checked reading of bytes that came from the network.
#include "proxy/wire/cursor.hpp"

#include <algorithm>

namespace bastion::wire {

namespace {

constexpr std::size_t var_int_size_max = 4;

}  // namespace

VarInt read_long_var_int(Bytes bytes) {
  std::uint32_t value = 0;
  const std::size_t in_hand = std::min(bytes.size(), var_int_size_max);
  for (std::size_t i = 0; i < in_hand; ++i) {
    value |= static_cast<std::uint32_t>(bytes[i] & 0x7fu) << (7 * i);
    if (bytes[i] & 0x80u) continue;
    // A last byte of zero adds nothing: the value had a shorter form [MQTT-1.5.5-1].
    if (i > 0 && bytes[i] == 0) return {VarInt::Outcome::malformed, 0, 0};
    return {VarInt::Outcome::value, value, static_cast<std::uint8_t>(i + 1)};
  }
  return {in_hand == var_int_size_max ? VarInt::Outcome::malformed : VarInt::Outcome::cut_short, 0, 0};
}

std::uint8_t var_int_size(std::uint32_t value) {
  if (value < (1u << 7)) return 1;
  if (value < (1u << 14)) return 2;
  return value < (1u << 21) ? 3 : 4;
}

void append_var_int(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  while (value > 0x7f) {
    bytes.push_back(static_cast<std::uint8_t>(value & 0x7fu) | 0x80u);
    value >>= 7;
  }
  bytes.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace bastion::wire
