// A client's first packet: let in, or refused by the right name.
#include "proxy/inspect/connect_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::inspect {
namespace {

std::vector<std::uint8_t> with_other_credentials(const ReadConnect& connect, std::string_view user,
                                                 std::string_view password) {
  ForBroker asked;
  asked.credentials = {user, password};
  return connect_for_broker(connect, asked).value();
}

using test::bytes;
using test::ByteVector;
using test::connect;
using test::packet;
using test::operator+;

bool is_declared(Refusal refusal) {
  const auto all = refusals();
  return std::find(all.begin(), all.end(), refusal) != all.end();
}

ReadConnect read_good(const ByteVector& data, const MqttPolicy& limits = {}) {
  const ConnectStep step = read_connect(data, limits);
  EXPECT_TRUE(std::holds_alternative<ReadConnect>(step));
  return std::holds_alternative<ReadConnect>(step) ? std::get<ReadConnect>(step) : ReadConnect{};
}

ConnectRefused read_bad(std::span<const std::uint8_t> data, const MqttPolicy& limits = {}) {
  const ConnectStep step = read_connect(data, limits);
  const auto* const refused = std::get_if<ConnectRefused>(&step);
  EXPECT_NE(refused, nullptr);
  return refused ? *refused : ConnectRefused{{Reason::count_, Cause::count_}, {}, {}};
}

TEST(ReadConnect, AsksForAByteWhenThereIsNone) {
  const ConnectStep step = read_connect({}, {});
  ASSERT_TRUE(std::holds_alternative<ReadMore>(step));
  EXPECT_EQ(std::get<ReadMore>(step).bytes_min, 1u);
}

TEST(ReadConnect, TellsTheFactsOfTheClient) {
  const ByteVector data = connect("0004 'MQTT' 04 c6 003c 0002 'c1' 0001 't' 0001 'm' 0005 'alice' 0003 'pw' 00");
  const ReadConnect read = read_good(data);
  EXPECT_EQ(read.facts.version, MqttVersion::v3_1_1);
  EXPECT_FALSE(read.facts.bridge);
  EXPECT_TRUE(read.facts.clean_start);
  EXPECT_EQ(read.facts.keep_alive_s, 60);
  EXPECT_EQ(read.facts.client_id, "c1");
  EXPECT_EQ(read.facts.user_name, "alice");
  EXPECT_TRUE(read.facts.has_password);
  EXPECT_EQ(read.password, std::string_view("pw\0", 3));
  ASSERT_TRUE(read.facts.will);
  EXPECT_FALSE(read.facts.has_auth_method);
  EXPECT_EQ(read.packet.size(), data.size());
}

TEST(ReadConnect, TellsAnEmptyUserNameFromNone) {
  const ByteVector with = connect("0004 'MQTT' 04 82 003c 0001 'c' 0000");
  EXPECT_EQ(read_good(with).facts.user_name, "");
  EXPECT_FALSE(read_good(with).facts.has_password);
  const ByteVector without = connect("0004 'MQTT' 04 02 003c 0001 'c'");
  EXPECT_FALSE(read_good(without).facts.user_name.has_value());
}

TEST(ReadConnect, TellsAnAuthenticationMethod) {
  EXPECT_TRUE(read_good(connect("0004 'MQTT' 05 02 003c 04 15 0001 'm' 0000")).facts.has_auth_method);
}

TEST(ReadConnect, TellsABridge) {
  const ReadConnect read = read_good(connect("0004 'MQTT' 84 00 003c 0001 'b'"));
  EXPECT_TRUE(read.facts.bridge);
  EXPECT_EQ(read.facts.version, MqttVersion::v3_1_1);
}

TEST(ReadConnect, LeavesWhatFollowsToTheNextPacket) {
  const ByteVector first = connect("0004 'MQTT' 04 02 003c 0001 'c'");
  const ByteVector data = first + bytes("c0 00");
  EXPECT_EQ(read_good(data).packet.size(), first.size());
}

TEST(ReadConnect, AsksForTheWholePacketOnceItsLengthIsKnown) {
  const ByteVector data = connect("0004 'MQTT' 04 02 003c 0001 'c'");
  for (std::size_t size = 0; size < data.size(); ++size) {
    const ConnectStep step = read_connect(std::span(data).first(size), {});
    ASSERT_TRUE(std::holds_alternative<ReadMore>(step)) << size;
    EXPECT_EQ(std::get<ReadMore>(step).bytes_min, size < 2 ? size + 1 : data.size()) << size;
  }
}

TEST(ReadConnect, AsksForMoreWhenLengthIsCutShort) {
  for (const char* written : {"10", "10 80", "10 80 80", "10 80 80 80"}) {
    EXPECT_TRUE(std::holds_alternative<ReadMore>(read_connect(bytes(written), {}))) << written;
  }
}

TEST(ReadConnect, RefusesAClaimedLengthBeforeItWaitsForTheBody) {
  MqttPolicy limits;
  limits.connect_size_max = 200;
  EXPECT_EQ(read_bad(bytes("10 c6 01"), limits).refusal, (Refusal{Reason::connect_too_large, Cause::none}));
  EXPECT_EQ(read_bad(bytes("10 ff ff ff 7f"), limits).refusal, (Refusal{Reason::connect_too_large, Cause::none}));
  EXPECT_FALSE(read_bad(bytes("10 c6 01"), limits).version.has_value());
  // 197 bytes behind a header of three are just what is allowed.
  EXPECT_TRUE(std::holds_alternative<ReadMore>(read_connect(bytes("10 c5 01"), limits)));
}

TEST(ReadConnect, HoldsUserPropertiesAgainstThePolicy) {
  MqttPolicy limits;
  limits.user_properties_max = 1;
  const ByteVector one = connect("0004 'MQTT' 05 02 003c 05 26 0000 0000 0001 'c'");
  EXPECT_EQ(read_good(one, limits).facts.client_id, "c");
  const ConnectRefused refused = read_bad(connect("0004 'MQTT' 05 02 003c 0a 26 0000 0000 26 0000 0000 0001 'c'"), limits);
  EXPECT_EQ(refused.refusal, (Refusal{Reason::malformed_connect, Cause::property}));
  EXPECT_EQ(refused.v5_reason_code, 0x97);
}

struct Expected {
  Refusal refusal;
  std::optional<MqttVersion> version;
  std::optional<std::uint8_t> v5_reason_code;
};
using Row = test::Row<Expected>;
const auto name_of_row = [](const auto& row) { return std::string(row.param.name); };

Expected malformed(Cause cause, std::optional<MqttVersion> version = {}, std::optional<std::uint8_t> code = {}) {
  return {{Reason::malformed_connect, cause}, version, code};
}
Expected not_mqtt(Cause cause) {
  return {{Reason::not_mqtt, cause}, {}, {}};
}
Expected before_connect(Cause type) {
  return {{Reason::packet_before_connect, type}, {}, {}};
}

class FirstPacket : public testing::TestWithParam<Row> {};

TEST_P(FirstPacket, IsRefusedByNameAndVersion) {
  const ConnectRefused refused = read_bad(GetParam().bytes);
  EXPECT_EQ(refused.refusal, GetParam().expected.refusal)
      << label(refused.refusal.reason) << " " << label(refused.refusal.cause);
  EXPECT_EQ(refused.version, GetParam().expected.version);
  EXPECT_EQ(refused.v5_reason_code, GetParam().expected.v5_reason_code);
  EXPECT_TRUE(is_declared(refused.refusal));
}

// Whatever is in hand, it is either not enough or refused; a first byte that begins no CONNECT is never waited behind.
TEST_P(FirstPacket, IsNeverLetInByBytesOneByOne) {
  const std::span<const std::uint8_t> whole = GetParam().bytes;
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    const ConnectStep step = read_connect(whole.first(size), {});
    EXPECT_FALSE(std::holds_alternative<ReadConnect>(step)) << size;
    const auto* const refused = std::get_if<ConnectRefused>(&step);
    EXPECT_TRUE(refused || whole[0] == 0x10) << size;
    EXPECT_TRUE(!refused || is_declared(refused->refusal)) << size;
  }
}

