// Packet identifiers in flight, both ways: what each exchange waits for, how many there may be, and what is sent again.
#include <gtest/gtest.h>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using test::asked;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::rights;
using test::Talk;
using test::v3_1;
using test::v3_1_1;
using test::v5;
using test::operator+;

const Refusal bad_id{Reason::protocol_error, Cause::packet_id};
const Refusal bad_broker{Reason::upstream_malformed, Cause::packet};

// The same session with the sides exchanged: who publishes is `from`, who answers `to`.
struct Side {
  const char* name;
  test::Passage (Talk::*from)(const ByteVector&);
  test::Passage (Talk::*to)(const ByteVector&);
  Refusal fault_of_sender;
  Refusal fault_of_receiver;
};
const Side sides[] = {{"up", &Talk::up, &Talk::down, bad_id, bad_broker},
                      {"down", &Talk::down, &Talk::up, bad_broker, bad_id}};

ByteVector publish(MqttVersion version, std::uint8_t first_byte, std::uint8_t id) {
  ByteVector body = bytes("0001 'a' 00");
  body.push_back(id);
  if (version == v5) body.push_back(0);
  body.push_back('x');
  return packet(first_byte, body);
}
ByteVector answer(std::uint8_t first_byte, std::uint8_t id) {
  return {first_byte, 2, 0, id};
}

class Exchange : public testing::TestWithParam<MqttVersion> {
 protected:
  // Each step is a packet of the publisher's ('p') or of the receiver's ('r').
  static void expect_through(Talk& talk, const Side& side, char who, const ByteVector& sent) {
    const auto passage = (talk.*(who == 'p' ? side.from : side.to))(sent);
    EXPECT_EQ(passage.out, sent) << side.name;
    EXPECT_EQ(passage.refusal, std::nullopt) << side.name;
  }
  static void expect_dropped(Talk& talk, const Side& side, char who, const ByteVector& sent) {
    const auto passage = (talk.*(who == 'p' ? side.from : side.to))(sent);
    EXPECT_EQ(passage, (test::Passage{{}, 1, {}, {}})) << side.name;
  }
  static void expect_refused(Talk& talk, const Side& side, char who, const ByteVector& sent) {
    const auto passage = (talk.*(who == 'p' ? side.from : side.to))(sent);
    EXPECT_EQ(passage.out, ByteVector{}) << side.name;
    EXPECT_EQ(passage.refusal, who == 'p' ? side.fault_of_sender : side.fault_of_receiver) << side.name;
  }
};
INSTANTIATE_TEST_SUITE_P(In, Exchange, testing::Values(v3_1, v3_1_1, v5),
                         [](const auto& version) { return "level_" + std::to_string(static_cast<int>(version.param)); });

// [MQTT-4.3.2-1], [MQTT-4.3.2-2], 5.0 [MQTT-4.3.2-5]
TEST_P(Exchange, OfQos1EndsWithPubackAndFreesItsIdentifier) {
  for (const auto& side : sides) {
    Talk talk(GetParam());
    talk.accepted();
    for (int round = 0; round < 3; ++round) {
      expect_through(talk, side, 'p', publish(GetParam(), 0x32, 7));
      expect_through(talk, side, 'r', answer(0x40, 7));
    }
  }
}

// [MQTT-4.3.3-1], [MQTT-4.3.3-2], 5.0 [MQTT-4.3.3-12]
TEST_P(Exchange, OfQos2EndsWithPubcompAndFreesItsIdentifier) {
  for (const auto& side : sides) {
    Talk talk(GetParam());
    talk.accepted();
    for (int round = 0; round < 3; ++round) {
      expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
      expect_through(talk, side, 'r', answer(0x50, 7));
      expect_through(talk, side, 'p', answer(0x62, 7));
      expect_through(talk, side, 'r', answer(0x70, 7));
    }
  }
}

