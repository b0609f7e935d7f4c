// The head of a PUBLISH: read as soon as it is there, refused as soon as it can't be one, and never guessed.
#include "proxy/mqtt/publish.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

FixedHeader header_of(unsigned qos, std::size_t remaining_length) {
  return {PacketType::publish, static_cast<std::uint8_t>(qos << 1), 2, static_cast<std::uint32_t>(remaining_length)};
}

PublishHeadResult read(Version version, unsigned qos, const ByteVector& body, Sender sender = Sender::client) {
  return read_publish_head(version, sender, header_of(qos, body.size()), body);
}

// For bodies that must be good; the views it returns point into `body`.
PublishHead read_good(Version version, unsigned qos, const ByteVector& body, Sender sender = Sender::client) {
  const PublishHeadResult result = read(version, qos, body, sender);
  EXPECT_TRUE(std::holds_alternative<PublishHead>(result));
  return std::holds_alternative<PublishHead>(result) ? std::get<PublishHead>(result) : PublishHead{};
}

TEST(PublishHead, OfVersion3AtQos0IsTheTopic) {
  const ByteVector body = bytes("0003 'a/b' 'payload'");
  const PublishHead head = read_good(v3, 0, body);
  EXPECT_EQ(head.topic, "a/b");
  EXPECT_EQ(head.qos, 0);
  EXPECT_EQ(head.packet_id, 0);  // [MQTT-2.3.1-5]
  EXPECT_EQ(head.head_bytes, 5u);
  EXPECT_EQ(head.payload_bytes, 7u);
  EXPECT_EQ(head.topic.data(), as_text(body).data() + publish_topic_at);
}

TEST(PublishHead, OfVersion3AtQos1And2HasAPacketIdentifier) {
  for (const unsigned qos : {1u, 2u}) {
    const ByteVector body = bytes("0001 't' 1234 'm'");
    const PublishHead head = read_good(v3, qos, body);
    EXPECT_EQ(head.qos, qos);
    EXPECT_EQ(head.packet_id, 0x1234);
    EXPECT_EQ(head.head_bytes, 5u);
    EXPECT_EQ(head.payload_bytes, 1u);
  }
}

TEST(PublishHead, TakesDupAndRetainFromTheFixedHeader) {
  const ByteVector body = bytes("0001 't' 0001");
  const FixedHeader header{PacketType::publish, 0x0b, 2, 5};
  const PublishHeadResult result = read_publish_head(v3, Sender::client, header, body);
  ASSERT_TRUE(std::holds_alternative<PublishHead>(result));
  EXPECT_TRUE(std::get<PublishHead>(result).dup);
  EXPECT_TRUE(std::get<PublishHead>(result).retain);
  EXPECT_EQ(std::get<PublishHead>(result).qos, 1);
  EXPECT_EQ(std::get<PublishHead>(result).payload_bytes, 0u);
}

TEST(PublishHead, OfVersion5IsReadWithAllItsProperties) {
  const ByteVector properties =
      bytes("01 01 02 0000003c 23 0005 08 0003 'r/t' 09 0002 ff00 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 03 0004 'text'");
  const ByteVector body =
      bytes("0001 't' 0007") + ByteVector{static_cast<std::uint8_t>(properties.size())} + properties + bytes("'message'");
  const PublishHead head = read_good(v5, 2, body);
  EXPECT_EQ(head.topic, "t");
  EXPECT_EQ(head.packet_id, 7);
  EXPECT_TRUE(head.payload_is_utf8);
  EXPECT_EQ(head.message_expiry_s, 60u);
  EXPECT_EQ(head.topic_alias, 5);
  EXPECT_EQ(head.response_topic, "r/t");
  EXPECT_EQ(head.content_type, "text");
  EXPECT_TRUE(head.has_correlation_data);
  EXPECT_EQ(head.user_properties, 2u);
  EXPECT_EQ(head.subscription_identifiers, 0u);
  EXPECT_EQ(head.payload_bytes, 7u);
  EXPECT_EQ(head.head_bytes, body.size() - 7);
}

TEST(PublishHead, TellsWhereItsPartsLie) {
  const ByteVector body = bytes("0003 'a/b' 0007 05 01 00 23 0102 'm'");
  const PublishHead head = read_good(v5, 1, body);
  EXPECT_EQ(head.properties_at, 7u);
  ASSERT_EQ(head.topic_alias_at, 10u);
  EXPECT_EQ(body[head.topic_alias_at], 0x23);
  EXPECT_EQ(head.topic_alias, 0x0102);
}

