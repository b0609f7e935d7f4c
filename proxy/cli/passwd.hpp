// `mqtt-bastion passwd`: adds, changes or removes one user of a Mosquitto password file.
#pragma once

#include <cstdint>
#include <string>

namespace bastion::cli {

struct PasswdOptions {
  std::string file;
  std::string user;
  bool remove = false;
  bool create = false;            ///< make the file if it does not exist; an existing one keeps its users
  bool batch = false;             ///< the password is the first line of standard input, without its newline
  std::string scheme = "pbkdf2";  ///< "pbkdf2", "argon2id" or "sha512"
  std::uint32_t iterations = 0;   ///< rounds of pbkdf2 or passes of argon2id; 0: the default of the scheme
};

/// Does what the options say and returns the exit code: 0 done, 1 failed at run time, 2 bad usage or a file with complaints.
/// Nothing is changed where it is not 0. All other lines stay byte for byte; the file is replaced whole (new contents in
/// place, owner and mode kept, a symbolic link followed) and is never seen half written. Two of these commands wait for each
/// other, at most 10 seconds. Without `batch` the password is asked for twice on the terminal. Results go to standard
/// output, complaints to standard error.
[[nodiscard]] int passwd_command(const PasswdOptions& options);

}  // namespace bastion::cli
