// A session's packets, both ways: what goes through, and what ends it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using test::asked;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::Passage;
using test::rights;
using test::Talk;
using test::v3_1_1;
using test::v5;
using test::operator+;

constexpr std::uint32_t size_max = 1000;

const ByteVector good_connack_v3 = bytes("20 02 00 00");
const ByteVector good_connack_v5 = bytes("20 03 00 00 00");

// With a broker that goes on with an earlier session, so that acknowledgements of what came before go through.
Passage upward(MqttVersion version, const ByteVector& data, std::size_t piece = test::at_once) {
  return Talk(version, rights(size_max), piece).accepted(version == v5 ? "22 000a" : "", true).up(data);
}

Passage downward(MqttVersion version, const ByteVector& data, std::size_t piece = test::at_once) {
  return Talk(version, rights(size_max), piece).down(data);
}

bool is_declared(Refusal refusal) {
  const auto all = refusals();
  return std::find(all.begin(), all.end(), refusal) != all.end();
}

const ByteVector publish = packet(0x30, "0003 'a/b' 'hello'");
const ByteVector session_v3 = publish + packet(0x3d, "0003 'a/b' 0007 'x'") + packet(0x82, "0001 0001 '#' 00") +
                              packet(0xa2, "0002 0001 '#'") +
                              bytes("c0 00 40 02 0001 50 02 0001 62 02 0008 70 02 0001 e0 00");
const ByteVector session_v5 = packet(0x30, "0003 'a/b' 03 23 0001 'hello'") + packet(0x32, "0000 0007 03 23 0001") +
                              packet(0x82, "0001 00 0001 '#' 00") + packet(0xa2, "0002 00 0001 '#'") +
                              bytes("c0 00 40 02 0001 40 03 0001 83 62 04 0008 92 00 e0 02 04 00");

TEST(Upward, LetsASessionThroughInOneStep) {
  Talk talk(v3_1_1);
  talk.accepted("", true);
  auto& inspector = talk.upward();
  const Step step = inspector.step(session_v3);
  ASSERT_TRUE(std::holds_alternative<Forward>(step));
  EXPECT_EQ(std::get<Forward>(step).bytes, session_v3.size());
  EXPECT_EQ(std::get<Forward>(step).packets, 10u);
  EXPECT_TRUE(inspector.disconnected());
  EXPECT_TRUE(inspector.at_boundary());
}

TEST(Upward, LetsTheSameThroughHoweverItIsSplit) {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(upward(v3_1_1, session_v3, piece), (Passage{session_v3, 10, {}, {}})) << piece;
    EXPECT_EQ(upward(v5, session_v5, piece), (Passage{session_v5, 9, {}, {}})) << piece;
  }
}

TEST(Upward, AsksForAByteWhenThereIsNone) {
  Talk talk(v3_1_1);
  auto& inspector = talk.upward();
  const Step step = inspector.step({});
  ASSERT_TRUE(std::holds_alternative<NeedBytes>(step));
  EXPECT_EQ(std::get<NeedBytes>(step).bytes_min, 1u);
}

TEST(Upward, HoldsAHeaderBackUntilItIsWhole) {
  Talk talk(v3_1_1);
  auto& inspector = talk.upward();
  for (const char* written : {"30", "30 ff"}) {
    const Step step = inspector.step(bytes(written));
    EXPECT_TRUE(std::holds_alternative<NeedBytes>(step)) << written;
    EXPECT_TRUE(inspector.at_boundary());
  }
}

