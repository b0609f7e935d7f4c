// A session's packets, both ways: what goes through, and what ends it.
#include "proxy/inspect/inspector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::inspect {
namespace {

using test::bytes;
using test::ByteVector;
using test::packet;
using test::operator+;

constexpr auto v3_1_1 = MqttVersion::v3_1_1;
constexpr auto v5 = MqttVersion::v5_0;
constexpr std::uint32_t size_max = 1000;

// What became of bytes that arrived in pieces.
struct Passage {
  ByteVector out;
  std::uint32_t packets = 0;
  std::optional<Refusal> refusal;
  friend bool operator==(const Passage&, const Passage&) = default;
};

std::ostream& operator<<(std::ostream& out, const Passage& passage) {
  out << passage.out.size() << " bytes, " << passage.packets << " packets";
  if (passage.refusal) out << ", refused: " << label(passage.refusal->reason) << " " << label(passage.refusal->cause);
  return out;
}

// Feeds `piece` bytes at a time, as a relay does: what is not let through stays in hand.
template <class Inspector>
Passage pass(Inspector& inspector, const ByteVector& data, std::size_t piece) {
  Passage passage;
  ByteVector in_hand;
  std::size_t fed = 0;
  while (true) {
    const Step step = inspector.step(in_hand);
    if (const auto* refuse = std::get_if<Refuse>(&step)) {
      passage.refusal = refuse->refusal;
      return passage;
    }
    if (const auto* forward = std::get_if<Forward>(&step)) {
      EXPECT_GT(forward->bytes, 0u);
      passage.out.insert(passage.out.end(), in_hand.begin(), in_hand.begin() + static_cast<std::ptrdiff_t>(forward->bytes));
      passage.packets += forward->packets;
      in_hand.erase(in_hand.begin(), in_hand.begin() + static_cast<std::ptrdiff_t>(forward->bytes));
      continue;
    }
    if (const auto* replace = std::get_if<Replace>(&step)) {
      passage.out.insert(passage.out.end(), replace->with.begin(), replace->with.end());
      passage.packets += replace->packets;
      in_hand.erase(in_hand.begin(), in_hand.begin() + static_cast<std::ptrdiff_t>(replace->bytes));
      continue;
    }
    EXPECT_GT(std::get<NeedBytes>(step).bytes_min, in_hand.size());
    if (fed == data.size()) return passage;
    const std::size_t size = std::min(piece, data.size() - fed);
    in_hand.insert(in_hand.end(), data.begin() + static_cast<std::ptrdiff_t>(fed),
                   data.begin() + static_cast<std::ptrdiff_t>(fed + size));
    fed += size;
  }
}

Passage upward(MqttVersion version, const ByteVector& data, std::size_t piece = 1'000'000) {
  UpwardInspector inspector(version, {size_max});
  return pass(inspector, data, piece);
}

const ByteVector good_connack_v3 = bytes("20 02 00 00");
const ByteVector good_connack_v5 = bytes("20 03 00 00 00");

Passage downward(MqttVersion version, const ByteVector& data, std::size_t piece = 1'000'000) {
  DownwardInspector inspector(version, {size_max}, std::nullopt);
  return pass(inspector, data, piece);
}

bool is_declared(Refusal refusal) {
  const auto all = refusals();
  return std::find(all.begin(), all.end(), refusal) != all.end();
}

const ByteVector publish = packet(0x30, "0003 'a/b' 'hello'");
const ByteVector session_v3 = publish + packet(0x3d, "0003 'a/b' 0007 'x'") + packet(0x82, "0001 0001 '#' 00") +
                              packet(0xa2, "0002 0001 '#'") +
                              bytes("c0 00 40 02 0001 50 02 0001 62 02 0001 70 02 0001 e0 00");
const ByteVector session_v5 = packet(0x30, "0003 'a/b' 00 'hello'") + packet(0x32, "0000 0007 03 23 0001") +
                              packet(0x82, "0001 00 0001 '#' 00") + packet(0xa2, "0002 00 0001 '#'") +
                              bytes("c0 00 40 02 0001 40 03 0001 10 62 04 0001 92 00 e0 02 04 00");

TEST(Upward, LetsASessionThroughInOneStep) {
  UpwardInspector inspector(v3_1_1, {size_max});
  const Step step = inspector.step(session_v3);
  ASSERT_TRUE(std::holds_alternative<Forward>(step));
  EXPECT_EQ(std::get<Forward>(step).bytes, session_v3.size());
  EXPECT_EQ(std::get<Forward>(step).packets, 10u);
  EXPECT_TRUE(inspector.disconnected());
  EXPECT_TRUE(inspector.at_boundary());
}

TEST(Upward, LetsTheSameThroughHoweverItIsSplit) {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(upward(v3_1_1, session_v3, piece), (Passage{session_v3, 10, {}})) << piece;
    EXPECT_EQ(upward(v5, session_v5, piece), (Passage{session_v5, 9, {}})) << piece;
  }
}

