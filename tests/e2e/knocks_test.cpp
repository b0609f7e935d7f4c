// Everybody who knocks at an MQTT port on the Internet, and what becomes of them: refused, counted, in the log, never at the
// broker.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

const std::string tried_password = "Hunter2-tried";
/// Perhaps a password in the wrong field: not for the log.
const std::string mistyped_user = "Correct-Horse-0";

struct Knock {
  const char* name;
  /// Knocks, and says what it was answered.
  std::function<Bytes(const Stage&)> knock;
  const char* counted_as;  ///< stage/reason/cause of the metrics
  const char* logged_as;   ///< what the log line says
  Bytes answer{};          ///< MQTT, where it may be answered at all
  const char* from = "127.0.0.1";
};

void PrintTo(const Knock& knock, std::ostream* to) {
  *to << knock.name;
}

Bytes knock_in_the_clear(const Stage& stage, std::string_view bytes, const std::string& source = {}) {
  const Tcp tcp{stage.gate->devices(), {source}};
  tcp.write(bytes);
  const auto answer = tcp.read_to_end();
  return {answer.begin(), answer.end()};
}

std::function<Bytes(const Stage&)> in_the_clear(std::string_view bytes, const std::string& source = {}) {
  return [bytes, source](const Stage& stage) { return knock_in_the_clear(stage, bytes, source); };
}

std::function<Bytes(const Stage&)> inside_tls(Bytes bytes) {
  return [bytes = std::move(bytes)](const Stage& stage) {
    TlsClient client{stage.gate->devices(), stage.ca()};
    client.write(bytes);
    return client.read_to_end();
  };
}

std::function<Bytes(const Stage&)> inside_tls(std::string_view text) {
  return inside_tls(Bytes{text.begin(), text.end()});
}

Bytes hang_up(const Stage& stage) {
  const Tcp tcp{stage.gate->devices()};
  return {};
}

Bytes hang_up_after_handshake(const Stage& stage) {
  const TlsClient client{stage.gate->devices(), stage.ca()};
  return {};
}

Bytes tls_1_1(const Stage& stage) {
  const auto to = stage.gate->devices();
  const auto done = run({"openssl", "s_client", "-connect", to.address + ':' + std::to_string(to.port), "-tls1_1", "-cipher",
                         "DEFAULT@SECLEVEL=0"});
  EXPECT_NE(done.code, 0);
  return {};
}

Bytes wrong_protocol_name() {
  auto bytes = packet(Connect{4, "id", alice, tried_password});
  bytes[4] = 'm';
  return bytes;
}

Bytes reserved_flag() {
  auto bytes = packet(Connect{4, "id", alice, tried_password});
  bytes[9] |= 0x01;
  return bytes;
}

/// One whole CONNECT that says of itself that it is a little longer, and then the end.
Bytes cut_short(const Stage& stage) {
  auto bytes = packet(Connect{4, "id", alice, tried_password});
  bytes.pop_back();
  TlsClient client{stage.gate->devices(), stage.ca()};
  client.write(bytes);
  return {};
}

using namespace std::string_view_literals;

