// A look at the policy's text before its TOML reader gets it: strings, comments and dots, byte by byte.
#include "policy/prescan.hpp"

#include <algorithm>
#include <cstddef>

namespace bastion {
namespace {

class Prescan {
 public:
  explicit Prescan(std::string_view text) : text_{text} {}

  [[nodiscard]] std::optional<PrescanFinding> find() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        if (!may_precede_string(last_)) return finding("a string can't begin here");
        if (is_multi_line()) return finding("strings of several lines are not taken; use one line");
        skip_string();
      } else if (c == '#') {
        skip_comment();
        continue;
      } else if (static_cast<unsigned char>(c) > 0x7e && !is_byte_order_mark()) {
        return finding("only comments and strings may hold anything but ASCII");
      } else if (c == '.' && ++dots_ > dots_in_key_max) {
        return finding("a key with this many dots means nothing here");
      } else if (std::string_view{"\n=,{}[]"}.find(c) != std::string_view::npos) {
        dots_ = 0;
      }
      if (c != ' ' && c != '\t' && c != '\r' && !is_byte_order_mark()) last_ = c;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t dots_in_key_max = 16;

  static bool may_precede_string(char c) { return std::string_view{"\n=,{[."}.find(c) != std::string_view::npos; }

  [[nodiscard]] bool is_byte_order_mark() const { return at_ < 3 && text_.substr(0, 3) == "\xef\xbb\xbf"; }

  [[nodiscard]] bool is_multi_line() const {
    return at_ + 2 < text_.size() && text_[at_ + 1] == text_[at_] && text_[at_ + 2] == text_[at_];
  }

  [[nodiscard]] PrescanFinding finding(std::string_view what) const {
    const auto before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto newline = before.rfind('\n');
    const auto line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(at_ - line_begin + 1), what};
  }

  /// To the string's last byte. One that does not end is left to toml++.
  void skip_string() {
    const char mark = text_[at_];
    for (++at_; at_ < text_.size() && text_[at_] != mark && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\' && mark == '"') ++at_;
    }
  }

  /// To the byte before the newline.
  void skip_comment() { at_ = std::min(text_.find('\n', at_), text_.size()) - 1; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t dots_ = 0;
  char last_ = '\n';  ///< the last character that is no blank
};

}  // namespace

std::optional<PrescanFinding> prescan(std::string_view toml) {
  return Prescan{toml}.find();
}

}  // namespace bastion
