// What an imported policy says of the broker's own bridges: what each needs where it leads to a gate.
#include "proxy/mosquitto/bridges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/mosquitto_tree.hpp"

namespace bastion::mosquitto::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string door = "listener 8883\ncertfile /c/server.crt\nkeyfile /c/server.key\n";
/// All that a bridge has to say where it comes as any client: lines 4 to 8.
const std::string plain =
    "connection up\naddress gate.example:8883\nbridge_cafile /ca.crt\nremote_username site\nremote_password p\n";

/// The comments of the policy, as they were before they were folded.
std::string comments_of(const std::string& bridges) {
  TomlText out;
  write_bridges(out, Tree{door + bridges}.conf());
  std::string text = out.text();
  for (auto at = text.find("\n# "); at != std::string::npos; at = text.find("\n# ", at)) text.replace(at, 3, " ");
  return text;
}

TEST(ImportedBridges, AreNotSpokenOfWhereThereAreNone) {
  EXPECT_EQ(comments_of(""), "");
}

TEST(ImportedBridges, AreSaidToPassByTheGateAndWhatTheyNeedAtAnother) {
  EXPECT_EQ(
      comments_of(plain),
      "# Bridges are connections that the broker makes itself: they do not come through this gate, and nothing changes "
      "for them. Where the broker at their other end has a gate before it, each has to say there what any client has to: "
      "up (" +
          main_file +
          ":4): its address is the gate's TLS listener. There, mqtt.versions has \"3.1.1\" and "
          "\"bridge\", and rules that name topics let it publish to $SYS/broker/connection/HOSTNAME.up/state, and leave its "
          "will there.\n");
  EXPECT_THAT(Imported{Tree{door + plain}}.text.toml, HasSubstr("# Bridges are connections that the broker makes itself"));
}

TEST(ImportedBridges, AreToldWhatIsMissing) {
  const auto said = comments_of("connection up\naddress a:1883\ntopic # out\n");
  EXPECT_THAT(said,
              HasSubstr("its address is the gate's TLS listener; bridge_cafile; remote_username and remote_password. "));
  EXPECT_THAT(comments_of(plain + "bridge_insecure true\n"),
              HasSubstr("; bridge_insecure false, since it would take anybody"));
  EXPECT_THAT(comments_of(plain + "bridge_insecure false\n"), Not(HasSubstr("bridge_insecure")));
  EXPECT_THAT(comments_of("connection up\naddress a:8883\nbridge_psk 12\nbridge_identity b\nusername u\npassword p\n"),
              HasSubstr("listener; bridge_cafile in place of its PSK, which the gate does not have. "));
}

TEST(ImportedBridges, NeedTheVersionThatTheySpeakAndTheirStateIfTheyTellIt) {
  const std::string state = ", and rules that name topics let it publish to ";
  const auto needs = [](const std::string& more) {
    auto said = comments_of(plain + more);
    return said.substr(said.find("There, "));
  };
  EXPECT_THAT(needs("bridge_protocol_version mqttv31\n"), HasSubstr(R"("3.1" and "bridge", and rules)"));
  EXPECT_THAT(needs("bridge_protocol_version mqttv50\n"), HasSubstr(R"("5.0" and "bridge", and rules)"));
  EXPECT_EQ(needs("bridge_protocol_version mqttv50\nnotifications false\n"), "There, mqtt.versions has \"5.0\".\n");
  EXPECT_EQ(needs("notifications_local_only true\n"), "There, mqtt.versions has \"3.1.1\" and \"bridge\".\n");
  EXPECT_EQ(needs("try_private false\nnotifications false\n"), "There, mqtt.versions has \"3.1.1\".\n");
  EXPECT_EQ(needs("try_private false\nnotification_topic up/state\n"),
            "There, mqtt.versions has \"3.1.1\"" + state + "up/state, and leave its will there.\n");
  EXPECT_THAT(needs("remote_clientid site-1\n"), HasSubstr(state + "$SYS/broker/connection/site-1/state, "));
  EXPECT_THAT(needs("clientid site-2\n"), HasSubstr(state + "$SYS/broker/connection/site-2/state, "));
}

TEST(ImportedBridges, HaveEachItsOwnLines) {
  const auto said = comments_of("connection a\naddress x\nnotifications false\ntry_private false\nlistener 1884\n" + plain);
  EXPECT_THAT(said, HasSubstr("a (" + main_file +
                              ":4): its address is the gate's TLS listener; bridge_cafile; "
                              "remote_username and remote_password. There, mqtt.versions has \"3.1.1\". up ("));
}

}  // namespace
}  // namespace bastion::mosquitto::test
