// Patterns over names: user names and client identifiers, never topics.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace bastion {

/// `*` stands for any run of bytes, `?` for one byte, `%u` for the client's user name, `%%` for a percent sign; all else
/// for itself. The user name is compared, never interpreted: a `*` in it is a star. `%u` never matches an empty user name.
class Pattern {
 public:
  explicit Pattern(std::string text) : text_{std::move(text)} {}
  /// Runs in O(text × pattern) at worst and allocates nothing.
  [[nodiscard]] bool matches(std::string_view text, std::string_view user_name = {}) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace bastion
