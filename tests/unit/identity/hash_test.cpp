// Verifying passwords, and making new entries.
#include <argon2.h>
#include <gtest/gtest.h>

#include <string>

#include "proxy/identity/password_file.hpp"
#include "samples.hpp"

namespace bastion::identity {
namespace {

using namespace std::literals;
using samples::entry;
using samples::must_parse;

bool fits(std::string_view hash, std::string_view password) {
  const auto file = must_parse(entry("alice", hash));
  return file && verify(file->find("alice"), password);
}

/// Right to the byte, for every way to be nearly right.
void expect_only_fits(std::string_view hash, const std::string& password) {
  EXPECT_TRUE(fits(hash, password));
  EXPECT_FALSE(fits(hash, ""));
  EXPECT_FALSE(fits(hash, password + "x"));
  EXPECT_FALSE(fits(hash, password + "\0"s));
  EXPECT_FALSE(fits(hash, password + "\0more"s));
  EXPECT_FALSE(fits(hash, password.substr(0, password.size() - 1)));
  std::string other_case = password;
  other_case[0] = static_cast<char>(other_case[0] ^ 0x20);
  EXPECT_FALSE(fits(hash, other_case));
}

TEST(Verify, FitsMosquittosSha512) {
  expect_only_fits(samples::sha512, std::string(samples::mosquitto_password));
}
TEST(Verify, FitsMosquittosPbkdf2) {
  expect_only_fits(samples::pbkdf2, std::string(samples::mosquitto_password));
}
TEST(Verify, FitsLibargon2sKnownAnswer) {
  expect_only_fits(samples::argon2id, std::string(samples::argon2id_password));
}

// Made by `(printf pw; head -c64 /dev/zero | tr '\\0' Z) | openssl dgst -sha512 -binary | base64`.
TEST(Verify, FitsHashesWithMosquitto21sLongSalts) {
  expect_only_fits(
      "$6$WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWg==$"
      "8OKCP1u8XYHvjB4gFxnPGky0QTWn7jcT8gjBlA3XEC7GuvQe377EXmIxjhp/jBoKfwqlLzj17z9o6za5poof0Q==",
      "pw");
}

TEST(Verify, LooksAtAllOfTheHash) {
  auto credential = must_parse(entry("alice", samples::sha512))->find("alice");
  for (std::size_t i = 0; i < credential.hash.size(); ++i) {
    auto changed = credential;
    changed.hash[i] ^= 1;
    EXPECT_FALSE(verify(changed, samples::mosquitto_password)) << i;
  }
  auto shorter = credential;
  shorter.hash.resize(16);
  EXPECT_FALSE(verify(shorter, samples::mosquitto_password));
  auto none = credential;
  none.hash.clear();
  EXPECT_FALSE(verify(none, samples::mosquitto_password));
}

TEST(Verify, FitsWhatLibargon2Wrote) {
  const std::string password = "with\0nul"s;
  const std::string salt(16, 's');
  std::string encoded(256, '\0');
  ASSERT_EQ(argon2id_hash_encoded(3, 64, 4, password.data(), password.size(), salt.data(), salt.size(), 24, encoded.data(),
                                  encoded.size()),
            ARGON2_OK);
  encoded.resize(encoded.find('\0'));
  EXPECT_TRUE(fits(encoded, password));
  EXPECT_FALSE(fits(encoded, "with"));
}

TEST(PasswordLine, ReadsBackForEachScheme) {
  const std::string password = "p\xFF\0ss:w\nrd$"s;
  for (const auto scheme : {Scheme::sha512, Scheme::pbkdf2, Scheme::argon2id}) {
    NewCredential how;
    how.scheme = scheme;
    how.pbkdf2_iterations = 7;
    how.argon2_memory_kib = 64;
    how.argon2_iterations = 2;
    const auto file = must_parse(password_line("alice", password, how) + "\n");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->find("alice").scheme, scheme);
    EXPECT_TRUE(verify(file->find("alice"), password));
    EXPECT_FALSE(verify(file->find("alice"), "p\xFF"s));
  }
}

TEST(PasswordIsAmbiguous, WhereHmacWouldFillUpWithTheSameNul) {
  EXPECT_TRUE(password_is_ambiguous(Scheme::pbkdf2, "pw\0"sv));
  EXPECT_FALSE(password_is_ambiguous(Scheme::pbkdf2, "p\0w"sv));
  EXPECT_FALSE(password_is_ambiguous(Scheme::sha512, "pw\0"sv));
  EXPECT_FALSE(password_is_ambiguous(Scheme::argon2id, "pw\0"sv));
}

TEST(PasswordLine, DrawsAFreshSaltEachTime) {
  EXPECT_NE(samples::cheap_entry("alice", "pw"), samples::cheap_entry("alice", "pw"));
}

TEST(PasswordLine, MakesSaltsThatMosquitto20Takes) {
  const auto file = must_parse(samples::cheap_entry("alice", "pw"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->find("alice").salt.size(), 12u);
}

TEST(PasswordLine, MakesArgon2ThatLibargon2Verifies) {
  NewCredential how;
  how.scheme = Scheme::argon2id;
  how.argon2_memory_kib = 64;
  const std::string line = password_line("alice", "pw", how);
  const std::string encoded = line.substr(line.find('$'));
  EXPECT_EQ(argon2id_verify(encoded.c_str(), "pw", 2), ARGON2_OK);
  EXPECT_EQ(argon2id_verify(encoded.c_str(), "px", 2), ARGON2_VERIFY_MISMATCH);
}

TEST(MemoryNeeded, CountsArgon2Only) {
  const auto file = must_parse(entry("a", samples::sha512) + entry("b", samples::pbkdf2) + entry("c", samples::argon2id));
  ASSERT_TRUE(file);
  EXPECT_EQ(memory_needed(file->find("a")), 0u);
  EXPECT_EQ(memory_needed(file->find("b")), 0u);
  EXPECT_EQ(memory_needed(file->find("c")), 256u * 1024);
}

}  // namespace
}  // namespace bastion::identity
