// How mosquitto.conf is read: as Mosquitto 2.0 does.
#include "proxy/mosquitto/read_conf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mosquitto_tree.hpp"

namespace bastion::mosquitto::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string value_of(const Conf& conf, std::string_view option) {
  const auto* const found = conf.find(option);
  return found == nullptr ? "(not said)" : found->value;
}

TEST(ReadConf, TakesTheFirstWordAsTheOptionAndTheRestAsItsValue) {
  const auto conf = Tree{"password_file   /etc/my passwords  \n  max_keepalive 60\n"}.conf();
  EXPECT_EQ(value_of(conf, "password_file"), "/etc/my passwords");
  EXPECT_EQ(value_of(conf, "max_keepalive"), "60");
}

TEST(ReadConf, TakesALineThatBeginsWithAHashAsAComment) {
  const Tree tree{"#password_file a\n# listener 1\npassword_file /a#b\n"};
  EXPECT_EQ(tree.complaints(), "");
  const auto conf = tree.conf();
  EXPECT_EQ(value_of(conf, "password_file"), "/a#b");
  EXPECT_TRUE(conf.is_local_only());
}

TEST(ReadConf, TakesAnIndentedHashForAWord) {
  EXPECT_THAT((Tree{" # no comment\n"}.complaints()), HasSubstr(main_file + ":1: warning: \"#\" is no option"));
}

TEST(ReadConf, TakesLinesThatEndAsOnWindowsAndALastLineWithoutAnEnd) {
  const auto conf = Tree{"\r\nuser root\r\nlistener 8883 ::1"}.conf();
  EXPECT_EQ(value_of(conf, "user"), "root");
  EXPECT_THAT(doors(conf), ElementsAre("listener 8883 ::1"));
  EXPECT_EQ(conf.last_line, "listener 8883 ::1");
}

TEST(ReadConf, SaysThatTabsDoNotPartWords) {
  EXPECT_THAT((Tree{"listener\t8883\n"}.complaints()), HasSubstr("blanks part words, not tabs"));
}

TEST(ReadConf, NamesTheNearestOptionForAnUnknownWordAndGoesOn) {
  const Tree tree{"pasword_file /a\nlistener 1 127.0.0.1\n"};
  EXPECT_EQ(tree.complaints(),
            main_file +
                ":1: warning: \"pasword_file\" is no option of Mosquitto that is known here, and was left "
                "out; did you mean \"password_file\"?\n");
  EXPECT_EQ(tree.conf().unknown.size(), 1U);
  EXPECT_THAT(doors(tree.conf()), ElementsAre("listener 1 127.0.0.1"));
}

TEST(ReadConf, GivesEachListenerTheLinesBelowIt) {
  const auto conf = Tree{"listener 1\ncertfile a\nlistener 2 127.0.0.1\ncertfile b\nlistener 0 /run/m.sock\n"}.conf();
  EXPECT_THAT(doors(conf), ElementsAre("listener 1", "listener 2 127.0.0.1", "listener 0 /run/m.sock"));
  EXPECT_EQ(conf.find(1, "certfile")->value, "a");
  EXPECT_EQ(conf.find(2, "certfile")->value, "b");
  EXPECT_EQ(conf.find(3, "certfile"), nullptr);
}

TEST(ReadConf, TakesACommentAfterAPort) {
  EXPECT_THAT(doors(Tree{"listener 8883 # for devices\n"}.conf()), ElementsAre("listener 8883"));
}

TEST(ReadConf, GivesSecurityOptionsToTheWholeBrokerUnlessEachListenerHasItsOwn) {
  const auto shared = Tree{"listener 1\npassword_file a\nlistener 2\n"}.conf();
  EXPECT_EQ(shared.find(1, "password_file")->value, "a");
  EXPECT_EQ(shared.find(2, "password_file")->value, "a");
  const auto own = Tree{"per_listener_settings true\nlistener 1\npassword_file a\nlistener 2\n"}.conf();
  EXPECT_EQ(own.find(1, "password_file")->value, "a");
  EXPECT_EQ(own.find(2, "password_file"), nullptr);
}

TEST(ReadConf, KnowsThatWithoutAListenerOnlyThisMachineIsHeard) {
  EXPECT_TRUE((Tree{"persistence true\nallow_anonymous true\n"}.conf().is_local_only()));
  EXPECT_TRUE((Tree{"max_connections -1\nprotocol mqtt\nmax_qos 2\nrequire_certificate false\n"}.conf().is_local_only()));
}

struct Opening {
  const char* name;
  const char* line;
};
class DefaultListener : public ::testing::TestWithParam<Opening> {};