// [MQTT-2.3.1-2], [MQTT-2.3.1-4], 5.0 [MQTT-2.2.1-3], [MQTT-2.2.1-4]
TEST_P(Exchange, KeepsItsIdentifierFromEveryOtherMessage) {
  for (const auto& side : sides) {
    for (const std::uint8_t first : std::initializer_list<std::uint8_t>{0x32, 0x34}) {
      for (const std::uint8_t other : std::initializer_list<std::uint8_t>{0x32, 0x34}) {
        Talk talk(GetParam());
        talk.accepted();
        expect_through(talk, side, 'p', publish(GetParam(), first, 7));
        expect_through(talk, side, 'p', publish(GetParam(), first, 8));
        expect_refused(talk, side, 'p', publish(GetParam(), other, 7));
      }
    }
  }
}

TEST_P(Exchange, OfOneSideTakesNoIdentifierFromTheOther) {
  Talk talk(GetParam());
  talk.accepted();
  for (const auto& side : sides) expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
  for (const auto& side : sides) expect_through(talk, side, 'r', answer(0x50, 7));
}

// [MQTT-2.3.1-6], 5.0 [MQTT-2.2.1-5]
TEST_P(Exchange, IsAnsweredByItsOwnPacketsOnly) {
  for (const auto& side : sides) {
    for (const std::uint8_t wrong : std::initializer_list<std::uint8_t>{0x50, 0x70}) {
      Talk talk(GetParam());
      talk.accepted();
      expect_through(talk, side, 'p', publish(GetParam(), 0x32, 7));
      expect_refused(talk, side, 'r', answer(wrong, 7));
    }
    for (const std::uint8_t wrong : std::initializer_list<std::uint8_t>{0x40, 0x70}) {
      Talk talk(GetParam());
      talk.accepted();
      expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
      expect_refused(talk, side, 'r', answer(wrong, 7));
    }
  }
}

// 5.0 [MQTT-4.3.3-4]
TEST_P(Exchange, IsNotReleasedBeforePubrec) {
  for (const auto& side : sides) {
    Talk talk(GetParam());
    talk.accepted();
    expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
    expect_refused(talk, side, 'p', answer(0x62, 7));
  }
}

TEST_P(Exchange, IsNotEndedByPubcompBeforePubrel) {
  for (const auto& side : sides) {
    Talk talk(GetParam());
    talk.accepted();
    expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
    expect_through(talk, side, 'r', answer(0x50, 7));
    expect_refused(talk, side, 'r', answer(0x70, 7));
  }
}

TEST_P(Exchange, ThatNobodyBeganHasItsAnswersDroppedInANewSession) {
  for (const auto& side : sides) {
    Talk talk(asked(GetParam()));
    talk.accepted();
    for (const std::uint8_t stray : std::initializer_list<std::uint8_t>{0x40, 0x50, 0x70})
      expect_dropped(talk, side, 'r', answer(stray, 9));
  }
}

TEST_P(Exchange, OfAnEarlierConnectionGoesOnInASessionThatIsResumed) {
  auto resuming = asked(GetParam());
  resuming.clean_start = false;
  for (const auto& side : sides) {
    Talk talk(resuming);
    talk.accepted("", GetParam() != v3_1);
    for (const std::uint8_t stray : std::initializer_list<std::uint8_t>{0x40, 0x50, 0x70})
      expect_through(talk, side, 'r', answer(stray, 9));
    expect_through(talk, side, 'p', answer(0x62, 9));
    expect_through(talk, side, 'r', answer(0x70, 9));
    expect_through(talk, side, 'p', publish(GetParam(), 0x34, 9));
  }
}

// [MQTT-2.3.1-3], 5.0 [MQTT-4.4.0-1]
TEST_P(Exchange, MayBeSentAgainWhileItsConnectionLivesBeforeMqtt5Only) {
  for (const auto& side : sides) {
    for (const std::uint8_t first : std::initializer_list<std::uint8_t>{0x32, 0x34}) {
      Talk talk(GetParam());
      talk.accepted();
      const auto again = publish(GetParam(), static_cast<std::uint8_t>(first | 0x08), 7);
      expect_through(talk, side, 'p', publish(GetParam(), first, 7));
      if (GetParam() == v5) {
        expect_refused(talk, side, 'p', again);
        continue;
      }
      expect_through(talk, side, 'p', again);
      expect_refused(talk, side, 'p', publish(GetParam(), static_cast<std::uint8_t>(first ^ 0x0e), 7));
    }
  }
}

