// What the system said when it would not do something, in words.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace bastion::sandbox {

/// `what: No such file or directory`, from errno.
[[nodiscard]] inline std::string trouble(const std::string& what, int error_number = errno) {
  return what + ": " + std::generic_category().message(error_number);
}

}  // namespace bastion::sandbox