constexpr auto v3_1 = MqttVersion::v3_1;
constexpr auto v3_1_1 = MqttVersion::v3_1_1;
constexpr auto v5 = MqttVersion::v5_0;

INSTANTIATE_TEST_SUITE_P(
    MalformedConnect, FirstPacket,
    testing::Values(
        Row{"header_flags", packet(0x12, "0004 'MQTT' 04 02 003c 0000"), malformed(Cause::header_flags)},
        Row{"length_of_five_bytes", bytes("10 80 80 80 80 01"), malformed(Cause::length)},
        Row{"length_longer_than_needed", bytes("10 8c 00 0004 'MQTT' 04 02 003c 0000"), malformed(Cause::length)},
        Row{"length_that_cuts_a_field", connect("0004 'MQTT' 04 02 003c 0005 'abc'"), malformed(Cause::length, v3_1_1)},
        Row{"protocol_name", connect("0004 'HTTP' 04 02 003c 0000"), malformed(Cause::protocol_name)},
        Row{"flags", connect("0006 'MQIsdp' 03 03 003c 0001 'c'"), malformed(Cause::flags, v3_1)},
        Row{"flags_in_5", connect("0004 'MQTT' 05 03 003c 00 0001 'c'"), malformed(Cause::flags, v5, 0x81)},
        Row{"utf8", connect("0004 'MQTT' 04 02 003c 0001 ff"), malformed(Cause::utf8, v3_1_1)},
        Row{"will", connect("0004 'MQTT' 04 1e 003c 0001 'c' 0001 't' 0000"), malformed(Cause::will, v3_1_1)},
        Row{"property", connect("0004 'MQTT' 05 02 003c 03 21 0000 0001 'c'"), malformed(Cause::property, v5, 0x82)},
        Row{"trailing", connect("0004 'MQTT' 04 02 003c 0001 'c' 00"), malformed(Cause::trailing, v3_1_1)},
        // [MQTT-3.1.2-2]: the answer is a return code 1 in the old form.
        Row{"level", connect("0004 'MQTT' 09 ff ff"), {{Reason::unsupported_version, Cause::unknown}, v3_1_1, {}}}),
    name_of_row);

