// Reading password files: what is a user, what is a complaint, and where.
#include "proxy/identity/password_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "samples.hpp"

namespace bastion::identity {
namespace {

using namespace std::literals;
using samples::complaints_of;
using samples::entry;
using samples::must_parse;
using testing::HasSubstr;
using testing::Not;

struct Bad {
  std::string line;
  std::uint32_t column;
  std::string message;
};

void expect_complaint(const Bad& bad, const PasswordFileLimits& limits = {}) {
  // The good lines around show that it is this line's complaint, and that reading goes on.
  const auto text = "# users\n" + entry("first", samples::pbkdf2) + bad.line + "\n" + entry("last", samples::sha512);
  const auto complaints = complaints_of(text, limits);
  ASSERT_EQ(complaints.size(), 1u) << bad.line;
  EXPECT_EQ(complaints[0].where.file, "passwd");
  EXPECT_EQ(complaints[0].where.line, 3u) << bad.line;
  EXPECT_EQ(complaints[0].where.column, bad.column) << bad.line << "\n" << complaints[0].message;
  EXPECT_THAT(complaints[0].message, HasSubstr(bad.message)) << bad.line;
  EXPECT_FALSE(complaints[0].warning);
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string result(text);
  return result.replace(result.find(what), what.size(), with);
}

TEST(PasswordFile, ReadsAllThreeSchemes) {
  const auto file = must_parse(entry("a", samples::sha512) + entry("b", samples::pbkdf2) + entry("c", samples::argon2id));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 3u);
  EXPECT_EQ(file->find("a").scheme, Scheme::sha512);
  EXPECT_EQ(file->find("b").scheme, Scheme::pbkdf2);
  EXPECT_EQ(file->find("b").iterations, 101u);
  EXPECT_EQ(file->find("b").salt.size(), 12u);
  EXPECT_EQ(file->find("b").hash.size(), 64u);
  EXPECT_EQ(file->find("c").scheme, Scheme::argon2id);
  EXPECT_EQ(file->find("c").memory_kib, 256u);
  EXPECT_EQ(file->find("c").iterations, 2u);
  EXPECT_EQ(file->find("c").lanes, 2u);
  EXPECT_EQ(file->find("c").hash.size(), 32u);
}

TEST(PasswordFile, KnowsExactlyItsUsers) {
  const auto file = must_parse(entry("bob", samples::sha512) + entry("alice", samples::pbkdf2));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->knows("alice"));
  EXPECT_TRUE(file->knows("bob"));
  for (const auto name : {""sv, "ali"sv, "alicee"sv, "Alice"sv, "alice\0"sv, "bob "sv})
    EXPECT_FALSE(file->knows(name)) << name;
}

TEST(PasswordFile, SkipsCommentsAndBlankLines) {
  const auto file = must_parse("# one: two\n\n \t\n\r\n" + entry("alice", samples::pbkdf2) + "#\n\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 1u);
}

TEST(PasswordFile, DoesWithoutTheLastNewline) {
  const auto file = must_parse("alice:" + std::string(samples::pbkdf2));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->knows("alice"));
}

TEST(PasswordFile, TakesNamesThatMqttAllows) {
  const std::string longest(65'535, 'x');
  const auto file =
      must_parse(entry("Grüße 🌍", samples::pbkdf2) + entry("a$b#c+/", samples::pbkdf2) + entry(longest, samples::pbkdf2));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->knows("Grüße 🌍"));
  EXPECT_TRUE(file->knows("a$b#c+/"));
  EXPECT_TRUE(file->knows(longest));
}

TEST(PasswordFile, ComplainsOfAFileInWhichNobodyStands) {
  for (const std::string_view text : {"", "\n", "# nobody\n\n"}) {
    const auto complaints = complaints_of(text);
    ASSERT_EQ(complaints.size(), 1u);
    EXPECT_EQ(complaints[0].where.file, "passwd");
    EXPECT_THAT(complaints[0].message, HasSubstr("no user could ever log in"));
  }
}

TEST(PasswordFile, ComplainsOfALineWithoutAColon) {
  expect_complaint({"alice", 1, "no ':' between"});
}