TEST(Upward, WaitsForTheHeadOfAMessageOnly) {
  Talk talk(v3_1_1);
  auto& inspector = talk.upward();
  const Step cut = inspector.step(bytes("30 0a 0003 'a'"));
  ASSERT_TRUE(std::holds_alternative<NeedBytes>(cut));
  EXPECT_EQ(std::get<NeedBytes>(cut).bytes_min, 7u);
  const Step first = inspector.step(bytes("30 0a 0003 'a/b' 'he'"));
  ASSERT_TRUE(std::holds_alternative<Forward>(first));
  EXPECT_EQ(std::get<Forward>(first).bytes, 9u);
  EXPECT_EQ(std::get<Forward>(first).packets, 0u) << "only whole packets feed the keep alive";
  EXPECT_FALSE(inspector.at_boundary());
  EXPECT_TRUE(inspector.is_inside_packet());
  const Step second = inspector.step(bytes("'llo' c0"));
  ASSERT_TRUE(std::holds_alternative<Forward>(second));
  EXPECT_EQ(std::get<Forward>(second).bytes, 3u);
  EXPECT_EQ(std::get<Forward>(second).packets, 1u);
  EXPECT_TRUE(inspector.at_boundary());
  EXPECT_FALSE(inspector.is_inside_packet());
}

TEST(Upward, IsNotDisconnectedBeforeTheWholeDisconnectHasGoneThrough) {
  Talk talk(v5);
  EXPECT_EQ(talk.up(bytes("e0 02 04")).out, ByteVector{});
  EXPECT_FALSE(talk.upward().disconnected());
  EXPECT_EQ(talk.up(bytes("00")).out, bytes("e0 02 04 00"));
  EXPECT_TRUE(talk.upward().disconnected());
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

Expected without_a_filter(MqttVersion version) {
  return {version, {Reason::protocol_error, Cause::other}};
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
        Row{"auth_in_5", bytes("f0 00"), {v5, {Reason::protocol_error, Cause::auth}}},
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
        Row{"subscribe_without_a_filter", bytes("82 02 0001"), without_a_filter(v3_1_1)},
        Row{"subscribe_without_a_filter_in_5", bytes("82 03 0001 00"), without_a_filter(v5)},
        // [MQTT-3.10.3-2]
        Row{"unsubscribe_without_a_filter", bytes("a2 02 0001"), without_a_filter(v3_1_1)},
        Row{"unsubscribe_without_a_filter_in_5", bytes("a2 03 0001 00"), without_a_filter(v5)},
        Row{"pingreq_with_a_body", bytes("c0 01 00"), malformed(v3_1_1, Cause::type_pingreq)},
        Row{"disconnect_with_a_body", bytes("e0 01 00"), malformed(v3_1_1, Cause::type_disconnect)},
        // [MQTT-3.3.2-2]
        Row{"publish_to_a_wildcard", packet(0x30, "0003 'a/#'"), malformed(v3_1_1, Cause::type_publish)},
        // [MQTT-1.5.3-1]
        Row{"publish_to_a_surrogate", packet(0x30, "0003 eda080"), malformed(v3_1_1, Cause::type_publish)},
        // [MQTT-3.3.4-6]
        Row{"publish_with_a_subscription_identifier", packet(0x30, "0001 'a' 02 0b 01"), wrong_way(v5)},
        // [MQTT-2.3.1-1]
        Row{"publish_with_identifier_0",
            packet(0x32, "0001 'a' 0000"),
            {v3_1_1, {Reason::protocol_error, Cause::packet_id}}},
        // [MQTT-3.8.3-4], [MQTT-4.7.1-2]
        Row{"subscribe_with_qos_3", packet(0x82, "0001 0001 'a' 03"), malformed(v3_1_1, Cause::type_subscribe)},
        Row{"subscribe_with_a_wildcard_inside", packet(0x82, "0001 0003 'a#b' 00"),
            malformed(v3_1_1, Cause::type_subscribe)},
        Row{"unsubscribe_with_a_wildcard_inside", packet(0xa2, "0001 0003 'a+b'"),
            malformed(v3_1_1, Cause::type_unsubscribe)},
        // [MQTT-1.5.5-1]
        Row{"length_longer_than_needed", bytes("c0 80 00"), malformed(v3_1_1, Cause::type_pingreq)},
        Row{"length_of_five_bytes", bytes("30 80 80 80 80 01"), malformed(v3_1_1, Cause::type_publish)}),
    name_of_row);

