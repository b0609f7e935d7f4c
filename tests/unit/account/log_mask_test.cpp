// Names of unknown users are shown so that two can be told apart and none can be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST(Mask, ShowsFirstCharacterLengthClassAndHash) {
  EXPECT_THAT(Mask{}("hunter2-my"), MatchesRegex("h\\*\\(8-15\\)#[0-9a-f]{8}"));
}

TEST(Mask, TellsTheSameNameAgainAndTwoNamesApart) {
  const Mask mask;
  EXPECT_EQ(mask("correct horse"), mask("correct horse"));
  EXPECT_NE(mask("correct horse"), mask("correct house"));
}

TEST(Mask, CannotBeComputedWithoutItsKey) {
  EXPECT_NE(Mask{}("correct horse"), Mask{}("correct horse"));
}

TEST(Mask, TellsLengthsByClassOnly) {
  const Mask mask;
  EXPECT_THAT(mask("1234567"), StartsWith("1*(1-7)#"));
  EXPECT_THAT(mask("12345678"), StartsWith("1*(8-15)#"));
  EXPECT_THAT(mask(std::string(16, '1')), StartsWith("1*(16-31)#"));
  EXPECT_THAT(mask(std::string(32, '1')), StartsWith("1*(32-)#"));
}

TEST(Mask, ShowsNoByteThatIsNotPrintable) {
  EXPECT_THAT(Mask{}("\x1b[2Jxxxxxx"), StartsWith("?*(8-15)#"));
  EXPECT_THAT(Mask{}("\xc3\xa9xxxxxxx"), StartsWith("?*(8-15)#"));
}

TEST(Mask, ShowsTheUserNamesThatProductsShipWith) {
  const Mask mask;
  for (const char* name : {"admin", "Admin", "root", "guest", "mosquitto", "emqx", "homeassistant"}) {
    EXPECT_EQ(mask(name), name);
  }
  EXPECT_NE(mask("admin1"), "admin1");
}

TEST(Mask, LeavesNothingToShowOfAnEmptyName) {
  EXPECT_EQ(Mask{}(""), "");
}

}  // namespace
}  // namespace bastion::account
