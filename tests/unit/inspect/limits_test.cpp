// A session's limits: what goes over them ends it, or is only noted; and what CONNACK tells of them.
#include <gtest/gtest.h>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using test::asked;
using test::at_once;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::rights;
using test::Talk;
using test::v3_1_1;
using test::v5;
using test::operator+;

struct Limit {
  const char* name;
  MqttVersion version;
  void (*set)(Rights&);
  ByteVector within;
  ByteVector over;
  Refusal refusal;
  std::optional<std::uint8_t> v5_code = std::nullopt;
  friend std::ostream& operator<<(std::ostream& out, const Limit& limit) { return out << limit.name; }
};

Refusal over(Cause cause) {
  return {Reason::limit_exceeded, cause};
}

ByteVector with_user_properties(int count) {
  ByteVector all;
  for (int i = 0; i < count; ++i) all = all + bytes("26 0001 'k' 0001 'v'");
  return bytes("0001 'a'") + ByteVector{static_cast<std::uint8_t>(all.size())} + all;
}

class Limits : public testing::TestWithParam<Limit> {};

TEST_P(Limits, LetThroughWhatIsWithinAndRefuseTheNextHoweverItIsSplit) {
  const auto& limit = GetParam();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, at_once}) {
    auto few = rights();
    limit.set(few);
    Talk talk(limit.version, few, piece);
    talk.accepted();
    const auto good = talk.up(limit.within);
    EXPECT_EQ(good.out, limit.within);
    EXPECT_EQ(good.refusal, std::nullopt);
    const auto bad = talk.up(limit.over);
    EXPECT_EQ(bad.out, ByteVector{}) << piece;
    EXPECT_EQ(bad.refusal, limit.refusal) << piece;
    EXPECT_EQ(bad.v5_code, limit.v5_code) << piece;
  }
}

