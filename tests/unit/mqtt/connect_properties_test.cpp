// The properties of CONNECT and of its will (OASIS 5.0 sections 3.1.2.11 and 3.1.3.2).
#include <gtest/gtest.h>

#include <string>

#include "proxy/mqtt/connect.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;
using test::packet;

constexpr std::uint32_t user_properties_max = 3;

ByteVector with_length(const ByteVector& properties) {
  ByteVector made = packet(0, properties);  // a packet's length is written like that of properties
  made.erase(made.begin());
  return made;
}

ByteVector connect_with(const ByteVector& properties) {
  return packet(0x10, bytes("0004 'MQTT' 05 02 003c") + with_length(properties) + bytes("0001 'c'"));
}

ByteVector will_with(const ByteVector& properties) {
  return packet(0x10, bytes("0004 'MQTT' 05 06 003c 00 0001 'c'") + with_length(properties) + bytes("0001 't' 0001 'm'"));
}

Connect parse_good(const ByteVector& data) {
  const ConnectResult result = parse_connect(data, user_properties_max);
  EXPECT_TRUE(std::holds_alternative<Connect>(result));
  return std::holds_alternative<Connect>(result) ? std::get<Connect>(result) : Connect{};
}

TEST(ConnectProperties, AreAllRead) {
  const ByteVector data =
      connect_with(bytes("11 00000e10 21 0014 27 00010000 22 000a 19 01 17 00 26 0001 'k' 0001 'v' 15 0005 'SCRAM' 16 0003 "
                         "00ff00 26 0000 0000"));
  const Connect read = parse_good(data);
  EXPECT_EQ(read.session_expiry_interval_s, 3600u);
  EXPECT_EQ(read.receive_maximum, 20);
  EXPECT_EQ(read.maximum_packet_size, 65'536u);
  EXPECT_EQ(read.topic_alias_maximum, 10);
  EXPECT_TRUE(read.request_response_information);
  EXPECT_FALSE(read.request_problem_information);
  EXPECT_EQ(read.authentication_method, "SCRAM");
  ASSERT_TRUE(read.authentication_data.has_value());
  EXPECT_EQ(read.authentication_data->size(), 3u);
  EXPECT_EQ(read.user_properties, 2u);
  EXPECT_EQ(read.client_id, "c");
}

TEST(ConnectProperties, OfAWillAreAllRead) {
  const ByteVector data =
      will_with(bytes("18 0000001e 01 01 02 0000003c 03 000a 'text/plain' 08 0003 'a/b' 09 0002 ff00 26 0001 'k' 0001 'v'"));
  const Connect read = parse_good(data);
  ASSERT_TRUE(read.will.has_value());
  EXPECT_EQ(read.will->delay_interval_s, 30u);
  EXPECT_EQ(read.will->response_topic, "a/b");
  EXPECT_TRUE(read.will->payload_is_utf8);
  EXPECT_EQ(read.will->user_properties, 1u);
  EXPECT_EQ(read.will->topic, "t");
}

TEST(ConnectProperties, AreAllowedUserPropertiesUpToTheLimitInConnectAndInItsWillEach) {
  const ByteVector three = bytes("26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'w'");
  const ByteVector data = packet(0x10, bytes("0004 'MQTT' 05 06 003c") + with_length(three) + bytes("0001 'c'") +
                                           with_length(three) + bytes("0001 't' 0000"));
  EXPECT_EQ(parse_good(data).user_properties, 3u);
  EXPECT_EQ(parse_good(data).will->user_properties, 3u);
}

// The standard's ranges end where a value's type ends, but for these.
TEST(ConnectProperties, TakeTheBoundsOfEachRange) {
  for (const char* written : {"21 0001", "21 ffff", "27 00000001", "27 ffffffff", "11 00000000", "11 ffffffff", "22 0000",
                              "22 ffff", "19 00", "17 01", "15 0000", "15 0001 'm' 16 0000", "16 0000 15 0001 'm'"}) {
    EXPECT_TRUE(std::holds_alternative<Connect>(parse_connect(connect_with(bytes(written)), user_properties_max)))
        << written;
  }
}

struct Expected {
  ConnectFault fault;
  std::uint8_t reason_code;
};
using Row = test::Row<Expected>;

class BadProperties : public testing::TestWithParam<Row> {};

TEST_P(BadProperties, AreRefusedByName) {
  const ConnectResult result = parse_connect(GetParam().bytes, user_properties_max);
  const auto* const refusal = std::get_if<ConnectRefusal>(&result);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(static_cast<int>(refusal->fault), static_cast<int>(GetParam().expected.fault));
  EXPECT_EQ(refusal->reason_code, GetParam().expected.reason_code);
  EXPECT_EQ(refusal->version, Version::v5_0);
}

constexpr Expected malformed = {ConnectFault::property, 0x81};
constexpr Expected protocol_error = {ConnectFault::property, 0x82};
constexpr Expected too_many = {ConnectFault::property, 0x97};
constexpr Expected not_utf8 = {ConnectFault::utf8, 0x81};

const auto name_of_row = [](const auto& row) { return std::string(row.param.name); };

INSTANTIATE_TEST_SUITE_P(
    OfConnect, BadProperties,
    testing::Values(
        Row{"without_their_length", packet(0x10, "0004 'MQTT' 05 02 003c"), malformed},
        Row{"with_a_length_beyond_the_end", packet(0x10, "0004 'MQTT' 05 02 003c 05 0001 'c'"), malformed},
        Row{"with_a_length_longer_than_needed", packet(0x10, "0004 'MQTT' 05 02 003c 80 00 0001 'c'"), malformed},
        Row{"with_a_length_of_five_bytes", packet(0x10, "0004 'MQTT' 05 02 003c 80 80 80 80 00 0001 'c'"), malformed},
        Row{"with_a_length_that_cuts_one", packet(0x10, "0004 'MQTT' 05 02 003c 02 21 0014 0001 'c'"), malformed},
        // Section 2.2.2.2: an identifier that is not valid for its packet type is a malformed packet.
        Row{"with_identifier_0", connect_with(bytes("00 00")), malformed},
        Row{"with_identifier_127", connect_with(bytes("7f 00")), malformed},
        Row{"with_identifier_of_two_bytes", connect_with(bytes("91 01 00")), malformed},
        Row{"with_identifier_longer_than_needed", connect_with(bytes("a1 00 0014")), malformed},
        Row{"with_identifier_of_no_property", connect_with(bytes("2b 00")), malformed},
        Row{"with_one_of_a_will", connect_with(bytes("18 00000001")), malformed},
        Row{"with_one_of_publish", connect_with(bytes("23 0001")), malformed},
        Row{"with_one_of_subscribe", connect_with(bytes("0b 01")), malformed},
        Row{"with_one_of_connack", connect_with(bytes("13 003c")), malformed},
        Row{"with_session_expiry_cut_short", connect_with(bytes("11 000000")), malformed},
        Row{"with_session_expiry_twice", connect_with(bytes("11 00000001 11 00000001")), protocol_error},
        Row{"with_receive_maximum_zero", connect_with(bytes("21 0000")), protocol_error},
        Row{"with_receive_maximum_twice", connect_with(bytes("21 0001 21 0001")), protocol_error},
        Row{"with_maximum_packet_size_zero", connect_with(bytes("27 00000000")), protocol_error},
        Row{"with_maximum_packet_size_twice", connect_with(bytes("27 00000001 27 00000002")), protocol_error},
        Row{"with_topic_alias_maximum_twice", connect_with(bytes("22 0001 22 0001")), protocol_error},
        Row{"with_request_response_information_2", connect_with(bytes("19 02")), protocol_error},
        Row{"with_request_response_information_twice", connect_with(bytes("19 00 19 00")), protocol_error},
        Row{"with_request_problem_information_2", connect_with(bytes("17 02")), protocol_error},
        Row{"with_request_problem_information_twice", connect_with(bytes("17 01 17 01")), protocol_error},
        // Section 3.1.2.11.10
        Row{"with_authentication_data_without_a_method", connect_with(bytes("16 0001 'd'")), protocol_error},
        Row{"with_authentication_method_twice", connect_with(bytes("15 0001 'm' 15 0001 'm'")), protocol_error},
        Row{"with_authentication_data_twice", connect_with(bytes("15 0001 'm' 16 0000 16 0000")), protocol_error},
        Row{"with_a_method_that_is_not_utf8", connect_with(bytes("15 0001 ff")), not_utf8},
        Row{"with_a_method_beyond_the_properties", connect_with(bytes("15 0005 'm'")), malformed},
        // [MQTT-1.5.7-1]
        Row{"with_a_user_property_name_that_is_not_utf8", connect_with(bytes("26 0001 ff 0001 'v'")), not_utf8},
        Row{"with_a_nul_in_a_user_property", connect_with(bytes("26 0001 'k' 0001 00")), not_utf8},
        Row{"with_half_a_user_property", connect_with(bytes("26 0001 'k'")), malformed},
        Row{"with_too_many_user_properties", connect_with(bytes("26 0000 0000 26 0000 0000 26 0000 0000 26 0000 0000")),
            too_many}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    OfWill, BadProperties,
    testing::Values(Row{"without_their_length", packet(0x10, "0004 'MQTT' 05 06 003c 00 0001 'c'"), malformed},
                    Row{"with_a_length_beyond_the_end",
                        packet(0x10, "0004 'MQTT' 05 06 003c 00 0001 'c' 20 0001 't' 0001 'm'"), malformed},
                    Row{"with_one_of_connect", will_with(bytes("11 00000001")), malformed},
                    Row{"with_a_topic_alias", will_with(bytes("23 0001")), malformed},
                    Row{"with_delay_twice", will_with(bytes("18 00000001 18 00000001")), protocol_error},
                    Row{"with_payload_format_2", will_with(bytes("01 02")), protocol_error},
                    Row{"with_payload_format_twice", will_with(bytes("01 01 01 01")), protocol_error},
                    Row{"with_expiry_twice", will_with(bytes("02 00000001 02 00000001")), protocol_error},
                    Row{"with_expiry_cut_short", will_with(bytes("02 0000")), malformed},
                    Row{"with_content_type_twice", will_with(bytes("03 0001 'a' 03 0001 'a'")), protocol_error},
                    Row{"with_content_type_that_is_not_utf8", will_with(bytes("03 0002 c080")), not_utf8},
                    Row{"with_response_topic_twice", will_with(bytes("08 0001 'a' 08 0001 'a'")), protocol_error},
                    // [MQTT-3.3.2-14]
                    Row{"with_a_wildcard_in_the_response_topic", will_with(bytes("08 0003 'a/#'")), protocol_error},
                    // [MQTT-4.7.3-1]
                    Row{"with_an_empty_response_topic", will_with(bytes("08 0000")), protocol_error},
                    Row{"with_a_response_topic_that_is_not_utf8", will_with(bytes("08 0001 ff")), not_utf8},
                    Row{"with_correlation_data_twice", will_with(bytes("09 0000 09 0000")), protocol_error},
                    Row{"with_correlation_data_beyond_the_properties", will_with(bytes("09 0009 'x'")), malformed},
                    Row{"with_too_many_user_properties",
                        will_with(bytes("26 0000 0000 26 0000 0000 26 0000 0000 26 0000 0000")), too_many}),
    name_of_row);

// [MQTT-3.1.3-10]: their order is the packet's, which goes on as it came.
TEST(ConnectProperties, GoOnInTheirOrderWhenCredentialsAreReplaced) {
  const ByteVector data = connect_with(bytes("26 0001 'b' 0001 '1' 26 0001 'a' 0001 '2'"));
  const ByteVector replaced = replace_credentials(data, parse_good(data), "u", "p");
  EXPECT_EQ(replaced,
            packet(0x10, "0004 'MQTT' 05 c2 003c 0e 26 0001 'b' 0001 '1' 26 0001 'a' 0001 '2' 0001 'c' 0001 'u' 0001 'p'"));
}

}  // namespace
}  // namespace bastion::mqtt
