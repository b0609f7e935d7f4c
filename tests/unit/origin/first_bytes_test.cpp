// What knocks is called by its name from its first bytes.
#include "proxy/origin/first_bytes.hpp"

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace bastion::origin {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;
using Row = test::Row<Guess>;

class FirstBytes : public testing::TestWithParam<Row> {};

TEST_P(FirstBytes, AreCalledByTheirName) {
  EXPECT_EQ(guess(GetParam().bytes), GetParam().expected);
  EXPECT_FALSE(may_be_tls(GetParam().bytes));
}

TEST_P(FirstBytes, OneByOneAreNeverTakenForTlsAndOnceRuledOutItStaysSo) {
  const std::span<const std::uint8_t> whole = GetParam().bytes;
  bool ruled_out = false;
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    EXPECT_NE(guess(whole.first(size)), Guess::tls) << size;
    const bool possible = may_be_tls(whole.first(size));
    EXPECT_FALSE(ruled_out && possible) << size;
    ruled_out = !possible;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, FirstBytes,
    testing::Values(
        Row{"http_get", bytes("'GET /upgrade_handle.php?cmd=writeuploaddir&uploaddir=%27;sleep%205;%27 HTTP/1.1' 0d0a"),
            Guess::http},
        Row{"http_put", bytes("'PUT /x.jsp/ HTTP/1.1' 0d0a"), Guess::http},
        Row{"http_post", bytes("'POST / HTTP/1.1' 0d0a"), Guess::http},
        Row{"http_head", bytes("'HEAD / HTTP/1.0' 0d0a"), Guess::http},
        Row{"http_options", bytes("'OPTIONS / HTTP/1.0' 0d0a"), Guess::http},
        Row{"http2_preface", bytes("'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a"), Guess::http},
        Row{"http_response", bytes("'HTTP/1.1 400 Bad Request' 0d0a"), Guess::http},
        Row{"http_connect", bytes("'CONNECT example.com:443 HTTP/1.1' 0d0a"), Guess::http_connect},
        Row{"websocket", bytes("'GET /mqtt HTTP/1.1' 0d0a 'Upgrade: websocket' 0d0a"), Guess::websocket},
        Row{"websocket_in_other_case", bytes("'GET /mqtt HTTP/1.1' 0d0a 'UPGRADE: WebSocket' 0d0a"), Guess::websocket},
        Row{"ssh", bytes("'SSH-2.0-Go' 0d0a"), Guess::ssh},
        Row{"rdp", bytes("03 00 00 2b 26 e0 00 00 00 00 00 'Cookie: mstshash=hello' 0d0a"), Guess::rdp},
        Row{"rdp_cut_short", bytes("03 00"), Guess::rdp},
        Row{"tpkt_that_asks_for_no_connection", bytes("03 00 00 07 02 f0 80"), Guess::binary},
        Row{"smb1", bytes("00 00 00 a4 ff 'SMB' 72 00"), Guess::smb},
        Row{"smb2", bytes("00 00 00 a4 fe 'SMB' 40 00"), Guess::smb},
        Row{"netbios_session_request", bytes("81 00 00 44 20 43 4b"), Guess::smb},
        Row{"postgresql", bytes("00 00 00 08 04 d2 16 2f"), Guess::binary},
        Row{"dns", bytes("00 1e 00 06 01 00"), Guess::binary},
        Row{"socks4", bytes("04 01 01bb 05bc d2 0a 00"), Guess::socks}, Row{"socks5", bytes("05 01 00"), Guess::socks},
        Row{"redis", bytes("'*1' 0d0a '$4' 0d0a 'info' 0d0a"), Guess::redis},
        Row{"star_and_text", bytes("'*1 is not redis'"), Guess::text},
        Row{"telnet_negotiation", bytes("ff fb 1f ff fb 20"), Guess::telnet},
        Row{"mirai_loader", bytes("'enable' 0d0a 'system' 0d0a 'shell' 0d0a '/bin/busybox'"), Guess::telnet},
        Row{"adb", bytes("'CNXN' 00 00 00 01 00 00 10 00"), Guess::adb},
        Row{"sslv2_hello", bytes("80 2e 01 00 02 00 15"), Guess::sslv2},
        Row{"sslv2_hello_for_tls", bytes("80 67 01 03 01 00 4e"), Guess::sslv2},
        Row{"sun_rpc", bytes("80 00 00 28 72 fe 1d 13"), Guess::binary},
        Row{"proxy_v1", bytes("'PROXY TCP4 192.0.2.1 192.0.2.2 1 2' 0d0a"), Guess::proxy_header},
        Row{"proxy_v2", bytes("0d0a0d0a 00 0d0a 'QUIT' 0a 21 11 000c"), Guess::proxy_header},
        Row{"proxy_v2_cut_short", bytes("0d0a0d0a 00"), Guess::proxy_header},
        Row{"empty_lines", bytes("0d0a0d0a"), Guess::text},
        Row{"ldap_bind", bytes("30 0c 02 01 01 60 07 02 01 03 04 00 80 00"), Guess::binary},
        Row{"mssql_prelogin", bytes("12 01 00 34 00 00 00 00"), Guess::binary},
        Row{"amqp", bytes("'AMQP' 00 00 09 01"), Guess::binary}, Row{"java_rmi", bytes("'JRMI' 00 02 4b"), Guess::binary},
        Row{"stomp", bytes("'STOMP' 0a"), Guess::text}, Row{"niagara_fox", bytes("'fox a 1 -1 fox hello' 0a"), Guess::text},
        Row{"help", bytes("'HELP' 0d0a"), Guess::text}, Row{"one_letter", bytes("'P'"), Guess::text},
        Row{"mqtt_3_1_1", bytes("10 10 0004 'MQTT' 04 02 001e 0004 'nmap'"), Guess::mqtt},
        Row{"mqtt_3_1", bytes("10 13 0006 'MQIsdp' 03 02 003c"), Guess::mqtt},
        Row{"mqtt_cut_short", bytes("10"), Guess::mqtt},
        Row{"mqtt_with_a_long_length", bytes("10 ff 01 0004 'MQTT'"), Guess::mqtt},
        Row{"not_quite_mqtt", bytes("10 10 0004 'MQTX'"), Guess::binary},
        Row{"mqtt_with_a_length_of_five_bytes", bytes("10 80 80 80 80 01 0004 'MQTT'"), Guess::binary},
        Row{"handshake_record_of_another_protocol", bytes("16 fe ff 00 00"), Guess::binary},
        Row{"tls_with_a_version_that_never_was", bytes("16 03 41"), Guess::binary}),
    [](const auto& row) { return row.param.name; });

TEST(FirstBytesOfTls, NeedThreeBytesToBeSure) {
  EXPECT_EQ(guess({}), Guess::need_more);
  EXPECT_EQ(guess(bytes("16")), Guess::need_more);
  EXPECT_EQ(guess(bytes("16 03")), Guess::need_more);
  for (const char* written : {"16 03 00", "16 03 01", "16 03 03 02 00 01", "16 03 04"}) {
    EXPECT_EQ(guess(bytes(written)), Guess::tls) << written;
  }
}

TEST(FirstBytesOfTls, StayPossibleWhileUndecided) {
  for (const char* written : {"", "16", "16 03", "16 03 01", "16 03 01 02 00 01"})
    EXPECT_TRUE(may_be_tls(bytes(written))) << written;
}

TEST(FirstBytesOfHttp, AreLookedAtNoFurtherThanTheLimit) {
  const ByteVector upgrade_behind_the_limit =
      bytes("'GET /'") + ByteVector(first_bytes_max, 'a') + bytes("'Upgrade: websocket'");
  EXPECT_EQ(guess(upgrade_behind_the_limit), Guess::http);
}

TEST(ClientHello, TellsItsLengthFromNineBytes) {
  const auto hello = bytes("16 03 01 02 00 01 00 01 fc 03 03");
  const std::span<const std::uint8_t> whole{hello};
  for (std::size_t size = 0; size < 9; ++size) EXPECT_FALSE(client_hello_bytes(whole.first(size))) << size;
  EXPECT_EQ(client_hello_bytes(whole.first(9)), 0x1fcU);
  EXPECT_EQ(client_hello_bytes(whole), 0x1fcU);
}

TEST(ClientHello, ClaimsEverythingWhereItsFirstRecordIsTooShortToSay) {
  EXPECT_EQ(client_hello_bytes(bytes("16 03 01 00 03")), 0xffffffU);
  EXPECT_FALSE(client_hello_bytes(bytes("16 03 01 00 04")));
}

}  // namespace
}  // namespace bastion::origin