TEST(Upward, AsksForAByteWhenThereIsNone) {
  UpwardInspector inspector(v3_1_1, {size_max});
  const Step step = inspector.step({});
  ASSERT_TRUE(std::holds_alternative<NeedBytes>(step));
  EXPECT_EQ(std::get<NeedBytes>(step).bytes_min, 1u);
}

TEST(Upward, HoldsAHeaderBackUntilItIsWhole) {
  UpwardInspector inspector(v3_1_1, {size_max});
  for (const char* written : {"30", "30 ff"}) {
    const Step step = inspector.step(bytes(written));
    EXPECT_TRUE(std::holds_alternative<NeedBytes>(step)) << written;
    EXPECT_TRUE(inspector.at_boundary());
  }
}

TEST(Upward, StreamsABodyAndKnowsThatItIsInsideAPacket) {
  UpwardInspector inspector(v3_1_1, {size_max});
  const Step first = inspector.step(bytes("30 0a 0003 'a'"));
  ASSERT_TRUE(std::holds_alternative<Forward>(first));
  EXPECT_EQ(std::get<Forward>(first).bytes, 5u);
  EXPECT_EQ(std::get<Forward>(first).packets, 0u) << "only whole packets feed the keep alive";
  EXPECT_FALSE(inspector.at_boundary());
  const Step second = inspector.step(bytes("'/b' 'hello' c0"));
  ASSERT_TRUE(std::holds_alternative<Forward>(second));
  EXPECT_EQ(std::get<Forward>(second).bytes, 7u);
  EXPECT_EQ(std::get<Forward>(second).packets, 1u);
  EXPECT_TRUE(inspector.at_boundary());
}

TEST(Upward, IsNotDisconnectedBeforeTheWholeDisconnectHasGoneThrough) {
  UpwardInspector inspector(v5, {size_max});
  EXPECT_TRUE(std::holds_alternative<Forward>(inspector.step(bytes("e0 02 04"))));
  EXPECT_FALSE(inspector.disconnected());
  EXPECT_TRUE(std::holds_alternative<Forward>(inspector.step(bytes("00"))));
  EXPECT_TRUE(inspector.disconnected());
}

TEST(Upward, LetsPacketsThroughUpToTheCapAndNoLarger) {
  const ByteVector just = packet(0x30, bytes("0001 'a'") + ByteVector(size_max - 6, 'x'));
  ASSERT_EQ(just.size(), size_max);
  EXPECT_EQ(upward(v3_1_1, just).packets, 1u);
  const ByteVector over = packet(0x30, bytes("0001 'a'") + ByteVector(size_max - 5, 'x'));
  EXPECT_EQ(upward(v3_1_1, over).refusal, (Refusal{Reason::packet_too_large, Cause::none}));
  EXPECT_EQ(upward(v3_1_1, bytes("30 ff ff ff 7f")).refusal, (Refusal{Reason::packet_too_large, Cause::none}))
      << "at the header";
}

