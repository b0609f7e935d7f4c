// Topic filters: what matches, what contains, what overlaps; by example, and against every topic of a small world.
#include "policy/topic_filter.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <string>
#include <vector>

namespace bastion {
namespace {

TopicFilter filter(std::string_view text) {
  const auto read = TopicFilter::from(text);
  if (!read) throw std::invalid_argument{"no filter: " + std::string{text}};
  return *read;
}
bool matches(std::string_view of, std::string_view topic) {
  return filter(of).matches(topic);
}
bool contains(std::string_view outer, std::string_view inner) {
  return filter(outer).contains(filter(inner));
}
bool overlap(std::string_view a, std::string_view b) {
  return filter(a).overlaps(filter(b));
}

TEST(TopicFilter, IsRefusedWhereAWildcardDoesNotHaveItsLevelForItself) {
  for (const auto* text : {"", "a+", "+a", "a/b+/c", "a#", "a/b#", "#/a", "a/#/b", "##", "++", "+#", "#/"}) {
    EXPECT_FALSE(TopicFilter::from(text)) << text;
  }
  for (const auto* text : {"a", "/", "//", "+", "#", "a/+/b", "a/#", "+/+/#", "/+", "/#", "$SYS/#", " ", "a b/%c"}) {
    EXPECT_TRUE(TopicFilter::from(text)) << text;
  }
}

TEST(TopicFilter, IsAtMostAsLongAsMqttCanCarry) {
  EXPECT_TRUE(TopicFilter::from(std::string(TopicFilter::bytes_max, 'a')));
  EXPECT_FALSE(TopicFilter::from(std::string(TopicFilter::bytes_max + 1, 'a')));
}

TEST(TopicFilter, MatchesTheExamplesOfTheStandard) {
  for (const auto* topic :
       {"sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"}) {
    EXPECT_TRUE(matches("sport/tennis/player1/#", topic)) << topic;
  }
  EXPECT_TRUE(matches("sport/#", "sport"));
  EXPECT_TRUE(matches("sport/tennis/+", "sport/tennis/player2"));
  EXPECT_FALSE(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
  EXPECT_FALSE(matches("sport/+", "sport"));
  EXPECT_TRUE(matches("sport/+", "sport/"));
  EXPECT_TRUE(matches("+/+", "/finance"));
  EXPECT_TRUE(matches("/+", "/finance"));
  EXPECT_FALSE(matches("+", "/finance"));
}

TEST(TopicFilter, ComparesWholeLevelsAndTheirCase) {
  EXPECT_FALSE(matches("a/b", "a/bc"));
  EXPECT_FALSE(matches("a/b/#", "a/bc"));
  EXPECT_FALSE(matches("a/bc", "a/b"));
  EXPECT_FALSE(matches("A", "a"));
  EXPECT_FALSE(matches("a", "a/"));
  EXPECT_TRUE(matches("a/", "a/"));
}

TEST(TopicFilter, MatchesDollarTopicsOnlyWhereItsFirstLevelNamesThem) {
  EXPECT_FALSE(matches("#", "$SYS/broker"));
  EXPECT_FALSE(matches("+/broker", "$SYS/broker"));
  EXPECT_FALSE(matches("+/#", "$SYS"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/broker"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS"));
  EXPECT_TRUE(matches("$SYS/+", "$SYS/broker"));
  EXPECT_TRUE(matches("a/#", "a/$SYS"));
}

TEST(TopicFilter, ContainsOnlyWhatItMatchesWholly) {
  EXPECT_TRUE(contains("ok/#", "ok/x"));
  EXPECT_TRUE(contains("ok/#", "ok"));
  EXPECT_TRUE(contains("ok/#", "ok/+/y/#"));
  EXPECT_TRUE(contains("a/+/c", "a/b/c"));
  EXPECT_FALSE(contains("ok/#", "+/x"));
  EXPECT_FALSE(contains("ok/#", "okay/x"));
  EXPECT_FALSE(contains("a/b/c", "a/+/c"));
  EXPECT_FALSE(contains("a/+", "a/#"));
  EXPECT_FALSE(contains("a/+/#", "a/#")) << "a itself is missing";
  EXPECT_FALSE(contains("+", "#"));
  EXPECT_FALSE(contains("+/+/#", "#"));
}

TEST(TopicFilter, KnowsThatEveryTopicHasAFirstLevel) {
  // `+/#` also matches `a`, its parent level, so that the two match the same topics.
  EXPECT_TRUE(matches("+/#", "a"));
  EXPECT_TRUE(contains("+/#", "#"));
  EXPECT_TRUE(contains("#", "+/#"));
}

TEST(TopicFilter, ContainsNoDollarTopicByAWildcard) {
  EXPECT_FALSE(contains("#", "$SYS/#"));
  EXPECT_FALSE(contains("+/a", "$SYS/a"));
  EXPECT_TRUE(contains("$SYS/#", "$SYS/broker/+"));
  EXPECT_FALSE(contains("$SYS/#", "#"));
}

TEST(TopicFilter, OverlapsWhereSomeTopicIsMatchedByBoth) {
  EXPECT_TRUE(overlap("+/x", "ok/#"));
  EXPECT_TRUE(overlap("a/#", "a"));
  EXPECT_TRUE(overlap("a/+/c", "+/b/+"));
  EXPECT_FALSE(overlap("a/+", "a"));
  EXPECT_FALSE(overlap("a/b", "a/c"));
  EXPECT_FALSE(overlap("#", "$SYS/#"));
  EXPECT_FALSE(overlap("+/a", "$x/a"));
}

/// Every filter of up to three levels and perhaps a `#` behind them, over a few levels.
std::vector<std::string> all_filters() {
  const std::vector<std::string> levels{"a", "", "+", "$a"};
  std::vector<std::string> grown{""};
  std::vector<std::string> out{"#"};
  for (int depth = 0; depth < 3; ++depth) {
    std::vector<std::string> next;
    for (const auto& begin : grown) {
      for (const auto& level : levels) next.push_back(depth == 0 ? level : begin + '/' + level);
    }
    for (const auto& text : next) {
      if (!text.empty()) out.push_back(text);
      out.push_back(text + "/#");
    }
    grown = std::move(next);
  }
  return out;
}

/// Every topic that could tell two of those filters apart: `c` is what no filter names, and one more level than they have.
std::vector<std::string> all_topics() {
  const std::vector<std::string> levels{"a", "", "c", "$a"};
  std::vector<std::string> grown{""};
  std::vector<std::string> out;
  for (int depth = 0; depth < 4; ++depth) {
    std::vector<std::string> next;
    for (const auto& begin : grown) {
      for (const auto& level : levels) next.push_back(depth == 0 ? level : begin + '/' + level);
    }
    for (const auto& text : next) {
      if (!text.empty()) out.push_back(text);
    }
    grown = std::move(next);
  }
  return out;
}

TEST(TopicFilter, ContainsAndOverlapsExactlyAsEveryTopicOfASmallWorldSays) {
  const auto filters = all_filters();
  const auto topics = all_topics();
  constexpr std::size_t topics_max = 512;
  ASSERT_LE(topics.size(), topics_max);
  std::vector<std::bitset<topics_max>> matched(filters.size());
  for (std::size_t i = 0; i < filters.size(); ++i) {
    for (std::size_t t = 0; t < topics.size(); ++t) matched[i][t] = matches(filters[i], topics[t]);
    ASSERT_TRUE(matched[i].any()) << filters[i];
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    for (std::size_t j = 0; j < filters.size(); ++j) {
      EXPECT_EQ(contains(filters[i], filters[j]), (matched[j] & ~matched[i]).none()) << filters[j] << " in " << filters[i];
      EXPECT_EQ(overlap(filters[i], filters[j]), (matched[j] & matched[i]).any()) << filters[j] << " and " << filters[i];
    }
  }
}

TEST(SubscriptionFilter, OfASharedSubscriptionIsItsInnerFilter) {
  const auto shared = SubscriptionFilter::from("$share/group/a/+/#");
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->filter.text(), "a/+/#");
  EXPECT_EQ(shared->share_name, "group");
  const auto of_dollar = SubscriptionFilter::from("$share/g/$SYS/#");
  ASSERT_TRUE(of_dollar);
  EXPECT_EQ(of_dollar->filter.text(), "$SYS/#");
  const auto begins_empty = SubscriptionFilter::from("$share/g//a");
  ASSERT_TRUE(begins_empty);
  EXPECT_EQ(begins_empty->filter.text(), "/a");
}

TEST(SubscriptionFilter, OfAnythingElseIsTheTextItself) {
  for (const auto* text : {"a/b", "$SYS/#", "$shared/a", "a/$share/b/c", "#"}) {
    const auto plain = SubscriptionFilter::from(text);
    ASSERT_TRUE(plain) << text;
    EXPECT_EQ(plain->filter.text(), text);
    EXPECT_TRUE(plain->share_name.empty()) << text;
  }
}

TEST(SubscriptionFilter, IsRefusedWhereAShareIsCutShortOrItsNameIsNone) {
  for (const auto* text : {"$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/g#/a",
                           "$share/g/a+", "$share/g/#/b", ""}) {
    EXPECT_FALSE(SubscriptionFilter::from(text)) << text;
  }
}

TEST(TopicLevels, AreCountedWithTheEmptyOnes) {
  EXPECT_EQ(count_levels("a"), 1U);
  EXPECT_EQ(count_levels("/"), 2U);
  EXPECT_EQ(count_levels("a//b"), 3U);
}

}  // namespace
}  // namespace bastion
