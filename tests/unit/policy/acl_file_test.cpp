// Reading Mosquitto's ACL file: what its lines mean, and where they are no good.
#include "policy/acl_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bastion {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto publish = TopicRight::publish;
constexpr auto receive = TopicRight::receive;
constexpr auto deny_both = TopicRight::deny_publish | TopicRight::deny_receive;

std::vector<std::string> complaints_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& complaint : AclFile::parse(text, "acl").complaints) out.push_back(bastion::text(complaint));
  return out;
}

/// Everything that the rules of a user say of a topic.
TopicRights rights(const AclFile& acl, const std::optional<std::string_view>& user, std::string_view topic) {
  const auto* rules = acl.rules_of(user);
  return rules != nullptr ? rules->find(topic, {}, publish | receive | deny_both).rights : TopicRights{};
}
TopicRights rights(std::string_view line, std::string_view topic) {
  const auto parsed = AclFile::parse(line, "acl");
  for (const auto& complaint : parsed.complaints) EXPECT_TRUE(complaint.warning) << complaint.message;
  return rights(parsed.acl, std::nullopt, topic);
}

TEST(AclFile, GivesWhatTheWordOfAccessSays) {
  EXPECT_EQ(rights("topic read a", "a"), receive);
  EXPECT_EQ(rights("topic write a", "a"), publish);
  EXPECT_EQ(rights("topic readwrite a", "a"), publish | receive);
  EXPECT_EQ(rights("topic deny a", "a"), deny_both);
  EXPECT_EQ(rights("topic a", "a"), publish | receive);
}

TEST(AclFile, TakesTheRestOfTheLineForTheTopic) {
  EXPECT_EQ(rights("topic read a b  c", "a b  c"), receive);
  EXPECT_EQ(rights("topic read   a", "a"), receive);
  EXPECT_EQ(rights("topic   read \t a \t", "a"), receive);
  EXPECT_EQ(rights("  topic read a\r", "a"), receive);
  EXPECT_EQ(rights("topic read a/# ", "a/b"), receive);
}

TEST(AclFile, HasSectionsOfUsersThatLastToTheNextUser) {
  const auto parsed = AclFile::parse(
      "topic read anonymous\nuser bob the builder\n\n# a comment\ntopic read bobs\nuser  alice \ntopic read hers\n"
      "user bob the builder\ntopic write more\nuser idle\n",
      "acl");
  ASSERT_THAT(parsed.complaints, IsEmpty());
  const auto& acl = parsed.acl;
  EXPECT_EQ(rights(acl, std::nullopt, "anonymous"), receive);
  EXPECT_EQ(rights(acl, "bob the builder", "bobs"), receive);
  EXPECT_EQ(rights(acl, "bob the builder", "more"), publish);
  EXPECT_EQ(rights(acl, "alice", "hers"), receive);
  EXPECT_FALSE(rights(acl, "alice", "bobs").any());
  EXPECT_FALSE(rights(acl, "alice", "anonymous").any());
  EXPECT_FALSE(rights(acl, std::nullopt, "hers").any());
  EXPECT_EQ(acl.rules_of("idle"), nullptr);
  EXPECT_EQ(acl.rules_of(""), nullptr);
  EXPECT_EQ(acl.size(), 4U);
}

TEST(AclFile, GivesPatternsToEveryoneWhereverTheyStand) {
  const auto parsed = AclFile::parse("user alice\npattern read c/%c/u/%u\npattern deny x%c\n", "acl");
  const auto& patterns = parsed.acl.patterns();
  const LevelNames names{"bob", "cam1"};
  EXPECT_EQ(patterns.find("c/cam1/u/bob", names, receive).rights, receive);
  EXPECT_EQ(patterns.find("xcam1", names, deny_both).rights, deny_both);
  EXPECT_EQ(parsed.acl.rules_of("alice"), nullptr);
}

TEST(AclFile, KnowsTheLineAndColumnOfEachRule) {
  const auto parsed = AclFile::parse("\n  topic read  a\npattern %c\n", "acl");
  const auto& anonymous = *parsed.acl.rules_of(std::nullopt);
  EXPECT_EQ(anonymous.where(0).line, 2U);
  EXPECT_EQ(anonymous.where(0).column, 15U);
  EXPECT_EQ(anonymous.where(0).file, "acl");
  EXPECT_EQ(parsed.acl.patterns().where(0).line, 3U);
  EXPECT_EQ(parsed.acl.patterns().where(0).column, 9U);
}

TEST(AclFile, ComplainsOfEveryLineThatMosquittoRefuses) {
  EXPECT_THAT(
      complaints_of("topic\nuser\nuser  \ntopic rad a\ntopic a b\ntopics a\n # late\ntopic read a/b#\ntopic\tread a\n"),
      ElementsAre(R"(acl:1:6: a topic is missing)", R"(acl:2:5: "user" without a name)", R"(acl:3:5: "user" without a name)",
                  HasSubstr(R"(acl:4:7: "rad" is no access: write "read")"), HasSubstr(R"(acl:5:7: "a" is no access)"),
                  HasSubstr(R"(acl:6:1: "topics" begins no line of an ACL file)"),
                  HasSubstr(R"(acl:7:2: "#" begins no line)"), HasSubstr(R"(acl:8:12: "a/b#": not a topic filter)"),
                  HasSubstr("parted by spaces, not by tabs")));
  EXPECT_THAT(complaints_of("topics a\n"), ElementsAre(HasSubstr(R"(did you mean "topic"?)")));
}

TEST(AclFile, ComplainsOfWhatNoTopicCanHold) {
  EXPECT_THAT(complaints_of(std::string_view{"topic read a\0b\n", 15}), ElementsAre("acl:1:13: the line holds a NUL"));
  EXPECT_THAT(complaints_of("topic read a\x01\n"), ElementsAre(HasSubstr("control characters")));
}

TEST(AclFile, WarnsOfWhatIsProbablyMeantInAnotherWay) {
  EXPECT_THAT(complaints_of("topic read\n"), ElementsAre(HasSubstr(R"(acl:1:7: warning: "read" alone is a topic)")));
  EXPECT_THAT(complaints_of("topic read %u/x\n"), ElementsAre(HasSubstr(R"(stand for names only in "pattern" lines)")));
  EXPECT_THAT(complaints_of("pattern read all\n"), ElementsAre(HasSubstr("is for every client")));
  EXPECT_THAT(complaints_of("pattern read x-%c\n"), ElementsAre(HasSubstr("Mosquitto from 2.1 on")));
  EXPECT_THAT(complaints_of("pattern read %c\nuser a\ntopic b\n"), IsEmpty());
}

TEST(AclFile, StopsReadingWhereNothingIsRight) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "x\n";
  EXPECT_LE(complaints_of(text).size(), 201U);
}

TEST(AclFile, ReadsAHundredThousandLinesOfManyUsers) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "user u" + std::to_string(i) + "\ntopic read t/" + std::to_string(i) + "\n";
  const auto parsed = AclFile::parse(text, "acl");
  ASSERT_THAT(parsed.complaints, IsEmpty());
  EXPECT_EQ(rights(parsed.acl, "u49999", "t/49999"), receive);
  EXPECT_FALSE(rights(parsed.acl, "u49999", "t/49998").any());
}

}  // namespace
}  // namespace bastion
