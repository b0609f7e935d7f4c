// What an imported policy says of TLS, addresses, passwords and limits, as the gate's own parser reads it.
#include "proxy/mosquitto/policy_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "proxy/mosquitto/toml_text.hpp"
#include "tests/support/mosquitto_tree.hpp"

namespace bastion::mosquitto::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::string tls = "certfile /c/server.crt\nkeyfile /c/server.key\n";
const std::string door = "listener 8883\n" + tls;

Prefix prefix(const char* text) {
  return std::get<Prefix>(parse_prefix(text));
}

// --- who may come in ------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, LetsThisMachineInAndNobodyElseWhereNoNetworkIsNamed) {
  const Imported it{Tree{door}};
  EXPECT_NE(it.policy.admission.prefixes.find(Address::v4(127, 0, 0, 1)), nullptr);
  EXPECT_EQ(it.policy.admission.prefixes.find(Address::v4(192, 168, 1, 1)), nullptr);
  EXPECT_EQ(it.policy.admission.prefixes.size(), 2U);
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("Name the networks that your clients come from")));
}

TEST(ImportedPolicy, LetsInTheNetworksThatWereNamedEachOnce) {
  ImportOptions options;
  options.allow = {prefix("192.168.1.0/24"), prefix("2001:db8::/32"), prefix("192.168.1.0/24")};
  const Imported it{Tree{door}, options};
  EXPECT_EQ(it.policy.admission.prefixes.size(), 2U);
  EXPECT_NE(it.policy.admission.prefixes.find(Address::v4(192, 168, 1, 9)), nullptr);
  EXPECT_EQ(it.policy.admission.prefixes.find(Address::v4(127, 0, 0, 1)), nullptr);
  EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("Name the networks"))));
}

TEST(ImportedPolicy, EnforcesUnlessItIsToObserve) {
  EXPECT_EQ(Imported{Tree{door}}.policy.mode, Mode::enforce);
  ImportOptions options;
  options.observe = true;
  const Imported it(Tree{door}, options);
  EXPECT_EQ(it.policy.mode, Mode::observe);
}

TEST(ImportedPolicy, HasSomethingToAskWhoWouldBeRefusedWhereItObserves) {
  ImportOptions options;
  options.observe = true;
  const Imported it{Tree{"listener 9883\n" + tls}, options};
  ASSERT_TRUE(it.policy.gate.state_dir && it.policy.admin.socket);
  EXPECT_EQ(it.policy.gate.state_dir->value, "/var/lib/mqtt-bastion");
  EXPECT_EQ(it.policy.admin.socket->value, "/run/mqtt-bastion/control.sock");
  EXPECT_EQ(it.policy.admin.address.value.text(), "127.0.0.1:9884") << "in the same section";
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("must be there and belong to the user that the gate runs as")));
  const Imported enforced{Tree{door}};
  EXPECT_FALSE(enforced.policy.gate.state_dir || enforced.policy.admin.socket);
}

// --- passwords ------------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, ReadsTheBrokersOwnPasswordFile) {
  const Imported it{Tree{door + "allow_anonymous false\npassword_file /etc/mosquitto/passwd\n"}};
  EXPECT_TRUE(it.policy.authentication.required);
  ASSERT_TRUE(it.policy.authentication.password_file);
  EXPECT_EQ(it.policy.authentication.password_file->value, "/etc/mosquitto/passwd");
}

TEST(ImportedPolicy, RequiresALoginWhereTheBrokerDidNot) {
  const Imported it{Tree{door + "allow_anonymous true\npassword_file /p\n"}};
  EXPECT_TRUE(it.policy.authentication.required);
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("clients without a user name came in until now (" + main_file + ":4)")));
}

TEST(ImportedPolicy, RequiresALoginWhereOneListenerDidNot) {
  const Imported it{Tree{door + "listener_allow_anonymous true\npassword_file /p\n"}};
  EXPECT_TRUE(it.policy.authentication.required);
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("clients without a user name came in until now")));
}

