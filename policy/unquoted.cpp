// A line of the policy whose strings lack their quotes, mended: values are told apart by what stands around them.
#include "policy/unquoted.hpp"

#include <algorithm>
#include <cstddef>

namespace bastion {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr auto npos = std::string_view::npos;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  return begin == npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// `True`, `FALSE`: no string is meant.
bool is_nearly_boolean(std::string_view text) {
  std::string lower{text};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
  return lower == "true" || lower == "false";
}

class Mender {
 public:
  Mender(std::string_view line, const std::function<bool(std::string_view)>& is_value) : rest_{line}, is_value_{is_value} {
    // A line without an equals sign can only be the inside of a list.
    expects_key_ = line.find('=') != npos;
    if (!expects_key_) open_ += '[';
  }

  std::optional<MendedLine> mend() {
    while (skip_blanks()) {
      if (!(expects_key_ && rest_.front() != '}' ? take_key() : take_value_or_mark())) return std::nullopt;
    }
    if (!was_mended_) return std::nullopt;
    out_.text = trimmed(out_.text);
    return std::move(out_);
  }

 private:
  /// False where nothing but a comment is left.
  bool skip_blanks() {
    const auto begin = std::min(rest_.find_first_not_of(blanks), rest_.size());
    take(begin);
    return !rest_.empty() && rest_.front() != '#';
  }

  bool take_key() {
    const auto end = rest_.find('=');
    if (end == npos) return false;
    out_.keys.push_back(trimmed(rest_.substr(0, end)));
    take(end + 1);
    expects_key_ = false;
    return true;
  }

  bool take_value_or_mark() {
    switch (rest_.front()) {
      case '"':
      case '\'':
        return take_string();
      case ',':
        expects_key_ = !open_.empty() && open_.back() == '{';
        take(1);
        return true;
      case ']':
      case '}':
        return close();
      case '{':
        return open();
      case '[':
        return begins_list() ? open() : take_bare();
      default:
        return take_bare();
    }
  }

  bool open() {
    open_ += rest_.front();
    expects_key_ = rest_.front() == '{';
    take(1);
    return true;
  }

  bool close() {
    if (open_.empty() || open_.back() != (rest_.front() == ']' ? '[' : '{')) return false;
    open_.pop_back();
    expects_key_ = false;
    take(1);
    return true;
  }

  bool take_string() {
    const auto end = rest_.find(rest_.front(), 1);
    if (end == npos || rest_.substr(0, end).find('\\') != npos) return false;
    take(end + 1);
    return true;
  }

  /// Whether the bracket here opens a list, rather than an address such as [::1]:8883.
  [[nodiscard]] bool begins_list() const {
    const auto end = matching_bracket();
    if (end == npos) return true;
    const auto next = rest_.find_first_not_of(blanks, end + 1);
    return next == npos || std::string_view{",]}#"}.find(rest_[next]) != npos;
  }

  [[nodiscard]] std::size_t matching_bracket() const {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '[') ++depth;
      if (rest_[i] == ']' && --depth == 0) return i;
    }
    return npos;
  }

  bool take_bare() {
    const auto text = trimmed(rest_.substr(0, bare_length()));
    const bool is_in_list = !open_.empty() && open_.back() == '[';
    const bool is_good = is_value_(text);
    const bool is_guess =
        text.find_first_of("\"\\") != npos || (open_.empty() && text.find(',') != npos) || is_nearly_boolean(text);
    if (text.empty() || (is_guess && !is_good)) return false;
    was_mended_ = was_mended_ || !is_good;
    // Where strings are listed, what looks like a number is one of them: [3.1, 3.1.1].
    const bool needs_quotes = !is_good || is_in_list;
    out_.text += needs_quotes ? '"' + std::string{text} + '"' : std::string{text};
    rest_.remove_prefix(text.size());
    return true;
  }

  /// To the mark or comment that ends it; brackets within it come in pairs. At the top level only a comment does.
  [[nodiscard]] std::size_t bare_length() const {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '#') return i;
      if (c == '[') ++depth;
      if (open_.empty()) continue;
      if (c == ']' && depth > 0) {
        --depth;
      } else if (c == ',' || c == ']' || c == '}') {
        return i;
      }
    }
    return rest_.size();
  }

  void take(std::size_t count) {
    out_.text += rest_.substr(0, count);
    rest_.remove_prefix(count);
  }

  std::string_view rest_;
  const std::function<bool(std::string_view)>& is_value_;
  std::string open_;  ///< the brackets and braces that are open here
  bool expects_key_ = false;
  bool was_mended_ = false;
  MendedLine out_;
};

}  // namespace

std::optional<MendedLine> with_quotes(std::string_view line, const std::function<bool(std::string_view)>& is_value) {
  return Mender{line, is_value}.mend();
}

}  // namespace bastion