// What stood at the door, by the first packets that were read from their sources.
INSTANTIATE_TEST_SUITE_P(
    Scanner, FirstPacket,
    testing::Values(
        Row{"impacket", bytes("10 13 0006 'MQIsdp' 03 02 003c 0001 20 00 00 00 00"), malformed(Cause::trailing, v3_1)},
        // Its length is one byte in the code: credentials of 130 bytes and more write 0x80 and above there.
        Row{"ncrack_with_long_credentials", bytes("10 92 0004 'MQTT' 04 c2 003c 0006 'Ncrack'") + ByteVector(130, 'x'),
            malformed(Cause::length)},
        Row{"mqttinfo_with_invalid_utf8", connect("0004 'MQTT' 04 02 003c 0002 c328"), malformed(Cause::utf8, v3_1_1)},
        Row{"http_get", bytes("'GET /upgrade_handle.php?cmd=writeuploaddir&uploaddir=%27;sleep%205;%27 HTTP/1.1' 0d0a"),
            not_mqtt(Cause::http)},
        // POST, PUT and PRI begin like a legal PUBREC.
        Row{"http_post", bytes("'POST /cgi-bin/x HTTP/1.1' 0d0a"), not_mqtt(Cause::http)},
        Row{"http_put", bytes("'PUT /x.jsp/ HTTP/1.1' 0d0a"), not_mqtt(Cause::http)},
        Row{"http2", bytes("'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a"), not_mqtt(Cause::http)},
        Row{"http_connect", bytes("'CONNECT example.com:443 HTTP/1.1' 0d0a"), not_mqtt(Cause::http_connect)},
        Row{"websocket", bytes("'GET /mqtt HTTP/1.1' 0d0a 'Upgrade: websocket' 0d0a"), not_mqtt(Cause::websocket)},
        Row{"proxy_header", bytes("'PROXY TCP4 192.0.2.1 192.0.2.2 1 2' 0d0a"), not_mqtt(Cause::proxy_header)},
        Row{"ssh", bytes("'SSH-2.0-Go' 0d0a"), not_mqtt(Cause::ssh)},
        Row{"stomp", bytes("'STOMP' 0a"), not_mqtt(Cause::text)},
        Row{"tls", bytes("16 03 01 02 00 01 00 01 fc 03 03"), not_mqtt(Cause::tls)},
        Row{"sslv2", bytes("80 2e 01 00 02 00 15"), not_mqtt(Cause::sslv2)},
        Row{"sun_rpc", bytes("80 00 00 28 72 fe"), not_mqtt(Cause::binary)},
        Row{"rdp", bytes("03 00 00 2b 26 e0 00 00 00 00 00 'Cookie: mstshash=hello'"), not_mqtt(Cause::rdp)},
        Row{"smb", bytes("00 00 00 a4 ff 'SMB' 72"), not_mqtt(Cause::smb)},
        Row{"socks4", bytes("04 01 01bb"), not_mqtt(Cause::socks)}, Row{"socks5", bytes("05 01 00"), not_mqtt(Cause::socks)},
        Row{"redis", bytes("'*1' 0d0a '$4' 0d0a"), not_mqtt(Cause::redis)},
        Row{"adb", bytes("'CNXN' 00 00 00 01"), not_mqtt(Cause::adb)},
        Row{"telnet", bytes("ff fb 1f"), not_mqtt(Cause::telnet)},
        Row{"mirai_loader", bytes("'enable' 0d0a 'system' 0d0a"), not_mqtt(Cause::telnet)},
        Row{"x11", bytes("6c 00 0b 00 00 00"), not_mqtt(Cause::binary)},
        Row{"amqp", bytes("'AMQP' 00 00 09 01"), not_mqtt(Cause::binary)},
        // A complete PUBLISH, if one asks MQTT.
        Row{"ldap_bind", bytes("30 0c 02 01 01 60 07 02 01 03 04 00 80 00"), before_connect(Cause::type_publish)},
        Row{"ldap_search", bytes("30 84 00 00 00 2d"), before_connect(Cause::type_publish)},
        Row{"mssql_prelogin", bytes("12 01 00 34"), malformed(Cause::header_flags)},
        Row{"handshake_record_of_another_protocol", bytes("16 fe ff 00"), not_mqtt(Cause::binary)}),
    name_of_row);