TEST(PublishHead, MayHaveAnAliasForItsTopicInVersion5) {
  const ByteVector body = bytes("0000 03 23 0001");
  const PublishHead head = read_good(v5, 0, body);
  EXPECT_EQ(head.topic, "");
  EXPECT_EQ(head.topic_alias, 1);
  EXPECT_EQ(head.head_bytes, 6u);
}

// 5.0 section 3.3.2.3.8: one for each subscription that the message fits.
TEST(PublishHead, FromAServerMayHoldSeveralSubscriptionIdentifiers) {
  const ByteVector body = bytes("0001 't' 07 0b 01 0b ff ff ff 7f 'm'");
  EXPECT_EQ(read_good(v5, 0, body, Sender::server).subscription_identifiers, 2u);
}

TEST(PublishHead, IsTheSameWhateverFollowsItsBody) {
  const ByteVector body = bytes("0001 't' 'm'");
  const PublishHeadResult result = read_publish_head(v3, Sender::client, header_of(0, 4), body + bytes("30 ff ff ff ff"));
  ASSERT_TRUE(std::holds_alternative<PublishHead>(result));
  EXPECT_EQ(std::get<PublishHead>(result).payload_bytes, 1u);
  // A length that ends with the body is not made whole by the next packet.
  const ByteVector unfinished = bytes("0001 't' ff") + bytes("01 00 00");
  const PublishHeadResult refused = read_publish_head(v5, Sender::client, header_of(0, 4), unfinished);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(refused));
  EXPECT_EQ(std::get<PacketFault>(refused), malformed(Flaw::length));
}

struct Expected {
  Version version;
  unsigned qos;
  PacketFault fault;
};
using Row = test::Row<Expected>;

constexpr PacketFault bad(Flaw flaw) {
  return malformed(flaw);
}
constexpr PacketFault wrong(Flaw flaw) {
  return protocol_error(flaw);
}

class BadPublishHead : public testing::TestWithParam<Row> {};

TEST_P(BadPublishHead, IsRefusedByName) {
  const auto& [version, qos, fault] = GetParam().expected;
  const PublishHeadResult result = read(version, qos, GetParam().bytes);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), fault);
}

