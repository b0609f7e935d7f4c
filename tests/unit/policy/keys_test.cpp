// The table of keys: what stands in it, what is read from it, and the reference that shows it.
#include "policy/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace bastion {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PolicyKeys, AreDocumentedOnceEach) {
  std::set<std::string_view> paths;
  for (const auto& key : policy_keys()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_EQ(find_policy_key(key.path), &key);
    EXPECT_FALSE(key.text.empty());
    EXPECT_FALSE(key.range.empty());
    EXPECT_FALSE(key.kind.text.empty());
  }
  EXPECT_EQ(find_policy_key("admission"), nullptr);
}

TEST(PolicyKeys, ThatAreNotEnforcedAreKeptOutOfTheReferencesSections) {
  const auto reference = policy_reference();
  const auto listed = reference.substr(reference.find("## Not enforced by this version"));
  for (const auto& key : not_enforced_keys()) {
    EXPECT_NE(listed.find('`' + std::string{key.path} + '`'), std::string::npos) << key.path;
    if (find_policy_key(key.path) == nullptr) continue;
    EXPECT_EQ(reference.find(find_policy_key(key.path)->text), std::string::npos) << key.path;
  }
}

TEST(PolicyKeys, HaveRangesThatCanBeMet) {
  for (const auto& key : policy_keys()) {
    const auto type = key.kind.type;
    if (type == PolicyKey::Type::integer || type == PolicyKey::Type::duration || type == PolicyKey::Type::size) {
      EXPECT_LE(range_of(key).min, range_of(key).max) << key.path;
    } else if (type == PolicyKey::Type::word || type == PolicyKey::Type::words) {
      EXPECT_FALSE(words_of(key.range).empty()) << key.path;
      for (const auto word : words_of(key.range)) EXPECT_FALSE(is_not_enforced_word(key.path, word)) << key.path;
    }
  }
  EXPECT_THAT(words_of(R"("modern", "intermediate")"), ElementsAre("modern", "intermediate"));
  EXPECT_THAT(words_of("true, false"), IsEmpty());
}

TEST(PolicyKeys, LieInSections) {
  EXPECT_EQ(section_of("schema"), "");
  EXPECT_EQ(section_of("listener[].name"), "listener[]");
  EXPECT_EQ(leaf_of("gate.log.level"), "level");
  EXPECT_EQ(leaf_of("schema"), "schema");
  EXPECT_EQ(path_in("", "schema"), "schema");
  EXPECT_EQ(path_in("gate.log", "level"), "gate.log.level");
  EXPECT_TRUE(is_section("gate"));
  EXPECT_TRUE(is_section("gate.log"));
  EXPECT_TRUE(is_section("listener[]"));
  EXPECT_FALSE(is_section("listener"));
  EXPECT_FALSE(is_section("gate.workers"));
  EXPECT_FALSE(is_section("gat"));
  EXPECT_TRUE(is_name_of_key("level"));
  EXPECT_TRUE(is_name_of_key("log"));
  EXPECT_FALSE(is_name_of_key("password"));
}

TEST(PolicyKeys, LieAtPlacesThatComplaintsCanName) {
  EXPECT_EQ(header_of("gate.log"), "[gate.log]");
  EXPECT_EQ(header_of("listener[]"), "[[listener]]");
  EXPECT_EQ(place_name(""), "at the top level");
  EXPECT_EQ(place_name("gate.log"), "in [gate.log]");
  EXPECT_EQ(place_name("listener[]"), "in [[listener]]");
}

TEST(PolicyKeys, KnowWhatWasMeantByAnUnknownName) {
  EXPECT_EQ(unknown_key("tls", "certifcate").near, "certificate");
  EXPECT_EQ(unknown_key("tls", "certifcate").complaint, R"(unknown key "certifcate" in [tls]; did you mean "certificate"?)");
  // What another section has is only hinted at.
  EXPECT_EQ(unknown_key("tls", "workers").near, "");
  EXPECT_EQ(unknown_key("tls", "workers").complaint, R"(unknown key "workers" in [tls]; did you mean it in [gate]?)");
  EXPECT_EQ(unknown_section("", "rol").near, "role");
  EXPECT_EQ(unknown_section("", "rol").complaint, R"(unknown section "rol"; did you mean [[role]]?)");
  // A section is never taken for a key.
  EXPECT_EQ(unknown_section("gate", "worker").near, "");
  EXPECT_EQ(unknown_section("tls", "log").complaint, R"(unknown section "tls.log"; did you mean [gate.log]?)");
  EXPECT_EQ(unknown_section("", "zzzzzzzz").complaint, R"(unknown section "zzzzzzzz")");
}

TEST(PolicyReference, IsWhatTheDocumentationHolds) {
  std::ifstream file{BASTION_SOURCE_DIR "/docs/policy-reference.md"};
  const std::string held{std::istreambuf_iterator<char>{file}, {}};
  const auto wanted = policy_reference();
  EXPECT_TRUE(held == wanted) << "docs/policy-reference.md is out of date; it should hold:\n" << wanted;
}

}  // namespace
}  // namespace bastion
