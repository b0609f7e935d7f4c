// DISCONNECT, AUTH and the pings: what each side may say of the connection itself.
#include "proxy/mqtt/disconnect.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::ByteVector;

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;
constexpr auto client = Sender::client;
constexpr auto server = Sender::server;

template <class Packet, class Result>
Packet good(const Result& result) {
  EXPECT_TRUE(std::holds_alternative<Packet>(result));
  return std::holds_alternative<Packet>(result) ? std::get<Packet>(result) : Packet{};
}

TEST(Disconnect, IsEmptyInEveryVersion) {
  for (const auto version : {Version::v3_1, v3, v5}) {
    EXPECT_EQ(good<Disconnect>(read_disconnect(version, client, {})).reason_code, 0);
  }
}

TEST(Disconnect, OfVersion5MayHoldACodeWithoutProperties) {
  EXPECT_EQ(good<Disconnect>(read_disconnect(v5, client, bytes("04"))).reason_code, 0x04);
  EXPECT_EQ(good<Disconnect>(read_disconnect(v5, server, bytes("8b 00"))).reason_code, 0x8b);
}

TEST(Disconnect, FromAClientMayHoldASessionExpiryInterval) {
  const ByteVector body = bytes("00 0f 11 00000e10 1f 0000 26 0001 'k' 0001 'v'");
  const auto read = good<Disconnect>(read_disconnect(v5, client, body));
  EXPECT_EQ(read.session_expiry_interval_s, 3600u);
  EXPECT_TRUE(read.has_reason_string);
  EXPECT_EQ(read.user_properties, 1u);
}

TEST(Disconnect, FromAServerMayNameAnotherServer) {
  const ByteVector body = bytes("9c 07 1c 0004 'else'");
  EXPECT_EQ(good<Disconnect>(read_disconnect(v5, server, body)).server_reference, "else");
}

// OASIS 5.0 table 3-10, written out; [MQTT-3.14.2-1].
TEST(Disconnect, HasTheCodesOfTheTableAndNoOthers) {
  const std::set<int> either = {0x00, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
  const std::set<int> servers = {0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2};
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    EXPECT_EQ(is_disconnect_code(client, byte), either.contains(code) || code == 0x04) << std::hex << code;
    EXPECT_EQ(is_disconnect_code(server, byte), either.contains(code) || servers.contains(code)) << std::hex << code;
  }
}

struct Expected {
  Version version;
  Sender sender;
  PacketFault fault;
};
using Row = test::Row<Expected>;

class BadDisconnect : public testing::TestWithParam<Row> {};

