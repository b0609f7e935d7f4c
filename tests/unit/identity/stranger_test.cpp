// What a stranger costs: as much as users do, and nothing that tells him from one.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "samples.hpp"

namespace bastion::identity {
namespace {

using samples::entry;
using samples::must_parse;

std::string name(int i) {
  return "stranger-" + std::to_string(i);
}

TEST(Stranger, GetsACredentialWithoutAName) {
  const auto file = must_parse(entry("alice", samples::pbkdf2));
  ASSERT_TRUE(file);
  const auto& credential = file->find("mallory");
  EXPECT_TRUE(credential.user_name.empty());
  EXPECT_EQ(credential.scheme, Scheme::pbkdf2);
  EXPECT_EQ(credential.iterations, 101u);
  EXPECT_EQ(credential.salt.size(), 12u);
  EXPECT_EQ(credential.hash.size(), 64u);
}

TEST(Stranger, GetsNoUsersSaltOrHash) {
  const auto file = must_parse(entry("alice", samples::pbkdf2));
  ASSERT_TRUE(file);
  EXPECT_NE(file->find("mallory").salt, file->find("alice").salt);
  EXPECT_NE(file->find("mallory").hash, file->find("alice").hash);
}

TEST(Stranger, NeverFitsAPassword) {
  const auto file = must_parse(entry("alice", samples::sha512));
  ASSERT_TRUE(file);
  EXPECT_FALSE(verify(file->find("mallory"), samples::mosquitto_password));
  // Not even one whose hash is right: without a name there is nobody to let in.
  Credential nobody = file->find("alice");
  EXPECT_TRUE(verify(nobody, samples::mosquitto_password));
  nobody.user_name.clear();
  EXPECT_FALSE(verify(nobody, samples::mosquitto_password));
}

TEST(Stranger, GetsTheSameCredentialEachTime) {
  const auto file = must_parse(entry("a", samples::sha512) + entry("b", samples::pbkdf2) + entry("c", samples::argon2id));
  ASSERT_TRUE(file);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(&file->find(name(i)), &file->find(name(i)));
}

TEST(Stranger, KeepsHisCostOverAReload) {
  const std::string text = entry("a", samples::sha512) + entry("b", samples::pbkdf2) + entry("c", samples::argon2id);
  const auto before = must_parse(text);
  const auto after = must_parse("# touched\n" + text);
  ASSERT_TRUE(before && after);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(before->find(name(i)).scheme, after->find(name(i)).scheme);
}

TEST(Stranger, MeetsEachCostAsOftenAsUsersDo) {
  std::string text;
  for (int i = 0; i < 9; ++i) text += entry("p" + std::to_string(i), samples::pbkdf2);
  text += entry("s", samples::sha512);
  const auto file = must_parse(text);
  ASSERT_TRUE(file);
  int cheap = 0;
  for (int i = 0; i < 4000; ++i) cheap += file->find(name(i)).scheme == Scheme::sha512 ? 1 : 0;
  // One in ten: 400 with a standard deviation of 19; ten of those either way.
  EXPECT_GT(cheap, 210);
  EXPECT_LT(cheap, 590);
}

TEST(Stranger, MeetsEveryCostThatDiffers) {
  std::string text;
  std::set<std::uint32_t> expected;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    NewCredential how;
    how.pbkdf2_iterations = i;
    text += password_line("u" + std::to_string(i), "pw", how) + "\n";
    expected.insert(i);
  }
  const auto file = must_parse(text);
  ASSERT_TRUE(file);
  std::set<std::uint32_t> met;
  std::set<const Credential*> credentials;
  for (int i = 0; i < 1000; ++i) {
    met.insert(file->find(name(i)).iterations);
    credentials.insert(&file->find(name(i)));
  }
  EXPECT_EQ(met, expected);
  EXPECT_EQ(credentials.size(), 5u);
}

}  // namespace
}  // namespace bastion::identity
