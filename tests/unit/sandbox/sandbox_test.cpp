// All layers together, in the order in which they can be had.
#include "proxy/sandbox/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "child.hpp"
#include "proxy/sandbox/filter.hpp"
#include "tests/support/temp_dir.hpp"

namespace bastion::sandbox {
namespace {

TEST(Sandbox, HasTheLayersThatItSaysItHas) {
  const test::TempDir directory;
  directory.write("file", "x");
  const auto said = in_child([&] {
    Plan plan;
    plan.reach.readable = {directory.path()};
    const auto entered = enter(plan);
    const int outside = ::open("/etc/passwd", O_RDONLY);
    return in_order({entered.text() + ";", outside < 0 ? outcome(outside) : "opened",
                     ::open(directory.path("file").c_str(), O_RDONLY) >= 0 ? "open" : "closed"});
  });
  const auto version = landlock_abi();
  std::string expected;
  if (version > 0) expected += ", landlock (version " + std::to_string(version) + ')';
  if (has_system_call_filter()) expected += ", seccomp";
  EXPECT_NE(said.find("capabilities, no_new_privs, no_core"), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with(expected + (version > 0 ? "; EACCES open" : "; opened open"))) << said;
}

TEST(Sandbox, LeavesThoseThatWereNotWantedAwayWithoutAReason) {
  const auto said = in_child([] {
    Plan plan;
    plan.confine = false;
    const auto entered = enter(plan);
    const auto is_there = [&](Layer layer) { return entered[layer].holds ? "held" : entered[layer].why_not + "none"; };
    return in_order(
        {is_there(Layer::user), is_there(Layer::no_new_privs), is_there(Layer::landlock), is_there(Layer::seccomp)});
  });
  EXPECT_EQ(said, "none held none none");
}

TEST(Sandbox, OfAnotherUserIsHisOrIsNotEntered) {
  const auto said = in_child([] {
    Plan plan;
    plan.account = std::get<Account>(find_account("nobody"));
    plan.confine = false;
    const auto entered = enter(plan);
    if (!entered[Layer::user].holds) return entered[Layer::user].why_not + '|' + entered.text();
    const auto held = entered.text();
    return ::getuid() == plan.account->user ? "nobody|" + held.substr(0, held.find(", locked")) : "somebody else";
  });
  EXPECT_EQ(said, is_root() ? "nobody|user, capabilities, no_new_privs, no_core"
                            : "can't take on the groups of nobody: Operation not permitted|");
}

TEST(Layers, HaveOneLabelEach) {
  for (std::size_t i = 0; i < layers_count; ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(label(static_cast<Layer>(i)), label(static_cast<Layer>(j)));
    EXPECT_FALSE(label(static_cast<Layer>(i)).empty());
  }
}

}  // namespace
}  // namespace bastion::sandbox
