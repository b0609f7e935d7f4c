// The table of shields, and the key that switches them off.
#include "policy/shield.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "policy/judge.hpp"
#include "policy/keys.hpp"
#include "policy/parse.hpp"

namespace bastion {
namespace {

using testing::ElementsAre;

ParsedPolicy parsed(const std::string& mqtt) {
  return parse_policy(
      "schema = 1\n[upstream]\naddress = \"127.0.0.1:1883\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"\n"
      "[[listener]]\nname = \"a\"\naddress = \"0.0.0.0:8883\"\n[admission]\nallow = [\"192.0.2.0/24\"]\n"
      "[authentication]\npassword_file = \"p\"\n[mqtt]\n" +
          mqtt,
      "p.toml", {});
}

std::vector<std::string> complaints(const std::string& mqtt) {
  std::vector<std::string> out;
  for (const auto& complaint : parsed(mqtt).complaints) out.push_back(text(complaint));
  return out;
}

TEST(Shields, HaveNamesOfTheirOwnAndWordsForATable) {
  std::set<std::string_view> names;
  std::set<Guard> used;
  for (const auto& shield : shields()) {
    EXPECT_TRUE(names.insert(shield.name).second) << shield.name;
    EXPECT_EQ(find_shield(shield.name), &shield);
    used.insert(shield.guard);
    for (const auto words : {shield.affects, shield.trigger, info(shield.guard).text}) {
      EXPECT_FALSE(words.empty()) << shield.name;
      EXPECT_EQ(words.find_first_of("|\n"), std::string_view::npos) << words;
    }
  }
  EXPECT_EQ(used.size(), guard_count) << "a guard on which no shield stands";
  EXPECT_EQ(find_shield("CVE-1999-0001"), nullptr);
}

TEST(Shields, StandOnGuardsThatAreSwitchedOffAsTheirKindAllows) {
  for (std::size_t i = 0; i < guard_count; ++i) {
    const auto& guard = info(static_cast<Guard>(i));
    EXPECT_EQ(guard.kind == GuardInfo::Kind::limit, !guard.key.empty()) << guard.text;
    EXPECT_TRUE(guard.kind != GuardInfo::Kind::standard || !guard.stays.empty()) << guard.text;
    EXPECT_EQ(guard.lift != nullptr, guard.kind == GuardInfo::Kind::limit && guard.stays.empty()) << guard.text;
    EXPECT_EQ(find_policy_key(guard.key) != nullptr, !guard.key.empty()) << guard.key;
  }
}

TEST(ShieldsOff, AreNoneByDefault) {
  const auto policy = parsed("").policy;
  ASSERT_TRUE(policy);
  for (std::size_t i = 0; i < guard_count; ++i) EXPECT_TRUE(policy->mqtt.guards.has(static_cast<Guard>(i)));
}

TEST(ShieldsOff, AreThoseThatThePolicyNamesAndNoOthers) {
  const auto policy = parsed("shields_off = [\"CVE-2018-12543\", \"CVE-2019-11779\", \"moquette-levels\"]").policy;
  ASSERT_TRUE(policy);
  for (std::size_t i = 0; i < guard_count; ++i) {
    const auto guard = static_cast<Guard>(i);
    EXPECT_EQ(policy->mqtt.guards.has(guard), guard != Guard::dollar_publish && guard != Guard::topic_levels) << i;
  }
  EXPECT_EQ(policy->mqtt.topic_levels_max, 65'536u);
}

TEST(ShieldsOff, MustBeShields) {
  EXPECT_THAT(
      complaints("shields_off = [\"CVE-2018-12534\"]"),
      ElementsAre(
          R"(p.toml:15:16: "mqtt.shields_off": there is no shield "CVE-2018-12534"; did you mean "CVE-2018-12543"?)"));
  EXPECT_THAT(complaints("shields_off = [\"all\"]"),
              ElementsAre(R"(p.toml:15:16: "mqtt.shields_off": there is no shield "all"; docs/shields.md lists them)"));
}

TEST(ShieldsOff, CantBeThoseWithoutWhichGateAndBrokerDisagree) {
  EXPECT_THAT(
      complaints("shields_off = [\"CVE-2026-40046\"]"),
      ElementsAre(R"(p.toml:15:16: "mqtt.shields_off": "CVE-2026-40046" can't be switched off: gate and broker would read )"
                  "what follows differently"));
  for (const auto& shield : shields()) {
    const auto said = complaints("shields_off = [\"" + std::string{shield.name} + "\"]");
    const auto stays = info(shield.guard).stays;
    if (stays.empty()) continue;
    EXPECT_THAT(said, ElementsAre(testing::HasSubstr(std::string{stays}))) << shield.name;
  }
}

TEST(ShieldsOff, GoTogetherWhereTheyStandOnOneGuard) {
  EXPECT_THAT(
      complaints("shields_off = [\"CVE-2021-33175\"]"),
      ElementsAre(R"(p.toml:15:16: what stops "CVE-2021-33175" stops "CVE-2021-22116" and "CVE-2021-33176" too: name )"
                  "all of them, or none"));
}

TEST(ShieldsOff, LeaveNoLimitThatWasSet) {
  EXPECT_THAT(
      complaints("keep_alive_max = \"1m\"\nshields_off = [\"CVE-2020-13849\"]"),
      ElementsAre(R"(p.toml:15:1: "mqtt.keep_alive_max" is a limit, and "CVE-2020-13849", which stands on it, is in )"
                  R"("mqtt.shields_off": leave one of them out)"));
}

ConnectFacts client(std::string_view id, std::string_view user) {
  ConnectFacts connect;
  connect.keep_alive_s = 60;
  connect.client_id = id;
  connect.user_name = user;
  connect.has_password = true;
  return connect;
}

TEST(Names, ThatAPatternWouldTakeForMoreThanThemselvesAreRefused) {
  Policy policy;
  policy.mqtt.client_id_characters = "-_.:@+#/*(|)[]{}?\\$^";
  constexpr Refusal bad_id{Reason::client_id_denied, Cause::shield};
  constexpr Refusal bad_user{Reason::not_authorized, Cause::shield};
  for (const auto* const name : {"+", "a#", "a+b", "*", ".*", "a?", "(a|b)", "[a-z]", "a{2}", "a|b", "\\w"}) {
    EXPECT_THAT(refusals_of(policy, client(name, "u")), ElementsAre(bad_id)) << name;
    EXPECT_THAT(refusals_of(policy, client("c", name)), ElementsAre(bad_user)) << name;
  }
  for (const auto* const name : {"alice@example.org", "PLANT/line-1", "host$", "a:b_c-d", "M\xc3\xbcller"}) {
    EXPECT_THAT(refusals_of(policy, client("c", name)), ElementsAre()) << name;
  }
  EXPECT_THAT(refusals_of(policy, client("__proto__", "u")), ElementsAre(bad_id));
  EXPECT_THAT(refusals_of(policy, client("constructor-1", "constructor")), ElementsAre());
  policy.mqtt.guards.take_down(Guard::name_wildcards);
  EXPECT_THAT(refusals_of(policy, client("a+", "#")), ElementsAre());
  EXPECT_THAT(refusals_of(policy, client("c", "a*")), ElementsAre(bad_user)) << "another guard";
}

TEST(KeepAlive, IsOfAnyLengthWhereItsShieldIsOff) {
  const auto policy = parsed("shields_off = [\"CVE-2020-13849\"]").policy;
  ASSERT_TRUE(policy);
  auto connect = client("c", "u");
  for (const std::uint16_t seconds : {std::uint16_t{0}, std::uint16_t{65'535}}) {
    connect.keep_alive_s = seconds;
    EXPECT_THAT(refusals_of(*policy, connect), ElementsAre());
    connect.version = MqttVersion::v5_0;
    EXPECT_EQ(server_keep_alive(*policy, connect), std::nullopt);
    connect.version = MqttVersion::v3_1_1;
  }
}

TEST(ShieldReference, IsWhatTheDocumentationHolds) {
  std::ifstream file{BASTION_SOURCE_DIR "/docs/shields.md"};
  const std::string held{std::istreambuf_iterator<char>{file}, {}};
  const auto wanted = shield_reference();
  EXPECT_TRUE(held == wanted) << "docs/shields.md is out of date; it should hold:\n" << wanted;
}

}  // namespace
}  // namespace bastion
