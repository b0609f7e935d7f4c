// A line of the policy whose strings lack their quotes, mended.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bastion {

struct MendedLine {
  std::string text;                    ///< without its comment and the blanks at either end
  std::vector<std::string_view> keys;  ///< what stands before the line's equals signs
};

/// The line with its bare values in quotes: those that `is_value` does not know for TOML's own, and where one of a list is
/// not, the whole list. Nothing where no value needs quotes, or where what was meant is anyone's guess. It is a guess in any
/// case: parse the result before showing it.
[[nodiscard]] std::optional<MendedLine> with_quotes(std::string_view line,
                                                    const std::function<bool(std::string_view)>& is_value);

}  // namespace bastion
