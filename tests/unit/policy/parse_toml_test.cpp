// Slips of the pen in a policy file: what is no TOML, and names that are nearly right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/unit/policy/policy_text.hpp"

namespace bastion::policy_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParsePolicy, NamesTheNearestKnownKey) {
  EXPECT_THAT(complaints(extended("[gate]\nworkesr = 1\n")),
              ElementsAre(R"(policy.toml:15:1: unknown key "workesr" in [gate]; did you mean "workers"?)"));
  EXPECT_THAT(
      complaints(changed("[admission]\n", "[admission]\nconnexions_max = 3\n")),
      ElementsAre(R"(policy.toml:11:1: unknown key "connexions_max" in [admission]; did you mean "connections_max"?)"));
  EXPECT_THAT(complaints(extended("[[listner]]\nname = \"x\"\n")),
              ElementsAre(R"(policy.toml:14:3: unknown section "listner"; did you mean [[listener]]?)"));
  EXPECT_THAT(complaints(extended("[gate]\npassword_file = \"x\"\n")),
              ElementsAre(HasSubstr(R"(unknown key "password_file" in [gate]; did you mean it in [)")));
  EXPECT_THAT(complaints(extended("[gate]\nzzzzzzzz = 1\n")),
              ElementsAre(R"(policy.toml:15:1: unknown key "zzzzzzzz" in [gate])"));
}

TEST(ParsePolicy, NamesTheNearestKnownSection) {
  EXPECT_THAT(complaints(extended("[gate.lgo]\nlevel = \"debug\"\n")),
              ElementsAre(R"(policy.toml:14:7: unknown section "gate.lgo"; did you mean [gate.log]?)"));
  EXPECT_THAT(complaints(extended("[log]\nlevel = \"debug\"\n")),
              ElementsAre(R"(policy.toml:14:2: unknown section "log"; did you mean [gate.log]?)"));
  EXPECT_THAT(
      complaints(extended("[zzzzzzzz]\n[[yyyyyyyy]]\n")),
      ElementsAre(R"(policy.toml:14:2: unknown section "zzzzzzzz")", R"(policy.toml:15:3: unknown section "yyyyyyyy")"));
}

TEST(ParsePolicy, ReadsAMisspelledNameAsWhatWasMeantAndDoesNotMissItToo) {
  for (const auto& [right, wrong] :
       std::map<std::string_view, std::string_view>{{"schema", "shema"},
                                                    {"[upstream]\naddress", "[upstream]\nadress"},
                                                    {"[upstream]", "[upsteam]"},
                                                    {"[admission]", "[admision]"},
                                                    {"allow", "alow"},
                                                    {"certificate", "certifcate"},
                                                    {"[[listener]]", "[[listner]]"},
                                                    {"name", "nme"},
                                                    {"[authentication]", "[autentication]"},
                                                    {"password_file", "pasword_file"}}) {
    EXPECT_THAT(complaints(changed(right, wrong)), ElementsAre(HasSubstr("did you mean"))) << wrong;
  }
  EXPECT_THAT(
      complaints(extended("[mqqt]\nkeep_alive_max = \"1ms\"\n")),
      ElementsAre(HasSubstr("did you mean [mqtt]"), HasSubstr("15:18: \"mqtt.keep_alive_max\" = 1ms is out of range")));
}

TEST(ParsePolicy, ReadsNothingTwiceForAMisspelledTwin) {
  EXPECT_THAT(complaints(changed("address = \"0.0.0.0:8883\"", "address = \"0.0.0.0:8883\"\nadress = \"0.0.0.0:8883\"")),
              ElementsAre(HasSubstr("did you mean \"address\"")));
  EXPECT_THAT(complaints(changed("allow = [\"192.168.10.0/24\"]", "alow = [\"10.0.0.0/8\"]\nalloww = [\"10.0.0.0/8\"]")),
              ElementsAre(HasSubstr("did you mean \"allow\""), HasSubstr("did you mean \"allow\"")));
}

TEST(ParsePolicy, TakesNoPathInAQuotedKey) {
  EXPECT_THAT(complaints("\"gate.workers\" = 2\n" + std::string{minimal}),
              ElementsAre(HasSubstr(R"(1:1: unknown key "gate.workers" at the top level)")));
  EXPECT_THAT(complaints("\"listener[]\" = {name = \"x\"}\n" + std::string{minimal}),
              ElementsAre(HasSubstr("unknown section")));
}

TEST(ParsePolicy, PlacesASyntaxError) {
  const auto parsed = parse("schema = 1\n[gate\nworkers = 1\n");
  EXPECT_FALSE(parsed.policy);
  ASSERT_EQ(parsed.complaints.size(), 1u);
  EXPECT_EQ(parsed.complaints[0].where.line, 2u);
  EXPECT_GT(parsed.complaints[0].where.column, 0u);
  EXPECT_THAT(parsed.complaints[0].message, HasSubstr("not TOML"));
  EXPECT_FALSE(parse(std::string_view{"a = \"\xff\"\n"}).policy);
  EXPECT_FALSE(parse(std::string_view{"a\0b = 1", 7}).policy);
}

