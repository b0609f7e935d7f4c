// A session that does what it has done before allocates nothing, in either direction.
#include <gtest/gtest.h>

#include "tests/support/allocation_count.hpp"
#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using bastion::test::AllocationCount;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::Rules;
using test::Talk;
using test::v3_1_1;
using test::v5;
using test::operator+;

// A copy of the variant would hide nothing: a Forward holds no memory.
void expect_forward(const Step& step, std::size_t size) {
  const auto* const forward = std::get_if<Forward>(&step);
  ASSERT_NE(forward, nullptr);
  ASSERT_EQ(forward->bytes, size);
}

TEST(SteadyState, AllocatesNothingForMessagesOfAnyQosAndTheirAnswers) {
  Rules rules;
  rules.publish("devices/%c/telemetry/#").subscribe("devices/%c/command/#");
  for (const auto version : {v3_1_1, v5}) {
    const auto properties = version == v5 ? bytes("00") : ByteVector{};
    const auto make = [&](std::uint8_t first, std::string_view topic) {
      ByteVector body = {0, static_cast<std::uint8_t>(topic.size())};
      body.insert(body.end(), topic.begin(), topic.end());
      if (first != 0x30) body = body + bytes("0007");
      return packet(first, body + properties + bytes("'21.5'"));
    };
    constexpr std::string_view told = "devices/cam1/telemetry/temperature/of/the/roof";
    constexpr std::string_view heard = "devices/cam1/command/temperature/of/the/roof";
    const auto up = make(0x30, told) + make(0x32, told);
    const auto down = bytes("40 02 0007") + make(0x30, heard) + make(0x32, heard);
    const auto acknowledged = bytes("40 02 0007") + make(0x34, told);
    const auto received = bytes("50 02 0007");
    const auto released = bytes("62 02 0007");
    const auto completed = bytes("70 02 0007");
    Talk talk(version, rules.rights());
    talk.accepted();
    const auto round = [&] {
      expect_forward(talk.upward().step(up), up.size());
      expect_forward(talk.downward().step(down), down.size());
      expect_forward(talk.upward().step(acknowledged), acknowledged.size());
      expect_forward(talk.downward().step(received), received.size());
      expect_forward(talk.upward().step(released), released.size());
      expect_forward(talk.downward().step(completed), completed.size());
    };
    round();
    const AllocationCount count;
    for (int i = 0; i < 100; ++i) round();
    EXPECT_EQ(count.allocations(), 0);
  }
}

TEST(SteadyState, AllocatesNothingBehindAnAlias) {
  Talk talk(v5);
  talk.accepted("22 0002");
  const auto sets = packet(0x30, "0003 'a/b' 03 23 0001 'x'");
  const auto uses = packet(0x30, "0000 03 23 0001 'x'");
  expect_forward(talk.upward().step(sets), sets.size());
  const AllocationCount count;
  for (int i = 0; i < 100; ++i) expect_forward(talk.upward().step(uses), uses.size());
  EXPECT_EQ(count.allocations(), 0);
}

}  // namespace
}  // namespace bastion::inspect
