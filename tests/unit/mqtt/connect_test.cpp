// CONNECT: what is let in and what each malformed form is called.
#include "proxy/mqtt/connect.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;
using test::connect;
using test::packet;

constexpr std::uint32_t user_properties_max = 4;

ConnectResult parse(const ByteVector& data) {
  return parse_connect(data, user_properties_max);
}

std::string text(Bytes data) {
  return std::string(wire::as_text(data));
}

// The parsed packet points into `data`.
Connect parse_good(const ByteVector& data) {
  const ConnectResult result = parse(data);
  const auto* const refusal = std::get_if<ConnectRefusal>(&result);
  EXPECT_EQ(refusal, nullptr) << "fault " << (refusal ? static_cast<int>(refusal->fault) : -1);
  return refusal ? Connect{} : std::get<Connect>(result);
}

TEST(Connect, OfVersion311IsRead) {
  const ByteVector data = connect("0004 'MQTT' 04 c2 003c 0002 'c1' 0005 'alice' 0003 'pw' 00");
  const Connect read = parse_good(data);
  EXPECT_EQ(read.version, Version::v3_1_1);
  EXPECT_FALSE(read.bridge);
  EXPECT_TRUE(read.clean_start);
  EXPECT_EQ(read.keep_alive_s, 60);
  EXPECT_EQ(read.client_id, "c1");
  EXPECT_FALSE(read.will.has_value());
  EXPECT_EQ(read.user_name, "alice");
  ASSERT_TRUE(read.password.has_value());
  EXPECT_EQ(text(*read.password), std::string("pw\0", 3)) << "a NUL is not the end of a password";
}

TEST(Connect, OfVersion31IsRead) {
  const ByteVector data = connect("0006 'MQIsdp' 03 00 000f 0006 'mqtt-x'");
  const Connect read = parse_good(data);
  EXPECT_EQ(read.version, Version::v3_1);
  EXPECT_FALSE(read.clean_start);
  EXPECT_EQ(read.keep_alive_s, 15);
  EXPECT_EQ(read.client_id, "mqtt-x");
  EXPECT_FALSE(read.user_name.has_value());
  EXPECT_FALSE(read.password.has_value());
}