struct Expected {
  MqttVersion version;
  Refusal refusal;
};
using Row = test::Row<Expected>;
const auto name_of_row = [](const auto& row) { return std::string(row.param.name); };

Expected malformed(MqttVersion version, Cause type) {
  return {version, {Reason::malformed_packet, type}};
}
Expected wrong_way(MqttVersion version) {
  return {version, {Reason::protocol_error, Cause::direction}};
}

class RefusedUpward : public testing::TestWithParam<Row> {};

TEST_P(RefusedUpward, EndsTheSession) {
  EXPECT_EQ(upward(GetParam().expected.version, GetParam().bytes).refusal, GetParam().expected.refusal);
  EXPECT_TRUE(is_declared(GetParam().expected.refusal));
}

TEST_P(RefusedUpward, EndsItTheSameHoweverItIsSplitAndBehindAllThatWasGood) {
  const MqttVersion version = GetParam().expected.version;
  const ByteVector good = packet(0x30, "0003 'a/b' 00 'hello'") + bytes("c0 00");
  const Passage whole = upward(version, good + GetParam().bytes);
  EXPECT_EQ(whole.refusal, GetParam().expected.refusal);
  ASSERT_GE(whole.out.size(), good.size());
  EXPECT_TRUE(std::equal(good.begin(), good.end(), whole.out.begin()));
  for (std::size_t piece = 1; piece < 30; ++piece)
    EXPECT_EQ(upward(version, good + GetParam().bytes, piece), whole) << piece;
}

