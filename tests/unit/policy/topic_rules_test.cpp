// Rules over topics: each answer by example, and against asking every filter by itself.
#include "policy/topic_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace bastion {
namespace {

using Placeholders = TopicRules::Placeholders;

constexpr auto publish = TopicRight::publish;
constexpr auto receive = TopicRight::receive;
constexpr auto no_rule = TopicRules::no_rule;

TopicRules rules_of(const std::vector<std::string>& filters, TopicRights rights = publish) {
  TopicRules out{"rules"};
  std::uint32_t line = 0;
  for (const auto& filter : filters) {
    const auto complaint = out.add(filter, rights, Placeholders::with_escape, ++line, 1);
    EXPECT_EQ(complaint, std::nullopt) << filter;
  }
  return out;
}

bool matches(const TopicRules& rules, std::string_view topic, const LevelNames& names = {}) {
  return rules.find(topic, names, publish).rights.has(publish);
}
bool covers(const TopicRules& rules, std::string_view filter, const LevelNames& names = {}) {
  return rules.find_covering(*TopicFilter::from(filter), names, publish) != no_rule;
}
bool overlaps(const TopicRules& rules, std::string_view filter, const LevelNames& names = {}) {
  return rules.find_overlapping(*TopicFilter::from(filter), names, publish).rights.has(publish);
}

const LevelNames alice{"alice", "cam1"};

TEST(TopicRules, MatchWhatOneOfThemMatches) {
  const auto rules = rules_of({"a/b", "a/+/c", "d/#", "+/e"});
  for (const auto* topic : {"a/b", "a/x/c", "a//c", "d", "d/x/y", "x/e", "/e"}) EXPECT_TRUE(matches(rules, topic)) << topic;
  for (const auto* topic : {"a", "a/b/", "a/x", "b/c", "dd", "x/e/y", "$x/e", "", "/"}) {
    EXPECT_FALSE(matches(rules, topic)) << topic;
  }
}

TEST(TopicRules, MatchDollarTopicsOnlyByTheirOwnDollar) {
  const auto rules = rules_of({"#", "+/b", "$SYS/broker/#"});
  EXPECT_TRUE(matches(rules, "$SYS/broker"));
  EXPECT_FALSE(matches(rules, "$SYS/b"));
  EXPECT_FALSE(matches(rules, "$x/b"));
  EXPECT_FALSE(covers(rules_of({"#"}), "$SYS/#"));
  EXPECT_FALSE(overlaps(rules_of({"$SYS/#"}), "#"));
  EXPECT_FALSE(overlaps(rules_of({"$SYS/a"}), "+/a"));
}

TEST(TopicRules, NameTheRuleThatDecides) {
  TopicRules rules{"acl"};
  ASSERT_EQ(rules.add("a/#", publish, Placeholders::none, 3, 7), std::nullopt);
  ASSERT_EQ(rules.add("a/b", receive | publish, Placeholders::none, 5, 9), std::nullopt);
  const auto found = rules.find("a/b", {}, publish | receive);
  EXPECT_EQ(rules.where(found.rule_of(receive)).line, 5U);
  EXPECT_EQ(rules.where(found.rule_of(publish)).line, 3U);
  EXPECT_EQ(rules.where(found.rule_of(publish)).column, 7U);
  EXPECT_EQ(rules.where(found.rule_of(publish)).file, "acl");
  EXPECT_EQ(rules.find("b", {}, publish).rule_of(publish), no_rule);
}

TEST(TopicRules, PutTheNamesOfTheClientAsLevelsAndPartsOfThem) {
  const auto rules = rules_of({"t/%c/#", "u/%u/%c", "v/dev-%c-%u/x"});
  EXPECT_TRUE(matches(rules, "t/cam1/x", alice));
  EXPECT_TRUE(matches(rules, "t/cam1", alice));
  EXPECT_TRUE(matches(rules, "u/alice/cam1", alice));
  EXPECT_TRUE(matches(rules, "v/dev-cam1-alice/x", alice));
  for (const auto* topic : {"t/cam2/x", "t/cam11/x", "t/cam/x", "t/%c/x", "u/cam1/alice", "v/dev-cam1-alic/x",
                            "v/dev-cam1-alicee/x", "v/dev--/x", "t/\x02/x"}) {
    EXPECT_FALSE(matches(rules, topic, alice)) << topic;
  }
}

TEST(TopicRules, ThatNameWhatAClientDoesNotHaveMatchNothing) {
  const auto rules = rules_of({"%u/#", "x/%c"});
  for (const auto* topic : {"alice/x", "/x", "x/cam1", "x/"}) EXPECT_FALSE(matches(rules, topic, {})) << topic;
  EXPECT_FALSE(overlaps(rules, "#", {}));
  EXPECT_TRUE(overlaps(rules, "#", alice));
  EXPECT_TRUE(rules.rights_by_user_name().has(publish));
  EXPECT_TRUE(rules.rights_by_client_id().has(publish));
}

TEST(TopicRules, OfAClientsNameCoverFiltersThatNameIt) {
  const auto rules = rules_of({"t/%c/#"});
  EXPECT_TRUE(covers(rules, "t/cam1/#", alice));
  EXPECT_TRUE(covers(rules, "t/cam1/+/x", alice));
  EXPECT_FALSE(covers(rules, "t/+/#", alice));
  EXPECT_FALSE(covers(rules, "t/cam2/#", alice));
  EXPECT_TRUE(overlaps(rules, "t/+/x", alice));
  EXPECT_FALSE(overlaps(rules, "t/cam2/#", alice));
}

TEST(TopicRules, ReadPercentSignsAsTheirFileWritesThem) {
  EXPECT_TRUE(matches(rules_of({"50%%/%%u"}), "50%/%u", alice));
  TopicRules plain;
  ASSERT_EQ(plain.add("%%u/5%", publish, Placeholders::plain), std::nullopt);
  EXPECT_TRUE(matches(plain, "%alice/5%", alice));
  TopicRules none;
  ASSERT_EQ(none.add("%u", publish, Placeholders::none), std::nullopt);
  EXPECT_TRUE(matches(none, "%u", alice));
  EXPECT_FALSE(matches(none, "alice", alice));
}

TEST(TopicRules, AreRefusedWithAReasonWhereTheyAreNone) {
  TopicRules rules;
  const auto complaint = [&](std::string_view filter) {
    return rules.add(filter, publish, Placeholders::with_escape).value_or("");
  };
  EXPECT_THAT(complaint(""), ::testing::HasSubstr("empty"));
  EXPECT_THAT(complaint("a/b#"), ::testing::HasSubstr("level for itself"));
  EXPECT_THAT(complaint("+%c"), ::testing::HasSubstr("level for itself"));
  EXPECT_THAT(complaint("a/\x01"), ::testing::HasSubstr("control characters"));
  EXPECT_THAT(complaint("a/%x"), ::testing::HasSubstr("%u"));
  EXPECT_THAT(complaint("a/%"), ::testing::HasSubstr("%u"));
  EXPECT_THAT(complaint(std::string(TopicRules::levels_max, '/')), ::testing::HasSubstr("201 levels"));
  EXPECT_EQ(complaint(std::string(TopicRules::levels_max - 1, '/')), "");
  EXPECT_EQ(rules.size(), 1U);
}

TEST(TopicRules, CoverTogetherWhatNoneOfThemCoversAlone) {
  EXPECT_TRUE(covers(rules_of({"a", "a/+/#"}), "a/#"));
  EXPECT_TRUE(covers(rules_of({"a", "a/+", "+/+/+/#"}), "a/#"));
  EXPECT_FALSE(covers(rules_of({"a", "a/+/+/#"}), "a/#"));
  EXPECT_FALSE(covers(rules_of({"a/b", "a/c"}), "a/+"));
  EXPECT_TRUE(covers(rules_of({"+", "+/+/#"}), "#"));
}

TEST(LevelName, IsFitOnlyWhereItIsOneLiteralLevel) {
  for (const auto* name : {"alice", "a b", "a.b", "%u", "a$", "\xc3\xa4"}) EXPECT_TRUE(is_fit_for_level(name)) << name;
  for (const auto* name : {"", "+", "#", "a+", "#a", "a/b", "/", "$SYS", "a\nb", "a\x7f", "a\x01", "\xc2\x85"}) {
    EXPECT_FALSE(is_fit_for_level(name)) << name;
  }
  EXPECT_FALSE(is_fit_for_level(std::string_view{"a\0b", 3}));
}

/// Filters over few levels, so that they meet often.
class SmallWorld {
 public:
  explicit SmallWorld(std::uint32_t seed) : random_{seed} {}

