// A look at the policy's text before its TOML reader gets it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bastion {

struct PrescanFinding {
  std::uint32_t line;
  std::uint32_t column;
  std::string_view what;
};

/// The first thing that toml++ 3.3 can't take: it builds and frees dotted keys by recursion, and runs into undefined
/// behaviour where letters beyond ASCII stand outside comments and strings of one line. What is merely wrong is left to it.
[[nodiscard]] std::optional<PrescanFinding> prescan(std::string_view toml);

}  // namespace bastion
