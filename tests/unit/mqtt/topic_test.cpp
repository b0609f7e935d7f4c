// Topic names, topic filters, and shared subscriptions: which are well-formed.
#include "proxy/mqtt/topic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bastion::mqtt {
namespace {

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

TEST(TopicName, IsNotEmptyAndHoldsNoWildcard) {
  for (const char* good : {"a", "/", "//", "$SYS/a b", "$share/a/b", "a long name that needs more than a block"}) {
    EXPECT_TRUE(is_topic_name(good)) << good;
  }
  for (const char* bad : {"", "#", "+", "a/+/b", "a+", "a#"}) EXPECT_FALSE(is_topic_name(bad)) << bad;
}

TEST(TopicName, HasItsWildcardFoundWhereverItStands) {
  for (const char wildcard : {'+', '#'}) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text[at] = wildcard;
      EXPECT_FALSE(is_topic_name(text)) << at;
    }
  }
}

TEST(TopicName, HasNoWildcardInTheNeighboursOfOne) {
  for (int c = 1; c < 256; ++c) {
    if (c == '+' || c == '#') continue;
    const std::string text(17, static_cast<char>(c));
    EXPECT_TRUE(is_topic_name(text)) << c;
  }
}

TEST(TopicName, IsPlainWhereEveryByteIsAsciiAndNoWildcard) {
  EXPECT_FALSE(is_plain_topic_name(""));
  for (std::size_t size = 1; size < 40; ++size) {
    EXPECT_TRUE(is_plain_topic_name(std::string(size, 'x'))) << size;
    for (std::size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(c);
        const bool expected = c > 0 && c < 0x80 && c != '+' && c != '#';
        ASSERT_EQ(is_plain_topic_name(text), expected) << c << " at " << at << " of " << size;
      }
    }
  }
}

TEST(TopicFilter, HasWildcardsOnlyAsWholeLevelsAndTheHashLast) {
  for (const auto version : {Version::v3_1, v3, v5}) {
    for (const char* good : {"a", "/", "#", "+", "/#", "+/+", "a/#", "a/+/b", "+/a/#", "/+", "a//b", "$SYS/#", "$share"}) {
      EXPECT_TRUE(is_topic_filter(version, good)) << good;
    }
    for (const char* bad : {"", "a#", "a/b#", "#/a", "#/", "a/#/b", "##", "a+", "+a", "a/b+/c", "++", "+#", "#+", "a/+#"}) {
      EXPECT_FALSE(is_topic_filter(version, bad)) << bad;
    }
  }
}

// 5.0: [MQTT-4.8.2-1], [MQTT-4.8.2-2].
TEST(TopicFilter, ThatIsSharedHasANameAndAFilter) {
  for (const char* good : {"$share/n/a", "$share/n/#", "$share/n/+/a", "$share/n//", "$share/n/$SYS/a", "$share/n//a"}) {
    EXPECT_TRUE(is_topic_filter(v5, good)) << good;
  }
  for (const char* bad : {"$share/", "$share/n", "$share/n/", "$share//a", "$share/+/a", "$share/#", "$share/n#/a",
                          "$share/n+/a", "$share/n/a#", "$share/n/#/a"}) {
    EXPECT_FALSE(is_topic_filter(v5, bad)) << bad;
  }
}

TEST(TopicFilter, IsSharedOnlyFromVersion5On) {
  for (const char* ordinary : {"$share/", "$share/n", "$share//a", "$share/+/a"}) {
    EXPECT_TRUE(is_topic_filter(v3, ordinary)) << ordinary;
  }
}

TEST(SharedSubscription, ComesApartIntoNameAndFilter) {
  const auto parts = shared_subscription("$share/group/a/+/#");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->name, "group");
  EXPECT_EQ(parts->filter, "a/+/#");
  EXPECT_FALSE(shared_subscription("share/group/a").has_value());
  EXPECT_FALSE(shared_subscription("$shared/group/a").has_value());
}

TEST(Levels, AreOneMoreThanThereAreSlashes) {
  EXPECT_EQ(levels_of("a"), 1u);
  EXPECT_EQ(levels_of("/"), 2u);
  EXPECT_EQ(levels_of("a//b/"), 4u);
}

}  // namespace
}  // namespace bastion::mqtt
