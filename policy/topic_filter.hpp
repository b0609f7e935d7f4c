// Topic filters of OASIS MQTT 4.7: which names a filter matches, and how two filters lie to each other.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bastion {

/// Hands out the levels of a topic name or filter from left to right. `a//b` has three, the second of them empty.
class TopicLevels {
 public:
  explicit TopicLevels(std::string_view text) : rest_{text} {}

  [[nodiscard]] bool at_end() const { return at_end_; }
  /// The level that `take` would give. Not at the end.
  [[nodiscard]] std::string_view peek() const { return rest_.substr(0, rest_.find('/')); }
  std::string_view take();

 private:
  std::string_view rest_;
  bool at_end_ = false;
};

/// How many levels a topic name or filter has: one more than it has slashes.
[[nodiscard]] std::size_t count_levels(std::string_view text);

/// Whether a topic or filter holds a wildcard, or a name would be one when it is put into a filter.
[[nodiscard]] bool holds_wildcard(std::string_view text);

/// A well-formed topic filter, borrowed from whoever owns its text. Nothing here allocates, and everything is linear in the
/// texts. Topics whose first level begins with `$` are matched by no filter that begins with a wildcard [MQTT-4.7.2-1];
/// `a/#` matches `a` too (section 4.7.1.2). All three answers are exact: they speak of every topic name that there can be.
class TopicFilter {
 public:
  static constexpr std::size_t bytes_max = 65'535;

  /// Nothing where the text is no filter by section 4.7.1: empty, longer than MQTT can carry, a wildcard that does not have
  /// its level for itself, or a `#` that is not the last. UTF-8 is for the codec to check.
  [[nodiscard]] static std::optional<TopicFilter> from(std::string_view text);

  /// Whether it matches this topic name, which holds no wildcard.
  [[nodiscard]] bool matches(std::string_view topic) const;
  /// Whether it matches every topic that `inner` matches.
  [[nodiscard]] bool contains(const TopicFilter& inner) const;
  /// Whether some topic is matched by both.
  [[nodiscard]] bool overlaps(const TopicFilter& other) const;

  [[nodiscard]] bool has_wildcard() const { return holds_wildcard(text_); }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  explicit TopicFilter(std::string_view text) : text_{text} {}
  [[nodiscard]] bool begins_with_wildcard() const { return text_.front() == '+' || text_.front() == '#'; }
  [[nodiscard]] bool begins_with_dollar() const { return text_.front() == '$'; }

  std::string_view text_;
};

/// What a SUBSCRIBE or UNSUBSCRIBE names: a filter, and where it is a shared subscription, the share's name.
struct SubscriptionFilter {
  TopicFilter filter;
  std::string_view share_name;  ///< empty: not shared

  /// `$share/NAME/FILTER` is FILTER, shared (OASIS 5.0 section 4.8.2; brokers know it in 3.1.1 too). Nothing where the text
  /// is no filter, or begins with `$share/` and goes on in another way.
  [[nodiscard]] static std::optional<SubscriptionFilter> from(std::string_view text);
};

}  // namespace bastion
