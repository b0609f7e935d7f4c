// PUBACK, PUBREC, PUBREL and PUBCOMP: their lengths, their codes, and who may say them.
#include "proxy/mqtt/acknowledge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::ByteVector;

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;
constexpr std::array all_types = {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp};

Acknowledgement read_good(Version version, PacketType type, const ByteVector& body) {
  const AcknowledgementResult result = read_acknowledgement(version, Sender::client, type, body);
  EXPECT_TRUE(std::holds_alternative<Acknowledgement>(result));
  return std::holds_alternative<Acknowledgement>(result) ? std::get<Acknowledgement>(result) : Acknowledgement{};
}

TEST(Acknowledgement, IsAPacketIdentifierAlone) {
  for (const auto version : {Version::v3_1, v3, v5}) {
    for (const PacketType type : all_types) {
      const Acknowledgement read = read_good(version, type, bytes("1234"));
      EXPECT_EQ(read.packet_id, 0x1234);
      EXPECT_EQ(read.reason_code, 0);
      EXPECT_FALSE(read.is_refusal());
    }
  }
}

TEST(Acknowledgement, OfVersion5MayHoldACodeWithoutProperties) {
  EXPECT_EQ(read_good(v5, PacketType::puback, bytes("0001 87")).reason_code, 0x87);
  EXPECT_TRUE(read_good(v5, PacketType::pubrec, bytes("0001 87")).is_refusal());
  EXPECT_EQ(read_good(v5, PacketType::pubrel, bytes("0001 92")).reason_code, 0x92);
}

TEST(Acknowledgement, OfVersion5MayHoldProperties) {
  const ByteVector whole = bytes("0001 00 11 1f 0002 'ok' 26 0001 'k' 0001 'v' 26 0000 0000");
  for (const PacketType type : all_types) {
    EXPECT_EQ(read_good(v5, type, bytes("0001 00 00")).user_properties, 0u);
    EXPECT_EQ(read_good(v5, type, whole).user_properties, 2u);
    EXPECT_TRUE(read_good(v5, type, whole).has_reason_string);
  }
}

struct Expected {
  Version version;
  PacketType type;
  PacketFault fault;
};
using Row = test::Row<Expected>;

class BadAcknowledgement : public testing::TestWithParam<Row> {};

TEST_P(BadAcknowledgement, IsRefusedByName) {
  const auto& [version, type, fault] = GetParam().expected;
  const AcknowledgementResult result = read_acknowledgement(version, Sender::client, type, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), fault);
}

constexpr auto puback = PacketType::puback;

INSTANTIATE_TEST_SUITE_P(
    Of, BadAcknowledgement,
    testing::Values(
        Row{"nothing", {}, {v3, puback, malformed(Flaw::length)}},
        Row{"half_an_identifier", bytes("00"), {v5, puback, malformed(Flaw::length)}},
        Row{"a_code_in_3", bytes("0001 00"), {v3, puback, malformed(Flaw::trailing)}},
        Row{"packet_id_0", bytes("0000"), {v3, PacketType::pubrel, protocol_error(Flaw::packet_id)}},
        Row{"packet_id_0_in_5", bytes("0000 00 00"), {v5, PacketType::pubcomp, protocol_error(Flaw::packet_id)}},
        // [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]
        Row{"a_code_of_connack", bytes("0001 84"), {v5, puback, protocol_error(Flaw::code)}},
        Row{"a_code_of_pubrel_in_pubrec", bytes("0001 92"), {v5, PacketType::pubrec, protocol_error(Flaw::code)}},
        Row{"a_code_of_puback_in_pubrel", bytes("0001 87"), {v5, PacketType::pubrel, protocol_error(Flaw::code)}},
        Row{"a_code_of_puback_in_pubcomp", bytes("0001 10"), {v5, PacketType::pubcomp, protocol_error(Flaw::code)}},
        Row{"properties_beyond_the_end", bytes("0001 00 01"), {v5, puback, malformed(Flaw::property)}},
        Row{"a_property_of_publish", bytes("0001 00 02 01 00"), {v5, puback, malformed(Flaw::property)}},
        Row{"a_second_reason", bytes("0001 00 06 1f 0000 1f 0000"), {v5, puback, protocol_error(Flaw::property)}},
        Row{"a_reason_that_is_not_utf8", bytes("0001 00 04 1f 0001 ff"), {v5, puback, malformed(Flaw::utf8)}},
        Row{"bytes_left_over", bytes("0001 00 00 00"), {v5, puback, malformed(Flaw::trailing)}}),
    [](const auto& row) { return std::string(row.param.name); });

// OASIS 5.0 tables 3-4 to 3-7, written out.
TEST(Acknowledgement, HasTheCodesOfTheTablesAndNoOthers) {
  const std::set<int> from_client = {0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  std::set<int> from_server = from_client;
  from_server.insert(0x10);  // "no matching subscribers" is the server's
  const std::set<int> release = {0x00, 0x92};
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    for (const PacketType type : {PacketType::puback, PacketType::pubrec}) {
      EXPECT_EQ(is_acknowledgement_code(Sender::client, type, byte), from_client.contains(code)) << std::hex << code;
      EXPECT_EQ(is_acknowledgement_code(Sender::server, type, byte), from_server.contains(code)) << std::hex << code;
    }
    for (const PacketType type : {PacketType::pubrel, PacketType::pubcomp}) {
      EXPECT_EQ(is_acknowledgement_code(Sender::client, type, byte), release.contains(code)) << std::hex << code;
      EXPECT_EQ(is_acknowledgement_code(Sender::server, type, byte), release.contains(code)) << std::hex << code;
    }
  }
}

}  // namespace
}  // namespace bastion::mqtt
