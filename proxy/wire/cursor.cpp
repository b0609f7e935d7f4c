// Bounds-checked reading of bytes that came from the network.
#include "proxy/wire/cursor.hpp"

#include <algorithm>

namespace bastion::wire {

namespace {

constexpr std::size_t var_int_size_max = 4;

}  // namespace

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

VarInt read_var_int(Bytes bytes) {
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

std::optional<std::uint8_t> Cursor::u8() {
  if (left() < 1) return std::nullopt;
  return bytes_[at_++];
}

std::optional<std::uint16_t> Cursor::u16() {
  const auto read = bytes(2);
  if (!read) return std::nullopt;
  return static_cast<std::uint16_t>((*read)[0] << 8 | (*read)[1]);
}

std::optional<std::uint32_t> Cursor::u32() {
  const auto read = bytes(4);
  if (!read) return std::nullopt;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : *read) value = value << 8 | byte;
  return value;
}

std::optional<Bytes> Cursor::bytes(std::size_t size) {
  if (left() < size) return std::nullopt;
  const Bytes read = bytes_.subspan(at_, size);
  at_ += size;
  return read;
}

std::optional<Bytes> Cursor::binary() {
  const std::size_t start = at_;
  const auto size = u16();
  if (!size) return std::nullopt;
  const auto read = bytes(*size);
  if (!read) at_ = start;
  return read;
}

std::optional<std::string_view> Cursor::text() {
  const auto read = binary();
  if (!read) return std::nullopt;
  return as_text(*read);
}

VarInt Cursor::var_int() {
  const VarInt read = read_var_int(bytes_.subspan(at_));
  at_ += read.size;
  return read;
}

}  // namespace bastion::wire