INSTANTIATE_TEST_SUITE_P(
    By, RefusedUpward,
    testing::Values(
        Row{"type_0", bytes("00 00"), malformed(v3_1_1, Cause::type_reserved)},
        // [MQTT-3.1.0-2]
        Row{"second_connect",
            packet(0x10, "0004 'MQTT' 04 02 003c 0000"),
            {v3_1_1, {Reason::protocol_error, Cause::second_connect}}},
        Row{"second_connect_with_bad_flags", bytes("11 00"), malformed(v3_1_1, Cause::type_connect)},
        Row{"connack", bytes("20 02 00 00"), wrong_way(v3_1_1)},
        Row{"connack_with_flags", bytes("29 02 00 01"), malformed(v3_1_1, Cause::type_connack)},
        Row{"suback", bytes("90 03 00 01 00"), wrong_way(v3_1_1)},
        Row{"suback_by_its_first_byte", bytes("90"), wrong_way(v5)},
        Row{"unsuback", bytes("b0 02 00 01"), wrong_way(v3_1_1)}, Row{"pingresp", bytes("d0 00"), wrong_way(v3_1_1)},
        Row{"auth_in_3", bytes("f0 00"), malformed(v3_1_1, Cause::type_auth)},
        // [MQTT-4.12.0-7]
        Row{"auth_in_5", bytes("f0 00"), wrong_way(v5)},
        // [MQTT-3.14.4-2]
        Row{"packet_after_disconnect", bytes("e0 00 c0 00"), {v3_1_1, {Reason::protocol_error, Cause::after_disconnect}}},
        Row{"byte_after_disconnect", bytes("e0 00 ff"), {v5, {Reason::protocol_error, Cause::after_disconnect}}},
        Row{"connect_after_disconnect", bytes("e0 00 10 00"), {v3_1_1, {Reason::protocol_error, Cause::after_disconnect}}},
        // [MQTT-3.3.1-4]
        Row{"publish_of_qos_3", packet(0x36, "0001 'a' 0001"), malformed(v3_1_1, Cause::type_publish)},
        // [MQTT-3.3.1-2]
        Row{"publish_of_qos_0_with_dup", packet(0x38, "0001 'a'"), malformed(v3_1_1, Cause::type_publish)},
        Row{"publish_without_a_topic", packet(0x30, "0000"), malformed(v3_1_1, Cause::type_publish)},
        Row{"publish_of_qos_1_without_an_identifier", packet(0x32, "0001 'a' 00"), malformed(v3_1_1, Cause::type_publish)},
        Row{"publish_without_properties_in_5", packet(0x30, "0001 'a'"), malformed(v5, Cause::type_publish)},
        // [MQTT-2.2.2-2], in 5.0 [MQTT-2.1.3-1]
        Row{"puback_with_flags", bytes("42 02 0001"), malformed(v3_1_1, Cause::type_puback)},
        Row{"pubrel_without_flags", bytes("60 02 0001"), malformed(v3_1_1, Cause::type_pubrel)},
        Row{"subscribe_without_flags", packet(0x80, "0001 0001 'a' 00"), malformed(v3_1_1, Cause::type_subscribe)},
        Row{"unsubscribe_without_flags", packet(0xa0, "0001 0001 'a'"), malformed(v3_1_1, Cause::type_unsubscribe)},
        Row{"pingreq_with_flags", bytes("c1 00"), malformed(v3_1_1, Cause::type_pingreq)},
        Row{"disconnect_with_flags", bytes("e1 00"), malformed(v3_1_1, Cause::type_disconnect)},
        Row{"puback_of_one_byte", bytes("40 01 00"), malformed(v3_1_1, Cause::type_puback)},
        Row{"puback_with_trailing_bytes", bytes("40 03 0001 00"), malformed(v3_1_1, Cause::type_puback)},
        Row{"pubrec_with_trailing_bytes", bytes("50 03 0001 00"), malformed(v3_1_1, Cause::type_pubrec)},
        Row{"pubrel_with_trailing_bytes", bytes("62 04 0001 00 00"), malformed(v3_1_1, Cause::type_pubrel)},
        Row{"pubcomp_with_trailing_bytes", bytes("70 03 0001 00"), malformed(v3_1_1, Cause::type_pubcomp)},
        Row{"puback_of_one_byte_in_5", bytes("40 01 00"), malformed(v5, Cause::type_puback)},
        // [MQTT-3.8.3-3], in 5.0 [MQTT-3.8.3-2]
        Row{"subscribe_without_a_filter", bytes("82 02 0001"), malformed(v3_1_1, Cause::type_subscribe)},
        Row{"subscribe_without_a_filter_in_5", bytes("82 03 0001 00"), malformed(v5, Cause::type_subscribe)},
        // [MQTT-3.10.3-2]
        Row{"unsubscribe_without_a_filter", bytes("a2 02 0001"), malformed(v3_1_1, Cause::type_unsubscribe)},
        Row{"unsubscribe_without_a_filter_in_5", bytes("a2 03 0001 00"), malformed(v5, Cause::type_unsubscribe)},
        Row{"pingreq_with_a_body", bytes("c0 01 00"), malformed(v3_1_1, Cause::type_pingreq)},
        Row{"disconnect_with_a_body", bytes("e0 01 00"), malformed(v3_1_1, Cause::type_disconnect)},
        // [MQTT-1.5.5-1]
        Row{"length_longer_than_needed", bytes("c0 80 00"), malformed(v3_1_1, Cause::type_pingreq)},
        Row{"length_of_five_bytes", bytes("30 80 80 80 80 01"), malformed(v3_1_1, Cause::type_publish)}),
    name_of_row);

TEST(Downward, LetsASessionThroughHoweverItIsSplit) {
  const ByteVector session =
      good_connack_v3 + publish + bytes("90 03 0001 00 b0 02 0001 d0 00 40 02 0001 50 02 0001 62 02 0001 70 02 0001");
  const ByteVector last =
      good_connack_v5 + packet(0x30, "0003 'a/b' 00 'x'") + bytes("90 04 0001 00 00 b0 04 0001 00 00 e0 01 8b");
  for (std::size_t piece = 1; piece < 30; ++piece) {
    EXPECT_EQ(downward(v3_1_1, session, piece), (Passage{session, 9, {}})) << piece;
    EXPECT_EQ(downward(v5, last, piece), (Passage{last, 5, {}})) << piece;
  }
}

