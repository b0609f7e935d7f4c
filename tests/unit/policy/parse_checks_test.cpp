// What the parts of a policy say to each other: addresses, listeners, limits and roles that contradict themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/policy/policy_text.hpp"

namespace bastion::policy_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParsePolicy, BelievesOnlyBalancersThatAreNamed) {
  const auto with_balancers = [](const char* list) {
    return changed("name = \"devices\"", std::string{"name = \"devices\"\nbalancers = "} + list);
  };
  const auto policy = accepted(with_balancers(R"(["10.0.0.0/24", "2001:db8::5"])"));
  ASSERT_EQ(policy.listeners[0].balancers.size(), 2U);
  EXPECT_TRUE(policy.listeners[0].balancers[0].contains(Address::v4(10, 0, 0, 7)));
  EXPECT_THAT(complaints(with_balancers("[]")), ElementsAre(HasSubstr("leave it out where there is no balancer")));
  EXPECT_THAT(complaints(with_balancers(R"(["0.0.0.0/0"])")), ElementsAre(HasSubstr("would believe every address")));
  EXPECT_THAT(complaints(with_balancers(R"(["10.0.0.1/24"])")), ElementsAre(HasSubstr("10.0.0.0/24")));
}

TEST(ParsePolicy, HandsTheBrokerTheClientsAddressWhereAsked) {
  using Wanted = UpstreamProxyHeader;
  EXPECT_EQ(accepted(std::string{minimal}).upstream.proxy_header, Wanted::off);
  EXPECT_EQ(accepted(changed("[tls]", "proxy_protocol = \"v1\"\n[tls]")).upstream.proxy_header, Wanted::v1);
  EXPECT_EQ(accepted(changed("[tls]", "proxy_protocol = \"v2\"\n[tls]")).upstream.proxy_header, Wanted::v2);
}

TEST(ParsePolicy, ReadsPrefixFiles) {
  const Files files{{"/etc/b/allow.txt", "\xef\xbb\xbf# ours\r\n10.0.0.0/8\r\n\n  2001:db8::/32  # v6\n192.0.2.1"},
                    {"/etc/b/deny.txt", ""}};
  const auto parsed = parse(changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"\ndeny_file = \"deny.txt\""),
                            files, "/etc/b/policy.toml");
  ASSERT_TRUE(parsed.policy) << testing::PrintToString(lines(parsed));
  const auto& admission = parsed.policy->admission;
  EXPECT_EQ(admission.prefixes.size(), 3u);
  const auto* rule = admission.prefixes.find(Address::parse("2001:db8::1").value());
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->line, 4u);
  EXPECT_EQ(admission.rule_files.at(rule->file), "/etc/b/allow.txt");
}

TEST(ParsePolicy, PlacesComplaintsInPrefixFiles) {
  const auto toml = changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"");
  EXPECT_THAT(complaints(toml, {{"allow.txt", "10.0.0.0/8\n  10.0.0.1/8 # x\n\n?\n"}}),
              ElementsAre(R"(allow.txt:2:3: "10.0.0.1/8": host bits are set; write "10.0.0.0/8")",
                          R"(allow.txt:4:1: "?": is neither an IPv4 nor an IPv6 prefix)"));
}

TEST(ParsePolicy, LetsNobodyInByAccident) {
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[]")),
              ElementsAre(HasSubstr("11:1: no address is allowed and nobody could enter")));
  const auto from_file = changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"");
  EXPECT_THAT(
      complaints(from_file),
      ElementsAre(
          R"(policy.toml:11:14: "admission.allow_file": can't read "allow.txt": No such file or directory; it holds one prefix to a line)"));
  EXPECT_THAT(complaints(from_file, {{"allow.txt", "# nothing\n\n"}}),
              ElementsAre(HasSubstr("holds no prefix: nobody could enter")));
  EXPECT_THAT(
      complaints(changed("allow = [\"192.168.10.0/24\"]", "allow = [\"192.168.10.0/24\"]\ndeny_file = \"deny.txt\"")),
      ElementsAre(HasSubstr("can't read \"deny.txt\"")));
  EXPECT_THAT(complaints(changed("[authentication]\npassword_file = \"passwd\"\n", "")),
              ElementsAre(HasSubstr(R"("authentication.password_file" is missing)")));
}