const std::vector<Knock>& knocks() {
  static const std::vector<Knock> all{
      {"Anonymous",
       inside_tls(packet(Connect{4, "MQTTClient"})),
       "auth/anonymous/no_user",
       "reason=anonymous cause=no_user",
       {0x20, 2, 0, 5}},
      {"AnonymousOfVersion5",
       inside_tls(packet(Connect{5, "MQTTClient"})),
       "auth/anonymous/no_user",
       "reason=anonymous cause=no_user",
       {0x20, 3, 0, 0x87, 0}},
      {"UserWithoutPassword",
       inside_tls(packet(Connect{4, "mqtt-x", alice})),
       "auth/anonymous/no_password",
       "reason=anonymous cause=no_password",
       {0x20, 2, 0, 5}},
      {"WrongPassword",
       inside_tls(packet(Connect{4, "id", alice, tried_password})),
       "auth/bad_credentials/credentials",
       "reason=bad_credentials cause=password",
       {0x20, 2, 0, 4}},
      {"WrongPasswordOfVersion5",
       inside_tls(packet(Connect{5, "id", alice, tried_password})),
       "auth/bad_credentials/credentials",
       "reason=bad_credentials cause=password",
       {0x20, 3, 0, 0x86, 0}},
      {"RightPasswordWithATail",
       inside_tls(packet(Connect{4, "id", alice, alices_password + '\0' + tried_password})),
       "auth/bad_credentials/credentials",
       "reason=bad_credentials cause=password",
       {0x20, 2, 0, 4}},
      {"UnknownUser",
       inside_tls(packet(Connect{4, "id", mistyped_user, tried_password})),
       "auth/bad_credentials/credentials",
       "reason=bad_credentials cause=user",
       {0x20, 2, 0, 4}},
      {"VersionThatIsNotAllowed",
       inside_tls(packet(Connect{3, "id", alice, tried_password})),
       "connect/unsupported_version/mqtt31",
       "reason=unsupported_version cause=mqtt31",
       {0x20, 2, 0, 1}},
      {"AddressThatIsNotAllowed",
       in_the_clear("", "127.0.0.2"),
       "accept/ip_denied/not_allowed",
       "reason=ip_denied cause=not_allowed",
       {},
       "127.0.0.2"},
      {"AddressThatIsDenied",
       in_the_clear("", "127.0.0.5"),
       "accept/ip_denied/denied",
       "reason=ip_denied cause=denied",
       {},
       "127.0.0.5"},
      {"PlainMqtt", in_the_clear("\x10\x16\x00\x04MQTT\x04\x02\x00\x3c\x00\x0aMQTTClient"sv), "tls/not_tls/mqtt",
       "reason=not_tls cause=mqtt"},
      {"PlainHttp", in_the_clear("GET /upgrade_handle.php?cmd=writeuploaddir HTTP/1.1\r\nHost: x\r\n\r\n"),
       "tls/not_tls/http", "reason=not_tls cause=http"},
      {"Rdp", in_the_clear("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"sv),
       "tls/not_tls/rdp", "reason=not_tls cause=rdp"},
      {"Ssh", in_the_clear("SSH-2.0-Go\r\n"), "tls/not_tls/ssh", "reason=not_tls cause=ssh"},
      {"BareConnection", hang_up, "tls/closed_early/no_data", "reason=closed_early cause=no_data"},
      {"HandshakeOnly", hang_up_after_handshake, "tls/closed_early/after_handshake",
       "reason=closed_early cause=after_handshake"},
      {"Tls11", tls_1_1, "tls/tls_handshake_failed/version", "reason=tls_handshake_failed cause=version"},
      {"HttpInsideTls", inside_tls("PUT /x.jsp/ HTTP/1.1\r\nHost: x\r\n\r\n"), "preamble/not_mqtt/http",
       "reason=not_mqtt cause=http"},
      {"SubscribeBeforeConnect", inside_tls(subscribe_packet(4, "#")), "preamble/packet_before_connect/subscribe",
       "reason=packet_before_connect cause=subscribe"},
      {"WrongProtocolName", inside_tls(wrong_protocol_name()), "connect/malformed_connect/protocol_name",
       "reason=malformed_connect cause=protocol_name"},
      {"ReservedFlag", inside_tls(reserved_flag()), "connect/malformed_connect/flags",
       "reason=malformed_connect cause=flags"},
      {"ConnectCutShort", cut_short, "preamble/connect_truncated/", "reason=connect_truncated"},
      {"HugeConnect", inside_tls("\x10\xff\xff\xff\x7f\x00\x04MQTT\x04"sv), "preamble/connect_too_large/",
       "reason=connect_too_large"},
  };
  return all;
}

class Knocks : public ::testing::TestWithParam<Knock> {
 protected:
  static PolicyText policy() {
    PolicyText text;
    text.allow = R"(["127.0.0.1/32", "127.0.0.4/30"])";
    text.admission = "deny = [\"127.0.0.5\"]\n";
    return text;
  }
};

TEST_P(Knocks, IsRefusedCountedLoggedAndNeverReachesTheBroker) {
  const auto& knock = GetParam();
  const Stage stage{policy()};
  EXPECT_EQ(knock.knock(stage), knock.answer);
  ASSERT_TRUE(stage.gate->wait_for_ends(1)) << stage.gate->log().text();

  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{knock.counted_as, 1}}));
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_connections_total{listener=\"devices\"}"), 1);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_open_connections{listener=\"devices\"}"), 0);
  EXPECT_EQ(stage.gate->metric("mqtt_bastion_upstream_connects_total{listener=\"devices\"}"), 0);

  const auto log = stage.gate->log().text();
  const auto lines = lines_with(" refused client=", log);
  ASSERT_EQ(lines.size(), 1U) << log;
  EXPECT_NE(lines[0].find(std::string{" refused client="} + knock.from + ':'), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(knock.logged_as), std::string::npos) << lines[0];

  EXPECT_EQ(stage.broker.log().text().find("New connection"), std::string::npos) << stage.broker.log().text();
  for (const auto& secret : {tried_password, alices_password, mistyped_user}) {
    EXPECT_EQ(log.find(secret), std::string::npos) << log;
    EXPECT_EQ(stage.gate->metrics().find(secret), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(AtTheDoor, Knocks, ::testing::ValuesIn(knocks()),
                         [](const auto& knock) { return std::string{knock.param.name}; });

TEST(KnocksInARow, AreEachCountedOnce) {
  const Stage stage;
  std::map<std::string, int> expected;
  std::size_t count = 0;
  for (const auto& knock : knocks()) {
    if (knock.from != std::string_view{"127.0.0.1"}) continue;
    EXPECT_EQ(knock.knock(stage), knock.answer) << knock.name;
    ++expected[knock.counted_as];
    ++count;
  }
  ASSERT_TRUE(stage.gate->wait_for_ends(count)) << stage.gate->log().text();
  EXPECT_EQ(stage.gate->refusals(), expected);
  EXPECT_EQ(stage.gate->log().text().find(mistyped_user), std::string::npos) << stage.gate->log().text();
  EXPECT_NE(stage.gate->log().text().find("user=\"alice\""), std::string::npos);
}

}  // namespace
}  // namespace bastion::e2e