// [MQTT-3.1.0-1]
INSTANTIATE_TEST_SUITE_P(
    PacketBeforeConnect, FirstPacket,
    testing::Values(Row{"connack", bytes("20 02 00 00"), before_connect(Cause::type_connack)},
                    Row{"publish", packet(0x30, "0003 'a/b' 'x'"), before_connect(Cause::type_publish)},
                    Row{"publish_of_36_bytes", packet(0x30, bytes("0003 'a/b'") + ByteVector(31, 'x')),
                        before_connect(Cause::type_publish)},
                    Row{"puback", bytes("40 02 00 01"), before_connect(Cause::type_puback)},
                    Row{"pubrec", bytes("50 02 00 01"), before_connect(Cause::type_pubrec)},
                    Row{"pubrel", bytes("62 02 00 01"), before_connect(Cause::type_pubrel)},
                    Row{"pubcomp", bytes("70 02 00 01"), before_connect(Cause::type_pubcomp)},
                    Row{"subscribe", packet(0x82, "0001 0001 '#' 00"), before_connect(Cause::type_subscribe)},
                    Row{"suback", bytes("90 03 00 01 00"), before_connect(Cause::type_suback)},
                    Row{"unsubscribe", packet(0xa2, "0001 0001 '#'"), before_connect(Cause::type_unsubscribe)},
                    Row{"unsuback", bytes("b0 02 00 01"), before_connect(Cause::type_unsuback)},
                    Row{"pingreq", bytes("c0 00"), before_connect(Cause::type_pingreq)},
                    Row{"pingresp", bytes("d0 00"), before_connect(Cause::type_pingresp)},
                    Row{"disconnect", bytes("e0 00"), before_connect(Cause::type_disconnect)},
                    Row{"auth", bytes("f0 00"), before_connect(Cause::type_auth)},
                    Row{"one_letter_that_is_a_pubrec", bytes("'P'"), before_connect(Cause::type_pubrec)},
                    Row{"publish_of_a_claimed_length", bytes("30 ff ff ff 7f"), before_connect(Cause::type_publish)}),
    name_of_row);

TEST(FirstPacket, IsDecidedOnItsFirstByteUnlessThatBeginsAConnect) {
  for (unsigned first = 0; first < 256; ++first) {
    const ByteVector data = {static_cast<std::uint8_t>(first)};
    const ConnectStep step = read_connect(data, {});
    EXPECT_EQ(std::holds_alternative<ConnectRefused>(step), first != 0x10) << std::hex << first;
    const auto* const refused = std::get_if<ConnectRefused>(&step);
    if (!refused) continue;
    EXPECT_TRUE(is_declared(refused->refusal)) << std::hex << first;
    EXPECT_EQ(info(refused->refusal.reason).v5_reason_code.has_value() && refused->version, false)
        << "it must not be answered";
  }
}

