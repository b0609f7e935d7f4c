// A tree of levels. A search walks all filters that still fit at once: below each level there is at most one child with the
// same text, one `+`, and the few that hold a placeholder.
#include "policy/topic_rules.hpp"

#include <algorithm>
#include <bitset>
#include <functional>
#include <utility>

namespace bastion {
namespace {

// Rules hold no control characters, so that these two can stand for the client's names.
constexpr char user_name_mark = '\x01';
constexpr char client_id_mark = '\x02';

constexpr std::string_view any_level = "+";
constexpr std::string_view any_rest = "#";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// U+0080 to U+009F.
bool holds_c1_control(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

bool is_template(std::string_view level) {
  return level.find_first_of("\x01\x02") != std::string_view::npos;
}

bool fits_template(std::string_view pattern, std::string_view level, const LevelNames& names) {
  for (const char c : pattern) {
    if (c != user_name_mark && c != client_id_mark) {
      if (level.empty() || level.front() != c) return false;
      level.remove_prefix(1);
      continue;
    }
    const auto& name = c == user_name_mark ? names.user_name : names.client_id;
    if (!name || level.substr(0, name->size()) != *name) return false;
    level.remove_prefix(name->size());
  }
  return level.empty();
}

/// Whether the level is one that this client can have at all.
bool is_usable(std::string_view pattern, const LevelNames& names) {
  return (names.user_name || pattern.find(user_name_mark) == std::string_view::npos) &&
         (names.client_id || pattern.find(client_id_mark) == std::string_view::npos);
}

struct Marked {
  std::string text;       ///< with marks for placeholders
  std::string complaint;  ///< empty: it is good
};

Marked mark_placeholders(std::string_view filter, TopicRules::Placeholders placeholders) {
  Marked out;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const char next = i + 1 < filter.size() ? filter[i + 1] : '\0';
    if (filter[i] != '%' || placeholders == TopicRules::Placeholders::none) {
      out.text += filter[i];
    } else if (next == 'u' || next == 'c') {
      out.text += next == 'u' ? user_name_mark : client_id_mark;
      ++i;
    } else if (placeholders == TopicRules::Placeholders::plain) {
      out.text += '%';
    } else if (next == '%') {
      out.text += '%';
      ++i;
    } else {
      out.complaint = "only %u (the user name), %c (the client identifier) and %% (a percent sign) have a meaning";
      return out;
    }
  }
  return out;
}

std::string complaint_about_form(std::string_view filter) {
  if (filter.empty()) return "a topic filter can't be empty";
  if (std::any_of(filter.begin(), filter.end(), is_control)) return "a topic filter must not hold control characters";
  if (filter.size() > TopicFilter::bytes_max) return "a topic filter has at most 65535 bytes";
  if (!TopicFilter::from(filter)) {
    return "not a topic filter: + must have its level for itself, and # the last one, as in a/+/b or a/#";
  }
  if (count_levels(filter) > TopicRules::levels_max) {
    return "a topic filter has at most " + std::to_string(TopicRules::levels_max) + " levels";
  }
  return {};
}

}  // namespace

bool is_fit_for_level(std::string_view name) {
  return !name.empty() && name.front() != '$' && name.find_first_of("+#/") == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), is_control) && !holds_c1_control(name);
}

TopicRules::TopicRules(std::string file) : file_{std::move(file)} {}

std::optional<std::string> TopicRules::add(std::string_view filter, TopicRights rights, Placeholders placeholders,
                                           std::uint32_t line, std::uint32_t column) {
  if (auto complaint = complaint_about_form(filter); !complaint.empty()) return complaint;
  auto marked = mark_placeholders(filter, placeholders);
  if (!marked.complaint.empty()) return std::move(marked.complaint);
  const auto rule = static_cast<std::uint32_t>(rules_.size());
  rules_.push_back({rights, line, column});
  if (marked.text.find(user_name_mark) != std::string::npos) by_user_name_ = by_user_name_ | rights;
  if (marked.text.find(client_id_mark) != std::string::npos) by_client_id_ = by_client_id_ | rights;

  std::uint32_t node = 0;
  TopicLevels levels{marked.text};
  nodes_[node].below = nodes_[node].below | rights;
  while (!levels.at_end()) {
    const auto level = levels.take();
    if (level == any_rest) {
      add_end(nodes_[node].rest, rights, rule);
      return std::nullopt;
    }
    node = child_for(node, level);
    nodes_[node].below = nodes_[node].below | rights;
  }
  add_end(nodes_[node].here, rights, rule);
  return std::nullopt;
}

void TopicRules::add_end(std::uint32_t& end, TopicRights rights, std::uint32_t rule) {
  if (end == 0) {
    ends_.emplace_back();
    end = static_cast<std::uint32_t>(ends_.size());
  }
  auto& found = ends_[end - 1];
  for (std::size_t i = 0; i < topic_rights_count; ++i) {
    const auto right = static_cast<TopicRight>(i);
    if (rights.has(right) && !found.rights.has(right)) found.rules[i] = rule;
  }
  found.rights = found.rights | rights;
}

