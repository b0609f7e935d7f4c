// Bytes as a test writes them down: hexadecimal digits, and text in quotes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace bastion::test {

using ByteVector = std::vector<std::uint8_t>;

inline unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  throw std::invalid_argument("a hexadecimal digit is 0-9 or a-f");
}

/// `"10 0e 0004 'MQTT' 04"`: pairs of hexadecimal digits, spaces where they help, text in single quotes as it stands.
inline ByteVector bytes(std::string_view written) {
  ByteVector read;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (written[i] == ' ') continue;
    if (written[i] == '\'') {
      const std::size_t end = written.find('\'', i + 1);
      if (end == std::string_view::npos) throw std::invalid_argument("a quote is not closed");
      read.insert(read.end(), written.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                  written.begin() + static_cast<std::ptrdiff_t>(end));
      i = end;
      continue;
    }
    if (i + 1 == written.size()) throw std::invalid_argument("a byte has two digits");
    read.push_back(static_cast<std::uint8_t>(hex_digit(written[i]) << 4 | hex_digit(written[i + 1])));
    ++i;
  }
  return read;
}

/// A packet: its first byte, its remaining length as it should be, its body.
inline ByteVector packet(std::uint8_t first_byte, const ByteVector& body) {
  ByteVector made = {first_byte};
  std::size_t length = body.size();
  do {
    const std::size_t more = length > 0x7f ? 0x80 : 0;
    made.push_back(static_cast<std::uint8_t>((length & 0x7f) | more));
    length >>= 7;
  } while (length > 0);
  made.insert(made.end(), body.begin(), body.end());
  return made;
}

/// The same with the body written down.
inline ByteVector packet(std::uint8_t first_byte, std::string_view body) {
  return packet(first_byte, bytes(body));
}

/// A CONNECT with this body.
inline ByteVector connect(std::string_view body) {
  return packet(0x10, body);
}

inline ByteVector operator+(ByteVector left, const ByteVector& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A row of a table: what it is called, for `TEST_P` and for messages.
template <class Expected>
struct Row {
  const char* name;
  ByteVector bytes;
  Expected expected;
  friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
};

}  // namespace bastion::test
