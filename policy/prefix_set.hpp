// Which addresses may come in: longest-prefix match over allow and deny rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/address.hpp"

namespace bastion {

/// One rule of the allow or deny list. `file` and `line` say where it stands; `AdmissionPolicy::rule_files` names the files.
struct PrefixRule {
  Prefix prefix;
  bool allow = false;
  std::uint32_t line = 0;
  std::uint16_t file = 0;
};

/// Reads `192.168.10.0/24`, `2001:db8::/48` or a bare address. IPv4 and IPv6 are spaces of their own: an IPv4-mapped prefix
/// of 96 bits or more *is* its IPv4 prefix, and `::/0` or any other IPv6 prefix holds no IPv4 address.
[[nodiscard]] std::variant<Prefix, PrefixError> parse_prefix(std::string_view text);

/// An immutable set of rules; lookups cost about the same with ten rules and with a hundred thousand. Copies share it.
class PrefixSet {
 public:
  static constexpr std::size_t rules_max = std::size_t{1} << 22;

  PrefixSet();
  /// `deny` beats `allow` at equal length. At most `rules_max` rules: a larger set holds none and so lets nobody in.
  explicit PrefixSet(std::vector<PrefixRule> rules);

  /// The longest rule that holds the address; nothing where no rule does. Allocates nothing.
  [[nodiscard]] const PrefixRule* find(const Address& address) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool allows_nobody() const;  ///< no allow rule at all
  [[nodiscard]] std::size_t bytes() const;   ///< memory of the rules and the index over them

 private:
  struct Table;
  std::shared_ptr<const Table> table_;
};

}  // namespace bastion
