// Lines whose strings lack their quotes: which values get them, and where nothing is guessed.
#include "policy/unquoted.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bastion {
namespace {

using testing::ElementsAre;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string mended(std::string_view line) {
  const auto found = with_quotes(line, is_number);
  return found ? found->text : "-";
}

TEST(WithQuotes, QuotesTheValueOfAKeyToTheEndOfTheLine) {
  EXPECT_EQ(mended("address = 127.0.0.1:1883"), R"(address = "127.0.0.1:1883")");
  EXPECT_EQ(mended("\taddress=a b # c\r"), R"(address="a b")");
  EXPECT_EQ(mended("a = b = c"), R"(a = "b = c")");
  EXPECT_EQ(mended("a = it's"), R"(a = "it's")");
}

TEST(WithQuotes, TellsAnAddressInBracketsFromAList) {
  EXPECT_EQ(mended("a = [::]:8883"), R"(a = "[::]:8883")");
  EXPECT_EQ(mended("a = [[::1]:1, [::2]:2 ] # x"), R"(a = ["[::1]:1", "[::2]:2" ])");
  EXPECT_EQ(mended("a = [b]"), R"(a = ["b"])");
  EXPECT_EQ(mended("a = [b,"), R"(a = ["b",)");
}

TEST(WithQuotes, QuotesAWholeListAndNoNumberElsewhere) {
  EXPECT_EQ(mended("a = [1, b, \"c\", 'd']"), R"(a = ["1", "b", "c", 'd'])");
  EXPECT_EQ(mended("a = {b = 1, c = d, e = [f, 2] }"), R"(a = {b = 1, c = "d", e = ["f", "2"] })");
  EXPECT_EQ(mended("a = [{b = c}, {}]"), R"(a = [{b = "c"}, {}])");
}

TEST(WithQuotes, TakesALineWithoutAKeyForTheInsideOfAList) {
  EXPECT_EQ(mended("  a, \"b\", # c"), R"("a", "b",)");
  EXPECT_EQ(mended("a ]"), R"("a" ])");
}

TEST(WithQuotes, NamesTheKeys) {
  const auto found = with_quotes("a.b = { c = d, e = 1 }", is_number);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->keys, ElementsAre("a.b", "c", "e"));
}

TEST(WithQuotes, LeavesAloneWhatNeedsNone) {
  for (const char* line : {"", "#", "a = 1", "a = \"b\"", "a = [1, 2]", "a = {b = 1}", "a = 'b' # c", "a ="}) {
    EXPECT_EQ(mended(line), "-") << line;
  }
}

TEST(WithQuotes, DoesNotGuess) {
  for (const char* line : {"a = b\"c", "a = b\\c", "a = b, c", "a = \"b", "a = \"b\\\" c\" d", "a = TRUE", "a = False",
                           "a = [b}", "a = b]c, d", "a = {b", "a = }", "]]", "a = [,x\"]"}) {
    EXPECT_EQ(mended(line), "-") << line;
  }
}

}  // namespace
}  // namespace bastion