TEST(Downward, LetsASessionThroughHoweverItIsSplit) {
  const ByteVector asks = packet(0x82, "0001 0001 '#' 00") + packet(0xa2, "0002 0001 '#'") + packet(0x32, "0001 'a' 0003") +
                          packet(0x34, "0001 'a' 0004");
  const ByteVector session =
      bytes("20 02 01 00") + publish + bytes("90 03 0001 00 b0 02 0002 d0 00 40 02 0003 50 02 0004 62 02 0001 70 02 0009");
  const ByteVector asks_v5 = packet(0x82, "0001 00 0001 '#' 00") + packet(0xa2, "0002 00 0001 '#'");
  const ByteVector rest = packet(0x30, "0003 'a/b' 00 'x'") + bytes("90 04 0001 00 00 b0 04 0002 00 00 e0 01 8b");
  const ByteVector lowered_connack = bytes("20 0b 00 00 08 21 0100 27 000003e8");
  for (std::size_t piece = 1; piece < 30; ++piece) {
    Talk talk(v3_1_1, rights(), piece);
    EXPECT_EQ(talk.up(asks).refusal, std::nullopt);
    EXPECT_EQ(talk.down(session), (Passage{session, 9, {}, {}})) << piece;
    Talk talk_v5(v5, rights(), piece);
    EXPECT_EQ(talk_v5.up(asks_v5).refusal, std::nullopt);
    EXPECT_EQ(talk_v5.down(good_connack_v5 + rest), (Passage{lowered_connack + rest, 5, {}, {}})) << piece;
  }
}

TEST(Downward, TellsWhatTheBrokerAnswered) {
  Talk talk(v3_1_1);
  auto& inspector = talk.downward();
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

TEST(Downward, TellsTheIdentifierThatTheBrokerAssigned) {
  Talk talk(v5);
  talk.accepted("12 0004 'made'");
  EXPECT_EQ(talk.downward().connack()->assigned_client_id, "made");
}

TEST(Downward, PassesARefusalOnAndNothingBehindIt) {
  Talk talk(v3_1_1);
  EXPECT_EQ(talk.down(bytes("20 02 00 05")).out, bytes("20 02 00 05"));
  EXPECT_EQ(talk.downward().connack()->code, 5);
  EXPECT_EQ(talk.down(publish).refusal, (Refusal{Reason::upstream_malformed, Cause::packet}));
}

TEST(Downward, KnowsTheBrokersDisconnect) {
  Talk talk(v5);
  EXPECT_EQ(talk.down(good_connack_v5 + bytes("e0 01 8b")).packets, 2u);
  EXPECT_TRUE(talk.downward().disconnected());
}

Rights with_keep_alive() {
  Rights lowering = rights(size_max);
  lowering.server_keep_alive_s = 1200;
  return lowering;
}

TEST(Downward, LowersTheServerKeepAliveOfMqtt5) {
  for (const char* broker : {"20 03 00 00 00", "20 06 00 00 03 13 ffff", "20 06 00 00 03 13 0000"}) {
    Talk talk(asked(v5), with_keep_alive(), 1);
    EXPECT_EQ(talk.down(bytes(broker)).refusal, std::nullopt);
    EXPECT_EQ(talk.downward().connack()->server_keep_alive_s, 1200) << broker;
  }
}

TEST(Downward, LeavesALowerServerKeepAliveAsItIs) {
  Talk talk(v5, with_keep_alive());
  EXPECT_EQ(talk.down(bytes("20 06 00 00 03 13 003c")).refusal, std::nullopt);
  EXPECT_EQ(talk.downward().connack()->server_keep_alive_s, 60);
}

TEST(Downward, LeavesARefusalAndMqtt3AsTheyAre) {
  EXPECT_EQ(Talk(v5, with_keep_alive()).down(bytes("20 03 00 87 00")).out, bytes("20 03 00 87 00"));
  EXPECT_EQ(Talk(v3_1_1, with_keep_alive()).down(good_connack_v3).out, good_connack_v3);
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
