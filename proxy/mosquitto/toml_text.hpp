// Writing TOML for a person to read: lines, comments that are folded, and what the person has to decide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bastion::mosquitto {

/// Grows a policy file. Comments come as sentences; what they quote of foreign files must be one clean line (`one_line`).
class TomlText {
 public:
  void line(std::string_view text);
  void blank();
  /// `[section]`, with a blank line before it.
  void section(std::string_view header);
  /// `key = value`; `key = value  # note` where there is a note.
  void key(std::string_view name, std::string_view value, std::string_view note = {});
  void comment(std::string_view text);
  /// A line that can be used once its `# ` is taken away.
  void off(std::string_view text);
  /// A comment that wants a decision; they are also collected.
  void decide(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::string>& decisions() const { return decisions_; }

 private:
  std::string text_;
  std::vector<std::string> decisions_;
};

/// A TOML basic string. The text must be UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);
/// One string, or a list of them where there are more.
[[nodiscard]] std::string toml_strings(const std::vector<std::string>& texts);

}  // namespace bastion::mosquitto
