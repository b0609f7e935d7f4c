// Matching of patterns over names.
#include "policy/pattern.hpp"

#include <cstddef>

namespace bastion {
namespace {

/// Walks one token of the pattern over the text.
struct Walk {
  std::size_t pattern = 0;
  std::size_t text = 0;
};

bool starts_with_at(std::string_view text, std::size_t at, std::string_view what) {
  return text.size() - at >= what.size() && text.compare(at, what.size(), what) == 0;
}

/// Takes the token at `walk.pattern`, which is no star, or leaves `walk` alone and says no.
bool take_token(std::string_view pattern, std::string_view text, std::string_view user_name, Walk& walk) {
  const char token = pattern[walk.pattern];
  const char next = walk.pattern + 1 < pattern.size() ? pattern[walk.pattern + 1] : '\0';
  if (token == '%' && next == 'u') {
    // Nobody's name is empty: a client without a user name must not pass where a name is asked for.
    if (user_name.empty() || !starts_with_at(text, walk.text, user_name)) return false;
    walk = {walk.pattern + 2, walk.text + user_name.size()};
    return true;
  }
  if (walk.text >= text.size()) return false;
  if (token == '%' && next == '%') {
    if (text[walk.text] != '%') return false;
    walk = {walk.pattern + 2, walk.text + 1};
    return true;
  }
  if (token != '?' && token != text[walk.text]) return false;
  walk = {walk.pattern + 1, walk.text + 1};
  return true;
}

}  // namespace

bool Pattern::matches(std::string_view text, std::string_view user_name) const {
  const std::string_view pattern = text_;
  Walk walk;
  // Only the last star needs to be tried again: what an earlier one took can't be taken better.
  Walk star{std::string_view::npos, 0};
  while (true) {
    if (walk.pattern == pattern.size()) {
      if (walk.text == text.size()) return true;
    } else if (pattern[walk.pattern] == '*') {
      star = {++walk.pattern, walk.text};
      continue;
    } else if (take_token(pattern, text, user_name, walk)) {
      continue;
    }
    if (star.pattern == std::string_view::npos || star.text >= text.size()) return false;
    walk = {star.pattern, ++star.text};
  }
}

}  // namespace bastion
