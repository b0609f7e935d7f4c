// The policy file as a whole: what is read, what is missing, and everything that is wrong at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/policy/policy_text.hpp"

namespace bastion::policy_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ParsePolicy, TakesASmallPolicyWithSafeDefaults) {
  const auto parsed = parse(minimal, {}, "/etc/mqtt-bastion/policy.toml");
  ASSERT_TRUE(parsed.policy);
  EXPECT_THAT(lines(parsed), IsEmpty());
  const auto& policy = *parsed.policy;
  EXPECT_EQ(policy.upstream.tcp->text(), "127.0.0.1:1883");
  ASSERT_EQ(policy.tls.key_pairs.size(), 1u);
  EXPECT_EQ(policy.tls.key_pairs[0].certificate.value, "/etc/mqtt-bastion/server.crt");
  EXPECT_EQ(policy.tls.key_pairs[0].certificate.where.line, 5u);
  EXPECT_EQ(policy.authentication.password_file->value, "/etc/mqtt-bastion/passwd");
  EXPECT_TRUE(policy.authentication.required);
  ASSERT_EQ(policy.listeners.size(), 1u);
  EXPECT_EQ(policy.listeners[0].transport, Transport::mqtts);
  EXPECT_EQ(policy.listeners[0].where.line, 7u);
  EXPECT_EQ(policy.admission.rule_files, std::vector<std::string>{"/etc/mqtt-bastion/policy.toml"});
  const auto* rule = policy.admission.prefixes.find(Address::v4(192, 168, 10, 7));
  ASSERT_NE(rule, nullptr);
  EXPECT_TRUE(rule->allow);
  EXPECT_EQ(rule->line, 11u);
  EXPECT_EQ(policy.admission.prefixes.find(Address::v4(192, 168, 11, 7)), nullptr);
  EXPECT_FALSE(policy.mqtt.allow_v3_1);
}

TEST(ParsePolicy, ReportsEverythingAtOnceInTheOrderOfTheFile) {
  const auto found = complaints(R"(schema = 1
[upstream]
address = "localhost:1883"
zeal = 1
[[listener]]
name = "Devices"
address = "0.0.0.0:8883"
transport = "mqtt"
[admission]
allow = ["192.168.10.7/24", "nonsense"]
[gate]
workers = "two"
drain_timeout = 10
)");
  EXPECT_THAT(
      found,
      ElementsAre(HasSubstr("policy.toml:1:1: authentication is required"),
                  HasSubstr(R"(policy.toml:3:11: "upstream.address": "localhost:1883" is not an IP address and a port)"),
                  HasSubstr(R"(policy.toml:4:1: unknown key "zeal" in [upstream])"),
                  HasSubstr(R"(policy.toml:6:8: "listener[].name": "Devices" is not a name)"),
                  HasSubstr(R"(policy.toml:7:11: "0.0.0.0:8883" would take passwords in the clear)"),
                  R"(policy.toml:10:10: "192.168.10.7/24": host bits are set; write "192.168.10.0/24")",
                  R"(policy.toml:10:29: "nonsense": is neither an IPv4 nor an IPv6 prefix)",
                  R"(policy.toml:12:11: "gate.workers" must be an integer, not a string)",
                  R"(policy.toml:13:17: "gate.drain_timeout" must be a duration such as "10s", not an integer)"));
}

TEST(ParsePolicy, CapsItsComplaints) {
  std::string toml{minimal};
  for (int i = 0; i < 150; ++i) toml += "zzzzzz" + std::to_string(i) + " = 1\n";
  const auto found = complaints(toml);
  ASSERT_EQ(found.size(), 101u);
  EXPECT_THAT(found[0], HasSubstr("zzzzzz0"));
  EXPECT_EQ(found[100], "policy.toml: and 50 more");
}

