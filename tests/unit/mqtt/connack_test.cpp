// CONNACK: read strictly, rewritten with care, and made.
#include "proxy/mqtt/connack.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;
using test::packet;

ByteVector with_keep_alive(const ByteVector& packet, const Connack& connack, std::uint16_t seconds) {
  ConnackLimits limits;
  limits.server_keep_alive_s = seconds;
  ByteVector out;
  append_lowered_connack(out, packet, connack, limits);
  return out;
}

Connack parse_good(const ByteVector& data, Version version) {
  const ConnackResult result = parse_connack(data, version);
  EXPECT_TRUE(std::holds_alternative<Connack>(result));
  return std::holds_alternative<Connack>(result) ? std::get<Connack>(result) : Connack{};
}

TEST(Connack, OfVersion311IsRead) {
  EXPECT_EQ(parse_good(bytes("20 02 00 00"), Version::v3_1_1).code, 0);
  EXPECT_TRUE(parse_good(bytes("20 02 01 00"), Version::v3_1_1).session_present);
  EXPECT_EQ(parse_good(bytes("20 02 00 05"), Version::v3_1_1).code, 5);
}

TEST(Connack, OfVersion31KnowsNoSessionPresent) {
  EXPECT_FALSE(parse_good(bytes("20 02 01 00"), Version::v3_1).session_present);
}

