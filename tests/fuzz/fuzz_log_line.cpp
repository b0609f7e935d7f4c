// Whatever a client calls itself, its log line stays one line: printable, quoted, not forgeable, and JSON where JSON is
// asked for.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/account/log.hpp"

namespace {

using namespace bastion;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Takes fields off the input: a length byte, then so many bytes.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, data + size) {}
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.erase(0, 1);
    return first;
  }
  std::string field() {
    const std::string taken = rest_.substr(0, byte());
    rest_.erase(0, taken.size());
    return taken;
  }

 private:
  std::string rest_;
};

/// A reader of the one kind of JSON that lines are made of: an object of strings and whole numbers (RFC 8259).
class FlatJson {
 public:
  explicit FlatJson(std::string_view text) : rest_{text} {}
  [[nodiscard]] bool is_whole() {
    if (!take("{")) return false;
    do {
      if (!string() || !take(":") || !(string() || number())) return false;
    } while (take(","));
    return take("}") && rest_.empty();
  }

 private:
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      if (static_cast<unsigned char>(rest_.front()) < 0x20 || !(take("\\") ? escape() : skip(1))) return false;
    }
    return take("\"");
  }
  bool escape() {
    if (take("\"") || take("\\")) return true;
    return take("u") && rest_.substr(0, 4).find_first_not_of("0123456789abcdef") == std::string_view::npos && skip(4);
  }
  bool number() {
    (void)take("-");
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    return digits != 0 && skip(digits);
  }
  bool skip(std::size_t bytes) {
    if (rest_.size() < bytes) return false;
    rest_.remove_prefix(bytes);
    return true;
  }

  std::string_view rest_;
};

bool is_printable_ascii(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/// Undoes `\xNN`.
std::string unescaped(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  while (!text.empty()) {
    const bool is_escape = text.starts_with("\\x");
    bytes += is_escape ? static_cast<char>(digit(text[2]) << 4 | digit(text[3])) : text.front();
    text.remove_prefix(is_escape ? 4 : 1);
  }
  return bytes;
}

void check_escaped(std::string_view text) {
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string out = account::escaped(text, format);
    require(is_printable_ascii(out) && out.size() <= 64 * 6 + 3);
  }
  const std::string whole = account::escaped(text, LogFormat::text, text.size());
  require(whole.find('"') == std::string::npos);
  require(unescaped(whole) == text);
}

void check_text(const std::string& line, const account::Ending& ending) {
  require(is_printable_ascii(line));
  // The clock's 24 characters, then the verdict and the address: the only place where a filter looks for them.
  const std::string start =
      std::string(ending.refusal ? " refused" : " closed") + " client=192.0.2.1:50123 listener=devices ";
  require(std::string_view{line}.substr(24).starts_with(start));
  // Quotes stand around the fields that the client may have chosen, and nowhere else.
  const auto fields = static_cast<int>(!ending.role.empty()) + static_cast<int>(!ending.detail.empty()) +
                      static_cast<int>(!ending.user_name.empty()) + static_cast<int>(!ending.client_id.empty());
  int quotes = 0;
  for (const char c : line) quotes += c == '"' ? 1 : 0;
  require(quotes == 2 * fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const account::Mask mask;
  Input input{data, size};
  account::Ending ending;
  const std::uint8_t kind = input.byte();
  if (kind % 4 != 0) ending.refusal = refusals()[input.byte() % refusals().size()];
  ending.close = static_cast<account::Close>(input.byte() % static_cast<unsigned>(account::Close::count_));
  ending.user_is_known = kind % 8 > 3;
  ending.origin = {Address::v4(192, 0, 2, 1), 50123};
  ending.duration_ms = input.byte();
  ending.client_id = input.field();
  ending.user_name = input.field();
  ending.role = input.field();
  ending.detail = input.field();
  const std::chrono::system_clock::time_point wall{std::chrono::milliseconds{1'767'323'045'678 + input.byte()}};

  for (const auto& text : {ending.client_id, ending.user_name, ending.role, ending.detail}) check_escaped(text);
  check_text(account::ending_line(ending, "devices", wall, LogFormat::text, mask), ending);
  const std::string json = account::ending_line(ending, "devices", wall, LogFormat::json, mask);
  require(is_printable_ascii(json) && FlatJson{json}.is_whole());

  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const auto what = static_cast<Denied>(kind % denied_count);
    const std::string denial = account::denial_line(ending, what, TopicNote{{ending.detail}}, "devices", wall, format, mask);
    require(is_printable_ascii(denial) && (format == LogFormat::text || FlatJson{denial}.is_whole()));
  }
  require(is_printable_ascii(account::message_line(LogLevel::info, ending.detail, wall, LogFormat::text)));
  const std::string message = account::message_line(LogLevel::info, ending.detail, wall, LogFormat::json);
  require(is_printable_ascii(message) && FlatJson{message}.is_whole());
  return 0;
}
