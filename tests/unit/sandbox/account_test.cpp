// Becoming another user, and having no way back.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "child.hpp"
#include "proxy/sandbox/account.hpp"
#include "proxy/sandbox/privileges.hpp"

namespace bastion::sandbox {
namespace {

Account nobody() {
  return std::get<Account>(find_account("nobody"));
}

TEST(Account, IsFoundByItsName) {
  const auto root = std::get<Account>(find_account("root"));
  EXPECT_EQ(root.name, "root");
  EXPECT_EQ(root.user, 0U);
  EXPECT_NE(nobody().user, 0U);
}

TEST(Account, ThatIsNotThereIsSaidToBeMissing) {
  EXPECT_EQ(std::get<std::string>(find_account("no-such-account")), "there is no such account on this machine");
}

TEST(Become, GivesUpRootForGoodOrSaysThatItCanNot) {
  const auto said = in_child([] {
    const auto error = become(nobody());
    if (!error.empty()) return error;
    std::array<uid_t, 3> users{};
    std::array<gid_t, 3> groups{};
    static_cast<void>(::getresuid(&users[0], &users[1], &users[2]));
    static_cast<void>(::getresgid(&groups[0], &groups[1], &groups[2]));
    const auto all = [](const auto& ids, auto id) { return ids[0] == id && ids[1] == id && ids[2] == id; };
    if (!all(users, nobody().user) || !all(groups, nobody().group)) return std::string{"somebody else"};
    std::array<gid_t, 64> others{};
    const int count = ::getgroups(static_cast<int>(others.size()), others.data());
    for (int i = 0; i < count; ++i) {
      if (others[static_cast<std::size_t>(i)] == 0) return std::string{"still in root's group"};
    }
    return "nobody; root again: " + outcome(::setuid(0));
  });
  EXPECT_EQ(said, is_root() ? "nobody; root again: EPERM" : "can't take on the groups of nobody: Operation not permitted");
}

TEST(Capabilities, AreAllGoneAlsoForRoot) {
  const auto said = in_child([] {
    empty_the_bounding_set();
    auto error = drop_capabilities();
    if (!error.empty()) return error;
    // What CAP_SYS_CHROOT and CAP_SETGID allow. The kernel's setgid(2), of this thread: the C library's is of all, and ends
    // a process whose threads have different rights, as a sanitizer's own thread may have here.
    return in_order({outcome(::chroot("/")), outcome(::syscall(SYS_setgid, ::getgid() + 1))});
  });
  EXPECT_EQ(said, "EPERM EPERM");
}

TEST(NoNewPrivileges, IsWhatTheKernelSaysAfterwards) {
  const auto said = in_child([] {
    auto error = allow_no_new_privileges();
    return error.empty() ? outcome(::prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL)) : error;
  });
  EXPECT_EQ(said, "1");
}

}  // namespace
}  // namespace bastion::sandbox