TEST(Downward, TellsWhatTheBrokerAnswered) {
  DownwardInspector inspector(v3_1_1, {size_max}, std::nullopt);
  EXPECT_FALSE(inspector.connack().has_value());
  EXPECT_TRUE(std::holds_alternative<NeedBytes>(inspector.step(bytes("20 02 01"))));
  EXPECT_FALSE(inspector.connack().has_value());
  const Step step = inspector.step(bytes("20 02 01 00"));
  ASSERT_TRUE(std::holds_alternative<Forward>(step));
  EXPECT_EQ(std::get<Forward>(step).packets, 1u);
  ASSERT_TRUE(inspector.connack().has_value());
  EXPECT_EQ(inspector.connack()->code, 0);
  EXPECT_TRUE(inspector.connack()->session_present);
}

TEST(Downward, PassesARefusalOnAndNothingBehindIt) {
  DownwardInspector inspector(v3_1_1, {size_max}, std::nullopt);
  EXPECT_TRUE(std::holds_alternative<Forward>(inspector.step(bytes("20 02 00 05"))));
  EXPECT_EQ(inspector.connack()->code, 5);
  const Step step = inspector.step(publish);
  ASSERT_TRUE(std::holds_alternative<Refuse>(step));
  EXPECT_EQ(std::get<Refuse>(step).refusal, (Refusal{Reason::upstream_malformed, Cause::packet}));
}

TEST(Downward, KnowsTheBrokersDisconnect) {
  DownwardInspector inspector(v5, {size_max}, std::nullopt);
  EXPECT_EQ(pass(inspector, good_connack_v5 + bytes("e0 01 8b"), 100).packets, 2u);
  EXPECT_TRUE(inspector.disconnected());
}

TEST(Downward, LowersTheServerKeepAliveOfMqtt5) {
  struct {
    const char* broker;
    const char* client;
  } const rows[] = {{"20 03 00 00 00", "20 06 00 00 03 13 04b0"},
                    {"20 06 00 00 03 13 ffff", "20 06 00 00 03 13 04b0"},
                    {"20 06 00 00 03 13 0000", "20 06 00 00 03 13 04b0"}};
  for (const auto& row : rows) {
    DownwardInspector inspector(v5, {size_max}, std::uint16_t{1200});
    EXPECT_EQ(pass(inspector, bytes(row.broker), 1).out, bytes(row.client)) << row.broker;
    EXPECT_EQ(inspector.connack()->server_keep_alive_s, 1200) << row.broker;
  }
}

TEST(Downward, LeavesALowerServerKeepAliveAsItIs) {
  DownwardInspector inspector(v5, {size_max}, std::uint16_t{1200});
  EXPECT_EQ(pass(inspector, bytes("20 06 00 00 03 13 003c"), 100).out, bytes("20 06 00 00 03 13 003c"));
  EXPECT_EQ(inspector.connack()->server_keep_alive_s, 60);
}

TEST(Downward, LeavesARefusalAndMqtt3AsTheyAre) {
  DownwardInspector refused(v5, {size_max}, std::uint16_t{1200});
  EXPECT_EQ(pass(refused, bytes("20 03 00 87 00"), 100).out, bytes("20 03 00 87 00"));
  DownwardInspector old(v3_1_1, {size_max}, std::uint16_t{1200});
  EXPECT_EQ(pass(old, good_connack_v3, 100).out, good_connack_v3);
}

class RefusedDownward : public testing::TestWithParam<Row> {};

TEST_P(RefusedDownward, EndsTheSessionHoweverItIsSplit) {
  const Passage whole = downward(GetParam().expected.version, GetParam().bytes);
  EXPECT_EQ(whole.refusal, GetParam().expected.refusal);
  EXPECT_TRUE(is_declared(GetParam().expected.refusal));
  for (std::size_t piece = 1; piece < 12; ++piece)
    EXPECT_EQ(downward(GetParam().expected.version, GetParam().bytes, piece), whole) << piece;
}