// [MQTT-4.3.3-1], 5.0 [MQTT-4.3.3-6]
TEST_P(Exchange, IsNotSentAgainBehindItsPubrel) {
  for (const auto& side : sides) {
    Talk talk(GetParam());
    talk.accepted();
    expect_through(talk, side, 'p', publish(GetParam(), 0x34, 7));
    expect_through(talk, side, 'r', answer(0x50, 7));
    expect_through(talk, side, 'p', answer(0x62, 7));
    expect_refused(talk, side, 'p', publish(GetParam(), 0x3c, 7));
  }
}

// 5.0 [MQTT-4.3.3-9], [MQTT-4.4.0-2]
TEST(ExchangeOfMqtt5, EndsWithAPubrecThatRefuses) {
  for (const auto& side : sides) {
    Talk talk(v5);
    talk.accepted();
    const auto message = publish(v5, 0x34, 7);
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ((talk.*side.from)(message).out, message) << side.name;
      EXPECT_EQ((talk.*side.to)(bytes("50 03 0007 97")).out, bytes("50 03 0007 97")) << side.name;
    }
  }
}

// 5.0 [MQTT-3.3.4-7], [MQTT-4.9.0-2]
TEST(ReceiveMaximum, BoundsWhatTheClientHasInFlight) {
  Talk talk(v5);
  talk.accepted("21 0002");
  EXPECT_EQ(talk.up(publish(v5, 0x32, 1) + publish(v5, 0x34, 2)).packets, 2u);
  EXPECT_EQ(talk.down(answer(0x40, 1)).packets, 1u);
  EXPECT_EQ(talk.up(publish(v5, 0x32, 3) + packet(0x30, "0001 'a' 00")).packets, 2u) << "QoS 0 does not count";
  EXPECT_EQ(talk.down(answer(0x50, 2)).packets, 1u) << "PUBREC frees nothing";
  const auto passage = talk.up(publish(v5, 0x32, 4));
  EXPECT_EQ(passage.refusal, (Refusal{Reason::protocol_error, Cause::receive_maximum}));
  EXPECT_EQ(passage.v5_code, 0x93);
}

// Mosquitto 2.0 sends more than a client asked for that is slow to answer [MQTT-3.3.4-9].
TEST(ReceiveMaximum, OfTheClientEndsNoSessionWhenTheBrokerGoesBeyondIt) {
  Talk talk(v5);
  talk.accepted();
  for (std::uint8_t id = 1; id <= 100; ++id) {
    ASSERT_EQ(talk.down(publish(v5, id % 2 == 0 ? 0x32 : 0x34, id)).packets, 1u) << id;
  }
  EXPECT_EQ(talk.up(answer(0x40, 2)).packets, 1u);
}

TEST(InFlight, IsBoundedByThePolicyBeforeMqtt5) {
  auto few = rights();
  few.in_flight_max = 2;
  Talk talk(v3_1_1, few);
  talk.accepted();
  EXPECT_EQ(talk.up(publish(v3_1_1, 0x32, 1) + publish(v3_1_1, 0x34, 2)).packets, 2u);
  EXPECT_EQ(talk.up(publish(v3_1_1, 0x3a, 1)).packets, 1u) << "one that is sent again is no other";
  EXPECT_EQ(talk.up(packet(0x82, "0003 0001 'a' 00") + packet(0xa2, "0004 0001 'a'")).packets, 2u) << "counted apart";
  EXPECT_EQ(talk.up(packet(0x82, "0005 0001 'a' 00")).refusal, (Refusal{Reason::limit_exceeded, Cause::in_flight}));

  few.mode = Mode::observe;
  Talk observed(v3_1_1, few);
  observed.accepted();
  const auto many = publish(v3_1_1, 0x32, 1) + publish(v3_1_1, 0x32, 2) + publish(v3_1_1, 0x32, 3);
  EXPECT_EQ(observed.up(many).out, many);
  EXPECT_EQ(observed.observed(), (std::vector{Refusal{Reason::limit_exceeded, Cause::in_flight}}));
}

}  // namespace
}  // namespace bastion::inspect