std::size_t TopicRules::slot_of(std::uint32_t parent, std::string_view level) const {
  constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15;
  const std::uint64_t hash = std::hash<std::string_view>{}(level) + (parent + 1) * odd;
  return static_cast<std::size_t>(hash ^ hash >> 32) & (slots_.size() - 1);
}

std::uint32_t TopicRules::literal_below(std::uint32_t parent, std::string_view level) const {
  if (nodes_[parent].literals == 0) return 0;
  for (auto slot = slot_of(parent, level);; slot = (slot + 1) & (slots_.size() - 1)) {
    const auto index = slots_[slot];
    if (index == 0) return 0;
    if (nodes_[index].parent == parent && text_of(nodes_[index]) == level) return index;
  }
}

std::uint32_t TopicRules::child_for(std::uint32_t parent, std::string_view level) {
  if (level == any_level) {
    if (nodes_[parent].plus == 0) {
      const auto made = make_node(parent, level);
      nodes_[parent].plus = made;
    }
    return nodes_[parent].plus;
  }
  if (is_template(level)) {
    for (auto index = nodes_[parent].templates; index != 0; index = nodes_[index].next) {
      if (text_of(nodes_[index]) == level) return index;
    }
    const auto made = make_node(parent, level);
    nodes_[made].next = std::exchange(nodes_[parent].templates, made);
    return made;
  }
  if (const auto found = literal_below(parent, level); found != 0) return found;
  if (slots_.size() < 2 * (literals_ + 1)) grow_slots();
  const auto made = make_node(parent, level);
  nodes_[made].next = std::exchange(nodes_[parent].literals, made);
  auto slot = slot_of(parent, level);
  while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = made;
  ++literals_;
  return made;
}

