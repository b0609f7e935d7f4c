// An account of the system, and becoming it for good.
#pragma once

#include <sys/types.h>

#include <string>
#include <variant>

namespace bastion::sandbox {

struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

/// The account of this name, or why there is none to be had.
[[nodiscard]] std::variant<Account, std::string> find_account(const std::string& name);

/// Whether this process may become another user.
[[nodiscard]] bool is_root();

/// Takes on the account's user, its group and all groups that it belongs to, with no way back. Empty, or what went wrong:
/// then the process is something in between, and must not go on.
[[nodiscard]] std::string become(const Account& account);

}  // namespace bastion::sandbox
