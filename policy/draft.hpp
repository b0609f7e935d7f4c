// A policy while it is being read: what was said, where, and all that is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/parse.hpp"
#include "policy/policy.hpp"

namespace bastion {

/// One value of the policy file after its type and range were checked, as its key's setter gets it.
struct Value {
  std::string_view path;  ///< of its key
  Location where;
  bool flag = false;                       ///< booleans
  std::int64_t number = 0;                 ///< integers; durations in milliseconds; sizes in bytes
  std::string text;                        ///< anything that is one string
  std::vector<Located<std::string>> list;  ///< anything that is, or may be, a list of strings

  [[nodiscard]] std::uint64_t amount() const { return static_cast<std::uint64_t>(number); }
  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(number); }
  [[nodiscard]] Milliseconds duration() const { return Milliseconds{number}; }
};

/// Collects. Values come in any order; `finish` then looks at them together.
class Draft {
 public:
  Draft(std::string file, const ReadFile& read_file);

  Policy policy;

  void complain(Location where, std::string message);
  void warn(Location where, std::string message);
  [[nodiscard]] Location at(std::uint32_t line, std::uint32_t column) const { return {policy.where.file, line, column}; }

  /// Remembers that a key or table was said.
  void say(std::string_view path, const Location& where) { said_.emplace(path, where); }
  [[nodiscard]] bool was_said(std::string_view path) const { return said_.find(path) != said_.end(); }
  /// Where a key or table was said; the top of the file where it was not.
  [[nodiscard]] Location where(std::string_view path) const;

  // What setters share. Each complains by itself and then leaves the policy alone.
  void set_admin(const Value& value);
  void set_admin_socket(const Value& value);
  void set_upstream(const Value& value);
  void set_credentials_file(const Value& value);
  void set_listener_name(const Value& value);
  void add_listener_addresses(const Value& value);
  void set_versions(const Value& value);
  void add_rules(const Value& value, bool allow);
  void add_rule_file(const Value& value, bool allow);
  void set_certificates(const Value& value);
  void set_keys(const Value& value);
  void set_characters(const Value& value);
  void set_pattern(const Value& value, std::optional<Pattern>& out);
  void set_role_name(const Value& value);
  void set_expected_from(const Value& value);
  void set_expected_refusal(const Value& value);
  [[nodiscard]] TopicQuestion& expected_topic();
  [[nodiscard]] TopicQuestion& expected_will();
  void add_role_users(const Value& value);
  void set_role_client_id(const Value& value);
  void add_role_networks(const Value& value);
  void add_role_topics(const Value& value, TopicRights rights);
  void set_role_qos_max(const Value& value);
  void set_acl_file(const Value& value);
  void set_shields_off(const Value& value);
  void set_expected_topic(const Value& value, TopicQuestion::Kind kind);
  void add_balancers(const Value& value);
  /// A path of the policy, which is relative to the policy file.
  [[nodiscard]] Located<std::string> path_of(const Value& value) const;

  /// Looks at everything together, and gives the policy where nothing but warnings came up.
  [[nodiscard]] ParsedPolicy finish();

 private:
  struct Rule {
    Prefix prefix;
    bool allow;
    std::uint16_t file;
    std::uint32_t line;
    std::uint32_t column;
  };

  void keep(Complaint complaint);
  [[nodiscard]] std::string joined(std::string_view path) const;
  [[nodiscard]] Location where(const Rule& rule) const;
  void add_prefixes(const Value& value, std::vector<Prefix>& out);
  void add_rule(std::string_view text, bool allow, std::uint16_t file, std::uint32_t line, std::uint32_t column);
  void add_rules_of_file(std::string_view content, bool allow, std::uint16_t file);
  [[nodiscard]] bool is_good_pattern(const Located<std::string>& text, bool user_name_known);

  void check_rules();
  void check_twins();
  void check_admission();
  void check_tls();
  void check_listeners();
  void check_overlaps();
  void check_authentication();
  void check_mqtt();
  void check_mode();
  void check_shields();
  void check_roles();
  void note_misread_role(std::size_t complaints_before);
  void check_role_topics();
  void check_bridges();
  [[nodiscard]] RoleTopics& topics_of_role();
  void check_credentials();
  void check_expectations();

  const ReadFile& read_file_;
  std::string directory_;  ///< of the policy file, with its slash; empty for the working directory
  std::map<std::string, Location, std::less<>> said_;
  std::vector<Complaint> complaints_;
  std::size_t left_out_ = 0;
  bool failed_ = false;
  std::vector<Rule> rules_;
  bool allow_read_ = false;
  std::size_t allows_said_ = 0;  ///< allow rules, bad ones included
  bool too_many_rules_ = false;
  /// What the topic lists of a role hold, for looking at them together.
  struct RoleFilter {
    std::size_t role;
    TopicRights rights;
    Located<std::string> text;
  };
  std::vector<RoleFilter> role_filters_;
  std::vector<std::size_t> misread_roles_;               ///< it is not known whom they fit
  std::vector<std::size_t> roles_with_topics_;           ///< those that say `publish` or `subscribe`
  std::vector<Located<std::size_t>> roles_with_bounds_;  ///< those that say anything else of topics
  std::vector<Located<const Shield*>> shields_off_;
  std::vector<Located<std::string>> certificates_;
  std::vector<Located<std::string>> keys_;
};

// What setters and checks of several subjects say.

/// `policy.toml:3:11`.
[[nodiscard]] std::string line_and_column(const Location& where);
/// What is wrong with a text where an address and a port belong, and what is meant where that can be guessed.
/// `else_allowed`: what the key takes beside addresses, as it goes on.
[[nodiscard]] std::string not_an_address(const Value& value, std::string_view text, std::string_view else_allowed = {});
/// What is wrong with a prefix, and what to write instead.
[[nodiscard]] std::string clause(const PrefixError& error);

/// Complaints beyond these are counted only.
inline constexpr std::size_t complaints_max = 100;

}  // namespace bastion
