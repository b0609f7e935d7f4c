// SUBSCRIBE and UNSUBSCRIBE: every filter and its options, and nothing else.
#include "proxy/mqtt/subscribe.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

template <class Packet, class Result>
Packet good(const Result& result) {
  EXPECT_TRUE(std::holds_alternative<Packet>(result));
  return std::holds_alternative<Packet>(result) ? std::get<Packet>(result) : Packet{};
}

std::vector<Subscription> all_of(const Subscribe& subscribe) {
  std::vector<Subscription> read;
  SubscriptionReader reader(subscribe);
  while (const auto each = reader.next()) read.push_back(*each);
  return read;
}

std::vector<std::string_view> all_of(const Unsubscribe& unsubscribe) {
  std::vector<std::string_view> read;
  FilterReader reader(unsubscribe);
  while (const auto each = reader.next()) read.push_back(*each);
  return read;
}

TEST(Subscribe, OfVersion3IsReadFilterByFilter) {
  for (const auto version : {Version::v3_1, v3}) {
    const ByteVector body = bytes("1234 0003 'a/b' 01 0001 '#' 02 0007 '$SYS/+/' 00");
    const auto read = good<Subscribe>(read_subscribe(version, body));
    EXPECT_EQ(read.packet_id, 0x1234);
    EXPECT_EQ(read.filters, 3u);
    const auto all = all_of(read);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].filter, "a/b");
    EXPECT_EQ(all[0].qos, 1);
    EXPECT_EQ(all[1].filter, "#");
    EXPECT_EQ(all[1].qos, 2);
    EXPECT_EQ(all[2].filter, "$SYS/+/");
    EXPECT_EQ(all[2].qos, 0);
  }
}

TEST(Subscribe, OfVersion5HasPropertiesAndOptions) {
  const ByteVector body = bytes("0001 0c 0b ff ff ff 7f 26 0001 'k' 0001 'v' 0001 'a' 2d 000a '$share/g/a' 11");
  const auto read = good<Subscribe>(read_subscribe(v5, body));
  EXPECT_EQ(read.subscription_identifier, 268'435'455u);
  EXPECT_EQ(read.user_properties, 1u);
  EXPECT_EQ(read.properties.size(), 12u);
  const auto all = all_of(read);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].qos, 1);
  EXPECT_TRUE(all[0].no_local);
  EXPECT_TRUE(all[0].retain_as_published);
  EXPECT_EQ(all[0].retain_handling, 2);
  EXPECT_EQ(all[1].filter, "$share/g/a");
  EXPECT_EQ(all[1].retain_handling, 1);
  EXPECT_FALSE(all[1].no_local);
}

TEST(Subscribe, GivesTheByteOfOptionsBack) {
  for (unsigned options = 0; options < 0x30; ++options) {
    if ((options & 3u) == 3) continue;
    const ByteVector body = bytes("0001 00 0001 'a'") + ByteVector{static_cast<std::uint8_t>(options)};
    const auto all = all_of(good<Subscribe>(read_subscribe(v5, body)));
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].options(), options);
  }
}

TEST(Subscribe, MayHaveNoLocalWhereNothingIsShared) {
  EXPECT_TRUE(std::holds_alternative<Subscribe>(read_subscribe(v5, bytes("0001 00 0007 'share/a' 04"))));
}

struct Expected {
  Version version;
  PacketFault fault;
};
using Row = test::Row<Expected>;

class BadSubscribe : public testing::TestWithParam<Row> {};

