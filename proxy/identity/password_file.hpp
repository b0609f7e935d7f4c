// Mosquitto's password file: reading, verifying, and writing entries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/policy.hpp"

namespace bastion::identity {

enum class Scheme : std::uint8_t {
  sha512,    ///< `$6$`: SHA-512 over password and salt, one round
  pbkdf2,    ///< `$7$`: PBKDF2-HMAC-SHA512
  argon2id,  ///< `$argon2id$`: the PHC string of libargon2
};

/// One decoded entry. One without a user name is a stranger's: no password fits it.
struct Credential {
  std::string user_name;
  Scheme scheme = Scheme::pbkdf2;
  std::uint32_t iterations = 0;  ///< pbkdf2; argon2's t
  std::uint32_t memory_kib = 0;  ///< argon2's m
  std::uint32_t lanes = 0;       ///< argon2's p
  std::vector<std::uint8_t> salt;
  std::vector<std::uint8_t> hash;
};

/// What may stand in a file, so that a line can't cost more than the operator expects.
struct PasswordFileLimits {
  std::uint32_t pbkdf2_iterations_max = 10'000'000;
  std::uint64_t argon2_memory_max = 64u << 20;  ///< bytes
  std::uint32_t argon2_iterations_max = 16;
  std::uint32_t users_max = 100'000;
  std::uint32_t argon2_lanes_max = 16;
};

/// A file with more complaints than this gets one more that counts the rest.
inline constexpr std::size_t complaints_max = 100;
/// Bytes of a user name, as in MQTT (a two-byte length, OASIS MQTT 3.1.1 section 1.5.3).
inline constexpr std::size_t user_name_size_max = 65'535;

class PasswordFile;
/// The file, or all its complaints (also for an empty one: no user could ever log in).
using ReadPasswordFile = std::variant<std::shared_ptr<const PasswordFile>, std::vector<Complaint>>;

/// An immutable set of credentials.
class PasswordFile {
 public:
  /// Lines as in mosquitto_passwd(1): `user:HASH`; comments start with `#`; blank lines are skipped; anything else is a
  /// complaint at `file:line:column`, never a skipped user (CVE-2018-12551). Columns count bytes. No complaint repeats
  /// anything from the file. The caller bounds the size of `text`.
  [[nodiscard]] static ReadPasswordFile parse(std::string_view text, const std::string& file,
                                              const PasswordFileLimits& limits);

  /// The credential to verify against. A stranger gets one that no password fits, of the same cost as a real user's: which
  /// user's depends on the name and on a key drawn at start, so asking twice does not tell either. Each cost is as frequent
  /// among strangers as among users, and a reload moves no stranger to another cost unless the mix of costs changes.
  [[nodiscard]] const Credential& find(std::string_view user_name) const;
  [[nodiscard]] bool knows(std::string_view user_name) const;
  /// Differs, as good as always, once the user's entry has been changed; 0 for a stranger.
  [[nodiscard]] std::uint64_t fingerprint(std::string_view user_name) const;
  [[nodiscard]] std::size_t size() const { return credentials_.size(); }

 private:
  PasswordFile() = default;
  std::vector<Credential> credentials_;   ///< sorted by user name
  std::vector<Credential> strangers_;     ///< one for each distinct cost, in a fixed order of costs
  std::vector<std::size_t> users_up_to_;  ///< for each of them, the users of its cost and those before
  std::uint64_t key_[2] = {};             ///< the same for all files of the process

  [[nodiscard]] const Credential* find_user(std::string_view user_name) const;
  [[nodiscard]] const Credential& stranger(std::string_view user_name) const;
  void prepare_strangers();
};

/// What keeps a name from being a user's in a password file (it would be a comment, cut by Mosquitto, no MQTT string, ...),
/// in words that follow "the user name"; nothing where it is good. OASIS MQTT 3.1.1 section 1.5.3.
[[nodiscard]] std::optional<std::string_view> user_name_fault(std::string_view user_name);

/// The user name of one line of a file (without its newline); nothing for a blank line or a comment. All of the line where
/// it has no colon.
[[nodiscard]] std::optional<std::string_view> user_name_of(std::string_view line);

/// The line `user:HASH` of a credential, without its newline: what parse() reads back to the same credential.
[[nodiscard]] std::string entry_line(const Credential& credential);

/// Whether the password fits. Takes the time that the credential's parameters ask for; compares in constant time. False
/// also where there is no memory for argon2.
[[nodiscard]] bool verify(const Credential& credential, std::string_view password);

/// Whether PBKDF2 can't tell the password from a shorter one: HMAC fills a short key up with NULs (RFC 2104 section 2), so
/// one at the end changes nothing. Such a password fits no entry and none can be made from it; Mosquitto never makes one.
[[nodiscard]] bool password_is_ambiguous(Scheme scheme, std::string_view password);

/// The memory that verify() will take for a moment, bytes; 0 where it is not worth counting.
[[nodiscard]] std::uint64_t memory_needed(const Credential& credential);

/// How a new entry is hashed. The default of 10,000 rounds of PBKDF2 is a hundred times Mosquitto 2.0's and ten times 2.1's,
/// and still lets a whole default queue (128 clients, one thread) through within `hash_wait_max` on a board three times
/// slower than where it measured 12 ms. Mosquitto pays the same again at each login, on its only thread.
struct NewCredential {
  Scheme scheme = Scheme::pbkdf2;
  std::uint32_t pbkdf2_iterations = 10'000;
  std::uint32_t argon2_memory_kib = 47'104;
  std::uint32_t argon2_iterations = 1;
};
/// A new entry's line `user:HASH` without its newline, with a fresh salt: 12 bytes for `$6$` and `$7$`, for Mosquitto 2.0
/// takes no other. The caller has asked user_name_fault() and password_is_ambiguous(). Throws std::runtime_error where
/// OpenSSL or libargon2 fails.
[[nodiscard]] std::string password_line(std::string_view user_name, std::string_view password, const NewCredential& how);

}  // namespace bastion::identity