TEST(ParsePolicy, RefusesPrefixesThatCanNeverMatch) {
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[\"10.0.0.0/8\", \"10.1.0.0/16\", \"::ffff:10.0.0.0/104\"]")),
              ElementsAre(R"(policy.toml:11:39: "10.0.0.0/8" is listed already, at policy.toml:11:10)"));
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[\"10.0.0.0/8\"]\ndeny = [\"10.0.0.0/8\"]")),
              ElementsAre(R"(policy.toml:11:10: "10.0.0.0/8" can never be allowed: it is denied at policy.toml:12:9)"));
}

TEST(ParsePolicy, WarnsOfOpenDoors) {
  const auto everyone = parse(changed("[\"192.168.10.0/24\"]", "[\"0.0.0.0/0\", \"::/0\"]"));
  EXPECT_TRUE(everyone.policy);
  EXPECT_THAT(lines(everyone), ElementsAre(R"(policy.toml:11:10: warning: "0.0.0.0/0" lets every IPv4 address in)",
                                           R"(policy.toml:11:23: warning: "::/0" lets every IPv6 address in)"));
  const auto anonymous = parse(changed("password_file = \"passwd\"", "required = false"));
  EXPECT_TRUE(anonymous.policy);
  EXPECT_THAT(lines(anonymous), ElementsAre(HasSubstr("policy.toml:13:1: warning: clients without credentials are let in")));
  const auto metrics = parse(extended("[admin]\naddress = \"0.0.0.0:9883\"\n"));
  EXPECT_TRUE(metrics.policy);
  EXPECT_THAT(lines(metrics), ElementsAre(HasSubstr("15:11: warning: \"admin.address\" is not a loopback address")));
}

TEST(ParsePolicy, WantsListenersApart) {
  const auto second = [](std::string_view name, std::string_view address) {
    return extended("[[listener]]\nname = \"" + std::string{name} + "\"\naddress = \"" + std::string{address} + "\"\n");
  };
  EXPECT_THAT(complaints(second("devices", "0.0.0.0:8884")),
              ElementsAre(R"(policy.toml:15:8: the listener of policy.toml:7:1 is named "devices" already)"));
  EXPECT_THAT(complaints(second("b", "192.0.2.1:8883")),
              ElementsAre(HasSubstr(
                  R"(policy.toml:16:11: "192.0.2.1:8883" overlaps "0.0.0.0:8883" of a listener at policy.toml:9:11)")));
  EXPECT_THAT(complaints(second("b", "127.0.0.1:9883")),
              ElementsAre(HasSubstr("overlaps \"127.0.0.1:9883\" of [admin], by default")));
  EXPECT_THAT(complaints(second("b", "127.0.0.1:1883")),
              ElementsAre(HasSubstr("3:11: \"upstream.address\" is the gate's own listener")));
  accepted(second("b", "[::]:8883"));
  accepted(with(second("b", "0.0.0.0:0"), "0.0.0.0:8883", "0.0.0.0:0"));
}

TEST(ParsePolicy, WantsACertificateAndItsKeyForTls) {
  EXPECT_THAT(complaints(changed("[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n", "")),
              ElementsAre(HasSubstr(R"(needs "tls.certificate" and "tls.key")")));
  EXPECT_THAT(complaints(changed("\"server.key\"", "[\"a\", \"b\"]")),
              ElementsAre(HasSubstr("6:1: \"tls.certificate\" names 1")));
  EXPECT_THAT(
      complaints(with(changed("\"server.key\"", "[\"a\", \"b\", \"c\"]"), "\"server.crt\"", "[\"a\", \"b\", \"c\"]")),
      ElementsAre(HasSubstr("at most two pairs")));
  accepted(with(changed("[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n", ""), "\"0.0.0.0:8883\"",
                "\"127.0.0.1:8883\"\ntransport = \"mqtt\""));
}

TEST(ParsePolicy, ComparesLimitsThatBelongTogether) {
  const auto limited = [](std::string_view more) { return changed("[admission]", "[admission]\n" + std::string{more}); };
  EXPECT_THAT(complaints(limited("connections_max = 8\nconnections_per_address_max = 9")),
              ElementsAre(HasSubstr("12:1: \"admission.connections_per_address_max\" = 9 is more than")));
  EXPECT_THAT(complaints(limited("connections_max = 8\nhandshakes_max = 9")),
              ElementsAre(HasSubstr("12:1: \"admission.handshakes_max\"")));
  EXPECT_THAT(
      complaints(limited("handshakes_max = 8\nhandshakes_per_address_max = 9")),
      ElementsAre(HasSubstr(R"("admission.handshakes_per_address_max" = 9 is more than "admission.handshakes_max" = 8)")));
  accepted(limited("handshakes_max = 8"));
  EXPECT_THAT(complaints(limited("connections_max = 100000")),
              ElementsAre(HasSubstr("11:1: \"admission.addresses_tracked_max\" = 65536 is less than")));
  accepted(limited("connections_max = 8"));
}