TEST(ImportedPolicy, NamesAPasswordFileToMakeWhereThereWasNone) {
  const Imported it{Tree{door}};
  EXPECT_TRUE(it.policy.authentication.required);
  EXPECT_THAT(it.policy.authentication.password_file->value, testing::EndsWith("/passwd"));
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("mqtt-bastion passwd --create passwd USER")));
}

TEST(ImportedPolicy, SaysWhereTheBrokerItselfWouldRefuseEverybody) {
  const auto refuses = HasSubstr("Mosquitto 2 itself refuses everybody");
  EXPECT_THAT(Imported{Tree{door}}.text.decisions, Contains(refuses));
  EXPECT_THAT(Imported{Tree{door + "allow_anonymous true\n"}}.text.decisions, Not(Contains(refuses)));
  EXPECT_THAT(Imported{Tree{door + "password_file /p\n"}}.text.decisions, Not(Contains(refuses)));
  EXPECT_THAT(Imported{Tree{""}}.text.decisions, Not(Contains(refuses)));
  ImportOptions options;
  options.unix_socket = "/run/m.sock";
  EXPECT_THAT((Imported{Tree{""}, options}.text.decisions), Contains(refuses));
}

TEST(ImportedPolicy, FindsThePasswordFileOfAPlugin) {
  for (const std::string plugin : {"plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file /p\n",
                                   "global_plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file /p\n"}) {
    const Imported it{Tree{plugin + door}};
    EXPECT_EQ(it.policy.authentication.password_file->value, "/p");
    EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("plugin")))) << plugin;
  }
}

TEST(ImportedPolicy, SaysThatAPluginsUsersAreUnknownToTheGate) {
  const Imported alone{Tree{door + "plugin /usr/lib/mosquitto_dynamic_security.so\nplugin_opt_config_file /d.json\n"}};
  EXPECT_TRUE(alone.policy.authentication.required);
  EXPECT_THAT(alone.text.decisions, Contains(HasSubstr("users are known to a plugin (" + main_file + ":4)")));
  const Imported beside{Tree{door + "auth_plugin /opt/go-auth.so\npassword_file /p\n"}};
  EXPECT_THAT(beside.text.decisions,
              Contains(HasSubstr("users that only the plugin of " + main_file + ":4 knows are refused")));
}

TEST(ImportedPolicy, TakesOnePasswordFileAndNamesTheOthers) {
  const Imported it{Tree{"per_listener_settings true\nlistener 8883\n" + tls + "password_file /a\nlistener 8884\n" + tls +
                         "password_file /b\n"}};
  EXPECT_EQ(it.policy.authentication.password_file->value, "/a");
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("The users of " + main_file + ":9 are not known to it")));
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("security settings were each listener's own")));
}

const std::string left_out_and_door =
    "per_listener_settings true\nlistener 1883 192.168.1.2\npassword_file /a\nacl_file /a.acl\n"
    "allow_anonymous true\n" +
    door;

TEST(ImportedPolicy, TakesThePasswordFileOfAListenerThatIsUsed) {
  const Imported it{Tree{left_out_and_door + "password_file /b\nallow_anonymous false\n"}};
  EXPECT_EQ(it.policy.authentication.password_file->value, "/b");
  EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("are not known to it"))));
  EXPECT_THAT(it.text.decisions, Contains("the users of " + main_file +
                                          ":3 came by a listener that is left out. Those who are "
                                          "to come by another have to be in the file above."));
}

TEST(ImportedPolicy, AsksNoListenerThatIsLeftOutWhetherALoginWasWanted) {
  const auto came = HasSubstr("clients without a user name came in until now");
  EXPECT_THAT(Imported{Tree{left_out_and_door + "password_file /b\n"}}.text.decisions, Not(Contains(came)));
  EXPECT_THAT(Imported{Tree{left_out_and_door + "password_file /b\nallow_anonymous true\n"}}.text.decisions,
              Contains(HasSubstr("came in until now (" + main_file + ":10)")));
}