INSTANTIATE_TEST_SUITE_P(
    Of, BadPublishHead,
    testing::Values(
        Row{"nothing", {}, {v3, 0, bad(Flaw::length)}}, Row{"half_a_length", bytes("00"), {v3, 0, bad(Flaw::length)}},
        Row{"a_length_alone", bytes("0001"), {v3, 0, bad(Flaw::length)}},
        Row{"a_topic_beyond_the_end", bytes("0002 't'"), {v3, 0, bad(Flaw::length)}},
        Row{"no_place_for_the_packet_id", bytes("0001 't' 00"), {v3, 1, bad(Flaw::length)}},
        Row{"no_place_for_the_properties", bytes("0001 't' 0001"), {v5, 1, bad(Flaw::length)}},
        Row{"an_empty_topic", bytes("0000 'mm'"), {v3, 0, bad(Flaw::topic)}},  // [MQTT-4.7.3-1]
        // [MQTT-3.3.2-1], [MQTT-1.5.3-1], [MQTT-1.5.3-2]
        Row{"a_topic_that_is_not_utf8", bytes("0001 ff"), {v3, 0, bad(Flaw::utf8)}},
        Row{"a_null_in_the_topic", bytes("0003 'a' 00 'b'"), {v3, 0, bad(Flaw::utf8)}},
        Row{"a_surrogate_in_the_topic", bytes("0003 eda080"), {v5, 0, bad(Flaw::length)}},
        Row{"a_surrogate_in_the_topic_of_5", bytes("0003 eda080 00"), {v5, 0, bad(Flaw::utf8)}},
        // [MQTT-3.3.2-2]
        Row{"a_plus_in_the_topic", bytes("0003 'a/+'"), {v3, 0, bad(Flaw::topic)}},
        Row{"a_hash_in_the_topic_of_5", bytes("0001 '#' 00"), {v5, 0, bad(Flaw::topic)}},
        // [MQTT-2.3.1-1], 5.0 [MQTT-2.2.1-3]
        Row{"packet_id_0", bytes("0001 't' 0000"), {v3, 1, wrong(Flaw::packet_id)}},
        Row{"packet_id_0_in_5", bytes("0001 't' 0000 00"), {v5, 2, wrong(Flaw::packet_id)}},
        Row{"no_topic_and_no_alias", bytes("0000 00 'mmm'"), {v5, 0, wrong(Flaw::topic)}},
        Row{"no_topic_and_no_place_for_an_alias", bytes("0000 00 'm'"), {v5, 0, bad(Flaw::length)}},
        Row{"alias_0", bytes("0001 't' 03 23 0000"), {v5, 0, {Flaw::alias, 0x94}}},  // [MQTT-3.3.2-8]
        Row{"alias_twice", bytes("0001 't' 06 23 0001 23 0001"), {v5, 0, wrong(Flaw::property)}},
        Row{"properties_beyond_the_end", bytes("0001 't' 04 01 00"), {v5, 0, bad(Flaw::property)}},
        Row{"a_length_of_properties_that_never_ends", bytes("0001 't' ff"), {v5, 0, bad(Flaw::length)}},
        Row{"a_length_of_properties_in_too_many_bytes", bytes("0001 't' 80 00"), {v5, 0, bad(Flaw::property)}},
        Row{"a_property_cut_short", bytes("0001 't' 02 23 00 'm'"), {v5, 0, bad(Flaw::property)}},
        Row{"a_property_without_an_identifier", bytes("0001 't' 01 00"), {v5, 0, bad(Flaw::property)}},
        Row{"a_property_of_connect", bytes("0001 't' 03 21 0001"), {v5, 0, bad(Flaw::property)}},
        Row{"payload_format_2", bytes("0001 't' 02 01 02"), {v5, 0, wrong(Flaw::property)}},
        Row{"payload_format_twice", bytes("0001 't' 04 01 01 01 01"), {v5, 0, wrong(Flaw::property)}},
        Row{"expiry_twice", bytes("0001 't' 0a 02 00000001 02 00000001"), {v5, 0, wrong(Flaw::property)}},
        // [MQTT-3.3.2-13], [MQTT-3.3.2-14]
        Row{"a_response_topic_that_is_not_utf8", bytes("0001 't' 04 08 0001 ff"), {v5, 0, bad(Flaw::utf8)}},
        Row{"a_response_topic_with_a_wildcard", bytes("0001 't' 04 08 0001 '#'"), {v5, 0, wrong(Flaw::property)}},
        Row{"a_content_type_that_is_not_utf8",
            bytes("0001 't' 04 03 0001 ff"),
            {v5, 0, bad(Flaw::utf8)}},  // [MQTT-3.3.2-19]
        Row{"a_user_property_beyond_the_properties",
            bytes("0001 't' 06 26 0001 'k' 0001 'v'"),
            {v5, 0, bad(Flaw::property)}},
        // [MQTT-3.3.4-6]
        Row{"a_subscription_identifier", bytes("0001 't' 02 0b 01"), {v5, 0, wrong(Flaw::subscription_identifier)}},
        Row{"a_subscription_identifier_of_0", bytes("0001 't' 02 0b 00"), {v5, 0, wrong(Flaw::property)}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PublishHead, FromAServerHasNoSubscriptionIdentifierOf0) {
  const PublishHeadResult result = read(v5, 0, bytes("0001 't' 02 0b 00"), Sender::server);
  ASSERT_TRUE(std::holds_alternative<PacketFault>(result));
  EXPECT_EQ(std::get<PacketFault>(result), wrong(Flaw::property));
}

// A lie about a length is refused before anybody waits for the bytes that it promises.
TEST(PublishHead, IsRefusedBeforeItsBytesComeWhereALengthLies) {
  const auto fault_of = [](Version version, unsigned qos, std::size_t remaining_length, const ByteVector& in_hand) {
    const PublishHeadResult result = read_publish_head(version, Sender::client, header_of(qos, remaining_length), in_hand);
    const auto* const fault = std::get_if<PacketFault>(&result);
    return fault ? std::optional(fault->flaw) : std::nullopt;
  };
  EXPECT_EQ(fault_of(v3, 0, 2, {}), Flaw::length);
  EXPECT_EQ(fault_of(v3, 0, 100, bytes("ffff")), Flaw::length);
  EXPECT_EQ(fault_of(v3, 1, 100, bytes("0061")), Flaw::length);
  EXPECT_EQ(fault_of(v5, 1, 100, bytes("0060")), Flaw::length);
  EXPECT_EQ(fault_of(v5, 0, 100, bytes("0001 't' 7f")), Flaw::property);
  EXPECT_EQ(fault_of(v5, 0, 100, bytes("0001 't' 20 08 ffff")), Flaw::property);
  EXPECT_EQ(fault_of(v5, 0, 100, bytes("0001 't' 20 26 0001 'k' 0020")), Flaw::property);
  EXPECT_EQ(fault_of(v5, 0, 100, bytes("0001 't' 20 7f")), Flaw::property);
}

TEST(PublishHead, AsksForNoMoreThanItTakes) {
  const auto wanted = [](Version version, unsigned qos, std::size_t remaining_length, const ByteVector& in_hand) {
    const PublishHeadResult result = read_publish_head(version, Sender::client, header_of(qos, remaining_length), in_hand);
    const auto* const more = std::get_if<HeadCutShort>(&result);
    return more ? more->bytes_min : 0;
  };
  EXPECT_EQ(wanted(v3, 0, 1000, {}), 2u);
  EXPECT_EQ(wanted(v3, 0, 1000, bytes("0003 'a'")), 5u);
  EXPECT_EQ(wanted(v3, 1, 1000, bytes("0003 'a/b' 00")), 7u);
  EXPECT_EQ(wanted(v5, 1, 1000, bytes("0003 'a/b' 0001")), 8u);
  EXPECT_EQ(wanted(v5, 1, 1000, bytes("0003 'a/b' 0001 80")), 9u);
  EXPECT_EQ(wanted(v5, 1, 1000, bytes("0003 'a/b' 0001 05 01")), 13u);
}

// Whatever is in hand first: a head or a fault stays what it is, and nothing is whole before it was asked for.
TEST(PublishHead, IsTheSameHoweverItsBytesCome) {
  struct Case {
    Version version;
    unsigned qos;
    const char* body;
  };
  const std::vector<Case> cases = {
      {v3, 0, "0003 'a/b' 'm'"},
      {v3, 2, "0003 'a/b' 0001"},
      {v3, 1, "0003 'a/b' 0000 'm'"},
      {v3, 0, "0003 'a/#' 'm'"},
      {v5, 0, "0003 'a/b' 00 'm'"},
      {v5, 1, "0003 'a/b' 0001 0d 23 0001 08 0001 'r' 02 00000001 'm'"},
      {v5, 1, "0003 'a/b' 0001 0e 26 0001 'k' 0001 'v' 26 0001 'k' 0001 ff 'm'"},
      {v5, 0, "0000 08 23 0001 02 00000001 'm'"},
      {v5, 0, "0000 05 02 00000001 'm'"},
      {v5, 0, "0001 't' 80 01 01 01 'mmmm'"},
      {v5, 0, "0001 't' 06 23 0001 23 0001 'm'"},
  };
  for (const Case& each : cases) {
    const ByteVector body = bytes(each.body);
    const FixedHeader header = header_of(each.qos, body.size());
    const PublishHeadResult whole = read_publish_head(each.version, Sender::client, header, body);
    ASSERT_FALSE(std::holds_alternative<HeadCutShort>(whole)) << each.body;
    for (std::size_t size = 0; size < body.size(); ++size) {
      const PublishHeadResult early = read_publish_head(each.version, Sender::client, header, Bytes(body).first(size));
      if (const auto* const more = std::get_if<HeadCutShort>(&early)) {
        EXPECT_GT(more->bytes_min, size) << each.body;
        const auto* const head = std::get_if<PublishHead>(&whole);
        EXPECT_LE(more->bytes_min, head ? head->head_bytes : body.size()) << each.body;
        continue;
      }
      ASSERT_EQ(early.index(), whole.index()) << each.body << " after " << size;
      if (const auto* const fault = std::get_if<PacketFault>(&early)) {
        EXPECT_EQ(*fault, std::get<PacketFault>(whole)) << each.body << " after " << size;
      } else {
        EXPECT_EQ(std::get<PublishHead>(early).head_bytes, std::get<PublishHead>(whole).head_bytes) << each.body;
        EXPECT_GE(size, std::get<PublishHead>(whole).head_bytes) << each.body;
      }
    }
  }
}

}  // namespace
}  // namespace bastion::mqtt
