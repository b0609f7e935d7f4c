// What MQTT calls a UTF-8 encoded string.
#include "proxy/mqtt/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bastion::mqtt {

namespace {

// Most names are ASCII: eight bytes at a time, as long as none is zero or above 0x7f.
std::size_t plain_ascii_blocks(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t tops = 0x8080808080808080u;
  std::size_t at = 0;
  while (text.size() - at >= sizeof(std::uint64_t)) {
    std::uint64_t block = 0;
    std::memcpy(&block, text.data() + at, sizeof block);
    const bool has_zero = ((block - ones) & ~block & tops) != 0;
    if (has_zero || (block & tops) != 0) break;
    at += sizeof block;
  }
  return at;
}

struct Sequence {
  std::size_t size = 0;  // 0: no character starts so
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xbf;
};

// The Unicode Standard, table 3-7: the bounds of the second byte keep over-long forms, surrogates and what is above
// U+10FFFF out.
Sequence sequence_of(std::uint8_t lead) {
  if (lead >= 0x01 && lead <= 0x7f) return {1};
  if (lead >= 0xc2 && lead <= 0xdf) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// The size of the character at the start, or 0 if there is none.
std::size_t character_size(std::string_view text) {
  const Sequence sequence = sequence_of(byte_at(text, 0));
  if (sequence.size <= 1) return sequence.size;
  if (text.size() < sequence.size) return 0;
  const std::uint8_t second = byte_at(text, 1);
  if (second < sequence.second_min || second > sequence.second_max) return 0;
  for (std::size_t i = 2; i < sequence.size; ++i) {
    if ((byte_at(text, i) & 0xc0u) != 0x80u) return 0;
  }
  return sequence.size;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  text.remove_prefix(plain_ascii_blocks(text));
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
    if (size > 1) text.remove_prefix(plain_ascii_blocks(text));
  }
  return true;
}

}  // namespace bastion::mqtt
