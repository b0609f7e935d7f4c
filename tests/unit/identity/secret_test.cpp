// Secrets in memory.
#include "proxy/identity/secret.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bastion::identity {
namespace {

using namespace std::literals;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, HoldsBytesBehindANul) {
  EXPECT_EQ(Secret("pass\0word"sv).view(), "pass\0word"sv);
}

TEST(Secret, LeavesNothingWhereItMovedFrom) {
  Secret from("hunter2");
  const char* place = from.view().data();
  Secret to(std::move(from));
  EXPECT_EQ(to.view(), "hunter2");
  // The bytes did not move: there is no second copy to wipe.
  EXPECT_EQ(to.view().data(), place);
  EXPECT_TRUE(from.view().empty());  // NOLINT(bugprone-use-after-move): that is what is asked
}

TEST(Secret, TakesOverByAssignment) {
  Secret from("new");
  Secret to("old one");
  to = std::move(from);
  EXPECT_EQ(to.view(), "new");
  EXPECT_TRUE(from.view().empty());  // NOLINT(bugprone-use-after-move): that is what is asked
}

TEST(Secret, MayBeEmpty) {
  EXPECT_TRUE(Secret().view().empty());
  EXPECT_TRUE(Secret("").view().empty());
}

TEST(Wipe, OverwritesEveryByte) {
  std::array<std::uint8_t, 5> bytes = {1, 2, 3, 4, 5};
  wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 5>{}));
}

}  // namespace
}  // namespace bastion::identity
