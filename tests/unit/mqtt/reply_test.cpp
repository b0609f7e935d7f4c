// What the gate writes itself: it is what the standard says, and the readers read it again.
#include "proxy/mqtt/reply.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;
using test::packet;

constexpr auto v3 = Version::v3_1_1;
constexpr auto v5 = Version::v5_0;

Bytes body_of(const ByteVector& data) {
  const HeaderResult result = read_fixed_header(data);
  const auto* const header = std::get_if<FixedHeader>(&result);
  EXPECT_NE(header, nullptr);
  if (!header) return {};
  EXPECT_EQ(header->packet_size(), data.size());
  return Bytes(data).subspan(header->size);
}

TEST(Acknowledgements, AreWrittenAsTheStandardSays) {
  const auto made = [](Version version, PacketType type, std::uint8_t code) {
    ByteVector out;
    append_acknowledgement(out, version, type, 0x1234, code);
    return out;
  };
  EXPECT_EQ(made(v3, PacketType::puback, 0), bytes("40 02 1234"));
  EXPECT_EQ(made(v3, PacketType::pubrec, 0x87), bytes("50 02 1234"));
  EXPECT_EQ(made(v5, PacketType::pubrel, 0), bytes("62 02 1234"));
  EXPECT_EQ(made(v5, PacketType::pubcomp, 0x92), bytes("70 04 1234 92 00"));
  EXPECT_EQ(made(v5, PacketType::puback, 0x87), bytes("40 04 1234 87 00"));
}

TEST(Acknowledgements, AreReadAgain) {
  for (const PacketType type : {PacketType::puback, PacketType::pubrec, PacketType::pubrel, PacketType::pubcomp}) {
    for (int code = 0; code < 256; ++code) {
      if (!is_acknowledgement_code(Sender::server, type, static_cast<std::uint8_t>(code))) continue;
      ByteVector out;
      append_acknowledgement(out, v5, type, 9, static_cast<std::uint8_t>(code));
      EXPECT_TRUE(is_legal_first_byte(out[0]));
      const auto result = read_acknowledgement(v5, Sender::server, type, body_of(out));
      ASSERT_TRUE(std::holds_alternative<Acknowledgement>(result));
      EXPECT_EQ(std::get<Acknowledgement>(result).reason_code, code);
      EXPECT_EQ(std::get<Acknowledgement>(result).packet_id, 9);
    }
  }
}

TEST(Suback, IsWrittenWithItsCodes) {
  ByteVector out;
  append_suback(out, v3, 0x1234, bytes("00 80"));
  EXPECT_EQ(out, bytes("90 04 1234 00 80"));
  append_suback(out, v5, 1, bytes("02 87"));
  EXPECT_EQ(out, bytes("90 04 1234 00 80 90 05 0001 00 02 87"));
}

TEST(Suback, KeepsTheBrokersProperties) {
  ByteVector out;
  append_suback(out, v5, 1, bytes("02 87"), bytes("1f 0002 'ok'"));
  EXPECT_EQ(out, packet(0x90, "0001 05 1f 0002 'ok' 02 87"));
  const auto result = read_suback(v5, body_of(out));
  ASSERT_TRUE(std::holds_alternative<Granted>(result));
  EXPECT_EQ(std::get<Granted>(result).codes.size(), 2u);
}

TEST(Unsuback, HasCodesFromVersion5On) {
  ByteVector out;
  append_unsuback(out, v3, 0x1234, bytes("00"));
  EXPECT_EQ(out, bytes("b0 02 1234"));
  out.clear();
  append_unsuback(out, v5, 0x1234, bytes("00 11"));
  EXPECT_EQ(out, bytes("b0 05 1234 00 00 11"));
}

TEST(DisconnectWriter, SaysItsReasonFromVersion5On) {
  ByteVector out;
  append_disconnect(out, v3, 0x8b);
  EXPECT_EQ(out, bytes("e0 00"));
  out.clear();
  append_disconnect(out, v5, 0x8b);
  EXPECT_EQ(out, bytes("e0 02 8b 00"));
  const auto result = read_disconnect(v5, Sender::server, body_of(out));
  ASSERT_TRUE(std::holds_alternative<Disconnect>(result));
  EXPECT_EQ(std::get<Disconnect>(result).reason_code, 0x8b);
}

// The body of a SUBSCRIBE, read, and all that it subscribes to.
struct ReadSubscribe {
  Subscribe subscribe;
  std::vector<Subscription> all;
};

ReadSubscribe read_all_of(Version version, Bytes body) {
  const SubscribeResult result = read_subscribe(version, body);
  EXPECT_TRUE(std::holds_alternative<Subscribe>(result));
  if (!std::holds_alternative<Subscribe>(result)) return {};
  ReadSubscribe read{std::get<Subscribe>(result), {}};
  SubscriptionReader reader(read.subscribe);
  while (const auto each = reader.next()) read.all.push_back(*each);
  return read;
}

TEST(SubscribeWriter, WritesTheSamePacketWithAllOfItsFilters) {
  for (const char* written :
       {"1234 07 26 0001 'k' 0001 'v' 0001 'a' 2d 000a '$share/g/a' 11", "0001 02 0b 05 0001 '#' 02"}) {
    const ByteVector data = packet(0x82, written);
    const ReadSubscribe read = read_all_of(v5, body_of(data));
    ByteVector out;
    append_subscribe(out, v5, read.subscribe, read.all);
    EXPECT_EQ(out, data);
  }
  const ByteVector data = packet(0x82, "1234 0001 'a' 01 0001 'b' 02");
  const ReadSubscribe read = read_all_of(v3, body_of(data));
  ByteVector out;
  append_subscribe(out, v3, read.subscribe, read.all);
  EXPECT_EQ(out, data);
}

