// One entry's hash: the three spellings that Mosquitto writes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/identity/password_file.hpp"

namespace bastion::identity {

/// Why a hash can't be used.
struct HashFault {
  std::size_t offset = 0;  ///< bytes from the beginning of the hash
  std::string message;     ///< never repeats what it read
};

/// Decodes what stands behind the colon. The credential has no user name yet. Only one spelling of each value is taken.
[[nodiscard]] std::variant<Credential, HashFault> decode_hash(std::string_view text, const PasswordFileLimits& limits);

}  // namespace bastion::identity
