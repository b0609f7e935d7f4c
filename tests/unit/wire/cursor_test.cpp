// The cursor never reads past the end, and tells a cut integer from a wrong one.
#include "proxy/wire/cursor.hpp"

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace bastion::wire {
namespace {

using test::bytes;
using test::operator+;
using test::ByteVector;

TEST(Cursor, ReadsIntegersBigEndian) {
  const ByteVector data = bytes("01 0203 04050607");
  Cursor cursor(data);
  EXPECT_EQ(cursor.u8(), 0x01);
  EXPECT_EQ(cursor.u16(), 0x0203);
  EXPECT_EQ(cursor.u32(), 0x04050607u);
  EXPECT_EQ(cursor.left(), 0u);
  EXPECT_EQ(cursor.position(), 7u);
}

TEST(Cursor, ReadsTheGreatestIntegers) {
  const ByteVector data = bytes("ff ffff ffffffff");
  Cursor cursor(data);
  EXPECT_EQ(cursor.u8(), 0xff);
  EXPECT_EQ(cursor.u16(), 0xffff);
  EXPECT_EQ(cursor.u32(), 0xffffffffu);
}

TEST(Cursor, GivesNothingBeyondTheEndAndStaysWhereItIs) {
  const ByteVector data = bytes("aa bb cc");
  Cursor cursor(data);
  EXPECT_EQ(cursor.u32(), std::nullopt);
  EXPECT_EQ(cursor.bytes(4), std::nullopt);
  EXPECT_EQ(cursor.position(), 0u);
  EXPECT_EQ(cursor.u16(), 0xaabb);
  EXPECT_EQ(cursor.u16(), std::nullopt);
  EXPECT_EQ(cursor.u8(), 0xcc);
  EXPECT_EQ(cursor.u8(), std::nullopt);
}

TEST(Cursor, ReadsNothingFromNothing) {
  Cursor cursor(Bytes{});
  EXPECT_EQ(cursor.u8(), std::nullopt);
  EXPECT_EQ(cursor.binary(), std::nullopt);
  EXPECT_EQ(cursor.var_int().outcome, VarInt::Outcome::cut_short);
  ASSERT_TRUE(cursor.bytes(0).has_value());
}

TEST(Cursor, ReadsStringsBehindTheirLength) {
  const ByteVector data = bytes("0003 'abc' 0000 0001 00");
  Cursor cursor(data);
  EXPECT_EQ(cursor.text(), "abc");
  EXPECT_EQ(cursor.text(), "");
  const auto last = cursor.binary();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(ByteVector(last->begin(), last->end()), bytes("00"));
}

TEST(Cursor, LeavesTheLengthOfACutStringUnread) {
  const ByteVector data = bytes("0003 'ab'");
  Cursor cursor(data);
  EXPECT_EQ(cursor.text(), std::nullopt);
  EXPECT_EQ(cursor.position(), 0u);
  EXPECT_EQ(cursor.u16(), 3);
}

TEST(Cursor, ReadsTheLongestString) {
  const ByteVector data = bytes("ffff") + ByteVector(65'535, 'x');
  Cursor cursor(data);
  const auto text = cursor.text();
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->size(), 65'535u);
  EXPECT_EQ(cursor.left(), 0u);
}

TEST(Cursor, MovesOnOnlyBehindAWholeVariableByteInteger) {
  const ByteVector data = bytes("80 01 80");
  Cursor cursor(data);
  EXPECT_EQ(cursor.var_int().value, 128u);
  EXPECT_EQ(cursor.position(), 2u);
  EXPECT_EQ(cursor.var_int().outcome, VarInt::Outcome::cut_short);
  EXPECT_EQ(cursor.position(), 2u);
}

struct VarIntRow {
  const char* written;
  std::uint32_t value;
};

// OASIS 5.0 table 1-1: the first and last value of each size.
TEST(VarInt, ReadsAndWritesTheBoundsOfEachSize) {
  const VarIntRow rows[] = {{"00", 0},
                            {"7f", 127},
                            {"80 01", 128},
                            {"ff 7f", 16'383},
                            {"80 80 01", 16'384},
                            {"ff ff 7f", 2'097'151},
                            {"80 80 80 01", 2'097'152},
                            {"ff ff ff 7f", var_int_max}};
  for (const VarIntRow& row : rows) {
    const ByteVector data = bytes(row.written);
    const VarInt read = read_var_int(data);
    EXPECT_EQ(read.outcome, VarInt::Outcome::value) << row.written;
    EXPECT_EQ(read.value, row.value) << row.written;
    EXPECT_EQ(read.size, data.size()) << row.written;
    EXPECT_EQ(var_int_size(row.value), data.size()) << row.written;
    ByteVector written;
    append_var_int(written, row.value);
    EXPECT_EQ(written, data) << row.written;
  }
}

TEST(VarInt, IsCutShortAsLongAsAnotherByteMayFollow) {
  for (const char* written : {"", "80", "ff ff", "80 80 80"}) {
    EXPECT_EQ(read_var_int(bytes(written)).outcome, VarInt::Outcome::cut_short) << written;
  }
}

// [MQTT-1.5.5-1]
TEST(VarInt, IsMalformedWhenAShorterFormExists) {
  for (const char* written : {"80 00", "ff 00", "80 80 00", "ff ff ff 00"}) {
    EXPECT_EQ(read_var_int(bytes(written)).outcome, VarInt::Outcome::malformed) << written;
  }
}

TEST(VarInt, IsMalformedBeyondFourBytesAndSaysSoAtTheFourth) {
  for (const char* written : {"80 80 80 80", "ff ff ff ff", "80 80 80 80 01", "ff ff ff ff 7f"}) {
    EXPECT_EQ(read_var_int(bytes(written)).outcome, VarInt::Outcome::malformed) << written;
  }
}

TEST(VarInt, LooksAtNothingBehindIt) {
  const VarInt read = read_var_int(bytes("05 ff ff ff ff"));
  EXPECT_EQ(read.value, 5u);
  EXPECT_EQ(read.size, 1u);
}

}  // namespace
}  // namespace bastion::wire