TEST_P(DefaultListener, IsOpenedByASettingAboveAllListeners) {
  const auto conf = Tree{std::string{"per_listener_settings true\n"} + GetParam().line + "\nlistener 1 127.0.0.1\n"}.conf();
  EXPECT_TRUE(conf.listeners.front().is_open);
  EXPECT_EQ(doors(conf).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(ReadConf, DefaultListener,
                         ::testing::Values(Opening{"Port", "port 1883"}, Opening{"Address", "bind_address 192.0.2.1"},
                                           Opening{"Certificate", "certfile a"}, Opening{"Limit", "max_connections 10"},
                                           Opening{"Qos", "max_qos 1"}, Opening{"Websockets", "protocol websockets"},
                                           Opening{"Device", "bind_interface eth0"}, Opening{"Passwords", "password_file a"},
                                           Opening{"Plugin", "plugin /a.so"}),
                         [](const auto& opening) { return std::string{opening.param.name}; });

TEST(ReadConf, ReadsIncludedFilesInMosquittosOrderEachBelowNoListener) {
  const Tree tree{"listener 1\ninclude_dir /d\ncertfile main\n",
                  {{"/d/b.conf", "listener 3\n"},
                   {"/d/B.conf", "listener 2\n"},
                   {"/d/a.conf", "certfile top\nlistener 4\n"},
                   {"/d/note.txt", "listener 9\n"},
                   {"/d/.conf", "listener 9\n"}}};
  const auto conf = tree.conf();
  EXPECT_THAT(doors(conf), ElementsAre("default 1883", "listener 1", "listener 4", "listener 2", "listener 3"));
  EXPECT_EQ(conf.find(0, "certfile")->value, "top");
  EXPECT_EQ(conf.find(1, "certfile")->value, "main");
  EXPECT_EQ(conf.find(0, "certfile")->where.file, "/d/a.conf");
}

TEST(ReadConf, KeepsBridgesApartFromListeners) {
  const auto conf =
      Tree{"listener 1 127.0.0.1\nconnection up\naddress up.example:8883\nbridge_cafile /ca\nusername u\ntopic # out 0\n"}
          .conf();
  EXPECT_THAT(doors(conf), ElementsAre("listener 1 127.0.0.1"));
  EXPECT_EQ(conf.find("address")->holder, Statement::no_listener);
}

struct Bad {
  const char* name;
  std::string text;
  const char* complaint;
};
class BadConf : public ::testing::TestWithParam<Bad> {};

TEST_P(BadConf, IsComplainedOfAtItsLineAndGivesNothing) {
  const Tree tree{"user root\n" + GetParam().text + '\n', {{"/d/a.conf", "include_dir /d\n"}}};
  EXPECT_THAT(tree.complaints(), HasSubstr(GetParam().complaint));
  EXPECT_FALSE(tree.read().conf.has_value());
}

INSTANTIATE_TEST_SUITE_P(
    ReadConf, BadConf,
    ::testing::Values(
        Bad{"NoPort", "listener dev", ":2: \"listener\": \"dev\" is no port"},
        Bad{"LargePort", "port 65536", ":2: \"port\": \"65536\" is no port"},
        Bad{"EmptyListener", "listener", ":2: \"listener\" needs a value"},
        Bad{"NoSocketPath", "listener 0", ":2: \"listener 0\" needs the path of a Unix socket"},
        Bad{"NoFlag", "allow_anonymous yes", ":2: \"allow_anonymous\" must be true or false, not \"yes\""},
        Bad{"NoPath", "password_file ", ":2: \"password_file\" needs a value"},
        Bad{"Tab", "certfile /a\tb", ":2: \"certfile\" holds a tab"},
        Bad{"ControlCharacter", std::string{"keyfile /a\x1b[2J"}, ":2: \"keyfile\" must be UTF-8 text without control"},
        Bad{"NoUtf8", std::string{"keyfile /\xff"}, ":2: \"keyfile\" must be UTF-8 text"},
        Bad{"MissingDirectory", "include_dir /none", ":2: \"include_dir\": can't read \"/none\": No such file"},
        Bad{"IncludeInIncluded", "include_dir /d", "/d/a.conf:1: \"include_dir\" is taken in the main file only"},
        Bad{"LongLine", "certfile " + std::string(70'000, 'a'), ":2: the line is longer than 65535 bytes"}),
    [](const auto& bad) { return std::string{bad.param.name}; });

TEST(ReadConf, StopsAtItsLimits) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "listener 1883\n";
  EXPECT_THAT(Tree{many}.complaints(), HasSubstr(":33: there are more than 32 listeners"));
  std::string long_one;
  for (int i = 0; i < 20'001; ++i) long_one += "user root\n";
  EXPECT_THAT(Tree{long_one}.complaints(), HasSubstr(":20001: there are more than 20000 lines that say something"));
  EXPECT_THAT((Tree{std::string((4U << 20) + 1, '#')}.complaints()), HasSubstr("is larger than 4MiB"));
}

TEST(ReadConf, CountsComplaintsBeyondAHundred) {
  std::string bad;
  for (int i = 0; i < 150; ++i) bad += "port x\n";
  const auto read = Tree{bad}.read();
  ASSERT_EQ(read.complaints.size(), 101U);
  EXPECT_EQ(read.complaints.back().message, "and 50 more");
}

}  // namespace
}  // namespace bastion::mosquitto::test