TEST(ImportedPolicy, KnowsTheBrokersUsersWhereNoListenerThatIsUsedDoes) {
  const Imported it{Tree{left_out_and_door}};
  EXPECT_EQ(it.policy.authentication.password_file->value, "/a");
  EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("left out. Those who"))));
}

TEST(ImportedPolicy, LeavesAPluginsPasswordsToItsOwnListener) {
  const std::string plugin = "plugin /p.so\nplugin_opt_password_file ";
  const Imported it{Tree{"per_listener_settings true\nlistener 1883\n" + plugin + "/a\n" + door + "password_file /b\n"}};
  EXPECT_EQ(it.policy.authentication.password_file->value, "/b");
  EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("are not known to it"))));
}

// --- topics ---------------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, SaysHowTopicsThatBeginWithADollarCanBeRead) {
  const Imported it{Tree{door}};
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("those that begin with \"$\", $SYS among them")));
  EXPECT_THAT(it.text.toml,
              HasSubstr("\n# [[role]]\n# name = \"all\"\n# publish = [\"#\"]\n# subscribe = [\"#\", \"$SYS/#\"]\n"));
}

TEST(ImportedPolicy, SaysHowTheAclFileIsTakenOver) {
  const Imported it{Tree{left_out_and_door + "acl_file /b.acl\n"}};
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("let the gate go by the same file")));
  EXPECT_THAT(it.text.toml, HasSubstr("\n# [authorization]\n# acl_file = \"/b.acl\"  # " + main_file + ":9\n"));
  EXPECT_FALSE(it.policy.authorization.acl_file) << "the broker's own rules hold as before";
}

// --- TLS ------------------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, TakesCertificateAndKey) {
  const Imported it{Tree{door}};
  ASSERT_EQ(it.policy.tls.key_pairs.size(), 1U);
  EXPECT_EQ(it.policy.tls.key_pairs.front().certificate.value, "/c/server.crt");
  EXPECT_EQ(it.policy.tls.key_pairs.front().key.value, "/c/server.key");
  EXPECT_EQ(it.policy.tls.profile, TlsProfile::intermediate);
}

TEST(ImportedPolicy, TakesTheCertificateOfAListenerThatIsLeftOut) {
  const Imported it{Tree{"listener 1883\nlistener 9001\nprotocol websockets\ncertfile /w.crt\nkeyfile /w.key\n"}};
  EXPECT_EQ(it.policy.tls.key_pairs.front().certificate.value, "/w.crt");
}

TEST(ImportedPolicy, AsksForACertificateWhereThereWasNone) {
  const Imported it{Tree{"listener 1883\n"}};
  EXPECT_THAT(it.policy.tls.key_pairs.front().certificate.value, testing::EndsWith("/server.crt"));
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("Mosquitto had no certificate")));
}

TEST(ImportedPolicy, SpeaksTls13AloneWhereEveryListenerDid) {
  EXPECT_EQ(Imported{Tree{door + "tls_version tlsv1.3\n"}}.policy.tls.profile, TlsProfile::modern);
  const auto both = door + "tls_version tlsv1.3\nlistener 8884\n" + tls;
  EXPECT_EQ(Imported{Tree{both}}.policy.tls.profile, TlsProfile::intermediate);
}

TEST(ImportedPolicy, SaysThatOldTlsIsOver) {
  EXPECT_THAT(Imported{Tree{door + "tls_version tlsv1.1\n"}}.text.toml,
              HasSubstr("tlsv1.1 of " + main_file + ":4 is spoken no more"));
}

