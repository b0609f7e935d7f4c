// Mosquitto's ACL file, read as Mosquitto reads it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/complaint.hpp"
#include "policy/topic_rules.hpp"

namespace bastion {

/// `topic`, `user` and `pattern` lines. Who may do what, by Mosquitto 2.0's order: the user's own denies, then the user's
/// allows, then denies of patterns, then allows of patterns; what nothing matches is denied. `topic` lines before the first
/// `user` are for clients without a user name; patterns are for everyone.
class AclFile {
 public:
  struct Parsed;
  /// `file`: how complaints call it. A line that Mosquitto would refuse is a complaint; so is one with control characters or
  /// NUL in its topic or name.
  [[nodiscard]] static Parsed parse(std::string_view text, const std::string& file);

  /// The rules of one user, or of clients without a user name; null where the file has no rule of theirs.
  [[nodiscard]] const TopicRules* rules_of(const std::optional<std::string_view>& user_name) const;
  [[nodiscard]] const TopicRules& patterns() const { return patterns_; }
  /// Whether some client's rules allow a PUBLISH to some topic that the filter matches; denies are left out of account.
  [[nodiscard]] bool lets_anyone_publish(const TopicFilter& filter) const;
  /// All rules of the file; none: nobody may do anything.
  [[nodiscard]] std::size_t size() const;

  /// What Mosquitto refuses before it looks at the file: PUBLISH to `$SYS`, but for the state of bridges, and anything but a
  /// subscription with `$share`. It compares these by their first letters, not by levels.
  [[nodiscard]] static bool is_reserved_for_writing(std::string_view topic);
  [[nodiscard]] static bool is_reserved_for_reading(std::string_view topic);

 private:
  class Reader;
  explicit AclFile(const std::string& file) : anonymous_{file}, patterns_{file} {}

  TopicRules anonymous_;
  std::map<std::string, TopicRules, std::less<>> users_;
  TopicRules patterns_;
};

struct AclFile::Parsed {
  AclFile acl;  ///< to be used only where no complaint is more than a warning
  std::vector<Complaint> complaints;
};

}  // namespace bastion