TEST(ParsePolicy, ShowsALineWhoseStringsLackTheirQuotesWithThem) {
  const auto shows = [](std::string_view toml, std::string_view mended) {
    const auto found = lines(parse(toml));
    ASSERT_EQ(found.size(), 1u) << toml;
    EXPECT_THAT(found[0], testing::EndsWith("; strings are written in quotes: " + std::string{mended})) << toml;
  };
  shows(changed("\"127.0.0.1:1883\"", "127.0.0.1:1883  # the broker"), R"(address = "127.0.0.1:1883")");
  shows("mode = enforce\r\n", R"(mode = "enforce")");
  shows("[upstream]\n  connect_timeout = 5s", R"(connect_timeout = "5s")");
  shows("address = [::]:8883\n", R"(address = "[::]:8883")");
  shows("allow = [\n  \"10.0.0.0/8\",\n  ::1, fe80::1, # home\n]\n", R"("::1", "fe80::1",)");
  shows("log = { format = json, lines_per_source_max = 5 }\n", R"(log = { format = "json", lines_per_source_max = 5 })");
  shows("versions = [3.1, 3.1.1]\n", R"(versions = ["3.1", "3.1.1"])");
  shows("mode = enforce\nmode = observe = x\n", R"(mode = "enforce")");
  shows("allow_file = /" + std::string(200, 'x'), "allow_file = \"/" + std::string(113, 'x') + "...");
  shows("path = caf\xc3\xa9\n", R"(key = "...")");
}

TEST(ParsePolicy, ShowsNoLineThatQuotesWouldNotMend) {
  for (const char* bad :
       {"a b\n", "a b = c\n", "[gate\n", "mode =\n", "mode = \"x\n", "mode = x\"y\"\n", "key = C:\\x\n", "= x\n",
        "required = True\n", "allow = [a, b\n", "address = 0.0.0.0:8883, 1\n", "a", "\n\n=", "mode = [x}\n"}) {
    EXPECT_THAT(lines(parse(bad)), ElementsAre(testing::Not(HasSubstr("quotes")))) << bad;
  }
  EXPECT_THAT(lines(parse("mode = " + std::string(2000, 'x'))), ElementsAre(testing::Not(HasSubstr("quotes"))));
}

TEST(ParsePolicy, BoundsWhatItReads) {
  std::string dotted = "a";
  for (int i = 0; i < 1'000'000; ++i) dotted += ".a";
  EXPECT_THAT(lines(parse("x = \"...#'\" # ''' \n" + dotted + " = 1\n")),
              ElementsAre(HasSubstr("policy.toml:2:34: a key with this many dots")));
  EXPECT_THAT(lines(parse(std::string(5u << 20, '\n'))), ElementsAre(HasSubstr("larger than 4MiB")));
  EXPECT_FALSE(parse("a = " + std::string(100'000, '[')).policy);
  std::string quoted_key = "'a'";
  for (int i = 0; i < 30; ++i) quoted_key += " . \"b\"";
  EXPECT_THAT(lines(parse(quoted_key + " = 1\n")), ElementsAre(HasSubstr("this many dots")));
  EXPECT_TRUE(parse(changed("\"passwd\"", "\"............................................/passwd\"")).policy);
}

TEST(ParsePolicy, TakesNothingThatItsTomlReaderTripsOver) {
  for (const char* bad :
       {"caf\xc3\xa9 = 1\n", "x = \xc3\xa9\n", "[\xc3\xa9]\n", "x = 1 \xc3\xa9\n", "x = \"a\"\xc3\xa9\n",
        "x = a\"\xc3\xa9\"\n", "x = \"\"\"a\\\n \xc3\xa9\"\"\"\n", "x = \'\'\'a\'\'\'\n", "[$", "x = \'", "x = \"\\"}) {
    const auto parsed = parse(bad);
    EXPECT_FALSE(parsed.policy);
    ASSERT_EQ(parsed.complaints.size(), 1u) << bad;
    EXPECT_EQ(parsed.complaints[0].where.line, 1u) << bad;
  }
  accepted("\xef\xbb\xbf# caf\xc3\xa9\r\n" + changed("\"passwd\"", "\"caf\xc3\xa9/passwd\" # \xc3\xa9"));
  EXPECT_THAT(complaints("\"\xc3\xa9\" = 1\n" + std::string{minimal}), ElementsAre(HasSubstr("unknown key \"\\xc3\\xa9\"")));
}

TEST(ParsePolicy, ShowsHostileTextAsAscii) {
  EXPECT_THAT(complaints(changed("\"192.168.10.0/24\"", R"("\u00e9\"x")")),
              ElementsAre(HasSubstr(R"("\xc3\xa9\"x": is neither)")));
  EXPECT_THAT(complaints(changed("\"192.168.10.0/24\"", R"("\u001b[31m")")),
              ElementsAre(HasSubstr("must not hold control characters")));
  EXPECT_THAT(complaints(changed("\"passwd\"", R"("a\nb")")), ElementsAre(HasSubstr("must not hold control characters")));
}

TEST(ParsePolicy, NeverShowsWhatStandsInAWrongPlace) {
  EXPECT_THAT(lines(parse("credentials = { username = b, password = hunter2 }\n")),
              ElementsAre(testing::EndsWith(R"(strings are written in quotes: key = "...")")));
  for (const auto& line :
       complaints(changed("[tls]", "credentials = { username = \"b\", password = \"hunter2\" }\n[tls]"))) {
    EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
  }
}

TEST(ParsePolicy, WantsTablesWhereTablesBelong) {
  EXPECT_THAT(complaints("gate = 3\n" + std::string{minimal}),
              ElementsAre("policy.toml:1:1: \"gate\" must be a table, not an integer"));
  EXPECT_THAT(complaints("role = {name = \"a\"}\n" + std::string{minimal}),
              ElementsAre(HasSubstr("\"role\" must be a list of tables, not a table; write [[role]]")));
  EXPECT_THAT(complaints("role = [1]\n" + std::string{minimal}), ElementsAre(HasSubstr("write [[role]]")));
}

}  // namespace
}  // namespace bastion::policy_test
