// The manual pages and the completions that lie in the tree are those of this program.
#include "proxy/cli/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace bastion::cli {
namespace {

using testing::HasSubstr;

TEST(Manual, IsWhatLiesInTheTree) {
  const CommandLine line;
  for (const auto& [name, text] : manual(line)) {
    std::ifstream file{BASTION_SOURCE_DIR "/docs/man/" + name};
    std::ostringstream held;
    held << file.rdbuf();
    EXPECT_TRUE(held.str() == text) << "docs/man/" << name << " is out of date: mqtt-bastion write-manual docs/man";
  }
}

TEST(Manual, DescribesEveryCommandAndOption) {
  const CommandLine line;
  const auto pages = manual(line);
  for (const auto& command : line.commands) {
    const auto& page = pages.at("mqtt-bastion-" + command.app->get_name() + ".1");
    EXPECT_THAT(page, testing::Not(HasSubstr(".SH DESCRIPTION\n.SH"))) << "says nothing of " << command.app->get_name();
    EXPECT_THAT(page, HasSubstr(".SH EXAMPLE\n.EX\nmqtt\\-bastion " + command.app->get_name()));
    EXPECT_THAT(pages.at("mqtt-bastion.1"), HasSubstr("mqtt\\-bastion\\-" + command.app->get_name()));
    for (const auto* option : command.app->get_options()) {
      for (const auto& name : option->get_lnames()) {
        EXPECT_THAT(pages.at("mqtt-bastion.bash"), HasSubstr("--" + name));
        EXPECT_THAT(pages.at("_mqtt-bastion"), HasSubstr("--" + name));
      }
    }
  }
}

TEST(Manual, IsPlainText) {
  const CommandLine line;
  for (const auto& [name, text] : manual(line)) {
    const auto found = std::find_if(text.begin(), text.end(), [](char c) { return c != '\n' && (c < ' ' || c > '~'); });
    EXPECT_TRUE(found == text.end()) << name << " at byte " << found - text.begin();
  }
}

TEST(Manual, SaysWhichWordsAnOptionTakes) {
  const CommandLine line;
  const auto explain = manual(line).at("mqtt-bastion-explain.1");
  EXPECT_THAT(explain, HasSubstr("The version that it speaks; bridge: as a bridge of Mosquitto does. One of: 3.1 3.1.1 5.0 "
                                 "bridge. Default: 3.1.1.\n"));
  EXPECT_THAT(explain, HasSubstr("One of: right wrong none."));
  EXPECT_THAT(manual(line).at("mqtt-bastion-status.1"), HasSubstr("Without a value: 2.\n"));
}

TEST(Manual, TellsZshWhatAnOptionTakes) {
  const CommandLine line;
  const auto text = manual(line).at("_mqtt-bastion");
  EXPECT_THAT(text, testing::StartsWith("#compdef mqtt-bastion\n"));
  EXPECT_THAT(text, HasSubstr("'(-c --config)'{-c,--config}'[The policy, a TOML file]:FILE:_files'"));
  EXPECT_THAT(
      text,
      HasSubstr("'--mqtt[The version that it speaks; bridge: as a bridge of Mosquitto does]:TEXT:(3.1 3.1.1 5.0 bridge)'"));
  EXPECT_THAT(text, HasSubstr("'--qos[The QoS of what it publishes]:UINT:(0 1 2)'"));
  EXPECT_THAT(text, HasSubstr("a gate that is away is waited for]::"));
  EXPECT_THAT(text, HasSubstr("'*--allow[A network that clients come from"));
  EXPECT_THAT(text, HasSubstr("'--json[One JSON object]'"));
  EXPECT_THAT(text, HasSubstr("'1:FILE:_files'"));
}

}  // namespace
}  // namespace bastion::cli