TEST(ImportedPolicy, NamesASecondCertificateThatItDoesNotShow) {
  const Imported it{Tree{door + "listener 8884\ncertfile /other.crt\nkeyfile /other.key\n"}};
  EXPECT_EQ(it.policy.tls.key_pairs.size(), 1U);
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("Another one was at " + main_file + ":5")));
}

// --- paths ----------------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, NamesFilesSoThatTheyAreFoundFromWhereItLies) {
  ImportOptions options;
  options.directory = "/srv/broker";
  options.policy_directory = "/srv/broker/gate";
  EXPECT_EQ(policy_path("passwd", options), "/srv/broker/passwd");
  EXPECT_EQ(policy_path("gate/passwd", options), "passwd");
  EXPECT_EQ(policy_path("/srv/broker/gate/keys/a.key", options), "/srv/broker/gate/keys/a.key") << "as it was written";
  EXPECT_EQ(policy_path("/srv/broker/gateway/passwd", options), "/srv/broker/gateway/passwd");
  options.directory = "/";
  options.policy_directory.clear();
  EXPECT_EQ(policy_path("passwd", options), "/passwd");
}

TEST(ImportedPolicy, HoldsPathsWithEveryCharacterTheyMayHave) {
  const std::string path = "/a \"b\" \\c/\xc3\xa9/%#'";
  const Imported it{Tree{door + "password_file " + path + '\n'}};
  EXPECT_EQ(it.policy.authentication.password_file->value, path);
}

// --- limits ---------------------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, AddsUpTheConnectionsOfItsListeners) {
  EXPECT_EQ(Imported{Tree{door + "max_connections 100\nlistener 8884\n" + tls + "max_connections 50\n"}}
                .policy.admission.connections_max,
            150U);
  EXPECT_EQ(Imported{Tree{door + "max_connections 100\nlistener 8884\n" + tls}}.policy.admission.connections_max, 4096U);
  EXPECT_EQ(Imported{Tree{door + "max_connections -1\n"}}.policy.admission.connections_max, 4096U);
  EXPECT_EQ(Imported{Tree{door + "max_connections 0\n"}}.policy.admission.connections_max, 1U);
}

TEST(ImportedPolicy, CountsNoConnectionsOfAListenerThatIsLeftOut) {
  const Imported it{Tree{door + "max_connections 100\nlistener 9001\nprotocol websockets\n"}};
  EXPECT_EQ(it.policy.admission.connections_max, 100U);
  const Imported both{Tree{door + "max_connections 100\nlistener 9001\nprotocol websockets\nmax_connections 7\n"}};
  EXPECT_EQ(both.policy.admission.connections_max, 100U);
  // TLS in its place takes what came in the clear.
  EXPECT_EQ(Imported{Tree{"listener 1883\nmax_connections 60\n"}}.policy.admission.connections_max, 60U);
}

TEST(ImportedPolicy, DoesNotDenyALimitThatGoesWithItsListener) {
  const auto toml = Imported{Tree{"listener 9001\nprotocol websockets\nmax_connections 7\n"}}.text.toml;
  EXPECT_THAT(toml,
              HasSubstr("# No limit of Mosquitto's holds for all listeners above; here it is connections_max = 4096."));
}

TEST(ImportedPolicy, TakesTheBrokersWholeLimitWhereItIsLess) {
  EXPECT_EQ(Imported{Tree{"global_max_connections 70\n" + door}}.policy.admission.connections_max, 70U);
  EXPECT_EQ(Imported{Tree{"global_max_connections 70\n" + door + "max_connections 60\n"}}.policy.admission.connections_max,
            60U);
}