TEST(SubscribeWriter, LeavesFiltersOutAndLowersTheirQos) {
  const ByteVector data = packet(0x82, "1234 07 26 0001 'k' 0001 'v' 0001 'a' 2e 0001 'b' 01 0001 'c' 02");
  ReadSubscribe read = read_all_of(v5, body_of(data));
  ASSERT_EQ(read.all.size(), 3u);
  read.all.erase(read.all.begin() + 1);
  read.all[0].qos = 1;
  ByteVector out;
  append_subscribe(out, v5, read.subscribe, read.all);
  EXPECT_EQ(out, packet(0x82, "1234 07 26 0001 'k' 0001 'v' 0001 'a' 2d 0001 'c' 02"));
}

TEST(UnsubscribeWriter, WritesTheSamePacketWithTheFiltersThatAreKept) {
  const ByteVector data = packet(0xa2, "1234 07 26 0001 'k' 0001 'v' 0001 'a' 0001 'b'");
  const UnsubscribeResult result = read_unsubscribe(v5, body_of(data));
  ASSERT_TRUE(std::holds_alternative<Unsubscribe>(result));
  ByteVector out;
  append_unsubscribe(out, v5, std::get<Unsubscribe>(result), std::vector<std::string_view>{"a", "b"});
  EXPECT_EQ(out, data);
  out.clear();
  append_unsubscribe(out, v5, std::get<Unsubscribe>(result), std::vector<std::string_view>{"b"});
  EXPECT_EQ(out, packet(0xa2, "1234 07 26 0001 'k' 0001 'v' 0001 'b'"));
}

// The PUBLISH in `data` with another topic, its payload behind it.
ByteVector with_topic(Version version, const ByteVector& data, const TopicOfPublish& topic) {
  const HeaderResult header_result = read_fixed_header(data);
  const auto& header = std::get<FixedHeader>(header_result);
  const Bytes body = Bytes(data).subspan(header.size);
  const PublishHeadResult result = read_publish_head(version, Sender::client, header, body);
  EXPECT_TRUE(std::holds_alternative<PublishHead>(result));
  if (!std::holds_alternative<PublishHead>(result)) return {};
  const auto& head = std::get<PublishHead>(result);
  ByteVector out;
  EXPECT_TRUE(append_publish_head(out, version, header, head, body, topic));
  const Bytes payload = body.subspan(head.head_bytes);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

TEST(PublishWriter, WritesTheTopicForWhichAnAliasStood) {
  const ByteVector data = packet(0x3a, "0000 1234 0a 02 00000001 23 0005 01 01 'message'");
  EXPECT_EQ(with_topic(v5, data, {"a/b", std::nullopt}), packet(0x3a, "0003 'a/b' 1234 07 02 00000001 01 01 'message'"));
}

TEST(PublishWriter, PutsAnAliasInPlaceOfTheTopic) {
  const ByteVector data = packet(0x30, "0003 'a/b' 02 01 01 'message'");
  EXPECT_EQ(with_topic(v5, data, {"", 7}), packet(0x30, "0000 05 01 01 23 0007 'message'"));
}

TEST(PublishWriter, PutsAnotherTopicIntoAMessageOfVersion3) {
  const ByteVector data = packet(0x33, "0003 'a/b' 1234 'message'");
  EXPECT_EQ(with_topic(v3, data, {"tenant/a/b", std::nullopt}), packet(0x33, "000a 'tenant/a/b' 1234 'message'"));
}

TEST(PublishWriter, LetsEveryLengthGrowByAByte) {
  for (std::size_t size = 100; size < 140; ++size) {
    const std::string topic(size, 't');
    const ByteVector data = packet(0x30, bytes("0001 't' 02 01 01") + ByteVector(20, 'm'));
    const ByteVector out = with_topic(v5, data, {topic, 3});
    const HeaderResult header_result = read_fixed_header(out);
    ASSERT_TRUE(std::holds_alternative<FixedHeader>(header_result));
    const auto& header = std::get<FixedHeader>(header_result);
    ASSERT_EQ(header.packet_size(), out.size());
    const auto result = read_publish_head(v5, Sender::client, header, Bytes(out).subspan(header.size));
    ASSERT_TRUE(std::holds_alternative<PublishHead>(result));
    EXPECT_EQ(std::get<PublishHead>(result).topic, topic);
    EXPECT_EQ(std::get<PublishHead>(result).topic_alias, 3);
    EXPECT_EQ(std::get<PublishHead>(result).payload_bytes, 20u);
  }
}

TEST(PublishWriter, RefusesToGrowOverTheProtocolsLimit) {
  const ByteVector body = bytes("0001 't'");
  const FixedHeader header{PacketType::publish, 0, 5, wire::var_int_max};
  const PublishHeadResult result = read_publish_head(v3, Sender::client, header, body);
  ASSERT_TRUE(std::holds_alternative<PublishHead>(result));
  const auto& head = std::get<PublishHead>(result);
  ByteVector out;
  EXPECT_TRUE(append_publish_head(out, v3, header, head, body, {"u", std::nullopt}));
  out.clear();
  EXPECT_FALSE(append_publish_head(out, v3, header, head, body, {"uu", std::nullopt}));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace bastion::mqtt
