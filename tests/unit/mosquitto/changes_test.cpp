// The lines to change: once they are, only this machine reaches the broker, and nothing else is different.
#include "proxy/mosquitto/changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mosquitto_tree.hpp"

namespace bastion::mosquitto::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string tls = "certfile /c\nkeyfile /k\n";

ImportOptions with_socket() {
  ImportOptions options;
  options.unix_socket = "/run/m.sock";
  return options;
}

std::string diff(const Tree& tree, const ImportOptions& options = {}) {
  const auto conf = tree.conf();
  return unified_diff(conf_changes(conf, make_plan(conf, options)), "/srv");
}

TEST(ConfChanges, MoveTheListenerAndTakeItsTlsAway) {
  const Tree tree{"user mosquitto\nlistener 8883\n" + tls + "mount_point x/\nmax_connections 5\nacl_file /acl\n"};
  EXPECT_EQ(tree.changed().text(), "user mosquitto\nlistener 1883 127.0.0.1\nmount_point x/\nacl_file /acl\n");
  EXPECT_EQ(tree.changed(with_socket()).text(), "user mosquitto\nlistener 0 /run/m.sock\nmount_point x/\nacl_file /acl\n");
}

TEST(ConfChanges, CloseEveryOtherListenerButKeepWhatIsTheBrokers) {
  const Tree tree{"listener 8883\n" + tls +
                  "listener 1883\npassword_file /p\nlistener 9001\nprotocol websockets\nacl_file /acl\n"};
  EXPECT_EQ(tree.changed().text(), "listener 1883 127.0.0.1\npassword_file /p\nacl_file /acl\n");
}

TEST(ConfChanges, CloseAListenerWithItsOwnSecurity) {
  const Tree tree{"per_listener_settings true\nlistener 8883\n" + tls + "password_file /a\nlistener 8884\n" + tls +
                  "password_file /b\nlistener 1883 127.0.0.1\nallow_anonymous true\n"};
  EXPECT_EQ(tree.changed().text(),
            "per_listener_settings true\nlistener 1884 127.0.0.1\npassword_file /a\nlistener 1883 "
            "127.0.0.1\nallow_anonymous true\n");
}

TEST(ConfChanges, GiveTheDefaultListenerALineOfItsOwn) {
  const Tree tree{"port 8883\nbind_address 0.0.0.0\n" + tls + "user root\n"};
  EXPECT_EQ(tree.changed().text(), "listener 1883 127.0.0.1\nuser root\n");
}

TEST(ConfChanges, TakeTheDefaultListenersSettingsAlong) {
  // Left where it stood, each of these would open port 1883 to all again.
  const Tree tree{"port 8883\n" + tls + "use_username_as_clientid true\nuser root\nlistener 9001\nprotocol websockets\n"};
  EXPECT_EQ(tree.changed().text(), "user root\nlistener 1883 127.0.0.1\nuse_username_as_clientid true\n");
  EXPECT_THAT(doors(tree.changed().conf()), ElementsAre("listener 1883 127.0.0.1"));
}

TEST(ConfChanges, TakeTheDefaultListenersOwnSecurityAlong) {
  const Tree tree{"port 8883\nper_listener_settings true\npassword_file /p\n" + tls};
  EXPECT_EQ(tree.changed().text(), "per_listener_settings true\nlistener 1883 127.0.0.1\npassword_file /p\n");
  EXPECT_THAT(doors(tree.changed().conf()), ElementsAre("listener 1883 127.0.0.1"));
}

TEST(ConfChanges, FindTheDefaultListenersPortBelowAnotherListener) {
  const Tree tree{"listener 1884 127.0.0.1\nmax_qos 1\nport 8883\nmax_connections 1\n"};
  EXPECT_EQ(tree.changed().text(), "listener 1884 127.0.0.1\nmax_qos 1\nmax_connections 1\nlistener 1883 127.0.0.1\n");
}

TEST(ConfChanges, CloseADefaultListenerThatNobodyMeantToOpen) {
  const Tree tree{"max_connections 100\nlistener 8883\n" + tls};
  EXPECT_THAT(doors(tree.conf()), ElementsAre("default 1883", "listener 8883"));
  EXPECT_EQ(tree.changed().text(), "listener 1883 127.0.0.1\n");
}

