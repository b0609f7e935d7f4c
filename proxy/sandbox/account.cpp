// Accounts by getpwnam(3), and setting all three user and group identifiers at once.
#include "proxy/sandbox/account.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "proxy/sandbox/trouble.hpp"

namespace bastion::sandbox {

std::variant<Account, std::string> find_account(const std::string& name) {
  std::array<char, 16 * 1024> strings{};
  passwd entry{};
  passwd* found = nullptr;
  if (const int error = ::getpwnam_r(name.c_str(), &entry, strings.data(), strings.size(), &found); error != 0) {
    return trouble("can't look for the account", error);
  }
  if (found == nullptr) return std::string{"there is no such account on this machine"};
  return Account{name, entry.pw_uid, entry.pw_gid};
}

bool is_root() {
  return ::geteuid() == 0;
}

std::string become(const Account& account) {
  if (::initgroups(account.name.c_str(), account.group) != 0) return trouble("can't take on the groups of " + account.name);
  if (::setresgid(account.group, account.group, account.group) != 0) {
    return trouble("can't take on the group of " + account.name);
  }
  if (::setresuid(account.user, account.user, account.user) != 0) return trouble("can't become " + account.name);
  // Not taken on trust: what follows rests on it.
  if (account.user != 0 && ::setuid(0) == 0) return "became " + account.name + ", and could still become root again";
  return {};
}

}  // namespace bastion::sandbox
