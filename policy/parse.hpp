// TOML text to Policy, or everything that is wrong with it at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/policy.hpp"

namespace bastion {

/// Gives the text of a file, or the reason why it can't be read ("No such file or directory").
struct FileError {
  std::string what;
  bool is_missing = false;  ///< it may be anything else that keeps it from being read
};
using ReadFile = std::function<std::variant<std::string, FileError>(const std::string& path)>;

struct ParsedPolicy {
  std::optional<Policy> policy;  ///< nothing where any complaint is more than a warning
  /// What could be read of a policy that is not usable: for finding what is wrong with the files it names, and where a gate
  /// that still runs on an older one can be asked; for nothing else.
  std::optional<Policy> unusable;
  std::vector<Complaint> complaints;  ///< in the order of the file; the first hundred, then how many more
};

/// Reads a policy. `file` is its path, as complaints name it; paths in the policy are taken relative to its directory.
/// `read_file` is asked for allow and deny files only; password files, certificates and keys are left to those who use them.
[[nodiscard]] ParsedPolicy parse_policy(std::string_view toml, const std::string& file, const ReadFile& read_file);

}  // namespace bastion