TEST(ParsePolicy, WantsASchemaThatItKnows) {
  EXPECT_THAT(complaints(changed("schema = 1\n", "")),
              ElementsAre(R"(policy.toml:1:1: missing key "schema" at the top level; write schema = 1)"));
  EXPECT_THAT(complaints(changed("schema = 1", "schema = 2")),
              ElementsAre("policy.toml:1:10: schema = 2 is not known to this version; it reads schema = 1"));
}

TEST(ParsePolicy, WantsWhatIsRequired) {
  const auto found = complaints("");
  EXPECT_THAT(found, testing::IsSupersetOf({HasSubstr(R"(missing key "schema")"),
                                            HasSubstr(R"(missing [upstream] with its key "address")"),
                                            HasSubstr("there is no listener"), HasSubstr("nobody could enter")}));
  EXPECT_THAT(complaints(changed("name = \"devices\"\n", "")),
              ElementsAre(HasSubstr(R"(policy.toml:7:1: missing key "name" in [[listener]])")));
  EXPECT_THAT(complaints(changed("address = \"127.0.0.1:1883\"\n", "")),
              ElementsAre(HasSubstr(R"(policy.toml:2:2: missing key "address" in [upstream])")));
  EXPECT_THAT(complaints(changed("[tls]", "credentials = { username = \"b\" }\n[tls]")),
              ElementsAre(HasSubstr(R"(missing key "password_file" in [upstream.credentials])")));
}

TEST(ParsePolicy, RefusesRulesThatItWouldNotEnforce) {
  const auto expect_refused = [](const std::string& toml, const char* what) {
    EXPECT_THAT(complaints(toml), ElementsAre(AllOf(HasSubstr(what), HasSubstr("is not enforced by this version")))) << toml;
  };
  expect_refused(changed("[tls]", "tls = { ca = \"x\" }\n[tls]"), "\"upstream.tls\"");
  expect_refused(changed("[tls]", "[tls]\nclient_certificate = \"required\""), "\"tls.client_certificate\"");
  expect_refused(changed("[tls]", "[tls]\nclient_ca = \"ca.crt\""), "\"tls.client_ca\"");
  expect_refused(changed("[tls]", "[tls]\ncrl = \"ca.crl\""), "\"tls.crl\"");
  expect_refused(changed("[admission]", "path = \"/mqtt\"\n[admission]"), "\"listener[].path\"");
  expect_refused(changed("[admission]", "origins = []\n[admission]"), "\"listener[].origins\"");
  expect_refused(changed("[admission]", "transport = \"wss\"\n[admission]"), "\"wss\"");
  expect_refused(extended("[ban]\nafter = 10\n"), "14:2: \"ban\"");
}

TEST(ParsePolicy, TakesQuantitiesWithTheirUnitsOnly) {
  for (const char* bad :
       {"10", "s", "", "-1s", "1.5s", "10 s", "10S", "1d", "99999999999999999999s", "9223372036854775807h", "1s1s"}) {
    EXPECT_THAT(complaints(extended("[gate]\ndrain_timeout = \"" + std::string{bad} + "\"\n")),
                ElementsAre(HasSubstr("policy.toml:15:17: \"gate.drain_timeout\": ")))
        << bad;
  }
  for (const char* bad : {"10", "10KB", "10kib", "KiB", "1.5MiB"}) {
    EXPECT_THAT(complaints(extended("[mqtt]\npacket_size_max = \"" + std::string{bad} + "\"\n")),
                ElementsAre(HasSubstr("is not a size such as \"16KiB\"")))
        << bad;
  }
  EXPECT_THAT(complaints(extended("[mqtt]\nkeep_alive_max = \"65536s\"\n")),
              ElementsAre("policy.toml:15:18: \"mqtt.keep_alive_max\" = 65536s is out of range: 1s .. 65535s"));
  EXPECT_EQ(accepted(extended("[mqtt]\nkeep_alive_max = \"18h\"\n")).mqtt.keep_alive_max, Milliseconds{64'800'000});
}

}  // namespace
}  // namespace bastion::policy_test
