// SUBACK and UNSUBACK: one code for each filter, out of those that the version has.
#include "proxy/mqtt/granted.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::ByteVector;

constexpr auto v31 = Version::v3_1;
constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

Granted good(const GrantedResult& result) {
  EXPECT_TRUE(std::holds_alternative<Granted>(result));
  return std::holds_alternative<Granted>(result) ? std::get<Granted>(result) : Granted{};
}

ByteVector codes_of(const Granted& read) {
  return {read.codes.begin(), read.codes.end()};
}

TEST(Suback, HasACodeForEachFilter) {
  const ByteVector v3_body = bytes("1234 00 01 02 80");
  const Granted v3_read = good(read_suback(v3, v3_body));
  EXPECT_EQ(v3_read.packet_id, 0x1234);
  EXPECT_EQ(codes_of(v3_read), bytes("00 01 02 80"));
  const ByteVector v5_body = bytes("0001 0a 1f 0000 26 0001 'k' 0001 'v' 02 87");
  const Granted v5_read = good(read_suback(v5, v5_body));
  EXPECT_EQ(codes_of(v5_read), bytes("02 87"));
  EXPECT_EQ(v5_read.user_properties, 1u);
  EXPECT_EQ(v5_read.properties.size(), 10u);
}

TEST(Unsuback, OfVersion3IsAPacketIdentifier) {
  const ByteVector body = bytes("1234");
  EXPECT_EQ(good(read_unsuback(v3, body)).packet_id, 0x1234);
  EXPECT_TRUE(good(read_unsuback(v3, body)).codes.empty());
}

TEST(Unsuback, OfVersion5HasACodeForEachFilter) {
  const ByteVector body = bytes("0001 00 00 11");
  EXPECT_EQ(codes_of(good(read_unsuback(v5, body))), bytes("00 11"));
}

// [MQTT-3.9.3-2], 5.0 tables 3-8 and 3-9, written out.
TEST(Suback, HasTheCodesOfItsVersionAndNoOthers) {
  const std::set<int> of_31 = {0, 1, 2};
  const std::set<int> of_3 = {0, 1, 2, 0x80};
  const std::set<int> of_5 = {0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2};
  const std::set<int> unsuback = {0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91};
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    EXPECT_EQ(is_suback_code(v31, byte), of_31.contains(code)) << std::hex << code;
    EXPECT_EQ(is_suback_code(v3, byte), of_3.contains(code)) << std::hex << code;
    EXPECT_EQ(is_suback_code(v5, byte), of_5.contains(code)) << std::hex << code;
    EXPECT_EQ(is_unsuback_code(byte), unsuback.contains(code)) << std::hex << code;
  }
}

using Read = GrantedResult (*)(Version, Bytes);
struct Expected {
  Read read;
  Version version;
  PacketFault fault;
};
using Row = test::Row<Expected>;

class BadGranted : public testing::TestWithParam<Row> {};

TEST_P(BadGranted, IsRefusedByName) {
  const auto& [read, version, fault] = GetParam().expected;
  const GrantedResult result = read(version, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadGranted,
    testing::Values(
        Row{"nothing", {}, {read_suback, v3, malformed(Flaw::length)}},
        Row{"nothing_in_unsuback", {}, {read_unsuback, v3, malformed(Flaw::length)}},
        Row{"packet_id_0", bytes("0000 00"), {read_suback, v3, protocol_error(Flaw::packet_id)}},
        Row{"packet_id_0_in_unsuback", bytes("0000"), {read_unsuback, v3, protocol_error(Flaw::packet_id)}},
        Row{"no_code", bytes("0001"), {read_suback, v3, protocol_error(Flaw::empty)}},
        Row{"no_code_in_5", bytes("0001 00"), {read_suback, v5, protocol_error(Flaw::empty)}},
        Row{"no_code_in_unsuback", bytes("0001 00"), {read_unsuback, v5, protocol_error(Flaw::empty)}},
        Row{"no_properties_in_5", bytes("0001"), {read_suback, v5, malformed(Flaw::property)}},
        Row{"no_properties_in_unsuback", bytes("0001"), {read_unsuback, v5, malformed(Flaw::property)}},
        Row{"failure_in_31", bytes("0001 80"), {read_suback, v31, protocol_error(Flaw::code)}},
        Row{"qos_3", bytes("0001 00 03"), {read_suback, v3, protocol_error(Flaw::code)}},
        Row{"a_code_of_unsuback", bytes("0001 00 11"), {read_suback, v5, protocol_error(Flaw::code)}},
        Row{"a_code_of_suback", bytes("0001 00 01"), {read_unsuback, v5, protocol_error(Flaw::code)}},
        Row{"a_code_in_unsuback_of_3", bytes("0001 00"), {read_unsuback, v3, malformed(Flaw::trailing)}},
        Row{"a_property_of_subscribe", bytes("0001 02 0b 01 00"), {read_suback, v5, malformed(Flaw::property)}},
        Row{"a_second_reason", bytes("0001 06 1f 0000 1f 0000 00"), {read_unsuback, v5, protocol_error(Flaw::property)}},
        Row{"a_reason_that_is_not_utf8", bytes("0001 04 1f 0001 ff 00"), {read_suback, v5, malformed(Flaw::utf8)}}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace bastion::mqtt
