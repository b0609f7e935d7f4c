// The look at a policy before its TOML reader gets it: what it stops, where, and what it leaves alone.
#include "policy/prescan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace bastion {
namespace {

using testing::HasSubstr;

/// `line:column: what`, or nothing where the text is left to the TOML reader.
std::string found_in(std::string_view toml) {
  const auto found = prescan(toml);
  if (!found) return {};
  return std::to_string(found->line) + ':' + std::to_string(found->column) + ": " + std::string{found->what};
}

TEST(Prescan, StopsLettersBeyondAsciiOutsideCommentsAndStrings) {
  EXPECT_EQ(found_in("caf\xc3\xa9 = 1\n"), "1:4: only comments and strings may hold anything but ASCII");
  EXPECT_THAT(found_in("a = 1\n[\xc3\xa9]\n"), HasSubstr("2:2: only comments"));
  EXPECT_THAT(found_in("x = 1 \xc3\xa9\n"), HasSubstr("1:7: only comments"));
  EXPECT_THAT(found_in("x = \"a\"\xc3\xa9\"\n"), HasSubstr("1:8: only comments"));
  EXPECT_THAT(found_in("x = 1 # \xc3\xa9\ny = \xff\n"), HasSubstr("2:5: only comments"));
  EXPECT_EQ(found_in("# \xc3\xa9\nx = \"\xc3\xa9\" # \xc3\xa9"), "");
  EXPECT_EQ(found_in("\"\xc3\xa9\" = '\xc3\xa9'\n"), "");
}

TEST(Prescan, TakesAByteOrderMarkAtTheTopOnly) {
  EXPECT_EQ(found_in("\xef\xbb\xbf\"a\" = 1\n"), "");
  EXPECT_THAT(found_in("a = 1\n\xef\xbb\xbf"), HasSubstr("2:1: only comments"));
}

TEST(Prescan, StopsStringsOfSeveralLines) {
  EXPECT_EQ(found_in("x = \"\"\"a\nb\"\"\"\n"), "1:5: strings of several lines are not taken; use one line");
  EXPECT_THAT(found_in("x = '''a'''\n"), HasSubstr("1:5: strings of several lines"));
  EXPECT_EQ(found_in("x = \"\"\ny = ''\n"), "");
}

TEST(Prescan, StopsStringsWhereNoneCanBegin) {
  EXPECT_EQ(found_in("x = a\"b\"\n"), "1:6: a string can't begin here");
  EXPECT_THAT(found_in("x = \"a\" \"b\"\n"), HasSubstr("1:9: a string can't begin here"));
  EXPECT_EQ(found_in("\"a\".'b' = {\"c\" = [\"d\", \"e\"]}\n"), "");
}

TEST(Prescan, CountsTheDotsOfOneKey) {
  std::string dotted = "a";
  for (int i = 0; i < 16; ++i) dotted += ".a";
  EXPECT_EQ(found_in(dotted + " = 1\n" + dotted + " = 1\n"), "");
  EXPECT_EQ(found_in("x = \"...#'\" # ''' \n" + dotted + ".a = 1\n"), "2:34: a key with this many dots means nothing here");
  EXPECT_EQ(found_in("x = \"..................\" # ..................\n"), "");
}

TEST(Prescan, KnowsWhereStringsAndCommentsEnd) {
  EXPECT_THAT(found_in("x = \"a\\\"\xc3\xa9\\\\\" \xc3\xa9\n"), HasSubstr("1:15: only comments"));
  EXPECT_THAT(found_in("x = 'a\\' \xc3\xa9\n"), HasSubstr("1:10: only comments"));
  EXPECT_THAT(found_in("x = \"#\" # \"\n\xc3\xa9"), HasSubstr("2:1: only comments"));
}

TEST(Prescan, LeavesWhatIsMerelyWrongToTheReader) {
  for (const char* wrong : {"", "[$", "x = '", "x = \"", "x = \"\\", "x = \"\xc3", "#", "x = 'a\nb"}) {
    EXPECT_EQ(found_in(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace bastion
