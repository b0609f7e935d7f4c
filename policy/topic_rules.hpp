// Many topic filters with the rights they give, searched together level by level: ten thousand cost about what ten do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/complaint.hpp"
#include "policy/topic_filter.hpp"

namespace bastion {

/// What a rule gives, takes or bounds on the topics that it matches.
enum class TopicRight : std::uint8_t {
  publish,
  receive,
  deny_publish,
  deny_receive,
  retain,  ///< publish retained
  will,    ///< leave a will
  qos_0,   ///< no QoS above 0
  qos_1,   ///< no QoS above 1
};
inline constexpr std::size_t topic_rights_count = 8;

/// A set of them.
class TopicRights {
 public:
  constexpr TopicRights() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): one right is a set of rights.
  constexpr TopicRights(TopicRight right) : bits_{static_cast<std::uint8_t>(1U << static_cast<unsigned>(right))} {}

  [[nodiscard]] constexpr bool has(TopicRight right) const { return (*this & right).any(); }
  [[nodiscard]] constexpr bool any() const { return bits_ != 0; }
  [[nodiscard]] constexpr bool has_all(TopicRights other) const { return (*this & other) == other; }
  friend constexpr TopicRights operator|(TopicRights a, TopicRights b) { return of_bits(a.bits_ | b.bits_); }
  friend constexpr TopicRights operator&(TopicRights a, TopicRights b) { return of_bits(a.bits_ & b.bits_); }
  friend constexpr bool operator==(TopicRights, TopicRights) = default;

 private:
  static constexpr TopicRights of_bits(int bits) {
    TopicRights out;
    out.bits_ = static_cast<std::uint8_t>(bits);
    return out;
  }
  std::uint8_t bits_ = 0;
};
constexpr TopicRights operator|(TopicRight a, TopicRight b) {
  return TopicRights{a} | b;
}

/// Whether a user name or client identifier may be put for `%u` or `%c`: not empty, no wildcard, no slash, no control
/// character, and no `$` to begin with, so that it is one literal level, or a part of one, and nothing else (the class of
/// CVE-2017-7650).
[[nodiscard]] bool is_fit_for_level(std::string_view name);

/// What `%u` and `%c` stand for in a search. Borrowed; nothing: rules that name it match nothing. Only names that
/// `is_fit_for_level` takes may stand here.
struct LevelNames {
  std::optional<std::string_view> user_name;
  std::optional<std::string_view> client_id;
};

/// A set of rules, each a topic filter in which `%u` and `%c` stand for the client's names. Filled once, then only asked;
/// asking allocates nothing.
class TopicRules {
 public:
  static constexpr std::size_t levels_max = 201;  ///< of a filter; Mosquitto takes 200 slashes
  /// How a rule writes the client's names.
  enum class Placeholders : std::uint8_t {
    none,        ///< not at all: `%` is a percent sign
    plain,       ///< `%u` and `%c`; any other `%` is a percent sign (Mosquitto's patterns)
    with_escape  ///< `%u`, `%c`, and `%%` for a percent sign; any other `%` is wrong (roles)
  };

  struct Rule {
    TopicRights rights;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };
  /// The rule that decided, for those who have to name it.
  static constexpr std::uint32_t no_rule = 0xffff'ffff;
  struct Found {
    TopicRights rights;
    std::array<std::uint32_t, topic_rights_count> rules{};  ///< for each right found, a rule that has it

    [[nodiscard]] std::uint32_t rule_of(TopicRight right) const {
      return rights.has(right) ? rules[static_cast<std::size_t>(right)] : no_rule;
    }
  };

  /// `file`: what `where` calls the place of the rules.
  explicit TopicRules(std::string file = {});

  /// Adds a rule, or says what is wrong with its text and adds none.
  [[nodiscard]] std::optional<std::string> add(std::string_view filter, TopicRights rights, Placeholders placeholders,
                                               std::uint32_t line = 0, std::uint32_t column = 0);

  /// Which of the wanted rights some rule gives for this topic name. Ends early at the first of `enough`.
  [[nodiscard]] Found find(std::string_view topic, const LevelNames& names, TopicRights wanted,
                           TopicRights enough = {}) const;
  /// A rule of those by which every topic that the filter matches has this right; `no_rule` where some topic has not. Exact:
  /// what several rules cover together is covered.
  [[nodiscard]] std::uint32_t find_covering(const TopicFilter& filter, const LevelNames& names, TopicRight right) const;
  /// Which of the wanted rights some topic that the filter matches has.
  [[nodiscard]] Found find_overlapping(const TopicFilter& filter, const LevelNames& names, TopicRights wanted) const;

  [[nodiscard]] std::size_t size() const { return rules_.size(); }
  [[nodiscard]] Location where(std::uint32_t rule) const { return {file_, rules_[rule].line, rules_[rule].column}; }
  [[nodiscard]] TopicRights rights_of(std::uint32_t rule) const { return rules_[rule].rights; }
  /// Rights that rules with `%u`, or with `%c`, give or take.
  [[nodiscard]] TopicRights rights_by_user_name() const { return by_user_name_; }
  [[nodiscard]] TopicRights rights_by_client_id() const { return by_client_id_; }

 private:
  class Search;
  /// One level of a filter, below those before it. Node 0 is the root, which is nobody's child: as an index, 0 is "none".
  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t text = 0;  ///< where its level begins in `texts_`
    std::uint32_t text_size = 0;
    std::uint32_t next = 0;       ///< of its parent's children of the same kind
    std::uint32_t literals = 0;   ///< first child that is a plain level
    std::uint32_t templates = 0;  ///< first child that holds a placeholder
    std::uint32_t plus = 0;       ///< the child `+`
    std::uint32_t here = 0;       ///< 1 + index in `ends_` of the filters that end here
    std::uint32_t rest = 0;       ///< the same for those that go on with `#`
    TopicRights below;            ///< all rights from here on
  };
  using End = Found;

  [[nodiscard]] std::string_view text_of(const Node& node) const {
    return std::string_view{texts_}.substr(node.text, node.text_size);
  }
  [[nodiscard]] std::size_t slot_of(std::uint32_t parent, std::string_view level) const;
  [[nodiscard]] std::uint32_t literal_below(std::uint32_t parent, std::string_view level) const;
  [[nodiscard]] std::uint32_t child_for(std::uint32_t parent, std::string_view level);
  [[nodiscard]] std::uint32_t make_node(std::uint32_t parent, std::string_view level);
  void grow_slots();
  void add_end(std::uint32_t& end, TopicRights rights, std::uint32_t rule);

  std::string file_;
  std::vector<Rule> rules_;
  std::vector<Node> nodes_{Node{}};
  std::vector<End> ends_;
  std::string texts_;
  std::vector<std::uint32_t> slots_;  ///< open addressing over literal children, by parent and level; 0: free
  std::size_t literals_ = 0;
  TopicRights by_user_name_;
  TopicRights by_client_id_;
};

}  // namespace bastion
