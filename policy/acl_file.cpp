// Reading the lines of Mosquitto's ACL file, with its own ideas of blanks and comments.
#include "policy/acl_file.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t complaints_of_file_max = 100;
constexpr std::string_view blanks = " \t\n\v\f\r";

std::string_view without_blanks_behind(std::string_view text) {
  const auto last = text.find_last_not_of(blanks);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool begins_with(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

/// A line being taken apart; words are parted by spaces alone, as Mosquitto does it.
struct Line {
  std::string_view text;
  std::size_t at = 0;

  [[nodiscard]] std::uint32_t column_of(std::string_view part) const {
    return static_cast<std::uint32_t>(part.data() - text.data() + 1);
  }
  /// Empty where there is none.
  std::string_view word() {
    const auto begin = std::min(text.find_first_not_of(' ', at), text.size());
    const auto end = std::min(text.find(' ', begin), text.size());
    // What follows a word begins behind one space.
    at = std::min(end + 1, text.size());
    return text.substr(begin, end - begin);
  }
  /// What is left, without blanks around it.
  [[nodiscard]] std::string_view rest() const {
    const auto begin = text.find_first_not_of(blanks, at);
    return begin == std::string_view::npos ? text.substr(text.size()) : text.substr(begin);
  }
};

struct AccessWord {
  std::string_view word;
  TopicRights rights;
};
constexpr std::array access_words{
    AccessWord{"read", TopicRight::receive},
    AccessWord{"write", TopicRight::publish},
    AccessWord{"readwrite", TopicRight::publish | TopicRight::receive},
    AccessWord{"deny", TopicRight::deny_publish | TopicRight::deny_receive},
};

const AccessWord* find_access(std::string_view word) {
  const auto* const found =
      std::find_if(access_words.begin(), access_words.end(), [&](const AccessWord& access) { return access.word == word; });
  return found != access_words.end() ? found : nullptr;
}

bool holds_placeholder(std::string_view filter) {
  return filter.find("%c") != std::string_view::npos || filter.find("%u") != std::string_view::npos;
}

bool holds_placeholder_within_level(std::string_view filter) {
  TopicLevels levels{filter};
  while (!levels.at_end()) {
    if (const auto level = levels.take(); level.size() > 2 && holds_placeholder(level)) return true;
  }
  return false;
}

std::string hint_for_first_word(std::string_view word) {
  if (word.front() == '#') return "; a comment's # is the first character of its line";
  if (word.find('\t') != std::string_view::npos) return "; words are parted by spaces, not by tabs";
  constexpr std::array<std::string_view, 3> known{"topic", "pattern", "user"};
  const auto near = nearest(word, known);
  return near.empty() ? std::string{} : "; did you mean " + quoted(near) + "?";
}

}  // namespace

class AclFile::Reader {
 public:
  explicit Reader(const std::string& file) : file_{file}, acl_{file} {}

  Parsed read(std::string_view text) {
    for (line_ = 1; !text.empty() && !is_enough_; ++line_) {
      const auto end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {std::move(acl_), std::move(complaints_)};
  }

 private:
  void read_line(std::string_view text) {
    text = without_blanks_behind(text);
    if (text.empty() || text.front() == '#') return;
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
      complain(static_cast<std::uint32_t>(nul + 1), "the line holds a NUL");
      return;
    }
    Line line{text};
    const auto word = line.word();
    if (word == "topic" || word == "pattern") {
      read_rule(line, word == "pattern");
    } else if (word == "user") {
      read_user(line);
    } else {
      complain(line.column_of(word), quoted(word) + R"( begins no line of an ACL file: write "topic", "pattern" or "user")" +
                                         hint_for_first_word(word));
    }
  }

  void read_user(const Line& line) {
    const auto name = line.rest();
    if (name.empty()) {
      complain(static_cast<std::uint32_t>(line.text.size() + 1), R"("user" without a name)");
      return;
    }
    user_ = name;
  }

  void read_rule(Line line, bool is_pattern) {
    const auto first = line.word();
    if (first.empty()) {
      complain(static_cast<std::uint32_t>(line.text.size() + 1), "a topic is missing");
      return;
    }
    auto filter = line.rest();
    const auto* access = filter.empty() ? find_access("readwrite") : find_access(first);
    if (access == nullptr) {
      complain(line.column_of(first), quoted(first) + R"( is no access: write "read", "write", "readwrite" or "deny")" +
                                          " (it may be left out only where the topic holds no space)");
      return;
    }
    if (filter.empty()) {
      filter = first;
      if (find_access(first) != nullptr) {
        warn(line.column_of(first), quoted(first) + " alone is a topic of that name, as Mosquitto reads it: readwrite");
      }
    }
    add(is_pattern, filter, access->rights, line.column_of(filter));
  }

  void add(bool is_pattern, std::string_view filter, TopicRights rights, std::uint32_t column) {
    auto& rules = is_pattern ? acl_.patterns_
                  : user_    ? acl_.users_.try_emplace(*user_, file_).first->second
                             : acl_.anonymous_;
    const auto placeholders = is_pattern ? TopicRules::Placeholders::plain : TopicRules::Placeholders::none;
    if (const auto complaint = rules.add(filter, rights, placeholders, line_, column)) {
      complain(column, quoted(filter) + ": " + *complaint);
      return;
    }
    if (!is_pattern && holds_placeholder(filter)) {
      warn(column, quoted(filter) + R"(: %u and %c stand for names only in "pattern" lines, and for themselves here)");
    } else if (is_pattern && !holds_placeholder(filter)) {
      warn(column, quoted(filter) + ": a pattern without %u and %c is for every client, and so is all that it allows");
    } else if (is_pattern && holds_placeholder_within_level(filter)) {
      warn(column, quoted(filter) + ": Mosquitto from 2.1 on wants %u and %c to have their level for themselves");
    }
  }

  void complain(std::uint32_t column, std::string message) { keep({{file_, line_, column}, std::move(message), false}); }
  void warn(std::uint32_t column, std::string message) { keep({{file_, line_, column}, std::move(message), true}); }
  void keep(Complaint complaint) {
    if (complaint.warning && complaints_.size() >= complaints_of_file_max) return;
    complaints_.push_back(std::move(complaint));
    is_enough_ = complaints_.size() > 2 * complaints_of_file_max;
  }

  const std::string& file_;
  AclFile acl_;
  std::vector<Complaint> complaints_;
  std::optional<std::string> user_;
  std::uint32_t line_ = 0;
  bool is_enough_ = false;
};

AclFile::Parsed AclFile::parse(std::string_view text, const std::string& file) {
  return Reader{file}.read(text);
}

const TopicRules* AclFile::rules_of(const std::optional<std::string_view>& user_name) const {
  if (!user_name) return &anonymous_;
  const auto found = users_.find(*user_name);
  return found != users_.end() ? &found->second : nullptr;
}

bool AclFile::lets_anyone_publish(const TopicFilter& filter) const {
  constexpr auto publish = TopicRight::publish;
  const auto lets = [&](const TopicRules& rules) {
    return rules.find_overlapping(filter, {"u", "c"}, publish).rights.has(publish);
  };
  return lets(anonymous_) || lets(patterns_) ||
         std::any_of(users_.begin(), users_.end(), [&](const auto& user) { return lets(user.second); });
}

std::size_t AclFile::size() const {
  auto out = anonymous_.size() + patterns_.size();
  for (const auto& [name, rules] : users_) out += rules.size();
  return out;
}

bool AclFile::is_reserved_for_writing(std::string_view topic) {
  if (!begins_with(topic, "$SYS")) return is_reserved_for_reading(topic);
  const auto of_bridges = TopicFilter::from("$SYS/broker/connection/+/state");
  return !of_bridges || !of_bridges->matches(topic);
}

bool AclFile::is_reserved_for_reading(std::string_view topic) {
  return begins_with(topic, "$share");
}

}  // namespace bastion