TEST_P(BadDisconnect, IsRefusedByName) {
  const auto& [version, sender, fault] = GetParam().expected;
  const DisconnectResult result = read_disconnect(version, sender, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadDisconnect,
    testing::Values(
        Row{"a_code_in_3", bytes("00"), {v3, client, malformed(Flaw::trailing)}},
        Row{"from_a_server_in_3", {}, {v3, server, protocol_error(Flaw::direction)}},
        Row{"a_code_of_the_server", bytes("8b"), {v5, client, protocol_error(Flaw::code)}},
        Row{"a_code_of_the_client", bytes("04"), {v5, server, protocol_error(Flaw::code)}},
        Row{"properties_beyond_the_end", bytes("00 01"), {v5, client, malformed(Flaw::property)}},
        // [MQTT-3.14.2-2]
        Row{"an_expiry_from_a_server", bytes("00 05 11 00000000"), {v5, server, protocol_error(Flaw::direction)}},
        Row{"a_reference_from_a_client", bytes("00 03 1c 0000"), {v5, client, protocol_error(Flaw::direction)}},
        Row{"an_expiry_twice", bytes("00 0a 11 00000000 11 00000000"), {v5, client, protocol_error(Flaw::property)}},
        Row{"a_reason_that_is_not_utf8", bytes("00 04 1f 0001 ff"), {v5, client, malformed(Flaw::utf8)}},
        Row{"a_property_of_publish", bytes("00 02 01 00"), {v5, client, malformed(Flaw::property)}},
        Row{"bytes_left_over", bytes("00 00 00"), {v5, client, malformed(Flaw::trailing)}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Auth, GoesOnWithTheMethodAndItsData) {
  const ByteVector body = bytes("18 0e 15 0005 'SCRAM' 16 0003 00ff00");
  for (const Sender sender : {client, server}) {
    const auto read = good<Auth>(read_auth(v5, sender, body));
    EXPECT_EQ(read.reason_code, 0x18);
    EXPECT_EQ(read.method, "SCRAM");
    ASSERT_TRUE(read.data.has_value());
    EXPECT_EQ(read.data->size(), 3u);
  }
}

TEST(Auth, BeginsAgainAtTheClientsWishAndEndsAtTheServers) {
  const ByteVector again = bytes("19 0a 15 0001 'm' 1f 0003 'why'");
  EXPECT_TRUE(good<Auth>(read_auth(v5, client, again)).has_reason_string);
  const ByteVector success = bytes("00 0b 15 0001 'm' 26 0001 'k' 0001 'v'");
  EXPECT_EQ(good<Auth>(read_auth(v5, server, success)).user_properties, 1u);
  EXPECT_FALSE(good<Auth>(read_auth(v5, server, {})).method.has_value());
}

class BadAuth : public testing::TestWithParam<Row> {};

TEST_P(BadAuth, IsRefusedByName) {
  const auto& [version, sender, fault] = GetParam().expected;
  const AuthResult result = read_auth(version, sender, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadAuth,
    testing::Values(
        Row{"before_version_5", bytes("18 04 15 0001 'm'"), {v3, client, malformed(Flaw::direction)}},
        // [MQTT-3.15.2-1]
        Row{"success_from_a_client", {}, {v5, client, protocol_error(Flaw::code)}},
        Row{"success_from_a_client_written_out", bytes("00 04 15 0001 'm'"), {v5, client, protocol_error(Flaw::code)}},
        Row{"again_from_a_server", bytes("19 04 15 0001 'm'"), {v5, server, protocol_error(Flaw::code)}},
        Row{"a_code_of_connack", bytes("87 04 15 0001 'm'"), {v5, server, protocol_error(Flaw::code)}},
        Row{"a_code_alone", bytes("18"), {v5, client, malformed(Flaw::property)}},
        Row{"no_method", bytes("18 00"), {v5, client, protocol_error(Flaw::authentication)}},
        Row{"no_method_again", bytes("19 00"), {v5, client, protocol_error(Flaw::authentication)}},
        Row{"data_without_a_method", bytes("00 03 16 0000"), {v5, server, protocol_error(Flaw::authentication)}},
        Row{"two_methods", bytes("18 08 15 0001 'm' 15 0001 'm'"), {v5, client, protocol_error(Flaw::property)}},
        Row{"a_method_that_is_not_utf8", bytes("18 04 15 0001 ff"), {v5, client, malformed(Flaw::utf8)}},
        Row{"a_property_of_connect", bytes("18 02 17 01"), {v5, client, malformed(Flaw::property)}},
        Row{"bytes_left_over", bytes("18 04 15 0001 'm' 00"), {v5, client, malformed(Flaw::trailing)}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Ping, IsEmptyAndAskedByTheClient) {
  const FixedHeader request{PacketType::pingreq, 0, 2, 0};
  const FixedHeader response{PacketType::pingresp, 0, 2, 0};
  EXPECT_EQ(check_ping(client, request), std::nullopt);
  EXPECT_EQ(check_ping(server, response), std::nullopt);
  EXPECT_EQ(check_ping(server, request), protocol_error(Flaw::direction));
  EXPECT_EQ(check_ping(client, response), protocol_error(Flaw::direction));
  EXPECT_EQ(check_ping(client, {PacketType::pingreq, 0, 2, 1}), malformed(Flaw::length));
  EXPECT_EQ(check_ping(server, {PacketType::pingresp, 0, 2, 1}), malformed(Flaw::length));
}

}  // namespace
}  // namespace bastion::mqtt