TEST(PasswordFile, ComplainsOfNamesThatNobodyCanHave) {
  const std::string hash(samples::pbkdf2);
  expect_complaint({":" + hash, 1, "is empty"});
  expect_complaint({"\xEF\xBB\xBF"s + "alice:" + hash, 1, "byte order mark"});
  expect_complaint({" alice:" + hash, 1, "space"});
  expect_complaint({"alice :" + hash, 1, "space"});
  expect_complaint({"al\tice:" + hash, 1, "control"});
  expect_complaint({"al\0ice:"s + hash, 1, "control"});
  expect_complaint({"al\x7F"s + "ice:" + hash, 1, "control"});
  expect_complaint({"al\xC2\x85:" + hash, 1, "control"});
  expect_complaint({std::string(65'536, 'x') + ":" + hash, 1, "65535"});
}

TEST(PasswordFile, ComplainsOfNamesThatAreNotUtf8) {
  const std::string hash(samples::pbkdf2);
  for (const auto name :
       {"\xC3"sv, "\x80"sv, "\xC0\xAF"sv, "\xC1\xBF"sv, "\xE0\x80\xAF"sv, "\xED\xA0\x80"sv, "\xF0\x80\x80\xAF"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv, "\xE2\x82"sv, "a\xE2\x28\xA1"sv}) {
    expect_complaint({std::string(name) + ":" + hash, 1, "is not UTF-8"});
  }
}

TEST(PasswordFile, ComplainsOfAPasswordInThePlaceOfAHash) {
  expect_complaint({"alice:hunter2", 7, "$6$, $7$ or $argon2id$"});
  expect_complaint({"alice:", 7, "$6$, $7$ or $argon2id$"});
  expect_complaint({"alice:$5$abc$def", 7, "$6$, $7$ or $argon2id$"});
  expect_complaint({"alice:$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8", 7, "$6$, $7$ or $argon2id$"});
}

TEST(PasswordFile, ComplainsOfMosquittoHashesThatCannotBe) {
  expect_complaint({"a:$6$" + std::string("AAAA$") + std::string(86, 'A') + "==", 6, "12 or 64 bytes"});
  expect_complaint({"a:$6$9TMNrB5ishneGvn1", 6, "12 or 64 bytes"});
  expect_complaint({"a:" + replaced(samples::sha512, "9TMN", "9T!N"), 6, "12 or 64 bytes"});
  expect_complaint({"a:" + replaced(samples::sha512, "AMAz", "AMA"), 23, "64 bytes"});
  expect_complaint({"a:" + std::string(samples::sha512) + " ", 23, "64 bytes"});
  expect_complaint({"a:" + std::string(samples::sha512) + ":more", 23, "64 bytes"});
  expect_complaint({"a:" + std::string(samples::sha512) + "$", 23, "64 bytes"});
  // The last digit before the padding carries four bits that mean nothing.
  expect_complaint({"a:" + replaced(samples::sha512, "iQ==", "iR=="), 23, "64 bytes"});
}

TEST(PasswordFile, ComplainsOfIterationsThatCannotBe) {
  for (const std::string_view iterations :
       {"0", "", "+5", "-1", "0101", "1e3", " 101", "101 ", "10000001", "4294967297", "99999999999999999999"}) {
    expect_complaint({"a:" + replaced(samples::pbkdf2, "101", iterations), 6, "from 1 to 10000000"});
  }
}

TEST(PasswordFile, TakesIterationsUpToTheLimit) {
  const auto file = must_parse("a:" + replaced(samples::pbkdf2, "101", "10000000"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->find("a").iterations, 10'000'000u);
}

TEST(PasswordFile, ComplainsOfArgon2ParametersThatCannotBe) {
  expect_complaint({"a:" + replaced(samples::argon2id, "v=19$", ""), 13, "version 19"});
  expect_complaint({"a:" + replaced(samples::argon2id, "v=19", "v=16"), 13, "version 19"});
  expect_complaint({"a:" + replaced(samples::argon2id, "m=256", "m=0"), 20, "memory"});
  expect_complaint({"a:" + replaced(samples::argon2id, "m=256", "m=65537"), 20, "65536"});
  expect_complaint({"a:" + replaced(samples::argon2id, "t=2", "t=17"), 26, "passes"});
  expect_complaint({"a:" + replaced(samples::argon2id, "t=2", "t=0"), 26, "passes"});
  expect_complaint({"a:" + replaced(samples::argon2id, "p=2", "p=17"), 30, "lanes"});
  expect_complaint({"a:" + replaced(samples::argon2id, "m=256", "m=15"), 29, "8 KiB for each lane"});
  expect_complaint({"a:" + replaced(samples::argon2id, "t=2,p=2", "p=2,t=2"), 24, "passes"});
  expect_complaint({"a:" + replaced(samples::argon2id, "c29tZXNhbHQ", "c29tZXNhbHQ="), 32, "salt"});
  expect_complaint({"a:" + replaced(samples::argon2id, "c29tZXNhbHQ", "c29tZXNh"), 32, "8 to 64"});
  expect_complaint({"a:$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB", 44, "16 to 64"});
  expect_complaint({"a:" + std::string(samples::argon2id) + "=", 44, "16 to 64"});
}

TEST(PasswordFile, HoldsArgon2ToTheLimitsOfThePolicy) {
  PasswordFileLimits limits;
  limits.argon2_memory_max = 256u << 10;
  limits.argon2_iterations_max = 2;
  limits.argon2_lanes_max = 2;
  EXPECT_TRUE(must_parse(entry("a", samples::argon2id), limits));
  expect_complaint({"a:" + replaced(samples::argon2id, "m=256", "m=257"), 20, "256"}, limits);
  expect_complaint({"a:" + replaced(samples::argon2id, "t=2", "t=3"), 26, "up to 2"}, limits);
  expect_complaint({"a:" + replaced(samples::argon2id, "p=2", "p=3"), 30, "up to 2"}, limits);
}

TEST(PasswordFile, ComplainsOfTheSameUserTwice) {
  const auto complaints = complaints_of(entry("alice", samples::pbkdf2) + "#\n" + entry("alice", samples::sha512));
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_EQ(complaints[0].where.line, 3u);
  EXPECT_EQ(complaints[0].where.column, 1u);
  EXPECT_THAT(complaints[0].message, HasSubstr("line 1"));
}

TEST(PasswordFile, ComplainsOfWindowsLineEnds) {
  const std::string line = "alice:" + std::string(samples::pbkdf2) + "\r";
  expect_complaint({line, static_cast<std::uint32_t>(line.size()), "CR LF"});
}

TEST(PasswordFile, ComplainsOfALineThatNeverEnds) {
  expect_complaint({"alice:" + std::string(100'000, 'x'), 66'561, "longer than"});
}

TEST(PasswordFile, ReportsEveryBadLineAtOnce) {
  const auto complaints = complaints_of("alice\n" + entry("bob", samples::pbkdf2) + ":x\ncarol:x\n");
  ASSERT_EQ(complaints.size(), 3u);
  EXPECT_EQ(complaints[0].where.line, 1u);
  EXPECT_EQ(complaints[1].where.line, 3u);
  EXPECT_EQ(complaints[2].where.line, 4u);
}

TEST(PasswordFile, CountsTheComplaintsThatItLeavesOut) {
  std::string text;
  for (int i = 0; i < 250; ++i) text += "bad\n";
  const auto complaints = complaints_of(text);
  ASSERT_EQ(complaints.size(), complaints_max + 1);
  EXPECT_EQ(complaints[99].where.line, 100u);
  EXPECT_EQ(complaints.back().message, "and 150 more");
}

TEST(PasswordFile, HoldsNoMoreUsersThanTheLimit) {
  PasswordFileLimits limits;
  limits.users_max = 2;
  const std::string two = entry("a", samples::pbkdf2) + entry("b", samples::pbkdf2);
  EXPECT_TRUE(must_parse(two, limits));
  const auto complaints = complaints_of(two + entry("c", samples::pbkdf2) + entry("d", samples::pbkdf2), limits);
  ASSERT_EQ(complaints.size(), 1u);
  EXPECT_EQ(complaints[0].where.line, 3u);
  EXPECT_THAT(complaints[0].message, HasSubstr("more than 2 users"));
}

TEST(PasswordFile, NeverRepeatsWhatStandsInTheFile) {
  for (const std::string_view line :
       {"opensesame", "alice:opensesame", "alice:$6$opensesame$opensesame", "alice:$7$opensesame$x$y", "opensesame :x",
        "alice:$argon2id$v=19$m=256,t=2,p=1$opensesame$!", "alice:$7$1$opensesame:", "open\x01sesame:opensesame"}) {
    for (const auto& complaint : complaints_of(line)) {
      EXPECT_THAT(complaint.message, Not(HasSubstr("sesame"))) << line;
      EXPECT_THAT(complaint.message, Not(HasSubstr("alice"))) << line;
    }
  }
}

TEST(EntryLine, WritesWhatItRead) {
  for (const auto hash : {samples::sha512, samples::pbkdf2, samples::argon2id}) {
    const auto file = must_parse(entry("alice", hash));
    ASSERT_TRUE(file);
    EXPECT_EQ(entry_line(file->find("alice")) + "\n", entry("alice", hash));
  }
}

TEST(UserNameOf, TellsEntriesFromCommentsAndBlankLines) {
  EXPECT_EQ(user_name_of("alice:x:y"), "alice");
  EXPECT_EQ(user_name_of("alice"), "alice");
  EXPECT_EQ(user_name_of(":x"), "");
  EXPECT_EQ(user_name_of("#alice:x"), std::nullopt);
  EXPECT_EQ(user_name_of(""), std::nullopt);
  EXPECT_EQ(user_name_of(" \t\r"), std::nullopt);
}

TEST(UserNameFault, RefusesWhatWouldEndOrHideTheName) {
  EXPECT_TRUE(user_name_fault("a:b"));
  EXPECT_TRUE(user_name_fault("#a"));
  EXPECT_TRUE(user_name_fault("a\nb"));
  EXPECT_FALSE(user_name_fault("a"));
}

}  // namespace
}  // namespace bastion::identity