  std::string filter() { return text({"a", "b", "", "+", "+", "$a", "%c", "x%u"}, true); }
  std::string topic() { return text({"a", "b", "", "c", "$a", "cam1", "xalice"}, false); }
  std::string asked_filter() { return text({"a", "b", "", "+", "+", "$a", "cam1", "xalice"}, true); }
  std::size_t below(std::size_t count) { return random_() % count; }

 private:
  std::string text(const std::vector<std::string>& levels, bool may_be_open) {
    while (true) {
      std::string out;
      const auto depth = 1 + below(3);
      for (std::size_t i = 0; i < depth; ++i) out += (i == 0 ? "" : "/") + levels[below(levels.size())];
      if (may_be_open && below(4) == 0) out = below(8) == 0 ? "#" : out + "/#";
      if (!out.empty()) return out;
    }
  }
  std::mt19937 random_;
};

/// The filter as alice has it.
std::string put_names(std::string filter) {
  for (const auto& [mark, name] : {std::pair{"%c", "cam1"}, std::pair{"%u", "alice"}}) {
    for (auto at = filter.find(mark); at != std::string::npos; at = filter.find(mark)) filter.replace(at, 2, name);
  }
  return filter;
}

/// Every topic that could tell the filters of a small world apart.
std::vector<std::string> all_topics() {
  std::vector<std::string> out;
  std::vector<std::string> grown{""};
  for (int depth = 0; depth < 4; ++depth) {
    std::vector<std::string> next;
    for (const auto& begin : grown) {
      for (const auto* level : {"a", "b", "", "c", "$a", "cam1", "xalice"}) {
        next.push_back(depth == 0 ? level : begin + '/' + level);
      }
    }
    std::copy_if(next.begin(), next.end(), std::back_inserter(out), [](const auto& topic) { return !topic.empty(); });
    grown = std::move(next);
  }
  return out;
}

TEST(TopicRules, AnswerAsAskingEachFilterAndEachTopicDoes) {
  const auto topics = all_topics();
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    SmallWorld world{seed};
    std::vector<std::string> filters(1 + world.below(12));
    for (auto& filter : filters) filter = world.filter();
    const auto rules = rules_of(filters);
    const auto is_allowed = [&](std::string_view topic) {
      return std::any_of(filters.begin(), filters.end(),
                         [&](const auto& filter) { return TopicFilter::from(put_names(filter))->matches(topic); });
    };
    std::vector<bool> allowed;
    for (const auto& topic : topics) {
      allowed.push_back(is_allowed(topic));
      ASSERT_EQ(matches(rules, topic, alice), allowed.back()) << topic << " seed " << seed;
    }
    for (int i = 0; i < 40; ++i) {
      const auto asked = world.asked_filter();
      bool all = true;
      bool any = false;
      for (std::size_t t = 0; t < topics.size(); ++t) {
        if (!TopicFilter::from(asked)->matches(topics[t])) continue;
        all = all && allowed[t];
        any = any || allowed[t];
      }
      EXPECT_EQ(covers(rules, asked, alice), all) << asked << " seed " << seed << ' ' << ::testing::PrintToString(filters);
      EXPECT_EQ(overlaps(rules, asked, alice), any) << asked << " seed " << seed << ' ' << ::testing::PrintToString(filters);
    }
  }
}

TEST(TopicRules, KeepApartThousandsOfLevelsBelowOne) {
  TopicRules rules;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(rules.add("site/" + std::to_string(i) + "/+/state", publish, Placeholders::none), std::nullopt);
  }
  for (const auto i : {0, 1, 4'711, 9'999}) {
    EXPECT_TRUE(matches(rules, "site/" + std::to_string(i) + "/x/state"));
    EXPECT_FALSE(matches(rules, "site/" + std::to_string(i) + "/x/stat"));
  }
  EXPECT_FALSE(matches(rules, "site/10000/x/state"));
  EXPECT_TRUE(overlaps(rules, "+/+/y/+"));
  EXPECT_FALSE(overlaps(rules, "+/+/y/other"));
}

}  // namespace
}  // namespace bastion