TEST(ImportedPolicy, TracksAsManyAddressesAsThereMayBeConnections) {
  const Imported it{Tree{door + "max_connections 200000\n"}};
  EXPECT_EQ(it.policy.admission.connections_max, 200'000U);
  EXPECT_EQ(it.policy.admission.addresses_tracked_max, 200'000U);
}

TEST(ImportedPolicy, TakesKeepAliveAndSizes) {
  const Imported it{Tree{door + "max_keepalive 600\nmax_packet_size 5000\n"}};
  EXPECT_EQ(it.policy.mqtt.keep_alive_max, Milliseconds{600'000});
  EXPECT_EQ(it.policy.mqtt.packet_size_max, 5000U);
}

TEST(ImportedPolicy, LeavesRoomForTheTopicAroundALimitedPayload) {
  EXPECT_EQ(Imported{Tree{door + "message_size_limit 1000\n"}}.policy.mqtt.packet_size_max, 1000U + 2 + 65'535 + 2 + 5);
  EXPECT_EQ(Imported{Tree{door + "message_size_limit 0\n"}}.policy.mqtt.packet_size_max, MqttPolicy{}.packet_size_max);
}

TEST(ImportedPolicy, TakesTheNarrowerOfTwoSizes) {
  constexpr std::uint32_t around = 2 + 65'535 + 2 + 5;
  const Imported packet{Tree{door + "max_packet_size 5000\nmessage_size_limit 4000\n"}};
  EXPECT_EQ(packet.policy.mqtt.packet_size_max, 5000U);
  const Imported payload{Tree{door + "message_size_limit 4000\nmax_packet_size 200000\n"}};
  EXPECT_EQ(payload.policy.mqtt.packet_size_max, 4000U + around);
  EXPECT_THAT(payload.text.toml,
              HasSubstr("# The narrower of max_packet_size (" + main_file + ":5) and message_size_limit"));
  const Imported none{Tree{door + "message_size_limit 4000\nmax_packet_size 0\n"}};
  EXPECT_EQ(none.policy.mqtt.packet_size_max, 4000U + around) << "0 is no limit";
}

TEST(ImportedPolicy, KeepsLimitsWithinWhatItCanSay) {
  const Imported it{Tree{door + "max_keepalive 0\nmax_packet_size 20\nmax_connections 99999999\n"}};
  EXPECT_EQ(it.policy.mqtt.keep_alive_max, MqttPolicy{}.keep_alive_max);
  EXPECT_EQ(it.policy.mqtt.packet_size_max, 128U);
  EXPECT_EQ(it.policy.admission.connections_max, 1'000'000U);
}

TEST(ImportedPolicy, TakesTheVersionsThatItsListenersTake) {
  const Imported it{Tree{door + "accept_protocol_versions 3, 4\n"}};
  EXPECT_TRUE(it.policy.mqtt.allow_v3_1 && it.policy.mqtt.allow_v3_1_1);
  EXPECT_FALSE(it.policy.mqtt.allow_v5_0);
  const Imported by_default{Tree{door}};
  EXPECT_FALSE(by_default.policy.mqtt.allow_v3_1);
  EXPECT_TRUE(by_default.policy.mqtt.allow_v5_0);
}

TEST(ImportedPolicy, WantsClientIdentifiersWhereTheBrokerDid) {
  EXPECT_FALSE(Imported{Tree{door + "allow_zero_length_clientid false\n"}}.policy.mqtt.client_id_empty);
  EXPECT_TRUE(Imported{Tree{door + "allow_zero_length_clientid true\n"}}.policy.mqtt.client_id_empty);
}

// --- what else is said ----------------------------------------------------------------------------------------------------

TEST(ImportedPolicy, SaysWhatStaysAndWhatIsNotNeeded) {
  const Imported it{Tree{door + "cafile /ca.crt\nacl_file /acl\nmax_inflight_messages 5\nmax_inflight_messages 6\n"}};
  EXPECT_THAT(it.text.toml, HasSubstr("cafile (" + main_file + ":4) is not needed: "));
  EXPECT_THAT(it.text.toml, HasSubstr("acl_file (" + main_file + ":5) stays with the broker: "));
  EXPECT_THAT(it.text.toml, HasSubstr("Unchanged with the broker: max_inflight_messages"));
  EXPECT_THAT(it.text.toml, HasSubstr(main_file + ":6 and 1 more)"));
}

TEST(ImportedPolicy, SaysWhatGoesWithTheListenersThatTheBrokerHasNoMore) {
  const Imported it{Tree{left_out_and_door + "acl_file /b.acl\n"}};
  EXPECT_THAT(it.text.toml,
              HasSubstr("Gone with the listeners that the broker has no more: acl_file (" + main_file + ":4)"));
  EXPECT_THAT(it.text.toml, HasSubstr("acl_file (" + main_file + ":9) stays with the broker: "));
}

TEST(ImportedPolicy, SumsUpInOneDecisionWhatMayRefuseWhoCameInUntilNow) {
  const auto summary = [](const std::string& more) {
    for (const auto& decision : Imported{Tree{door + more}}.text.decisions) {
      if (decision.find("has no word on these") != std::string::npos) return decision;
    }
    return std::string{};
  };
  const auto all = summary("");
  for (const auto* held :
       {R"(mqtt.versions = ["3.1.1", "5.0"] (without "3.1" and "bridge"))", R"(mqtt.keep_alive_max = "20m" ()",
        R"(mqtt.packet_size_max = "256KiB")", R"(mqtt.client_id_characters = "-_.:@")", "mqtt.client_id_length_max = 128",
        "mqtt.session_guard = true", "admission.connections_per_address_max = 32", "mqtt.subscriptions_max = 256",
        "mqtt.in_flight_max = 256", "mqtt.retained_messages_max = 1024", R"(mqtt.session_expiry_max = "168h")"}) {
    EXPECT_THAT(all, HasSubstr(held));
  }
  const auto few = summary("max_keepalive 600\nmax_packet_size 5000\naccept_protocol_versions 3,4,5\n");
  EXPECT_THAT(few, Not(HasSubstr("keep_alive_max")));
  EXPECT_THAT(few, Not(HasSubstr("packet_size_max")));
  EXPECT_THAT(few, HasSubstr("They are refused: mqtt.versions without \"bridge\", "));
}

TEST(ImportedPolicy, WantsADecisionOnWhatNothingDoesAndOnWhatIsUnknown) {
  const Imported it{Tree{door + "psk_file /psk\nfuture_option 1\n"}};
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("psk_file (" + main_file + ":4) has no equivalent: ")));
  EXPECT_THAT(it.text.decisions, Contains(HasSubstr("future_option (" + main_file + ":5) is not known here")));
}

TEST(ImportedPolicy, HasNoWordOnTheTlsOfAListenerThatStays) {
  const Imported it{Tree{"listener 8884 127.0.0.1\n" + tls + "tls_engine pkcs11\n" + door}};
  EXPECT_THAT(it.text.decisions, Not(Contains(HasSubstr("tls_engine"))));
}

TEST(ImportedPolicy, LeavesTheSettingsOfAListenerThatStaysWithTheBroker) {
  const auto toml = Imported{Tree{"listener 8884 127.0.0.1\n" + tls + "cafile /ca.crt\n" + door}}.text.toml;
  EXPECT_THAT(toml, testing::ContainsRegex("Unchanged with the broker: certfile \\(" + main_file + ":2\\)"));
  EXPECT_THAT(toml, Not(HasSubstr("stays with the broker: tls.")));
  EXPECT_THAT(toml, Not(HasSubstr("is not needed")));
}

TEST(ImportedPolicy, FoldsItsCommentsAndNothingElse) {
  const Imported it{Tree{door + "allow_anonymous true\nsome_new_option a\n"}};
  std::istringstream lines{it.text.toml};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 130U) << line;
}

TEST(TomlString, EscapesWhatWouldEndIt) {
  EXPECT_EQ(toml_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(toml_string(std::string_view{"\n\0\x7f", 3}), R"("\u000a\u0000\u007f")");
}

}  // namespace
}  // namespace bastion::mosquitto::test
