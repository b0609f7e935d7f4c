// Reading a packet allocates nothing, whatever is in it; writing one allocates nothing where the buffer has the room.
#include <gtest/gtest.h>

#include <vector>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/connect.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::AllocationCount;
using test::bytes;
using test::ByteVector;
using test::packet;

constexpr auto v5 = Version::v5_0;

template <class Packet, class Read>
void expect_none_in(const Read& read) {
  const AllocationCount count;
  const auto result = read();
  const int allocations = count.allocations();
  EXPECT_TRUE(std::holds_alternative<Packet>(result));
  EXPECT_EQ(allocations, 0);
}

TEST(Allocations, AreCounted) {
  const AllocationCount count;
  const std::vector<int> some(3);
  EXPECT_EQ(count.allocations(), 1);
}

TEST(Allocations, AreNoneWhereAPacketIsRead) {
  const ByteVector publish = bytes("0001 't' 0007 12 23 0005 08 0003 'r/t' 26 0001 'k' 0001 'v' 01 01 'message'");
  const FixedHeader header{PacketType::publish, 2, 2, static_cast<std::uint32_t>(publish.size())};
  expect_none_in<PublishHead>([&] { return read_publish_head(v5, Sender::client, header, publish); });
  expect_none_in<HeadCutShort>([&] { return read_publish_head(v5, Sender::client, header, Bytes(publish).first(12)); });
  const ByteVector acknowledgement = bytes("0001 00 09 1f 0006 'reason'");
  expect_none_in<Acknowledgement>(
      [&] { return read_acknowledgement(v5, Sender::client, PacketType::puback, acknowledgement); });
  const ByteVector subscribe = bytes("0001 07 26 0001 'k' 0001 'v' 0010 '$share/group/+/a' 11");
  expect_none_in<Subscribe>([&] { return read_subscribe(v5, subscribe); });
  const ByteVector unsubscribe = bytes("0001 00 0003 '+/#'");
  expect_none_in<Unsubscribe>([&] { return read_unsubscribe(v5, unsubscribe); });
  const ByteVector suback = bytes("0001 00 02 87");
  expect_none_in<Granted>([&] { return read_suback(v5, suback); });
  const ByteVector disconnect = bytes("9c 07 1c 0004 'else'");
  expect_none_in<Disconnect>([&] { return read_disconnect(v5, Sender::server, disconnect); });
  const ByteVector auth = bytes("18 08 15 0005 'SCRAM'");
  expect_none_in<Auth>([&] { return read_auth(v5, Sender::client, auth); });
  const ByteVector connack = packet(0x20, "01 00 05 27 00010000");
  expect_none_in<Connack>([&] { return parse_connack(connack, v5); });
  const ByteVector connect = packet(0x10, "0004 'MQTT' 05 02 003c 03 21 0014 0001 'c'");
  expect_none_in<Connect>([&] { return parse_connect(connect, 8); });
}

TEST(Allocations, AreNoneWhereTheBufferHasTheRoom) {
  Buffer out;
  out.reserve(256);
  const ByteVector codes = bytes("00 87");
  const ByteVector connack = packet(0x20, "01 00 03 21 0014");
  const auto read = std::get<Connack>(parse_connack(connack, v5));
  ConnackLimits limits;
  limits.receive_maximum = 10;
  limits.maximum_qos = 1;
  const AllocationCount count;
  append_acknowledgement(out, v5, PacketType::pubrec, 1, 0x87);
  append_suback(out, v5, 1, codes);
  append_disconnect(out, v5, 0x8b);
  append_lowered_connack(out, connack, read, limits);
  EXPECT_EQ(count.allocations(), 0);
}

}  // namespace
}  // namespace bastion::mqtt