// Scanners whose first packet is a good CONNECT: the policy turns these away, not the parser.
struct Visitor {
  const char* name;
  ByteVector bytes;
  MqttVersion version;
  std::string_view client_id;
};

TEST(ReadConnect, TakesTheWellFormedConnectsOfScanners) {
  const Visitor visitors[] = {
      {"zgrab2", bytes("10 16 0004 'MQTT' 04 02 003c 000a 'MQTTClient'"), v3_1_1, "MQTTClient"},
      {"zgrab2 --v5", bytes("10 17 0004 'MQTT' 05 02 003c 00 000a 'MQTTClient'"), v5, "MQTTClient"},
      {"nmap -sV", bytes("10 10 0004 'MQTT' 04 02 001e 0004 'nmap'"), v3_1_1, "nmap"},
      {"nmap mqtt-subscribe", connect("0004 'MQTT' 04 00 001e 0014 'nmapABCDEFGHIJKLMNOP'"), v3_1_1, "nmapABCDEFGHIJKLMNOP"},
      {"openvas", connect("0004 'MQTT' 04 02 0001 0003 'abc'"), v3_1_1, "abc"},
      {"metasploit", connect("0006 'MQIsdp' 03 02 000f 0008 'mqtt-abc'"), v3_1, "mqtt-abc"},
      {"metasploit with a blank password", connect("0006 'MQIsdp' 03 82 000f 0008 'mqtt-abc' 0005 'admin'"), v3_1,
       "mqtt-abc"},
      {"ncrack", connect("0004 'MQTT' 04 c2 003c 0006 'Ncrack' 0005 'admin' 0006 'public'"), v3_1_1, "Ncrack"},
      {"legba", connect("0004 'MQTT' 04 c2 003c 0005 'legba' 0005 'admin' 0005 'admin'"), v3_1_1, "legba"},
      {"mqtt-pwn", connect("0004 'MQTT' 04 c2 003c 0000 0004 'root' 0004 'root'"), v3_1_1, ""},
      {"mosquitto bridge", connect("0004 'MQTT' 84 2c 003c 0004 'b.ho' 0001 't' 0001 '1'"), v3_1_1, "b.ho"},
  };
  for (const Visitor& visitor : visitors) {
    const ConnectStep step = read_connect(visitor.bytes, {});
    const auto* const read = std::get_if<ReadConnect>(&step);
    ASSERT_NE(read, nullptr) << visitor.name;
    EXPECT_EQ(read->facts.version, visitor.version) << visitor.name;
    EXPECT_EQ(read->facts.client_id, visitor.client_id) << visitor.name;
  }
}

TEST(ConnectCutShort, TellsTimeoutsFromClientsThatLeft) {
  EXPECT_EQ(connect_cut_short({}, true), (Refusal{Reason::connect_timeout, Cause::no_data}));
  EXPECT_EQ(connect_cut_short(bytes("10"), true), (Refusal{Reason::connect_timeout, Cause::partial}));
  EXPECT_EQ(connect_cut_short({}, false), (Refusal{Reason::closed_early, Cause::after_handshake}));
  EXPECT_EQ(connect_cut_short(bytes("10 10"), false), (Refusal{Reason::connect_truncated, Cause::none}));
  for (const bool timed_out : {true, false}) {
    EXPECT_TRUE(is_declared(connect_cut_short({}, timed_out)));
    EXPECT_TRUE(is_declared(connect_cut_short(bytes("10"), timed_out)));
  }
}

TEST(WithCredentials, KeepsAllElseByteForByte) {
  const ByteVector data =
      connect("0004 'MQTT' 05 86 003c 05 11 0000003c 0001 'c' 05 18 0000001e 0001 't' 0001 'm' 0001 'u'");
  EXPECT_EQ(
      with_other_credentials(read_good(data), "bastion", "secret"),
      connect(
          "0004 'MQTT' 05 c6 003c 05 11 0000003c 0001 'c' 05 18 0000001e 0001 't' 0001 'm' 0007 'bastion' 0006 'secret'"));
}

TEST(WithCredentials, TakesNothingLongerThanTheProtocolCanSay) {
  const ByteVector data = connect("0004 'MQTT' 04 02 003c 0001 'c'");
  EXPECT_TRUE(with_other_credentials(read_good(data), std::string(65'536, 'u'), "p").empty());
}

}  // namespace
}  // namespace bastion::inspect