TEST(Connack, OfVersion5IsReadWithAllItsProperties) {
  const ByteVector data =
      packet(0x20,
             "01 00 42 11 00000e10 21 0014 24 01 25 01 27 00010000 12 0004 'id-1' 22 000a 1f 0002 'ok'"
             "26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 28 01 29 01 2a 00 13 0e10 1a 0001 'r' 1c 0004 'else'");
  const Connack read = parse_good(data, Version::v5_0);
  EXPECT_EQ(read.code, 0);
  EXPECT_TRUE(read.session_present);
  EXPECT_EQ(read.server_keep_alive_s, 3600);
  EXPECT_EQ(read.maximum_packet_size, 65'536u);
  EXPECT_EQ(read.receive_maximum, 20);
  EXPECT_EQ(read.topic_alias_maximum, 10);
  EXPECT_EQ(read.session_expiry_interval_s, 3600u);
  EXPECT_EQ(read.maximum_qos, 1);
  EXPECT_EQ(read.assigned_client_id, "id-1");
  EXPECT_FALSE(read.shared_subscription_available);
  EXPECT_TRUE(read.retain_available);
  EXPECT_TRUE(read.wildcard_subscription_available);
  EXPECT_TRUE(read.subscription_identifier_available);
  EXPECT_TRUE(read.has_reason_string);
  EXPECT_EQ(read.user_properties, 2u);
  EXPECT_FALSE(read.has_authentication);
}

TEST(Connack, OfVersion5AllowsWhatItDoesNotSay) {
  const Connack read = parse_good(bytes("20 03 00 00 00"), Version::v5_0);
  EXPECT_EQ(read.receive_maximum, 65'535);
  EXPECT_EQ(read.maximum_qos, 2);
  EXPECT_EQ(read.topic_alias_maximum, 0);
  EXPECT_TRUE(read.retain_available && read.wildcard_subscription_available);
  EXPECT_TRUE(read.subscription_identifier_available && read.shared_subscription_available);
  EXPECT_FALSE(read.server_keep_alive_s || read.maximum_packet_size || read.session_expiry_interval_s);
  EXPECT_FALSE(read.assigned_client_id.has_value());
}

TEST(Connack, OfVersion5ForbidsWhatItSaysIsNotAvailable) {
  EXPECT_FALSE(parse_good(packet(0x20, "00 00 02 25 00"), Version::v5_0).retain_available);
  EXPECT_FALSE(parse_good(packet(0x20, "00 00 02 28 00"), Version::v5_0).wildcard_subscription_available);
  EXPECT_FALSE(parse_good(packet(0x20, "00 00 02 29 00"), Version::v5_0).subscription_identifier_available);
}

TEST(Connack, SaysThatItHoldsAuthentication) {
  EXPECT_TRUE(parse_good(packet(0x20, "00 00 04 15 0001 'm'"), Version::v5_0).has_authentication);
  EXPECT_TRUE(parse_good(packet(0x20, "00 00 03 16 0000"), Version::v5_0).has_authentication);
}

struct Expected {
  Version version;
  ConnackFault fault;
};
using Row = test::Row<Expected>;

class MalformedConnack : public testing::TestWithParam<Row> {};

TEST_P(MalformedConnack, IsRefusedByName) {
  const ConnackResult result = parse_connack(GetParam().bytes, GetParam().expected.version);
  const auto* const fault = std::get_if<ConnackFault>(&result);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(static_cast<int>(*fault), static_cast<int>(GetParam().expected.fault));
}

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

INSTANTIATE_TEST_SUITE_P(
    Of, MalformedConnack,
    testing::Values(Row{"nothing", {}, {v3, ConnackFault::header}},
                    Row{"flags_in_the_header", bytes("29 02 00 00"), {v3, ConnackFault::header}},
                    Row{"another_type", bytes("d0 00"), {v3, ConnackFault::header}},
                    Row{"no_body", bytes("20 00"), {v3, ConnackFault::length}},
                    Row{"one_byte", bytes("20 01 00"), {v3, ConnackFault::length}},
                    Row{"a_length_that_is_not_the_packets", bytes("20 03 00 00"), {v3, ConnackFault::length}},
                    Row{"a_third_byte_in_3", bytes("20 03 00 00 00"), {v3, ConnackFault::trailing}},
                    // 5.0 [MQTT-3.2.2-1]
                    Row{"reserved_flags", bytes("20 02 02 00"), {v3, ConnackFault::flags}},
                    Row{"reserved_flags_in_5", bytes("20 03 80 00 00"), {v5, ConnackFault::flags}},
                    // 3.1.1 [MQTT-3.2.2-4], 5.0 [MQTT-3.2.2-6]
                    Row{"session_present_in_a_refusal", bytes("20 02 01 05"), {v3, ConnackFault::flags}},
                    Row{"session_present_in_a_refusal_in_5", bytes("20 03 01 87 00"), {v5, ConnackFault::flags}},
                    Row{"return_code_6", bytes("20 02 00 06"), {v3, ConnackFault::code}},
                    Row{"reason_code_of_5_in_3", bytes("20 02 00 80"), {v3, ConnackFault::code}},
                    Row{"return_code_of_3_in_5", bytes("20 03 00 05 00"), {v5, ConnackFault::code}},
                    Row{"reason_code_of_disconnect", bytes("20 03 00 8e 00"), {v5, ConnackFault::code}},
                    Row{"no_properties_in_5", bytes("20 02 00 00"), {v5, ConnackFault::property}},
                    Row{"properties_beyond_the_end", bytes("20 03 00 00 05"), {v5, ConnackFault::property}},
                    Row{"property_of_connect", packet(0x20, "00 00 02 17 01"), {v5, ConnackFault::property}},
                    Row{"keep_alive_twice", packet(0x20, "00 00 06 13 0001 13 0001"), {v5, ConnackFault::property}},
                    Row{"receive_maximum_zero", packet(0x20, "00 00 03 21 0000"), {v5, ConnackFault::property}},
                    Row{"maximum_packet_size_zero", packet(0x20, "00 00 05 27 00000000"), {v5, ConnackFault::property}},
                    Row{"maximum_qos_2", packet(0x20, "00 00 02 24 02"), {v5, ConnackFault::property}},
                    Row{"retain_available_2", packet(0x20, "00 00 02 25 02"), {v5, ConnackFault::property}},
                    Row{"reason_string_that_is_not_utf8", packet(0x20, "00 00 04 1f 0001 ff"), {v5, ConnackFault::utf8}},
                    Row{"bytes_left_over", packet(0x20, "00 00 00 00"), {v5, ConnackFault::trailing}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ServerKeepAlive, IsPutInPlaceOfTheBrokers) {
  const ByteVector data = packet(0x20, "01 00 0d 21 0014 13 ffff 26 0001 'k' 0001 'v'");
  EXPECT_EQ(with_keep_alive(data, parse_good(data, v5), 1200),
            packet(0x20, "01 00 0d 21 0014 13 04b0 26 0001 'k' 0001 'v'"));
}

TEST(ServerKeepAlive, IsAddedWhereTheBrokerGaveNone) {
  const ByteVector empty = bytes("20 03 00 00 00");
  EXPECT_EQ(with_keep_alive(empty, parse_good(empty, v5), 60), bytes("20 06 00 00 03 13 003c"));
  const ByteVector some = packet(0x20, "01 00 03 21 0014");
  EXPECT_EQ(with_keep_alive(some, parse_good(some, v5), 60), packet(0x20, "01 00 06 13 003c 21 0014"));
}

TEST(ServerKeepAlive, LetsBothLengthsGrowByAByte) {
  for (std::size_t size = 110; size <= 130; ++size) {
    const ByteVector reason(size, 'r');
    ByteVector properties = bytes("1f 00") + ByteVector{static_cast<std::uint8_t>(size)} + reason;
    ByteVector body = packet(0, properties);
    body[0] = 0;                          // acknowledge flags
    body.insert(body.begin() + 1, 0x00);  // reason code
    const ByteVector data = packet(0x20, body);
    const ByteVector rewritten = with_keep_alive(data, parse_good(data, v5), 77);
    EXPECT_EQ(parse_good(rewritten, v5).server_keep_alive_s, 77) << size;
    EXPECT_TRUE(std::equal(reason.rbegin(), reason.rend(), rewritten.rbegin())) << size;
  }
}

ByteVector lowered(const ByteVector& data, const ConnackLimits& limits) {
  ByteVector out;
  append_lowered_connack(out, data, parse_good(data, v5), limits);
  return out;
}

ConnackLimits all_limits() {
  ConnackLimits limits;
  limits.receive_maximum = 10;
  limits.maximum_packet_size = 0x1000;
  limits.topic_alias_maximum = 4;
  limits.maximum_qos = 1;
  limits.server_keep_alive_s = 60;
  limits.retain_available = false;
  limits.wildcard_subscription_available = false;
  limits.subscription_identifier_available = false;
  limits.shared_subscription_available = false;
  return limits;
}

TEST(LoweredConnack, IsTheSameWhereNothingIsLimited) {
  const ByteVector data = packet(0x20, "01 00 0b 21 0014 24 01 1f 0003 'why'");
  EXPECT_EQ(lowered(data, {}), data);
}

TEST(LoweredConnack, SaysTheLimitsWhereTheBrokerSaysNothing) {
  const ByteVector made = lowered(bytes("20 03 00 00 00"), all_limits());
  const Connack read = parse_good(made, v5);
  EXPECT_EQ(read.receive_maximum, 10);
  EXPECT_EQ(read.maximum_packet_size, 0x1000u);
  EXPECT_EQ(read.topic_alias_maximum, 0);  // the broker takes no alias: there is nothing to lower
  EXPECT_EQ(read.maximum_qos, 1);
  EXPECT_EQ(read.server_keep_alive_s, 60);
  EXPECT_FALSE(read.retain_available || read.wildcard_subscription_available);
  EXPECT_FALSE(read.subscription_identifier_available || read.shared_subscription_available);
}

TEST(LoweredConnack, LeavesAStricterBrokersWord) {
  const ByteVector data = packet(0x20, "00 00 18 21 0005 27 00000100 22 0003 24 00 13 000a 25 00 28 00 29 00 2a 00");
  EXPECT_EQ(lowered(data, all_limits()), data);
}

TEST(LoweredConnack, PutsTheLimitInPlaceOfAWordThatAllowsMore) {
  const ByteVector data = packet(0x20, "01 00 14 21 0014 26 0001 'k' 0001 'v' 22 ffff 13 0000 25 01 28 00");
  ConnackLimits limits;
  limits.receive_maximum = 10;
  limits.topic_alias_maximum = 4;
  limits.server_keep_alive_s = 60;
  limits.retain_available = false;
  limits.wildcard_subscription_available = false;
  EXPECT_EQ(lowered(data, limits), packet(0x20, "01 00 14 21 000a 26 0001 'k' 0001 'v' 22 0004 13 003c 25 00 28 00"));
}

TEST(LoweredConnack, IsAppended) {
  ByteVector out = bytes("d0 00");
  const ByteVector data = bytes("20 03 00 00 00");
  append_lowered_connack(out, data, parse_good(data, v5), {});
  EXPECT_EQ(out, bytes("d0 00 20 03 00 00 00"));
}

TEST(Replies, AreWhatTheStandardSays) {
  EXPECT_EQ(make_connack_v3(5), (std::array<std::uint8_t, 4>{0x20, 0x02, 0x00, 0x05}));
  EXPECT_EQ(make_connack_v5(0x87), (std::array<std::uint8_t, 5>{0x20, 0x03, 0x00, 0x87, 0x00}));
  EXPECT_EQ(make_disconnect_v5(0x8b), (std::array<std::uint8_t, 4>{0xe0, 0x02, 0x8b, 0x00}));
}

TEST(Replies, AreReadAgainAsConnack) {
  EXPECT_EQ(parse_good(ByteVector{0x20, 0x02, 0x00, 0x05}, v3).code, 5);
  const auto made = make_connack_v5(0x87);
  EXPECT_EQ(parse_good(ByteVector(made.begin(), made.end()), v5).code, 0x87);
}

}  // namespace
}  // namespace bastion::mqtt
