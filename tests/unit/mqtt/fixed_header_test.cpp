// The fixed header: whole, cut short, or malformed, and never one for the other.
#include "proxy/mqtt/fixed_header.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::ByteVector;

TEST(FixedHeader, ReadsTypeFlagsAndLength) {
  const HeaderResult result = read_fixed_header(bytes("3d ff ff ff 7f 00"));
  ASSERT_TRUE(std::holds_alternative<FixedHeader>(result));
  const FixedHeader& header = std::get<FixedHeader>(result);
  EXPECT_EQ(header, (FixedHeader{PacketType::publish, 0x0d, 5, 268'435'455}));
  EXPECT_EQ(header.qos(), 2);
  EXPECT_EQ(header.packet_size(), 268'435'460u);
}

TEST(FixedHeader, AsksForMoreWhenLengthIsCutShort) {
  for (const char* written : {"", "10", "10 80", "10 ff ff", "10 80 80 80"}) {
    EXPECT_TRUE(std::holds_alternative<HeaderCutShort>(read_fixed_header(bytes(written)))) << written;
  }
}

TEST(FixedHeader, IsMalformedWithALengthOfFiveBytes) {
  const HeaderResult result = read_fixed_header(bytes("10 80 80 80 80"));
  ASSERT_TRUE(std::holds_alternative<HeaderFault>(result));
  EXPECT_EQ(std::get<HeaderFault>(result), HeaderFault::length);
}

TEST(FixedHeader, IsMalformedWithALengthThatIsLongerThanNeeded) {
  for (const char* written : {"10 80 00", "c0 80 80 00", "30 ff ff ff 00"}) {
    const HeaderResult result = read_fixed_header(bytes(written));
    ASSERT_TRUE(std::holds_alternative<HeaderFault>(result)) << written;
    EXPECT_EQ(std::get<HeaderFault>(result), HeaderFault::length) << written;
  }
}

TEST(FixedHeader, IsMalformedAtTheFirstByteBeforeAnyLength) {
  const HeaderResult result = read_fixed_header(bytes("80"));
  ASSERT_TRUE(std::holds_alternative<HeaderFault>(result));
  EXPECT_EQ(std::get<HeaderFault>(result), HeaderFault::first_byte);
}

// OASIS 3.1.1 table 2.2, 5.0 table 2-2, written out: each row has bit n set where flags n are legal.
TEST(FixedHeader, AllowsTheFlagsOfTheTableAndNoOthers) {
  constexpr unsigned zero_only = 1u << 0;
  constexpr unsigned two_only = 1u << 2;
  // No QoS 3 (6, 7, e, f) [MQTT-3.3.1-4], no DUP on QoS 0 (8, 9) [MQTT-3.3.1-2].
  constexpr unsigned publish = 0b0011'1100'0011'1111u;
  constexpr std::array<unsigned, 16> legal = {0,         zero_only, zero_only, publish,   zero_only, zero_only,
                                              two_only,  zero_only, two_only,  zero_only, two_only,  zero_only,
                                              zero_only, zero_only, zero_only, zero_only};
  for (unsigned first = 0; first < 256; ++first) {
    const bool expected = (legal[first >> 4] >> (first & 15u) & 1u) != 0;
    EXPECT_EQ(is_legal_first_byte(static_cast<std::uint8_t>(first)), expected) << std::hex << first;
  }
}

TEST(FixedHeader, DoesNotChangeItsMindWithMoreBytes) {
  for (const char* written : {"10 05 aa bb", "10 ff 7f 00", "10 80 00 00", "10 ff ff ff ff 01", "66 01 00", "e0 00"}) {
    const ByteVector whole = bytes(written);
    const HeaderResult last = read_fixed_header(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const HeaderResult early = read_fixed_header(Bytes(whole).first(size));
      if (std::holds_alternative<HeaderCutShort>(early)) continue;
      EXPECT_EQ(early.index(), last.index()) << written << " after " << size;
    }
  }
}

}  // namespace
}  // namespace bastion::mqtt
