// The manual pages and the completion that lie in the tree are those of this program.
#include "proxy/cli/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
      }
    }
  }
}

}  // namespace
}  // namespace bastion::cli
