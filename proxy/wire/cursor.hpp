// Bounds-checked reading of bytes that came from the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace bastion::wire {

using Bytes = std::span<const std::uint8_t>;

/// The same bytes as characters. Borrowed.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// The same characters as bytes. Borrowed.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A variable byte integer (OASIS 3.1.1 section 2.2.3, 5.0 section 1.5.5), or why there is none.
struct VarInt {
  enum class Outcome : std::uint8_t {
    value,
    cut_short,  ///< the bytes in hand may yet become one
    malformed,  ///< more than four bytes, or more than the value needs: no further byte can mend it
  };
  Outcome outcome = Outcome::cut_short;
  std::uint32_t value = 0;  ///< at most 268,435,455
  std::uint8_t size = 0;    ///< bytes it takes, 1 to 4
};

/// The greatest value of a variable byte integer.
inline constexpr std::uint32_t var_int_max = 268'435'455;

/// What read_var_int() does where the first byte is not the whole of it.
[[nodiscard]] VarInt read_long_var_int(Bytes bytes);

/// Reads the variable byte integer at the start of `bytes`.
[[nodiscard]] inline VarInt read_var_int(Bytes bytes) {
  // Nearly all that a session sends are of one byte.
  if (!bytes.empty() && bytes[0] < 0x80) return {VarInt::Outcome::value, bytes[0], 1};
  return read_long_var_int(bytes);
}

/// How many bytes `value` takes as a variable byte integer. Precondition: at most `var_int_max`.
[[nodiscard]] std::uint8_t var_int_size(std::uint32_t value);

/// Appends `value` in its shortest form. Precondition: at most `var_int_max`.
void append_var_int(std::vector<std::uint8_t>& bytes, std::uint32_t value);

/// Walks over borrowed bytes from front to back, big endian. A read that does not fit gives nothing and moves nothing.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  /// Bytes read so far.
  [[nodiscard]] std::size_t position() const { return at_; }

  [[nodiscard]] std::optional<std::uint8_t> u8() {
    if (left() < 1) return std::nullopt;
    return bytes_[at_++];
  }
  [[nodiscard]] std::optional<std::uint16_t> u16() {
    const auto read = bytes(2);
    if (!read) return std::nullopt;
    return static_cast<std::uint16_t>((*read)[0] << 8 | (*read)[1]);
  }
  [[nodiscard]] std::optional<std::uint32_t> u32() {
    const auto read = bytes(4);
    if (!read) return std::nullopt;
    std::uint32_t value = 0;
    for (const std::uint8_t byte : *read) value = value << 8 | byte;
    return value;
  }
  [[nodiscard]] std::optional<Bytes> bytes(std::size_t size) {
    if (left() < size) return std::nullopt;
    const Bytes read = bytes_.subspan(at_, size);
    at_ += size;
    return read;
  }
  /// Binary data behind a length of two bytes (OASIS 5.0 section 1.5.6).
  [[nodiscard]] std::optional<Bytes> binary() {
    const std::size_t start = at_;
    const auto size = u16();
    if (!size) return std::nullopt;
    const auto read = bytes(*size);
    if (!read) at_ = start;
    return read;
  }
  /// A string behind a length of two bytes (OASIS 5.0 section 1.5.4); whether it is UTF-8 is not looked at.
  [[nodiscard]] std::optional<std::string_view> text() {
    const auto read = binary();
    if (!read) return std::nullopt;
    return as_text(*read);
  }
  /// Moves on only for Outcome::value.
  [[nodiscard]] VarInt var_int() {
    const VarInt read = read_var_int(bytes_.subspan(at_));
    at_ += read.size;
    return read;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace bastion::wire