Expected bad_connack(MqttVersion version) {
  return {version, {Reason::upstream_malformed, Cause::connack}};
}
Expected bad_packet(MqttVersion version) {
  return {version, {Reason::upstream_malformed, Cause::packet}};
}

INSTANTIATE_TEST_SUITE_P(By, RefusedDownward,
                         testing::Values(
                             // [MQTT-3.2.0-1]
                             Row{"another_packet_before_connack", publish, bad_connack(v3_1_1)},
                             Row{"connack_with_flags", bytes("21 02 00 00"), bad_connack(v3_1_1)},
                             Row{"connack_of_5_to_a_client_of_3", good_connack_v5, bad_connack(v3_1_1)},
                             Row{"connack_of_3_to_a_client_of_5", good_connack_v3, bad_connack(v5)},
                             Row{"connack_of_3_by_its_length_alone", bytes("20 05"), bad_connack(v3_1_1)},
                             Row{"connack_over_the_cap", bytes("20 ff 7f"), bad_connack(v5)},
                             Row{"connack_with_reserved_flags", bytes("20 02 02 00"), bad_connack(v3_1_1)},
                             Row{"connack_with_an_unknown_code", bytes("20 02 00 77"), bad_connack(v3_1_1)},
                             Row{"connack_with_a_bad_length", bytes("20 82 00 00 00"), bad_connack(v3_1_1)},
                             // [MQTT-4.12.0-6]
                             Row{"connack_with_an_authentication_method", packet(0x20, "00 00 04 15 0001 'm'"),
                                 bad_connack(v5)},
                             Row{"auth_for_connack", bytes("f0 00"), bad_connack(v5)},
                             Row{"second_connack", good_connack_v3 + good_connack_v3, bad_packet(v3_1_1)},
                             Row{"connect", good_connack_v3 + bytes("10 00"), bad_packet(v3_1_1)},
                             Row{"subscribe", good_connack_v3 + packet(0x82, "0001 0001 'a' 00"), bad_packet(v3_1_1)},
                             Row{"unsubscribe", good_connack_v3 + packet(0xa2, "0001 0001 'a'"), bad_packet(v3_1_1)},
                             Row{"pingreq", good_connack_v3 + bytes("c0 00"), bad_packet(v3_1_1)},
                             Row{"disconnect_in_3", good_connack_v3 + bytes("e0 00"), bad_packet(v3_1_1)},
                             Row{"auth_in_5", good_connack_v5 + bytes("f0 00"), bad_packet(v5)},
                             Row{"type_0", good_connack_v3 + bytes("00 00"), bad_packet(v3_1_1)},
                             Row{"packet_after_disconnect", good_connack_v5 + bytes("e0 01 8b d0 00"), bad_packet(v5)},
                             Row{"publish_of_qos_3", good_connack_v3 + packet(0x36, "0001 'a' 0001"), bad_packet(v3_1_1)},
                             Row{"publish_over_the_cap", good_connack_v3 + bytes("30 ff ff ff 7f"), bad_packet(v3_1_1)},
                             // CVE-2024-10525
                             Row{"suback_without_a_code", good_connack_v3 + bytes("90 02 0001"), bad_packet(v3_1_1)},
                             Row{"suback_without_a_code_in_5", good_connack_v5 + bytes("90 03 0001 00"), bad_packet(v5)},
                             Row{"unsuback_without_a_code_in_5", good_connack_v5 + bytes("b0 03 0001 00"), bad_packet(v5)},
                             Row{"unsuback_with_a_code_in_3", good_connack_v3 + bytes("b0 03 0001 00"), bad_packet(v3_1_1)},
                             Row{"pingresp_with_a_body", good_connack_v3 + bytes("d0 01 00"), bad_packet(v3_1_1)},
                             Row{"length_longer_than_needed", good_connack_v3 + bytes("d0 80 00"), bad_packet(v3_1_1)}),
                         name_of_row);

}  // namespace
}  // namespace bastion::inspect
