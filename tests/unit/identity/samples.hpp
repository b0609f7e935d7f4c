// Entries and files that several tests use, all for throw-away passwords.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/identity/password_file.hpp"

namespace bastion::identity::samples {

/// Written by Mosquitto 2.0.11's mosquitto_passwd; the password is "correct horse".
inline constexpr std::string_view sha512 =
    "$6$9TMNrB5ishneGvn1$AMAz2Co9oUascrfbBUcbrxQ23xR5as+GylZFyJwmo7SlnJSWK0ZpWjOYa0+VJYACVQ6vLpA7KlDJN2jujcCuiQ==";
inline constexpr std::string_view pbkdf2 =
    "$7$101$JnnuZzw+ud4RvERD$9pT8lGoPXurifl1xs78ujCWF6x+laOFXU/JVTyd0O6Atkv+qtteWEclbvZ+y5oPijiYByVD9qkbksUQlP/o5zw==";
inline constexpr std::string_view mosquitto_password = "correct horse";

/// Of libargon2's own known answers; the password is "password".
inline constexpr std::string_view argon2id =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
inline constexpr std::string_view argon2id_password = "password";

inline std::string entry(std::string_view user_name, std::string_view hash) {
  return std::string(user_name) + ":" + std::string(hash) + "\n";
}

/// A hash that costs next to nothing, for tests that look at something else.
inline std::string cheap_entry(std::string_view user_name, std::string_view password) {
  NewCredential how;
  how.scheme = Scheme::sha512;
  return password_line(user_name, password, how) + "\n";
}

inline std::shared_ptr<const PasswordFile> must_parse(std::string_view text, const PasswordFileLimits& limits = {}) {
  auto read = PasswordFile::parse(text, "passwd", limits);
  if (const auto* complaints = std::get_if<std::vector<Complaint>>(&read)) {
    for (const auto& complaint : *complaints) {
      ADD_FAILURE() << complaint.where.line << ":" << complaint.where.column << ": " << complaint.message;
    }
    return nullptr;
  }
  return std::get<std::shared_ptr<const PasswordFile>>(read);
}

inline std::vector<Complaint> complaints_of(std::string_view text, const PasswordFileLimits& limits = {}) {
  auto read = PasswordFile::parse(text, "passwd", limits);
  if (auto* complaints = std::get_if<std::vector<Complaint>>(&read)) return *complaints;
  return {};
}

}  // namespace bastion::identity::samples