std::uint32_t TopicRules::make_node(std::uint32_t parent, std::string_view level) {
  Node node;
  node.parent = parent;
  node.text = static_cast<std::uint32_t>(texts_.size());
  node.text_size = static_cast<std::uint32_t>(level.size());
  texts_ += level;
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void TopicRules::grow_slots() {
  auto old = std::exchange(slots_, std::vector<std::uint32_t>(std::max<std::size_t>(8, 2 * slots_.size())));
  for (const auto index : old) {
    if (index == 0) continue;
    auto slot = slot_of(nodes_[index].parent, text_of(nodes_[index]));
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = index;
  }
}

/// One walk over the tree. All three are recursive in the levels of rules, of which there are at most `levels_max`.
class TopicRules::Search {
 public:
  Search(const TopicRules& rules, const LevelNames& names, TopicRights wanted, TopicRights enough)
      : rules_{rules}, names_{names}, wanted_{wanted}, enough_{enough} {}

  [[nodiscard]] const Found& found() const { return found_; }

  /// Rules that match a topic name. False: enough was found.
  bool match(std::uint32_t index, TopicLevels levels) {
    const auto& node = rules_.nodes_[index];
    const bool is_dollar = index == 0 && begins_with_dollar(levels);
    if (!is_dollar && !take(node.rest)) return false;
    if (levels.at_end()) return take(node.here);
    const auto level = levels.take();
    if (!is_dollar && node.plus != 0 && !match(node.plus, levels)) return false;
    return for_each_child_that_is(index, level, [&](std::uint32_t child) { return match(child, levels); });
  }

  /// Rules of which some topic is matched by the filter as well. False: enough was found.
  bool overlap(std::uint32_t index, TopicLevels levels, bool is_empty_topic) {
    const auto& node = rules_.nodes_[index];
    if (!(node.below & wanted_).any()) return true;
    const bool is_dollar = index == 0 && begins_with_dollar(levels);
    const bool needs_more = is_empty_topic && levels.at_end();
    if (!is_dollar && !needs_more && !take(node.rest)) return false;
    if (levels.at_end()) return needs_more || take(node.here);
    const auto level = levels.take();
    if (level == any_rest) return collect(index, is_empty_topic);
    if (!is_dollar && node.plus != 0 && !overlap(node.plus, levels, index == 0 && level.empty())) return false;
    if (level != any_level) {
      const bool is_empty = index == 0 && level.empty();
      return for_each_child_that_is(index, level, [&](std::uint32_t child) { return overlap(child, levels, is_empty); });
    }
    return for_each_child(index, [&](std::uint32_t child) {
      return overlap(child, levels, index == 0 && rules_.text_of(rules_.nodes_[child]).empty());
    });
  }

  /// Rules that together match all topics that the filter matches: a level that no rule names stands for each `+`, and any
  /// number of them for `#`, since whatever has a name of its own is matched then as well. The answer is in `covers`.
  void cover(std::uint32_t index, TopicLevels levels) {
    const auto& node = rules_.nodes_[index];
    const bool is_dollar = index == 0 && begins_with_dollar(levels);
    if (!is_dollar && has_wanted(node.rest)) {
      take(node.rest);
      is_covered_from_ = 0;
      return;
    }
    if (levels.at_end()) {
      if (has_wanted(node.here)) is_covered_[0] = true;
      take(node.here);
      return;
    }
    const auto level = levels.take();
    if (level == any_rest) return cover_rest(index, 0);
    if (!is_dollar && node.plus != 0) cover(node.plus, levels);
    if (level == any_level) return;
    for_each_child_that_is(index, level, [&](std::uint32_t child) {
      cover(child, levels);
      return true;
    });
  }
  [[nodiscard]] bool covers(const TopicFilter& filter) const {
    const auto text = filter.text();
    const bool is_open = text.size() == 1 ? text == any_rest : text.substr(text.size() - 2) == "/#";
    if (!is_open) return is_covered_[0] || is_covered_from_ == 0;
    // What stands before the `#` is a topic itself, unless that is empty.
    for (std::size_t more = text == any_rest || text == "/#" ? 1 : 0; more < is_covered_from_; ++more) {
      if (more >= is_covered_.size() || !is_covered_[more]) return false;
    }
    return true;
  }

 private:
  static bool begins_with_dollar(const TopicLevels& levels) {
    const auto level = levels.peek();
    return !level.empty() && level.front() == '$';
  }

  [[nodiscard]] bool has_wanted(std::uint32_t end) const {
    return end != 0 && (rules_.ends_[end - 1].rights & wanted_).any();
  }

  /// False: enough was found.
  bool take(std::uint32_t end) {
    if (!has_wanted(end)) return true;
    const auto& given = rules_.ends_[end - 1];
    for (std::size_t i = 0; i < topic_rights_count; ++i) {
      const auto right = static_cast<TopicRight>(i);
      if ((given.rights & wanted_).has(right) && !found_.rights.has(right)) found_.rules[i] = given.rules[i];
    }
    found_.rights = found_.rights | (given.rights & wanted_);
    return !(found_.rights & enough_).any() && !found_.rights.has_all(wanted_);
  }

  template <class Visit>
  bool for_each_child_that_is(std::uint32_t index, std::string_view level, const Visit& visit) {
    const auto& node = rules_.nodes_[index];
    if (const auto child = rules_.literal_below(index, level); child != 0 && !visit(child)) return false;
    for (auto child = node.templates; child != 0; child = rules_.nodes_[child].next) {
      const auto pattern = rules_.text_of(rules_.nodes_[child]);
      if (fits_template(pattern, level, names_) && !visit(child)) return false;
    }
    return true;
  }

  /// All that a wildcard of a filter can stand for, but for the child `+`.
  template <class Visit>
  bool for_each_child(std::uint32_t index, const Visit& visit) {
    const auto is_hidden = [&](std::string_view text) { return index == 0 && !text.empty() && text.front() == '$'; };
    for (auto first : {rules_.nodes_[index].literals, rules_.nodes_[index].templates}) {
      for (auto child = first; child != 0; child = rules_.nodes_[child].next) {
        const auto text = rules_.text_of(rules_.nodes_[child]);
        if (!is_hidden(text) && is_usable(text, names_) && !visit(child)) return false;
      }
    }
    return true;
  }

  /// Everything from here on, for a filter's `#`.
  bool collect(std::uint32_t index, bool is_empty_topic) {
    const auto& node = rules_.nodes_[index];
    if (!(node.below & wanted_).any()) return true;
    if (!take(node.rest) || (!is_empty_topic && !take(node.here))) return false;
    // No filter ends in an empty first level, and no rule does.
    if (node.plus != 0 && !collect(node.plus, false)) return false;
    return for_each_child(index, [&](std::uint32_t child) { return collect(child, false); });
  }

  void cover_rest(std::uint32_t index, std::size_t more) {
    const auto& node = rules_.nodes_[index];
    if (has_wanted(node.rest)) {
      take(node.rest);
      is_covered_from_ = std::min(is_covered_from_, more);
    }
    if (has_wanted(node.here)) {
      take(node.here);
      is_covered_[more] = true;
    }
    if (node.plus != 0 && more + 1 < is_covered_.size()) cover_rest(node.plus, more + 1);
  }

  const TopicRules& rules_;
  const LevelNames& names_;
  TopicRights wanted_;
  TopicRights enough_;
  Found found_;
  std::bitset<levels_max + 1> is_covered_;  ///< so many levels in a `#`'s place
  std::size_t is_covered_from_ = levels_max + 2;
};

TopicRules::Found TopicRules::find(std::string_view topic, const LevelNames& names, TopicRights wanted,
                                   TopicRights enough) const {
  Search search{*this, names, wanted, enough};
  if (!topic.empty()) search.match(0, TopicLevels{topic});
  return search.found();
}

std::uint32_t TopicRules::find_covering(const TopicFilter& filter, const LevelNames& names, TopicRight right) const {
  Search search{*this, names, right, {}};
  search.cover(0, TopicLevels{filter.text()});
  return search.covers(filter) ? search.found().rule_of(right) : no_rule;
}

TopicRules::Found TopicRules::find_overlapping(const TopicFilter& filter, const LevelNames& names,
                                               TopicRights wanted) const {
  Search search{*this, names, wanted, {}};
  search.overlap(0, TopicLevels{filter.text()}, false);
  return search.found();
}

}  // namespace bastion
