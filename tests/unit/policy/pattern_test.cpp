// Patterns over user names and client identifiers.
#include "policy/pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bastion {
namespace {

bool matches(const char* pattern, std::string_view text, std::string_view user = {}) {
  return Pattern{pattern}.matches(text, user);
}

TEST(Pattern, MatchesLiterally) {
  EXPECT_TRUE(matches("sensor", "sensor"));
  EXPECT_FALSE(matches("sensor", "sensor1"));
  EXPECT_FALSE(matches("sensor1", "sensor"));
  EXPECT_FALSE(matches("sensor", "Sensor"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("a.b[c]", "a.b[c]"));
  EXPECT_FALSE(matches("a.b", "axb"));
}

TEST(Pattern, LetsAStarStandForAnyRun) {
  EXPECT_TRUE(matches("sensor-*", "sensor-"));
  EXPECT_TRUE(matches("sensor-*", "sensor-12"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("**", "x"));
  EXPECT_TRUE(matches("*a*b", "xxaxxabxb"));
  EXPECT_FALSE(matches("*a*b", "xxaxxabxc"));
  EXPECT_TRUE(matches("a*a", "aa"));
  EXPECT_FALSE(matches("a*a", "a"));
}

TEST(Pattern, LetsAQuestionMarkStandForOneByte) {
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("a?", "a"));
  EXPECT_TRUE(matches("*?", "x"));
  EXPECT_FALSE(matches("*?", ""));
}

TEST(Pattern, PutsTheUserNameForPercentU) {
  EXPECT_TRUE(matches("%u-*", "bob-1", "bob"));
  EXPECT_FALSE(matches("%u-*", "bobby-1", "bob"));
  EXPECT_FALSE(matches("%u-*", "alice-1", "bob"));
  EXPECT_TRUE(matches("*-%u", "x-bob-bob", "bob"));
  EXPECT_TRUE(matches("%u%u", "bobbob", "bob"));
  EXPECT_FALSE(matches("%u", "bo", "bob"));
  EXPECT_TRUE(matches("*%u*", "aaab", "aab"));
}

TEST(Pattern, TakesNoMetaCharactersFromTheUserName) {
  EXPECT_FALSE(matches("%u", "anything", "*"));
  EXPECT_TRUE(matches("%u", "*", "*"));
  EXPECT_FALSE(matches("%u", "ab", "a?"));
  EXPECT_FALSE(matches("%u", "bob", "%u"));
  EXPECT_TRUE(matches("%u", "%u", "%u"));
}

TEST(Pattern, NeverMatchesAMissingUserName) {
  EXPECT_FALSE(matches("%u-*", "-1", ""));
  EXPECT_FALSE(matches("%u", "", ""));
}

TEST(Pattern, ReadsTwoPercentSignsAsOne) {
  EXPECT_TRUE(matches("50%%", "50%"));
  EXPECT_FALSE(matches("50%%", "50%%"));
  EXPECT_FALSE(matches("%%u", "bob", "bob"));
  EXPECT_TRUE(matches("%%u", "%u", "bob"));
}

TEST(Pattern, StaysQuickOnWhatMakesNaiveMatchersExplode) {
  const std::string text(4096, 'a');
  std::string pattern;
  for (int i = 0; i < 64; ++i) pattern += "*a";
  pattern += "b";
  // Exponential backtracking would not end in the lifetime of the test.
  EXPECT_FALSE(Pattern{pattern}.matches(text));
}

/// The plain recursive reading of the rules, to compare with.
bool naive(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return naive(pattern.substr(1), text) || (!text.empty() && naive(pattern, text.substr(1)));
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) && naive(pattern.substr(1), text.substr(1));
}

TEST(Pattern, AgreesWithTheNaiveMatcherOnAllShortInputs) {
  const std::string_view pattern_letters = "ab*?";
  for (unsigned p = 0; p < 1024; ++p) {
    std::string pattern;
    for (unsigned rest = p, i = 0; i < 5; ++i, rest /= 4) pattern += pattern_letters[rest % 4];
    for (unsigned t = 0; t < 64; ++t) {
      std::string text;
      for (unsigned i = 0; i < t % 7; ++i) text += (t >> (i % 6)) % 2 == 0 ? 'a' : 'b';
      EXPECT_EQ(Pattern{pattern}.matches(text), naive(pattern, text)) << pattern << " over " << text;
    }
  }
}

}  // namespace
}  // namespace bastion