TEST_P(Limits, AreNotedOnceWhereThePolicyOnlyObserves) {
  const auto& limit = GetParam();
  for (const std::size_t piece : {std::size_t{1}, at_once}) {
    auto few = rights();
    limit.set(few);
    few.mode = Mode::observe;
    Talk talk(limit.version, few, piece);
    talk.accepted();
    EXPECT_EQ(talk.up(limit.within + limit.over).out, limit.within + limit.over);
    EXPECT_EQ(talk.observed(), std::vector{limit.refusal});
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, Limits,
    testing::Values(
        Limit{"packet_size",
              v3_1_1,
              [](Rights& few) { few.packet_size_max = 9; },
              packet(0x30, "0001 'a' 'four'"),
              packet(0x30, "0001 'a' 'five5'"),
              {Reason::packet_too_large, Cause::none}},
        Limit{"topic_length", v3_1_1, [](Rights& few) { few.topic_length_max = 4; }, packet(0x30, "0004 'four'"),
              packet(0x30, "0005 'five5'"), over(Cause::topic_length), 0x90},
        Limit{"filter_length", v3_1_1, [](Rights& few) { few.topic_length_max = 4; }, packet(0x82, "0001 0004 'four' 00"),
              packet(0x82, "0002 0005 'five5' 00"), over(Cause::topic_length), 0x8f},
        Limit{"length_of_a_filter_taken_back", v3_1_1, [](Rights& few) { few.topic_length_max = 4; },
              packet(0xa2, "0001 0004 'four'"), packet(0xa2, "0002 0005 'five5'"), over(Cause::topic_length), 0x8f},
        Limit{"topic_levels", v3_1_1, [](Rights& few) { few.topic_levels_max = 2; }, packet(0x30, "0003 'a/b'"),
              packet(0x30, "0004 'a/b/'"), over(Cause::topic_levels), 0x90},
        Limit{"filter_levels", v3_1_1, [](Rights& few) { few.topic_levels_max = 2; }, packet(0x82, "0001 0003 'a/#' 00"),
              packet(0x82, "0002 0005 'a/+/#' 00"), over(Cause::topic_levels), 0x8f},
        Limit{"filters", v3_1_1, [](Rights& few) { few.filters_per_packet_max = 1; }, packet(0x82, "0001 0001 'a' 00"),
              packet(0x82, "0002 0001 'a' 00 0001 'b' 00"), over(Cause::filters)},
        Limit{"filters_taken_back", v3_1_1, [](Rights& few) { few.filters_per_packet_max = 1; },
              packet(0xa2, "0001 0001 'a'"), packet(0xa2, "0002 0001 'a' 0001 'b'"), over(Cause::filters)},
        Limit{"subscriptions", v3_1_1, [](Rights& few) { few.subscriptions_max = 2; },
              packet(0x82, "0001 0001 'a' 00 0001 'b' 00") + packet(0x82, "0002 0001 'a' 01") +
                  packet(0xa2, "0003 0001 'b'") + packet(0x82, "0004 0001 'c' 00"),
              packet(0x82, "0005 0001 'd' 00"), over(Cause::subscriptions)},
        Limit{"user_properties", v5, [](Rights& few) { few.user_properties_max = 2; }, packet(0x30, with_user_properties(2)),
              packet(0x30, with_user_properties(3)), over(Cause::properties)},
        Limit{"properties_size", v5, [](Rights& few) { few.properties_size_max = 16; },
              packet(0x30, with_user_properties(2)), packet(0x30, with_user_properties(3)), over(Cause::properties)},
        Limit{"properties_of_an_acknowledgement", v5, [](Rights& few) { few.properties_size_max = 4; },
              packet(0x62, "0007 00 04 1f 0001 'r'"), packet(0x62, "0007 00 05 1f 0002 'rr'"), over(Cause::properties)},
        Limit{"user_properties_of_a_farewell", v5, [](Rights& few) { few.user_properties_max = 0; }, ByteVector{},
              packet(0xe0, "00 07 26 0001 'k' 0001 'v'"), over(Cause::properties)},
        Limit{"retained_messages", v3_1_1, [](Rights& few) { few.retained_messages_max = 1; },
              packet(0x31, "0001 'a' 'x'") + packet(0x31, "0001 'a' 'y'") + packet(0x31, "0001 'a'") +
                  packet(0x31, "0001 'b' 'x'") + packet(0x30, "0001 'c' 'x'"),
              packet(0x31, "0001 'c' 'x'"), over(Cause::retained)}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TopicThatIsTooLong, IsRefusedByItsLengthBeforeAnyoneWaitsForIt) {
  Talk talk(v3_1_1);
  talk.accepted();
  EXPECT_EQ(talk.up(bytes("30 ff 07 0401")).refusal, (Refusal{Reason::packet_too_large, Cause::none}));
  Talk wide(v3_1_1, rights(100'000));
  wide.accepted();
  EXPECT_EQ(wide.up(bytes("30 ff 7f 0401")).refusal, over(Cause::topic_length));
}

// 32 KiB of topic and properties are all that is ever held back.
TEST(HeadOfAMessage, IsNotWaitedForBeyondWhatIsHeldWhole) {
  for (const std::size_t piece : {std::size_t{1000}, at_once}) {
    auto wide = rights(1u << 20);
    wide.topic_length_max = 65'535;
    Talk talk(v3_1_1, wide, piece);
    talk.accepted();
    const auto fits = packet(0x30, bytes("7d00") + ByteVector(32'000, 'x'));
    EXPECT_EQ(talk.up(fits).out, fits);
    const auto refused = talk.up(packet(0x30, bytes("9c40") + ByteVector(40'000, 'x')));
    EXPECT_EQ(refused.refusal, over(Cause::properties)) << piece;
  }
}

// 5.0 [MQTT-3.14.0-1] and section 3.14.2.2.2
TEST(SessionExpiry, MayNotBeMadeLongerWithTheFarewell) {
  const auto farewell = [](const char* seconds) { return packet(0xe0, bytes("00 05 11") + bytes(seconds)); };
  Talk none(v5);
  none.accepted();
  EXPECT_EQ(none.up(farewell("00000001")).refusal, (Refusal{Reason::protocol_error, Cause::other}));
  Talk zero(v5);
  zero.accepted();
  EXPECT_EQ(zero.up(farewell("00000000")).packets, 1u);
  auto some = asked(v5);
  some.session_expiry_interval_s = 60;
  auto few = rights();
  few.session_expiry_max_s = 100;
  Talk within(some, few);
  within.accepted();
  EXPECT_EQ(within.up(farewell("00000064")).packets, 1u);
  Talk beyond(some, few);
  beyond.accepted();
  EXPECT_EQ(beyond.up(farewell("00000065")).refusal, over(Cause::expiry));
  few.mode = Mode::observe;
  Talk observed(some, few);
  observed.accepted();
  EXPECT_EQ(observed.up(farewell("00000065")).packets, 1u);
  EXPECT_EQ(observed.observed(), std::vector{over(Cause::expiry)});
}

Rights lowered() {
  Rights few = rights(100);
  few.in_flight_max = 2;
  few.qos_max = 1;
  few.retain = false;
  few.wildcard_subscriptions = false;
  few.shared_subscriptions = false;
  few.session_expiry_max_s = 50;
  return few;
}

TEST(Terms, AreToldToAClientOfMqtt5AndLeftAsTheyAreWherePolicyOnlyObserves) {
  auto long_session = asked(v5);
  long_session.session_expiry_interval_s = 100;
  for (const std::size_t piece : {std::size_t{1}, at_once}) {
    Talk talk(long_session, lowered(), piece);
    const auto told = talk.down(packet(0x20, "00 00 00")).out;
    const auto read = mqtt::parse_connack(told, mqtt::Version::v5_0);
    const auto* const connack = std::get_if<mqtt::Connack>(&read);
    ASSERT_NE(connack, nullptr);
    EXPECT_EQ(connack->receive_maximum, 2);
    EXPECT_EQ(connack->maximum_packet_size, 100u);
    EXPECT_EQ(connack->maximum_qos, 1);
    EXPECT_EQ(connack->session_expiry_interval_s, 50u);
    EXPECT_FALSE(connack->retain_available);
    EXPECT_FALSE(connack->wildcard_subscription_available);
    EXPECT_FALSE(connack->shared_subscription_available);
    EXPECT_TRUE(connack->subscription_identifier_available);
  }
  auto observing = lowered();
  observing.mode = Mode::observe;
  EXPECT_EQ(Talk(long_session, observing).down(packet(0x20, "00 00 00")).out, packet(0x20, "00 00 00"));
}

TEST(Terms, HaveNoMoreAliasesThanAllOfWhichTheGateKeepsWhetherItEnforcesOrObserves) {
  for (const auto mode : {Mode::enforce, Mode::observe}) {
    auto few = rights(100'000);
    few.mode = mode;
    few.topic_length_max = 9'000;
    Talk talk(v5, few);
    const auto told = talk.down(packet(0x20, "00 00 03 22 ffff")).out;
    const auto read = mqtt::parse_connack(told, mqtt::Version::v5_0);
    ASSERT_TRUE(std::holds_alternative<mqtt::Connack>(read));
    const auto most = std::get<mqtt::Connack>(read).topic_alias_maximum;
    ASSERT_EQ(most, 7) << "in 64 KiB";
    for (std::uint8_t alias = 1; alias <= most; ++alias) {
      const auto sets = packet(0x30, bytes("2328") + ByteVector(9'000, 'a') + bytes("03 23 00") + ByteVector{alias});
      EXPECT_EQ(talk.up(sets).out, sets) << +alias;
    }
    EXPECT_EQ(talk.up(packet(0x30, "0001 'a' 03 23 0008")).refusal, (Refusal{Reason::protocol_error, Cause::alias}));
    Talk narrower(v5, few);
    EXPECT_EQ(narrower.down(packet(0x20, "00 00 03 22 0005")).packets, 1u);
    EXPECT_EQ(narrower.up(packet(0x30, "0001 'a' 03 23 0006")).v5_code, 0x94) << "the broker's word, where it is less";
  }
  // However long a topic may be, its packet's head has to be held.
  EXPECT_EQ(TopicAliases::count_within(whole_packet_max), 1);
}

// 5.0 [MQTT-3.2.2-11], [MQTT-3.2.2-14], [MQTT-3.2.2-15], [MQTT-3.3.4-7]
TEST(Terms, HoldOnceTheyWereTold) {
  struct {
    ByteVector sent;
    Refusal refusal;
    std::optional<std::uint8_t> v5_code;
  } const rows[] = {
      {packet(0x34, "0001 'a' 0001 00"), {Reason::protocol_error, Cause::not_available}, 0x9b},
      {packet(0x31, "0001 'a' 00"), {Reason::protocol_error, Cause::not_available}, 0x9a},
      {packet(0x30, bytes("0001 'a' 00") + ByteVector(96, 'x')), {Reason::packet_too_large, Cause::none}, {}},
      {packet(0x32, "0001 'a' 0001 00") + packet(0x32, "0001 'a' 0002 00") + packet(0x32, "0001 'a' 0003 00"),
       {Reason::protocol_error, Cause::receive_maximum},
       0x93},
  };
  for (const auto& row : rows) {
    Talk talk(v5, lowered());
    talk.accepted();
    const auto passage = talk.up(row.sent);
    EXPECT_EQ(passage.refusal, row.refusal);
    EXPECT_EQ(passage.v5_code, row.v5_code);
  }
}

TEST(Terms, AreTheBrokersWhereTheyAreNarrower) {
  Talk talk(v5);
  talk.accepted("24 00 25 00 27 00000014");
  EXPECT_EQ(talk.up(packet(0x30, bytes("0001 'a' 00") + ByteVector(14, 'x'))).packets, 1u);
  EXPECT_EQ(talk.up(packet(0x30, bytes("0001 'a' 00") + ByteVector(15, 'x'))).refusal,
            (Refusal{Reason::packet_too_large, Cause::none}));
  Talk qos(v5);
  qos.accepted("24 00");
  EXPECT_EQ(qos.up(packet(0x32, "0001 'a' 0001 00")).v5_code, 0x9b);
}

// 5.0 [MQTT-3.1.2-28]
TEST(ResponseInformation, ComesOnlyToAClientThatAskedForIt) {
  const auto told = packet(0x20, "00 00 06 1a 0003 'a/b'");
  EXPECT_EQ(Talk(v5).down(told).refusal, (Refusal{Reason::upstream_malformed, Cause::connack}));
  auto wants = asked(v5);
  wants.wants_response_information = true;
  const auto passage = Talk(wants).down(told);
  EXPECT_EQ(passage.refusal, std::nullopt);
  EXPECT_EQ(ByteVector(passage.out.end() - 6, passage.out.end()), bytes("1a 0003 'a/b'"));
}

// 5.0 [MQTT-3.1.2-29]
TEST(ProblemInformation, ComesToAClientThatWantsNoneOnlyWithWhatItWaitsForAnyway) {
  const auto asks =
      packet(0x82, "0001 00 0001 'a' 00") + packet(0xa2, "0002 00 0001 'a'") + packet(0x32, "0001 'a' 0003 00");
  for (const auto* const explains :
       {"90 08 0001 04 1f 0001 'r' 00", "b0 0b 0002 07 26 0001 'k' 0001 'v' 00", "40 08 0003 00 04 1f 0001 'r'"}) {
    auto quiet = asked(v5);
    quiet.wants_problem_information = false;
    Talk talk(quiet);
    talk.accepted("1f 0001 'r'");
    EXPECT_EQ(talk.up(asks).packets, 3u);
    const auto message = packet(0x30, "0001 'a' 07 26 0001 'k' 0001 'v'");
    EXPECT_EQ(talk.down(message).out, message) << "a User Property of PUBLISH is the publisher's";
    EXPECT_EQ(talk.down(bytes(explains)).refusal, (Refusal{Reason::upstream_malformed, Cause::packet})) << explains;
    Talk usual(v5);
    usual.accepted();
    EXPECT_EQ(usual.up(asks).packets, 3u);
    EXPECT_EQ(usual.down(bytes(explains)).out, bytes(explains));
    Talk parting(quiet);
    parting.accepted();
    EXPECT_EQ(parting.down(packet(0xe0, "8b 04 1f 0001 'r'")).packets, 1u);
  }
}

// 5.0 [MQTT-3.1.2-24]
TEST(MaximumPacketSize, BoundsWhatTheBrokerSends) {
  auto small = asked(v5);
  small.maximum_packet_size = 20;
  const Refusal bad_broker{Reason::upstream_malformed, Cause::packet};
  Talk talk(small);
  talk.accepted();
  EXPECT_EQ(talk.down(packet(0x30, bytes("0001 'a' 00") + ByteVector(14, 'x'))).packets, 1u);
  EXPECT_EQ(talk.down(bytes("30 13")).refusal, bad_broker) << "by its header";
  Talk greeted(small);
  EXPECT_EQ(greeted.down(packet(0x20, bytes("00 00 11 1f 000e") + ByteVector(14, 'r'))).refusal,
            (Refusal{Reason::upstream_malformed, Cause::connack}));
}

}  // namespace
}  // namespace bastion::inspect