TEST(Connect, OfVersion5IsRead) {
  const ByteVector data = connect("0004 'MQTT' 05 02 ffff 00 0000");
  const Connect read = parse_good(data);
  EXPECT_EQ(read.version, Version::v5_0);
  EXPECT_EQ(read.keep_alive_s, 65'535);
  EXPECT_EQ(read.client_id, "");
  EXPECT_EQ(read.receive_maximum, 65'535);
  EXPECT_FALSE(read.maximum_packet_size.has_value());
  EXPECT_TRUE(read.request_problem_information);
}

TEST(Connect, OfABridgeIsReadAsItsVersion) {
  const ByteVector v3_1_1 = connect("0004 'MQTT' 84 00 003c 0001 'b'");
  EXPECT_EQ(parse_good(v3_1_1).version, Version::v3_1_1);
  EXPECT_TRUE(parse_good(v3_1_1).bridge);
  const ByteVector v3_1 = connect("0006 'MQIsdp' 83 00 003c 0001 'b'");
  EXPECT_EQ(parse_good(v3_1).version, Version::v3_1);
  EXPECT_TRUE(parse_good(v3_1).bridge);
}

// [MQTT-3.1.3-1]: client identifier, will topic, will message, user name, password, in this order.
TEST(Connect, HoldsItsFieldsInTheOrderOfTheStandard) {
  const ByteVector data = connect("0004 'MQTT' 04 f6 003c 0001 'c' 0003 'w/t' 0004 00ff 'gh' 0001 'u' 0001 'p'");
  const Connect read = parse_good(data);
  EXPECT_EQ(read.client_id, "c");
  ASSERT_TRUE(read.will.has_value());
  EXPECT_EQ(read.will->topic, "w/t");
  EXPECT_EQ(text(read.will->payload), std::string("\0\xffgh", 4));
  EXPECT_EQ(read.will->qos, 2);
  EXPECT_TRUE(read.will->retain);
  EXPECT_EQ(read.user_name, "u");
  EXPECT_EQ(text(*read.password), "p");
}

TEST(Connect, TakesEveryWillQosButThree) {
  for (const char* flags : {"06", "0e", "16", "26", "2e", "36"}) {
    const ByteVector data = connect(std::string("0004 'MQTT' 04 ") + flags + " 003c 0001 'c' 0001 't' 0000");
    EXPECT_TRUE(std::holds_alternative<Connect>(parse(data))) << flags;
  }
}

TEST(Connect, CountsAnEmptyUserNameAsPresent) {
  const ByteVector data = connect("0004 'MQTT' 04 c2 003c 0001 'c' 0000 0000");
  const Connect read = parse_good(data);
  EXPECT_EQ(read.user_name, "");
  ASSERT_TRUE(read.password.has_value());
  EXPECT_TRUE(read.password->empty());
}

// The standard asks servers to take 1 to 23 bytes and lets them take more [MQTT-3.1.3-5]; none at all is the policy's
// question.
TEST(Connect, TakesClientIdentifiersOfAnyLength) {
  EXPECT_EQ(parse_good(connect("0006 'MQIsdp' 03 02 003c 0000")).client_id.size(), 0u);
  const ByteVector data = packet(0x10, bytes("0006 'MQIsdp' 03 02 003c ffff") + ByteVector(65'535, 'i'));
  EXPECT_EQ(parse_good(data).client_id.size(), 65'535u);
}

// OASIS 5.0 section 3.1.2.9.
TEST(Connect, OfVersion5MayHoldAPasswordWithoutAUserName) {
  const ByteVector data = connect("0004 'MQTT' 05 42 003c 00 0001 'c' 0002 'pw'");
  const Connect read = parse_good(data);
  EXPECT_FALSE(read.user_name.has_value());
  EXPECT_EQ(text(*read.password), "pw");
}

// MQTT 3.1, section 3.1: the remaining length takes precedence over the flags.
TEST(Connect, OfVersion31MayEndBeforeTheCredentialsItAnnounced) {
  const ByteVector without_both = connect("0006 'MQIsdp' 03 c2 003c 0001 'c'");
  EXPECT_FALSE(parse_good(without_both).user_name.has_value());
  EXPECT_FALSE(parse_good(without_both).password.has_value());
  const ByteVector without_password = connect("0006 'MQIsdp' 03 c2 003c 0001 'c' 0001 'u'");
  EXPECT_EQ(parse_good(without_password).user_name, "u");
  EXPECT_FALSE(parse_good(without_password).password.has_value());
}

TEST(Connect, SaysWhereItsCredentialsBegin) {
  const ByteVector data = connect("0004 'MQTT' 04 c2 003c 0001 'c' 0001 'u' 0001 'p'");
  EXPECT_EQ(parse_good(data).credentials_at, data.size() - 6);
  EXPECT_EQ(parse_good(data).flags_at, 9u);
}

using Row = test::Row<ConnectRefusal>;
constexpr auto v3_1 = Version::v3_1;
constexpr auto v3_1_1 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

class MalformedConnect : public testing::TestWithParam<Row> {};

TEST_P(MalformedConnect, IsRefusedByName) {
  const ConnectResult result = parse(GetParam().bytes);
  const auto* const refusal = std::get_if<ConnectRefusal>(&result);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(static_cast<int>(refusal->fault), static_cast<int>(GetParam().expected.fault));
  EXPECT_EQ(refusal->version, GetParam().expected.version);
  EXPECT_EQ(refusal->reason_code, GetParam().expected.reason_code);
}

const auto name_of_row = [](const auto& row) { return std::string(row.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Header, MalformedConnect,
    testing::Values(
        // [MQTT-2.2.2-2], in 5.0 [MQTT-2.1.3-1]
        Row{"with_flags", packet(0x12, "0004 'MQTT' 04 02 003c 0000"), {ConnectFault::header_flags, {}}},
        Row{"of_another_type", packet(0x20, "00 00"), {ConnectFault::header_flags, {}}},
        Row{"of_nothing", {}, {ConnectFault::length, {}}}, Row{"of_one_byte", bytes("10"), {ConnectFault::length, {}}},
        Row{"without_a_body", bytes("10 00"), {ConnectFault::length, {}}},
        // [MQTT-1.5.5-1]
        Row{"with_a_length_longer_than_needed", bytes("10 8c 00 0004 'MQTT' 04 02 003c 0000"), {ConnectFault::length, {}}},
        Row{"with_a_length_of_five_bytes",
            bytes("10 8c 80 80 80 00 0004 'MQTT' 04 02 003c 0000"),
            {ConnectFault::length, {}}},
        Row{"shorter_than_its_length", bytes("10 0d 0004 'MQTT' 04 02 003c 0000"), {ConnectFault::length, {}}},
        Row{"longer_than_its_length", bytes("10 0b 0004 'MQTT' 04 02 003c 0000"), {ConnectFault::length, {}}}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Protocol, MalformedConnect,
    testing::Values(
        // [MQTT-3.1.2-1]
        Row{"of_another_protocol", connect("0004 'MQTX' 04 02 003c 0000"), {ConnectFault::protocol_name, {}}},
        Row{"in_small_letters", connect("0004 'mqtt' 04 02 003c 0000"), {ConnectFault::protocol_name, {}}},
        Row{"in_mixed_letters", connect("0006 'mqisdp' 03 02 003c 0000"), {ConnectFault::protocol_name, {}}},
        Row{"with_an_empty_name", connect("0000 04 02 003c 0000"), {ConnectFault::protocol_name, {}}},
        Row{"with_a_longer_name", connect("0005 'MQTT' 00 04 02 003c 0000"), {ConnectFault::protocol_name, {}}},
        Row{"with_a_name_beyond_the_end", connect("00ff 'MQTT' 04 02 003c 0000"), {ConnectFault::length, {}}},
        Row{"that_ends_in_the_name", connect("0004 'MQ'"), {ConnectFault::length, {}}},
        Row{"that_ends_before_the_level", connect("0004 'MQTT'"), {ConnectFault::length, {}}},
        // [MQTT-3.1.2-2]
        Row{"of_level_0", connect("0004 'MQTT' 00 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_level_3_by_the_later_name", connect("0004 'MQTT' 03 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_level_4_by_the_earlier_name", connect("0006 'MQIsdp' 04 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_level_5_by_the_earlier_name", connect("0006 'MQIsdp' 05 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_level_6", connect("0004 'MQTT' 06 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_a_bridge_of_level_3_by_the_later_name",
            connect("0004 'MQTT' 83 02 003c 0000"),
            {ConnectFault::level, {}, 0x84}},
        Row{"of_a_bridge_of_level_4_by_the_earlier_name",
            connect("0006 'MQIsdp' 84 02 003c 0000"),
            {ConnectFault::level, {}, 0x84}},
        Row{"of_a_bridge_of_level_0", connect("0004 'MQTT' 80 02 003c 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_a_bridge_of_version_5", connect("0004 'MQTT' 85 02 003c 00 0000"), {ConnectFault::level, {}, 0x84}},
        Row{"of_an_unknown_level_with_nothing_behind", connect("0004 'MQTT' 7f"), {ConnectFault::level, {}, 0x84}}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Flags, MalformedConnect,
    testing::Values(
        // [MQTT-3.1.2-3]
        Row{"with_the_reserved_flag", connect("0004 'MQTT' 04 03 003c 0000"), {ConnectFault::flags, v3_1_1}},
        Row{"with_the_reserved_flag_in_5", connect("0004 'MQTT' 05 03 003c 00 0000"), {ConnectFault::flags, v5}},
        Row{"with_the_reserved_flag_in_31", connect("0006 'MQIsdp' 03 03 003c 0001 'c'"), {ConnectFault::flags, v3_1}},
        // [MQTT-3.1.2-22]
        Row{"with_a_password_without_a_user",
            connect("0004 'MQTT' 04 42 003c 0000 0001 'p'"),
            {ConnectFault::flags, v3_1_1}},
        Row{"with_a_password_without_a_user_in_31",
            connect("0006 'MQIsdp' 03 42 003c 0001 'c' 0001 'p'"),
            {ConnectFault::flags, v3_1}},
        // [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15], in 5.0 [MQTT-3.1.2-11] [MQTT-3.1.2-13]
        Row{"with_will_qos_1_without_a_will", connect("0004 'MQTT' 04 0a 003c 0000"), {ConnectFault::will, v3_1_1}},
        Row{"with_will_qos_2_without_a_will", connect("0004 'MQTT' 05 12 003c 00 0000"), {ConnectFault::will, v5}},
        Row{"with_will_retain_without_a_will", connect("0004 'MQTT' 04 22 003c 0000"), {ConnectFault::will, v3_1_1}},
        // [MQTT-3.1.2-14], in 5.0 [MQTT-3.1.2-12]
        Row{"with_will_qos_3", connect("0004 'MQTT' 04 1e 003c 0001 'c' 0001 't' 0000"), {ConnectFault::will, v3_1_1}},
        Row{"with_will_qos_3_in_5",
            connect("0004 'MQTT' 05 1e 003c 00 0001 'c' 00 0001 't' 0000"),
            {ConnectFault::will, v5}},
        Row{"with_will_qos_3_without_a_will", connect("0004 'MQTT' 04 1a 003c 0000"), {ConnectFault::will, v3_1_1}},
        Row{"that_ends_before_the_flags", connect("0004 'MQTT' 04"), {ConnectFault::length, v3_1_1}},
        Row{"that_ends_in_the_keep_alive", connect("0004 'MQTT' 04 02 00"), {ConnectFault::length, v3_1_1}}),
    name_of_row);

INSTANTIATE_TEST_SUITE_P(
    Payload, MalformedConnect,
    testing::Values(
        // [MQTT-3.1.3-3]
        Row{"without_a_client_id", connect("0004 'MQTT' 04 02 003c"), {ConnectFault::length, v3_1_1}},
        Row{"with_a_client_id_beyond_the_end", connect("0004 'MQTT' 04 02 003c 0005 'abc'"), {ConnectFault::length, v3_1_1}},
        Row{"with_half_a_length", connect("0004 'MQTT' 04 02 003c 00"), {ConnectFault::length, v3_1_1}},
        // [MQTT-3.1.3-4] [MQTT-1.5.3-1], in 5.0 [MQTT-1.5.4-1]
        Row{"with_a_client_id_that_is_not_utf8", connect("0004 'MQTT' 04 02 003c 0002 c328"), {ConnectFault::utf8, v3_1_1}},
        Row{"with_a_surrogate_in_the_client_id", connect("0004 'MQTT' 05 02 003c 00 0003 eda080"), {ConnectFault::utf8, v5}},
        Row{"with_an_overlong_client_id", connect("0006 'MQIsdp' 03 02 003c 0002 c080"), {ConnectFault::utf8, v3_1}},
        // [MQTT-1.5.3-2], in 5.0 [MQTT-1.5.4-2]
        Row{"with_a_nul_in_the_client_id", connect("0004 'MQTT' 04 02 003c 0003 'a' 00 'b'"), {ConnectFault::utf8, v3_1_1}},
        // [MQTT-3.1.2-9]
        Row{"without_the_will_it_announces", connect("0004 'MQTT' 04 06 003c 0001 'c'"), {ConnectFault::length, v3_1_1}},
        Row{"without_the_will_message", connect("0004 'MQTT' 04 06 003c 0001 'c' 0001 't'"), {ConnectFault::length, v3_1_1}},
        Row{"with_a_will_message_beyond_the_end",
            connect("0004 'MQTT' 04 06 003c 0001 'c' 0001 't' 0009 'x'"),
            {ConnectFault::length, v3_1_1}},
        // [MQTT-3.1.3-10], in 5.0 [MQTT-3.1.3-11]
        Row{"with_a_will_topic_that_is_not_utf8",
            connect("0004 'MQTT' 04 06 003c 0001 'c' 0001 ff 0000"),
            {ConnectFault::utf8, v3_1_1}},
        // [MQTT-4.7.3-1]
        Row{"with_an_empty_will_topic", connect("0004 'MQTT' 04 06 003c 0001 'c' 0000 0000"), {ConnectFault::will, v3_1_1}},
        // [MQTT-4.7.1-1], in 5.0 [MQTT-4.7.0-1]
        Row{"with_a_wildcard_in_the_will_topic",
            connect("0004 'MQTT' 04 06 003c 0001 'c' 0003 'a/#' 0000"),
            {ConnectFault::will, v3_1_1}},
        Row{"with_a_plus_in_the_will_topic",
            connect("0004 'MQTT' 05 06 003c 00 0001 'c' 00 0003 'a/+' 0000"),
            {ConnectFault::will, v5}},
        // [MQTT-3.1.2-19], in 5.0 [MQTT-3.1.2-17]
        Row{"without_the_user_name_it_announces",
            connect("0004 'MQTT' 04 82 003c 0001 'c'"),
            {ConnectFault::length, v3_1_1}},
        Row{"without_the_user_name_it_announces_in_5",
            connect("0004 'MQTT' 05 82 003c 00 0001 'c'"),
            {ConnectFault::length, v5}},
        // [MQTT-3.1.3-11], in 5.0 [MQTT-3.1.3-12]
        Row{"with_a_user_name_that_is_not_utf8",
            connect("0004 'MQTT' 04 82 003c 0001 'c' 0002 c0af"),
            {ConnectFault::utf8, v3_1_1}},
        Row{"with_a_nul_in_the_user_name",
            connect("0004 'MQTT' 05 82 003c 00 0001 'c' 0002 'u' 00"),
            {ConnectFault::utf8, v5}},
        // [MQTT-3.1.2-21], in 5.0 [MQTT-3.1.2-19]
        Row{"without_the_password_it_announces",
            connect("0004 'MQTT' 04 c2 003c 0001 'c' 0001 'u'"),
            {ConnectFault::length, v3_1_1}},
        Row{"with_a_password_beyond_the_end",
            connect("0004 'MQTT' 04 c2 003c 0001 'c' 0001 'u' 00ff 'p'"),
            {ConnectFault::length, v3_1_1}},
        Row{"with_half_a_user_name_in_31",
            connect("0006 'MQIsdp' 03 82 003c 0001 'c' 0004 'u'"),
            {ConnectFault::length, v3_1}},
        // [MQTT-3.1.2-18] [MQTT-3.1.2-20], in 5.0 [MQTT-3.1.2-16] [MQTT-3.1.2-18]; [MQTT-3.1.4-1]
        Row{"with_a_user_name_it_does_not_announce",
            connect("0004 'MQTT' 04 02 003c 0001 'c' 0001 'u'"),
            {ConnectFault::trailing, v3_1_1}},
        Row{"with_a_password_it_does_not_announce",
            connect("0004 'MQTT' 04 82 003c 0001 'c' 0001 'u' 0001 'p'"),
            {ConnectFault::trailing, v3_1_1}},
        Row{"with_a_will_it_does_not_announce",
            connect("0004 'MQTT' 05 02 003c 00 0001 'c' 00 0001 't' 0000"),
            {ConnectFault::trailing, v5}},
        Row{"with_one_byte_too_many", connect("0004 'MQTT' 04 02 003c 0001 'c' 00"), {ConnectFault::trailing, v3_1_1}},
        Row{"as_impacket_sends_it",
            bytes("10 13 0006 'MQIsdp' 03 02 003c 0001 20 00 00 00 00"),
            {ConnectFault::trailing, v3_1}}),
    name_of_row);

// A packet cut anywhere, with its length made to fit, is either refused or, in MQTT 3.1, ends before its credentials.
TEST(MalformedConnect, IsWhateverEndsTooEarly) {
  const ByteVector bodies[] = {
      bytes("0004 'MQTT' 04 f6 003c 0001 'c' 0003 'w/t' 0002 'gh' 0001 'u' 0001 'p'"),
      bytes("0004 'MQTT' 05 f6 003c 05 11 00000001 0001 'c' 02 0101 0003 'w/t' 0002 'gh' 0001 'u' 0001 'p'")};
  for (const ByteVector& body : bodies) {
    ASSERT_TRUE(std::holds_alternative<Connect>(parse(packet(0x10, body))));
    for (std::size_t size = 0; size < body.size(); ++size) {
      const ByteVector cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_TRUE(std::holds_alternative<ConnectRefusal>(parse(packet(0x10, cut)))) << size;
    }
  }
}

struct Credentials {
  const char* name;
  ByteVector before;
  ByteVector after;
};

TEST(ReplaceCredentials, ChangesTheFlagsTheLengthAndTheCredentialsAndNothingElse) {
  const Credentials rows[] = {
      {"others", connect("0004 'MQTT' 04 c2 003c 0001 'c' 0001 'u' 0001 'p'"),
       connect("0004 'MQTT' 04 c2 003c 0001 'c' 0003 'new' 0002 'pw'")},
      {"none before", connect("0004 'MQTT' 04 00 003c 0001 'c'"),
       connect("0004 'MQTT' 04 c0 003c 0001 'c' 0003 'new' 0002 'pw'")},
      {"user only, bridge, will", connect("0006 'MQIsdp' 83 ae 003c 0001 'c' 0001 't' 0001 'm' 0001 'u'"),
       connect("0006 'MQIsdp' 83 ee 003c 0001 'c' 0001 't' 0001 'm' 0003 'new' 0002 'pw'")},
      {"password only, properties", connect("0004 'MQTT' 05 42 003c 03 210001 0000 0001 'p'"),
       connect("0004 'MQTT' 05 c2 003c 03 210001 0000 0003 'new' 0002 'pw'")},
      {"announced but missing", connect("0006 'MQIsdp' 03 c2 003c 0001 'c'"),
       connect("0006 'MQIsdp' 03 c2 003c 0001 'c' 0003 'new' 0002 'pw'")},
  };
  for (const Credentials& row : rows) {
    EXPECT_EQ(replace_credentials(row.before, parse_good(row.before), "new", "pw"), row.after) << row.name;
  }
}

TEST(ReplaceCredentials, LetsTheRemainingLengthGrowAndShrinkByAByte) {
  const ByteVector small = connect("0004 'MQTT' 04 c2 003c 0001 'c' 0001 'u' 0001 'p'");
  const std::string longer(200, 'x');
  const ByteVector grown = replace_credentials(small, parse_good(small), longer, "p");
  EXPECT_EQ(grown.size(), small.size() + 199 + 1);
  EXPECT_EQ(parse_good(grown).user_name, longer);
  EXPECT_EQ(replace_credentials(grown, parse_good(grown), "u", "p"), small);
}

TEST(ReplaceCredentials, TakesTheLongestAndNothingLonger) {
  const ByteVector data = connect("0004 'MQTT' 04 02 003c 0001 'c'");
  const std::string longest(65'535, 'x');
  const ByteVector replaced = replace_credentials(data, parse_good(data), longest, longest);
  EXPECT_EQ(parse_good(replaced).user_name, longest);
  EXPECT_TRUE(replace_credentials(data, parse_good(data), longest + "x", "p").empty());
  EXPECT_TRUE(replace_credentials(data, parse_good(data), "u", longest + "x").empty());
}

}  // namespace
}  // namespace bastion::mqtt