TEST(ConfChanges, ReachIntoIncludedFiles) {
  const Tree tree{"include_dir /d\nuser root\n",
                  {{"/d/a.conf", "listener 8883\n" + tls}, {"/d/b.conf", "listener 8884\n" + tls}}};
  const auto changed = tree.changed();
  EXPECT_EQ(changed.text(), "include_dir /d\nuser root\n");
  EXPECT_EQ(changed.text("/d/a.conf"), "listener 1883 127.0.0.1\n");
  EXPECT_EQ(changed.text("/d/b.conf"), "");
}

TEST(ConfChanges, AddALineWhereNoListenerCanBeTheBrokers) {
  const Tree tree{"listener 8883 127.0.0.1\n" + tls};
  EXPECT_EQ(tree.changed().text(), tree.text() + "listener 1883 127.0.0.1\n");
  const Tree cut{"listener 8883 127.0.0.1\ncertfile /c\nkeyfile /k"};
  EXPECT_EQ(cut.changed().text(), cut.text() + "\nlistener 1883 127.0.0.1\n");
  const Tree empty{""};
  EXPECT_EQ(empty.changed(with_socket()).text(), "listener 0 /run/m.sock\n");
}

TEST(ConfChanges, AreNoneWhereOnlyThisMachineIsHeard) {
  EXPECT_THAT(diff(Tree{"persistence true\n"}), IsEmpty());
  EXPECT_THAT(diff(Tree{"listener 1883 127.0.0.1\nallow_anonymous false\n"}), IsEmpty());
}

TEST(ConfChanges, OnceMadeAreNeverWantedAgain) {
  for (const auto& text : std::vector<std::string>{
           "listener 8883\n" + tls, "port 1883\n", "listener 1883\nlistener 9001\nprotocol websockets\n",
           "listener 8883 localhost\n" + tls, "max_connections 3\nlistener 1883\n"}) {
    const auto once = Tree{text}.changed();
    EXPECT_EQ(once.changed().text(), once.text()) << text;
  }
}

TEST(UnifiedDiff, NamesEachPlaceAndCountsLinesOnBothSides) {
  const Tree tree{"user root\nlistener 8883\n" + tls + "mount_point x\nmax_connections 4\nlistener 9001\n"};
  EXPECT_EQ(diff(tree),
            "--- /etc/mosquitto/mosquitto.conf\n"
            "+++ /etc/mosquitto/mosquitto.conf\n"
            "@@ -2,3 +2 @@ /etc/mosquitto/mosquitto.conf:2\n"
            "-listener 8883\n"
            "-certfile /c\n"
            "-keyfile /k\n"
            "+listener 1883 127.0.0.1\n"
            "@@ -6,2 +3,0 @@ /etc/mosquitto/mosquitto.conf:6\n"
            "-max_connections 4\n"
            "-listener 9001\n");
}

TEST(UnifiedDiff, SaysWhereALastLineHasNoEnd) {
  EXPECT_EQ(diff(Tree{"listener 1883"}),
            "--- /etc/mosquitto/mosquitto.conf\n"
            "+++ /etc/mosquitto/mosquitto.conf\n"
            "@@ -1 +1 @@ /etc/mosquitto/mosquitto.conf:1\n"
            "-listener 1883\n"
            "\\ No newline at end of file\n"
            "+listener 1883 127.0.0.1\n");
}

TEST(UnifiedDiff, ShowsWhereANameEnds) {
  const auto named = [](const std::string& name) {
    return unified_diff({{name, {{1, "listener 1883", true, false, {}}}}}, "/srv");
  };
  EXPECT_THAT(named("/a b/my file.conf"), testing::StartsWith("--- /a b/my file.conf\t\n+++ /a b/my file.conf\t\n@@ "));
  EXPECT_THAT(named("/a\t\n\"\\b"),
              testing::StartsWith("--- \"/a\\011\\012\\\"\\\\b\"\n+++ \"/a\\011\\012\\\"\\\\b\"\n@@ "));
}

TEST(UnifiedDiff, MakesPathsWhole) {
  const Files none{[](const std::string&) { return FileError{"no"}; }, [](const std::string&) { return FileError{"no"}; }};
  const auto read = read_conf("listener 1883\n", "mosquitto.conf", none);
  ASSERT_TRUE(read.conf);
  const auto text = unified_diff(conf_changes(*read.conf, make_plan(*read.conf, {})), "/srv/broker");
  EXPECT_THAT(text, testing::StartsWith(
                        "--- /srv/broker/mosquitto.conf\n+++ /srv/broker/mosquitto.conf\n@@ -1 +1 @@ mosquitto.conf:1\n"));
}

}  // namespace
}  // namespace bastion::mosquitto::test
