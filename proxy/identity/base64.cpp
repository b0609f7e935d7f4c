// Strict base64: six bits at a time, and nothing left over.
#include "proxy/identity/base64.hpp"

namespace bastion::identity {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::string_view> without_padding(std::string_view text, Padding padding) {
  if (padding == Padding::none) return text;
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> base64_decode(std::string_view text, Padding padding) {
  const auto digits = without_padding(text, padding);
  if (!digits || digits->size() % 4 == 1) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(digits->size() * 3 / 4);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char digit : *digits) {
    const auto value = alphabet.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    held = (held << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(held >> bits));
    held &= (1u << bits) - 1;
  }
  if (held != 0) return std::nullopt;
  return bytes;
}

std::string base64_encode(std::span<const std::uint8_t> bytes, Padding padding) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = ((held << 8) | byte) & 0xffffu;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text.push_back(alphabet[(held >> bits) & 63u]);
    }
  }
  if (bits > 0) text.push_back(alphabet[(held << (6 - bits)) & 63u]);
  while (padding == Padding::required && text.size() % 4 != 0) text.push_back('=');
  return text;
}

}  // namespace bastion::identity