TEST_P(BadSubscribe, IsRefusedByName) {
  const SubscribeResult result = read_subscribe(GetParam().expected.version, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), GetParam().expected.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadSubscribe,
    testing::Values(
        Row{"nothing", {}, {v3, malformed(Flaw::length)}},
        Row{"half_an_identifier", bytes("00"), {v5, malformed(Flaw::length)}},
        // [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
        Row{"packet_id_0", bytes("0000 0001 'a' 00"), {v3, protocol_error(Flaw::packet_id)}},
        Row{"no_filter", bytes("0001"), {v3, protocol_error(Flaw::empty)}},          // [MQTT-3.8.3-3]
        Row{"no_filter_in_5", bytes("0001 00"), {v5, protocol_error(Flaw::empty)}},  // [MQTT-3.8.3-2]
        Row{"no_properties_in_5", bytes("0001"), {v5, malformed(Flaw::property)}},
        Row{"a_filter_beyond_the_end", bytes("0001 0002 'a'"), {v3, malformed(Flaw::length)}},
        Row{"no_options", bytes("0001 0001 'a'"), {v3, malformed(Flaw::length)}},
        Row{"one_byte_left_over", bytes("0001 0001 'a' 00 00"), {v3, malformed(Flaw::length)}},
        Row{"a_filter_that_is_not_utf8", bytes("0001 0001 ff 00"), {v3, malformed(Flaw::utf8)}},  // [MQTT-3.8.3-1]
        Row{"an_empty_filter", bytes("0001 0000 00"), {v3, malformed(Flaw::filter)}},             // [MQTT-4.7.3-1]
        // [MQTT-4.7.1-2], [MQTT-4.7.1-3]; 5.0 [MQTT-4.7.1-1], [MQTT-4.7.1-2]
        Row{"a_hash_within", bytes("0001 0003 '#/a' 00"), {v3, malformed(Flaw::filter)}},
        Row{"a_plus_in_a_level", bytes("0001 0002 'a+' 00"), {v3, malformed(Flaw::filter)}},
        Row{"a_second_filter_that_is_bad", bytes("0001 0001 'a' 00 0002 'a#' 00"), {v3, malformed(Flaw::filter)}},
        // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
        Row{"a_share_without_a_filter", bytes("0001 00 0008 '$share/g' 00"), {v5, malformed(Flaw::filter)}},
        Row{"a_share_with_a_wildcard", bytes("0001 00 000a '$share/+/a' 00"), {v5, malformed(Flaw::filter)}},
        // [MQTT-3-8.3-4]
        Row{"qos_3", bytes("0001 0001 'a' 03"), {v3, malformed(Flaw::options)}},
        Row{"a_reserved_bit", bytes("0001 0001 'a' 04"), {v3, malformed(Flaw::options)}},
        Row{"a_reserved_bit_of_31", bytes("0001 0001 'a' 80"), {Version::v3_1, malformed(Flaw::options)}},
        // 5.0: [MQTT-3.8.3-5]
        Row{"a_reserved_bit_in_5", bytes("0001 00 0001 'a' 40"), {v5, malformed(Flaw::options)}},
        Row{"the_other_reserved_bit_in_5", bytes("0001 00 0001 'a' 80"), {v5, malformed(Flaw::options)}},
        Row{"qos_3_in_5", bytes("0001 00 0001 'a' 03"), {v5, protocol_error(Flaw::options)}},
        Row{"retain_handling_3", bytes("0001 00 0001 'a' 30"), {v5, protocol_error(Flaw::options)}},
        // [MQTT-3.8.3-4]
        Row{"no_local_on_a_share", bytes("0001 00 000a '$share/g/a' 04"), {v5, protocol_error(Flaw::no_local)}},
        Row{"identifier_0", bytes("0001 02 0b 00 0001 'a' 00"), {v5, protocol_error(Flaw::subscription_identifier)}},
        Row{"two_identifiers", bytes("0001 04 0b 01 0b 02 0001 'a' 00"), {v5, protocol_error(Flaw::property)}},
        Row{"an_identifier_in_too_many_bytes", bytes("0001 03 0b 81 00 0001 'a' 00"), {v5, malformed(Flaw::property)}},
        Row{"a_reason_string", bytes("0001 03 1f 0000 0001 'a' 00"), {v5, malformed(Flaw::property)}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Unsubscribe, IsReadFilterByFilter) {
  const ByteVector body = bytes("0007 0001 'a' 0003 '+/#'");
  const auto read = good<Unsubscribe>(read_unsubscribe(v3, body));
  EXPECT_EQ(read.packet_id, 7);
  EXPECT_EQ(read.filters, 2u);
  EXPECT_EQ(all_of(read), (std::vector<std::string_view>{"a", "+/#"}));
}

TEST(Unsubscribe, OfVersion5HasUserProperties) {
  const ByteVector body = bytes("0007 07 26 0001 'k' 0001 'v' 000a '$share/g/a'");
  const auto read = good<Unsubscribe>(read_unsubscribe(v5, body));
  EXPECT_EQ(read.user_properties, 1u);
  EXPECT_EQ(all_of(read), (std::vector<std::string_view>{"$share/g/a"}));
}

class BadUnsubscribe : public testing::TestWithParam<Row> {};

TEST_P(BadUnsubscribe, IsRefusedByName) {
  const UnsubscribeResult result = read_unsubscribe(GetParam().expected.version, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), GetParam().expected.fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadUnsubscribe,
    testing::Values(Row{"nothing", {}, {v3, malformed(Flaw::length)}},
                    Row{"packet_id_0", bytes("0000 0001 'a'"), {v3, protocol_error(Flaw::packet_id)}},
                    Row{"no_filter", bytes("0001"), {v3, protocol_error(Flaw::empty)}},  // [MQTT-3.10.3-2]
                    Row{"no_filter_in_5", bytes("0001 00"), {v5, protocol_error(Flaw::empty)}},
                    Row{"a_filter_beyond_the_end", bytes("0001 0002 'a'"), {v3, malformed(Flaw::length)}},
                    Row{"one_byte_left_over", bytes("0001 0001 'a' 00"), {v3, malformed(Flaw::length)}},
                    Row{"a_filter_that_is_not_utf8", bytes("0001 0001 ff"), {v3, malformed(Flaw::utf8)}},  // [MQTT-3.10.3-1]
                    Row{"an_empty_filter", bytes("0001 0000"), {v3, malformed(Flaw::filter)}},
                    Row{"a_wildcard_in_a_level", bytes("0001 0002 'a#'"), {v3, malformed(Flaw::filter)}},
                    Row{"a_share_without_a_filter", bytes("0001 00 0008 '$share/g'"), {v5, malformed(Flaw::filter)}},
                    Row{"a_subscription_identifier", bytes("0001 02 0b 01 0001 'a'"), {v5, malformed(Flaw::property)}}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace bastion::mqtt
