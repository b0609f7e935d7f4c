// What may be a user's name in a password file: an MQTT string that Mosquitto reads back as it was written.
#include "proxy/identity/password_file.hpp"

namespace bastion::identity {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

struct Decoded {
  char32_t code_point = 0;
  std::size_t size = 0;  ///< bytes; 0: malformed
};

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

/// RFC 3629 section 4: no over-long form, no surrogate, nothing above U+10FFFF.
Decoded decode(std::string_view text) {
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
  char32_t code_point = first & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, i) & 0xC0u) != 0x80u) return {};
    code_point = (code_point << 6) | (byte_at(text, i) & 0x3Fu);
  }
  const bool over_long = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (over_long || surrogate || code_point > 0x10FFFF) return {};
  return {code_point, size};
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

}  // namespace

std::optional<std::string_view> user_name_fault(std::string_view user_name) {
  if (user_name.empty()) return "is empty";
  if (user_name.size() > user_name_size_max) return "is longer than the 65535 bytes that MQTT allows";
  if (user_name.starts_with(byte_order_mark)) return "begins with a byte order mark: save the file as UTF-8 without one";
  if (user_name.front() == '#') return "begins with '#', which makes its line a comment";
  if (user_name.find(':') != std::string_view::npos) return "holds a ':', which ends the name in a password file";
  if (user_name.front() == ' ' || user_name.back() == ' ') return "begins or ends with a space, which Mosquitto cuts off";
  for (std::size_t at = 0; at < user_name.size();) {
    const Decoded next = decode(user_name.substr(at));
    if (next.size == 0) return "is not UTF-8";
    if (is_control(next.code_point)) return "holds a control character";
    at += next.size;
  }
  return std::nullopt;
}

std::optional<std::string_view> user_name_of(std::string_view line) {
  if (line.starts_with('#')) return std::nullopt;
  bool blank = true;
  for (const char c : line) blank = blank && is_blank(c);
  if (blank) return std::nullopt;
  return line.substr(0, line.find(':'));
}

}  // namespace bastion::identity