TEST(ParsePolicy, RefusesVersionsThatNobodySpeaks) {
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = []\n")), ElementsAre(HasSubstr("allows no version")));
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = [\"bridge\"]\n")),
              ElementsAre(HasSubstr("allows no version: nobody could enter; bridges speak \"3.1.1\"")));
  accepted(extended("[mqtt]\nversions = [\"5.0\", \"bridge\"]\n"));
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = [\"5\"]\n")),
              ElementsAre(HasSubstr("15:13: \"mqtt.versions\": \"5\" is not one of")));
}

TEST(ParsePolicy, RefusesRolesThatCanNeverMatch) {
  const auto roles = [](std::string_view first) {
    return extended("[[role]]\nname = \"a\"\n" + std::string{first} + "[[role]]\nname = \"b\"\n");
  };
  EXPECT_THAT(
      complaints(roles("")),
      ElementsAre(HasSubstr("policy.toml:16:1: this role and all after it can never match: the one at policy.toml:14:1")));
  EXPECT_THAT(complaints(roles("users = [\"*\"]\n")), ElementsAre(HasSubstr("can never match")));
  EXPECT_THAT(complaints(roles("users = [\"%u\"]\n")), ElementsAre(HasSubstr("can't choose users")))
      << "nothing follows from it";
  accepted(roles("networks = [\"10.0.0.0/8\"]\n"));
  EXPECT_THAT(complaints(roles("users = [\"x\"]\n[[role]]\nname = \"a\"\n")),
              ElementsAre(HasSubstr("is named \"a\" already"), HasSubstr("can never match")));
}

TEST(ParsePolicy, ChecksPatterns) {
  const auto role = [](std::string_view more) { return extended("[[role]]\nname = \"a\"\n" + std::string{more} + "\n"); };
  EXPECT_THAT(complaints(role("users = [\"%u\"]")), ElementsAre(HasSubstr("16:10: \"%u\": %u is the user's own name")));
  EXPECT_THAT(complaints(role("client_id = \"%c-*\"")),
              ElementsAre(HasSubstr("only %u (the user name) and %% (a percent sign)")));
  EXPECT_THAT(complaints(role("client_id = \"50%\"")), ElementsAre(HasSubstr("only %u")));
  EXPECT_THAT(complaints(role("users = []")), ElementsAre(HasSubstr("is empty: leave it out to mean any user")));
  EXPECT_THAT(complaints(role("networks = []")), ElementsAre(HasSubstr("is empty: leave it out to mean any network")));
  EXPECT_THAT(complaints(role("client_id = \"\"")), ElementsAre(HasSubstr("must not be empty")));
  accepted(role("users = [\"100%%-*\"]\nclient_id = \"%u%%\""));
}

TEST(ParsePolicy, HelpsWithAddresses) {
  const auto upstream = [](std::string_view address) { return changed("127.0.0.1:1883", address); };
  EXPECT_THAT(complaints(upstream("localhost:1883")), ElementsAre(HasSubstr(R"(write "127.0.0.1:1883")")));
  EXPECT_THAT(complaints(upstream("::1:1883")), ElementsAre(HasSubstr(R"(write "[::1]:1883")")));
  for (const char* bad : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":1883", "[127.0.0.1]:1883", "broker.lan:1883",
                          "127.0.0.1:01883x", "127.0.0.1:000001883"}) {
    EXPECT_THAT(complaints(upstream(bad)), ElementsAre(HasSubstr("is not an IP address and a port"))) << bad;
  }
  EXPECT_THAT(complaints(upstream("0.0.0.0:1883")), ElementsAre(HasSubstr("can't be dialled")));
  EXPECT_THAT(complaints(upstream("127.0.0.1:0")), ElementsAre(HasSubstr("can't be dialled")));
  EXPECT_THAT(complaints(upstream("unix:")), ElementsAre(HasSubstr("1 .. 107 bytes")));
  EXPECT_THAT(complaints(upstream("unix:/" + std::string(107, 'x'))), ElementsAre(HasSubstr("1 .. 107 bytes")));
  EXPECT_EQ(accepted(upstream("unix:mosquitto.sock")).upstream.unix_path, "mosquitto.sock");
}

}  // namespace
}  // namespace bastion::policy_test
