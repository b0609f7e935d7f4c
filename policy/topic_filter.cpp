// Walking two topics side by side, level by level.
#include "policy/topic_filter.hpp"

#include <algorithm>

namespace bastion {
namespace {

constexpr std::string_view any_level = "+";
constexpr std::string_view any_rest = "#";

/// `P/#` also matches P itself, but for these two: no topic is empty (section 4.7.3), so that they match no less than a
/// level more.
bool has_no_parent(std::string_view filter) {
  return filter == "#" || filter == "/#";
}

}  // namespace

std::string_view TopicLevels::take() {
  const auto slash = rest_.find('/');
  const auto level = rest_.substr(0, slash);
  at_end_ = slash == std::string_view::npos;
  rest_.remove_prefix(at_end_ ? rest_.size() : slash + 1);
  return level;
}

std::size_t count_levels(std::string_view text) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
}

bool holds_wildcard(std::string_view text) {
  return text.find_first_of("+#") != std::string_view::npos;
}

std::optional<TopicFilter> TopicFilter::from(std::string_view text) {
  if (text.empty() || text.size() > bytes_max) return std::nullopt;
  TopicLevels levels{text};
  while (!levels.at_end()) {
    const auto level = levels.take();
    if (!holds_wildcard(level)) continue;
    const bool has_its_place = level == any_level || (level == any_rest && levels.at_end());
    if (!has_its_place) return std::nullopt;
  }
  return TopicFilter{text};
}

bool TopicFilter::matches(std::string_view topic) const {
  if (topic.empty() || (topic.front() == '$' && begins_with_wildcard())) return false;
  TopicLevels mine{text_};
  TopicLevels its{topic};
  while (!mine.at_end()) {
    const auto level = mine.take();
    if (level == any_rest) return true;
    if (its.at_end()) return false;
    const auto name = its.take();
    if (level != any_level && level != name) return false;
  }
  return its.at_end();
}

bool TopicFilter::contains(const TopicFilter& inner) const {
  if (inner.begins_with_dollar() && begins_with_wildcard()) return false;
  TopicLevels mine{text_};
  TopicLevels its{inner.text_};
  while (!mine.at_end()) {
    const auto level = mine.take();
    if (level == any_rest) return true;
    if (its.at_end()) return false;
    const auto other = its.take();
    if (other == any_rest) return has_no_parent(inner.text_) && level == any_level && mine.take() == any_rest;
    if (level != any_level && level != other) return false;
  }
  return its.at_end();
}

bool TopicFilter::overlaps(const TopicFilter& other) const {
  if (begins_with_dollar() && other.begins_with_wildcard()) return false;
  if (other.begins_with_dollar() && begins_with_wildcard()) return false;
  TopicLevels mine{text_};
  TopicLevels its{other.text_};
  while (true) {
    // Whatever is left of the other matches something; where nothing is, that is the `#`'s parent level.
    if (!mine.at_end() && mine.peek() == any_rest) return !its.at_end() || !has_no_parent(text_);
    if (!its.at_end() && its.peek() == any_rest) return !mine.at_end() || !has_no_parent(other.text_);
    if (mine.at_end() || its.at_end()) return mine.at_end() && its.at_end();
    const auto a = mine.take();
    const auto b = its.take();
    if (a != any_level && b != any_level && a != b) return false;
  }
}

std::optional<SubscriptionFilter> SubscriptionFilter::from(std::string_view text) {
  constexpr std::string_view mark = "$share";
  if (TopicLevels{text}.peek() != mark) {
    const auto filter = TopicFilter::from(text);
    return filter ? std::optional{SubscriptionFilter{*filter, {}}} : std::nullopt;
  }
  if (text.size() > TopicFilter::bytes_max) return std::nullopt;
  TopicLevels levels{text};
  levels.take();
  if (levels.at_end()) return std::nullopt;
  const auto name = levels.take();
  if (name.empty() || holds_wildcard(name) || levels.at_end()) return std::nullopt;
  const auto filter = TopicFilter::from(text.substr(mark.size() + 1 + name.size() + 1));
  return filter ? std::optional{SubscriptionFilter{*filter, name}} : std::nullopt;
}

}  // namespace bastion
