// TOML text to Policy, or everything that is wrong with it at once.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/policy.hpp"

namespace bastion {

/// Gives the text of a file, or the reason why it can't be read ("No such file or directory").
struct FileError {
  std::string what;
};
using ReadFile = std::function<std::variant<std::string, FileError>(const std::string& path)>;

struct ParsedPolicy {
  std::optional<Policy> policy;  ///< nothing where any complaint is more than a warning
  /// What could be read of a policy that is not usable: for finding what is wrong with the files it names, and nothing else.
  std::optional<Policy> unusable;
  std::vector<Complaint> complaints;  ///< in the order of the file; the first hundred, then how many more
};

/// Reads a policy. `file` is its path, as complaints name it; paths in the policy are taken relative to its directory.
/// `read_file` is asked for allow and deny files only; password files, certificates and keys are left to those who use them.
[[nodiscard]] ParsedPolicy parse_policy(std::string_view toml, const std::string& file, const ReadFile& read_file);

/// One key of the policy, as the reference documents it. The parser itself reads by this table, so it can't drift.
struct KeyInfo {
  std::string_view path;           ///< `admission.allow`, `listener[].name`
  std::string_view type;           ///< `string`, `duration`, `size`, `integer`, `boolean`, `list of prefixes` ...
  std::string_view range;          ///< `1 .. 65536`, or the words allowed
  std::string_view default_value;  ///< as TOML, `required`, or `unset`
  std::string_view text;           ///< what it does
};
[[nodiscard]] std::span<const KeyInfo> policy_keys();
/// The reference as Markdown, as `docs/policy-reference.md` holds it.
[[nodiscard]] std::string policy_reference();

}  // namespace bastion
