// Which listeners the gate takes over, which it must not, and by which it reaches the broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mosquitto_tree.hpp"

namespace bastion::mosquitto::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string tls = "certfile /c/server.crt\nkeyfile /c/server.key\n";

std::string upstream(const Imported& imported) {
  const auto& it = imported.policy.upstream;
  return it.tcp ? it.tcp->text() : "unix:" + it.unix_path;
}

TEST(ImportedListeners, KeepTheirPortsAndAddressesUnderTls) {
  const Imported it{Tree{"listener 8883\n" + tls + "listener 8884 192.0.2.1\n" + tls + "listener 8885 ::\n" + tls}};
  EXPECT_THAT(doors(it.policy),
              ElementsAre("mqtts-8883 0.0.0.0:8883 [::]:8883", "mqtts-8884 192.0.2.1:8884", "mqtts-8885 [::]:8885"));
  EXPECT_EQ(upstream(it), "127.0.0.1:1883");
}

TEST(ImportedListeners, KeepToTheFamilyOfTheSocketDomain) {
  const Imported it{Tree{"listener 8883\nsocket_domain ipv4\n" + tls + "listener 8884\nsocket_domain ipv6\n" + tls}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 0.0.0.0:8883", "mqtts-8884 [::]:8884"));
}

TEST(ImportedListeners, OfTheOldKindAreTakenToo) {
  const Imported it{Tree{"port 8883\nbind_address 192.0.2.7\n" + tls}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 192.0.2.7:8883"));
  EXPECT_EQ(upstream(it), "127.0.0.1:1883");
}

TEST(ImportedListeners, InTheClearAreLeftOutForTlsAtTheSameAddresses) {
  const Imported it{Tree{"listener 1883 192.0.2.1\n"}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 192.0.2.1:8883"));
  EXPECT_EQ(it.policy.listeners.front().transport, Transport::mqtts);
  EXPECT_THAT(it.text.toml,
              HasSubstr("# address = \"192.0.2.1:1883\"\n# transport = \"mqtt\"\n# plaintext_beyond_loopback = true\n"));
  EXPECT_THAT(it.text.toml, HasSubstr("Decide: mqtt-1883 is left out: passwords would cross the network in the clear"));
}

struct Doubt {
  const char* name;
  std::string lines;
  const char* why;
};
class DoubtfulListener : public ::testing::TestWithParam<Doubt> {};

TEST_P(DoubtfulListener, IsWrittenAsACommentAndOnlyThisMachineIsHeard) {
  const Tree tree{"listener 9000\n" + GetParam().lines};
  const Imported it{tree};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 127.0.0.1:8883"));
  EXPECT_THAT(it.text.toml, HasSubstr("# address = [\"0.0.0.0:9000\", \"[::]:9000\"]\n"));
  EXPECT_THAT(it.text.decisions, testing::Contains(HasSubstr(GetParam().why)));
  EXPECT_THAT(doors(tree.changed().conf()), ElementsAre("listener 1883 127.0.0.1"));
}

INSTANTIATE_TEST_SUITE_P(
    Imported, DoubtfulListener,
    ::testing::Values(
        Doubt{"Websockets", "protocol websockets\n", "WebSocket is not spoken"},
        Doubt{"WebsocketsWithTls", "protocol websockets\n" + tls, "WebSocket is not spoken"},
        Doubt{"Psk", "psk_hint hint\n", "TLS-PSK is not spoken"},
        Doubt{"ClientCertificates", tls + "require_certificate true\n",
              "client certificates are not checked by this version, and a password alone would do "
              "(/etc/mosquitto/mosquitto.conf:4)"},
        Doubt{"CertificatesAsNames", tls + "use_identity_as_username true\n", "user names came from client certificates"},
        Doubt{"SubjectsAsNames", tls + "use_subject_as_username 1\n", "user names came from client certificates"},
        Doubt{"Proxy", tls + "enable_proxy_protocol 2\n", "which is read from named balancers only"}),
    [](const auto& doubt) { return std::string{doubt.param.name}; });

TEST(ImportedListeners, AreNotDoubtedForSettingsThatAreOff) {
  const Imported it{Tree{"listener 8883\nprotocol mqtt\nrequire_certificate false\nuse_identity_as_username 0\n" + tls}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 0.0.0.0:8883 [::]:8883"));
  EXPECT_THAT(it.text.toml, Not(HasSubstr("left out")));
}

struct Narrow {
  const char* name;
  std::string text;
  const char* note;
};
class NarrowListener : public ::testing::TestWithParam<Narrow> {};

TEST_P(NarrowListener, IsNotOpenedWiderThanTheBrokers) {
  const Imported it{Tree{GetParam().text + tls}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 127.0.0.1:8883"));
  EXPECT_THAT(it.text.decisions, testing::Contains(HasSubstr(GetParam().note)));
}

INSTANTIATE_TEST_SUITE_P(
    Imported, NarrowListener,
    ::testing::Values(Narrow{"Device", "listener 8883\nbind_interface eth0\n",
                             "Mosquitto listened on the interface eth0 alone"},
                      Narrow{"Name", "listener 8883 broker.lan\n", "Mosquitto listened on broker.lan; write its IP address"},
                      Narrow{"Zone", "listener 8883 fe80::1%eth0\n", "Mosquitto listened on fe80::1%eth0"}),
    [](const auto& narrow) { return std::string{narrow.param.name}; });

TEST(ImportedListeners, ThatOnlyThisMachineReachesStayWithTheBroker) {
  const Tree tree{"listener 1883 localhost\nlistener 8884 127.0.0.1\n" + tls + "listener 0 /run/m.sock\nlistener 8883\n" +
                  tls};
  const Imported it{tree};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 0.0.0.0:8883 [::]:8883"));
  EXPECT_EQ(upstream(it), "127.0.0.1:1883");
  EXPECT_THAT(doors(tree.changed().conf()),
              ElementsAre("listener 1883 localhost", "listener 8884 127.0.0.1", "listener 0 /run/m.sock"));
}

TEST(ImportedListeners, WithTlsThatOnlyThisMachineReachesAreAccountedFor) {
  const auto stays = HasSubstr("with TLS of /etc/mosquitto/mosquitto.conf:1 stays as it is");
  const Imported alone{Tree{"listener 8883 127.0.0.1\n" + tls}};
  EXPECT_THAT(alone.text.toml, stays);
  EXPECT_THAT(doors(alone.policy), ElementsAre("mqtts-8884 127.0.0.1:8884"));
  EXPECT_EQ(upstream(alone), "127.0.0.1:1883");
  EXPECT_THAT(Imported{Tree{"listener 8884 ::1\n" + tls + "listener 8883\n" + tls}}.text.toml, stays);
  EXPECT_THAT(Imported{Tree{"listener 8883\n" + tls}}.text.toml, Not(HasSubstr("stays as it is")));
}

TEST(ImportedListeners, ReachTheBrokerByTheSocketItHas) {
  EXPECT_EQ(upstream(Imported{Tree{"listener 0 /run/m.sock\nlistener 8883\n" + tls}}), "unix:/run/m.sock");
}

TEST(ImportedListeners, DoNotReachTheBrokerWhereItTreatsClientsOtherwise) {
  // Its settings would be everybody's.
  for (const std::string settings : {"mount_point local/\n", "use_username_as_clientid true\n", "max_qos 1\n"}) {
    EXPECT_EQ(upstream(Imported{Tree{"listener 1883 127.0.0.1\n" + settings + "listener 8883\n" + tls}}), "127.0.0.1:1884")
        << settings;
    EXPECT_EQ(upstream(Imported{Tree{"listener 1883 127.0.0.1\nlistener 8883\n" + settings + tls}}), "127.0.0.1:1884")
        << settings;
  }
  EXPECT_EQ(upstream(Imported{
                Tree{"per_listener_settings true\nlistener 1883 127.0.0.1\nallow_anonymous true\nlistener 8883\n" + tls}}),
            "127.0.0.1:1884");
}

TEST(ImportedListeners, LeaveTheBrokerAPortThatTheyDoNotTake) {
  EXPECT_EQ(upstream(Imported{Tree{"listener 1883\n" + tls}}), "127.0.0.1:1884");
  // One in the clear goes: clients on this machine still find the broker there.
  EXPECT_EQ(upstream(Imported{Tree{"listener 1883\nlistener 8883\n" + tls}}), "127.0.0.1:1883");
}

TEST(ImportedListeners, ReachTheBrokerByTheSocketThatWasAskedFor) {
  ImportOptions options;
  options.unix_socket = "/run/gate/m.sock";
  EXPECT_EQ(upstream(Imported{Tree{"listener 1883 127.0.0.1\nlistener 8883\n" + tls, {}}, options}),
            "unix:/run/gate/m.sock");
}

TEST(ImportedListeners, AreOneOnThisMachineWhereTheBrokerHasNone) {
  const Imported it{Tree{"persistence true\n"}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 127.0.0.1:8883"));
  EXPECT_EQ(upstream(it), "127.0.0.1:1883");
  EXPECT_THAT(it.text.toml, HasSubstr("Mosquitto 2 then listens on loopback"));
}

TEST(ImportedListeners, LeaveTheAdminPortToWhomHasIt) {
  const Imported it{Tree{"listener 9883\n" + tls}};
  EXPECT_EQ(it.policy.admin.address.value.text(), "127.0.0.1:9884");
}

TEST(ImportedListeners, ThatCantBothBeAreUsedOnce) {
  const Imported it{Tree{"listener 8883\n" + tls + "listener 8883 192.0.2.1\n" + tls}};
  EXPECT_THAT(doors(it.policy), ElementsAre("mqtts-8883 0.0.0.0:8883 [::]:8883"));
  EXPECT_THAT(it.text.decisions, testing::Contains("mqtts-8883-2 is left out: another listener has this address already."));
}

TEST(ImportedListeners, OfTheHttpApiAreNoneOfTheGates) {
  const Tree tree{"listener 8080\nprotocol http_api\nhttp_dir /d\nlistener 8883\n" + tls};
  EXPECT_THAT(doors(Imported{tree}.policy), ElementsAre("mqtts-8883 0.0.0.0:8883 [::]:8883"));
  EXPECT_THAT(doors(tree.changed().conf()), ElementsAre("listener 8080 127.0.0.1", "listener 1883 127.0.0.1"));
}

}  // namespace
}  // namespace bastion::mosquitto::test
