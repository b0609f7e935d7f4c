// SUBSCRIBE filter by filter: what goes up, what the gate answers itself, and how both answers become one.
#include <gtest/gtest.h>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using test::asked;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::rights;
using test::Rules;
using test::Talk;
using test::v3_1;
using test::v3_1_1;
using test::v5;
using test::operator+;

const Refusal bad_broker{Reason::upstream_malformed, Cause::packet};

class Filters : public testing::Test {
 protected:
  Filters() { rules_.subscribe("ok/#").deny("ok/no"); }
  Rules rules_;
};

// [MQTT-3.8.4-1], [MQTT-3.8.4-2]
TEST_F(Filters, ThatAreAllDeniedAreAnsweredByTheGate) {
  struct {
    MqttVersion version;
    ByteVector sent;
    ByteVector answer;
  } const rows[] = {{v3_1_1, packet(0x82, "0007 0001 'a' 00 0001 'b' 01"), bytes("90 04 0007 80 80")},
                    {v5, packet(0x82, "0007 00 0001 'a' 00 0001 'b' 01"), bytes("90 05 0007 00 87 87")}};
  for (const auto& row : rows) {
    Talk talk(row.version, rules_.rights());
    talk.accepted();
    EXPECT_EQ(talk.up(row.sent).out, ByteVector{});
    EXPECT_EQ(talk.own_to_client(), row.answer);
    EXPECT_EQ(talk.denied(Denied::subscribe), 2u);
    EXPECT_EQ(talk.up(row.sent).refusal, std::nullopt) << "its identifier is free again";
  }
}

// [MQTT-3.8.4-4], [MQTT-3.8.4-5], [MQTT-3.9.3-1], 5.0 [MQTT-3.8.4-6]
TEST_F(Filters, OfWhichSomeAreDeniedGoUpWithoutThemAndHaveOneAnswerInOrder) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4}, test::at_once}) {
    Talk old(v3_1_1, rules_.rights(), piece);
    old.accepted();
    EXPECT_EQ(old.up(packet(0x82, "0007 0001 'a' 00 0004 'ok/1' 02 0001 'b' 00 0004 'ok/2' 01 0001 'c' 00")).out,
              packet(0x82, "0007 0004 'ok/1' 02 0004 'ok/2' 01"));
    EXPECT_EQ(old.own_to_client(), ByteVector{});
    EXPECT_EQ(old.down(bytes("90 04 0007 01 80")).out, bytes("90 07 0007 80 01 80 80 80"));

    Talk talk(v5, rules_.rights(), piece);
    talk.accepted();
    EXPECT_EQ(talk.up(packet(0x82, "0007 02 0b 05 0004 'ok/1' 2e 0001 'b' 00")).out,
              packet(0x82, "0007 02 0b 05 0004 'ok/1' 2e"));
    EXPECT_EQ(talk.down(packet(0x90, "0007 04 1f 0001 'r' 02")).out, packet(0x90, "0007 04 1f 0001 'r' 02 87"));
    EXPECT_EQ(talk.denied(Denied::subscribe), 1u);
  }
}

TEST_F(Filters, AreAnsweredEachByItsOwnPacketThoughTheBrokerAnswersOutOfOrder) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  const auto first = packet(0x82, "0001 0001 'a' 00 0004 'ok/1' 00");
  const auto second = packet(0x82, "0002 0004 'ok/2' 00 0001 'a' 00");
  EXPECT_EQ(talk.up(first + second).packets, 2u);
  EXPECT_EQ(talk.down(bytes("90 03 0002 00 90 03 0001 01")).out, bytes("90 04 0002 00 80 90 04 0001 80 01"));
}

// MQTT 3.1 has no code that says no.
TEST_F(Filters, ThatAreDeniedEndASessionOfMqtt31) {
  Talk talk(v3_1, rules_.rights());
  talk.accepted();
  EXPECT_EQ(talk.up(packet(0x82, "0007 0004 'ok/1' 00 0001 'a' 00")).refusal,
            (Refusal{Reason::acl_denied, Cause::type_subscribe}));
}

// The property that would not fit is the one to go [MQTT-3.9.2-1], [MQTT-3.1.2-24].
TEST_F(Filters, HaveAnAnswerThatIsNoLargerThanTheClientTakes) {
  auto small = asked(v5);
  small.maximum_packet_size = 13;
  Talk talk(small, rules_.rights());
  EXPECT_EQ(talk.down(bytes("20 0b 00 00 08 21 0100 27 000003e8")).refusal, std::nullopt);
  EXPECT_EQ(talk.up(packet(0x82, "0007 00 0004 'ok/1' 00 0001 'a' 00")).packets, 1u);
  EXPECT_EQ(talk.down(packet(0x90, "0007 07 1f 0004 'text' 00")).out, packet(0x90, "0007 00 00 87"));
}

// [MQTT-3.8.4-5], 5.0 [MQTT-3.8.4-6], [MQTT-2.2.1-6]
TEST_F(Filters, AreAnsweredWithTheirIdentifierAndOneCodeForEach) {
  const auto ask = packet(0x82, "0007 0004 'ok/1' 00 0004 'ok/2' 00");
  for (const char* wrong : {"90 04 0008 00 00", "90 03 0007 00", "90 05 0007 00 00 00", "b0 02 0007", "40 02 0007"}) {
    Talk talk(v3_1_1, rules_.rights());
    talk.accepted();
    EXPECT_EQ(talk.up(ask).out, ask);
    EXPECT_EQ(talk.down(bytes(wrong)).refusal, bad_broker) << wrong;
  }
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  EXPECT_EQ(talk.up(ask).out, ask);
  EXPECT_EQ(talk.down(bytes("90 04 0007 00 01")).out, bytes("90 04 0007 00 01"));
  EXPECT_EQ(talk.down(bytes("90 04 0007 00 01")).refusal, bad_broker) << "and once";
}

// [MQTT-3.10.4-4], 5.0 [MQTT-3.10.4-5], [MQTT-3.11.3-1]
TEST(Unsubscribing, IsAnsweredWithItsIdentifierAndOneCodeForEach) {
  Talk old(v3_1_1);
  old.accepted();
  EXPECT_EQ(old.up(packet(0xa2, "0007 0001 'a'")).packets, 1u);
  EXPECT_EQ(old.down(bytes("b0 02 0007")).out, bytes("b0 02 0007"));
  EXPECT_EQ(old.down(bytes("b0 02 0007")).refusal, bad_broker);
  for (const char* wrong : {"b0 04 0007 00 00", "b0 06 0007 00 00 00 00", "b0 05 0008 00 00 00", "90 05 0007 00 00 00"}) {
    Talk talk(v5);
    talk.accepted();
    EXPECT_EQ(talk.up(packet(0xa2, "0007 00 0001 'a' 0001 'b'")).packets, 1u);
    EXPECT_EQ(talk.down(bytes(wrong)).refusal, bad_broker) << wrong;
  }
}

TEST(Subscribing, CountsNoFilterThatTheBrokerRefuses) {
  Rules rules;
  rules.subscribe("ok/#");
  auto few = rules.rights();
  few.subscriptions_max = 3;
  Talk talk(v3_1_1, few);
  talk.accepted();
  EXPECT_EQ(talk.up(packet(0x82, "0001 0004 'ok/1' 00")).packets, 1u);
  EXPECT_EQ(talk.down(bytes("90 03 0001 00")).packets, 1u);
  // `no` is the gate's to deny; of what the broker is asked for it refuses what there was and one that is new.
  EXPECT_EQ(talk.up(packet(0x82, "0002 0002 'no' 00 0004 'ok/1' 00 0004 'ok/2' 00 0004 'ok/3' 00")).packets, 1u);
  EXPECT_EQ(talk.down(bytes("90 05 0002 80 00 80")).out, bytes("90 06 0002 80 80 00 80"));
  EXPECT_EQ(talk.up(packet(0x82, "0003 0004 'ok/4' 00")).packets, 1u) << "in the place of ok/3";
  EXPECT_EQ(talk.up(packet(0x82, "0004 0004 'ok/5' 00")).refusal, (Refusal{Reason::limit_exceeded, Cause::subscriptions}))
      << "ok/1 is still there, ok/2 has come";
}

// [MQTT-2.3.1-2], 5.0 [MQTT-2.2.1-3]
TEST(Subscribing, TakesAnIdentifierThatNothingElseHas) {
  const Refusal in_use{Reason::protocol_error, Cause::packet_id};
  for (const auto& first :
       {packet(0x82, "0007 0001 'a' 00"), packet(0xa2, "0007 0001 'a'"), packet(0x32, "0001 'a' 0007")}) {
    for (const auto& second : {packet(0x82, "0007 0001 'b' 00"), packet(0xa2, "0007 0001 'b'")}) {
      Talk talk(v3_1_1);
      talk.accepted();
      EXPECT_EQ(talk.up(first + second).refusal, in_use);
    }
  }
}

TEST(Subscribing, IsLoweredToTheQosThatMayBeGranted) {
  auto few = rights();
  few.qos_max = 1;
  Talk talk(v3_1_1, few);
  talk.accepted();
  EXPECT_EQ(talk.up(packet(0x82, "0007 0001 'a' 02 0001 'b' 00")).out, packet(0x82, "0007 0001 'a' 01 0001 'b' 00"));
  EXPECT_EQ(talk.down(bytes("90 04 0007 01 00")).out, bytes("90 04 0007 01 00"));
  few.mode = Mode::observe;
  Talk observed(v3_1_1, few);
  observed.accepted();
  const auto ask = packet(0x82, "0007 0001 'a' 02");
  EXPECT_EQ(observed.up(ask).out, ask);
}

TEST(Subscribing, IsNotedAndLetThroughWhereThePolicyOnlyObserves) {
  Rules rules;
  rules.subscribe("ok");
  auto rights = rules.rights();
  rights.mode = Mode::observe;
  rights.wildcard_subscriptions = false;
  rights.shared_subscriptions = false;
  Talk talk(v5, rights);
  talk.accepted();
  const auto ask = packet(0x82, "0007 00 0002 'no' 02 0001 '#' 00 000a '$share/g/a' 00");
  EXPECT_EQ(talk.up(ask).out, ask);
  EXPECT_EQ(talk.observed(), (std::vector{Refusal{Reason::acl_denied, Cause::type_subscribe}}));
  EXPECT_EQ(talk.denied(Denied::subscribe), 0u);
}

// What begins with `$` is the broker's own, behind a share as well.
TEST(DollarFilters, AreDeniedWhereNoRuleDecides) {
  Talk talk(v5);
  talk.accepted();
  const auto plain = packet(0x82, "0007 00 0001 '#' 00 000a '$share/g/a' 00");
  EXPECT_EQ(talk.up(plain).out, plain);
  EXPECT_EQ(talk.up(packet(0x82, "0008 00 0006 '$SYS/#' 00 000f '$share/g/$SYS/#' 00 0001 '$' 00")).out, ByteVector{});
  EXPECT_EQ(talk.own_to_client(), bytes("90 06 0008 00 87 87 87"));
}

// 5.0 [MQTT-4.8.2-1], [MQTT-4.8.2-2]
TEST(SharedFilters, AreDeniedWhereTheyAreMadeWrongOrNotAvailable) {
  auto none = rights();
  none.shared_subscriptions = false;
  Talk old(v3_1_1, none);
  old.accepted();
  EXPECT_EQ(old.up(packet(0x82, "0007 000a '$share/g/a' 00")).out, ByteVector{});
  EXPECT_EQ(old.own_to_client(), bytes("90 03 0007 80"));
  Talk told(v5, rights());
  told.accepted("2a 00");
  EXPECT_EQ(told.up(packet(0x82, "0007 00 000a '$share/g/a' 00")).out, ByteVector{});
  EXPECT_EQ(told.own_to_client(), bytes("90 04 0007 00 9e"));
  Talk plain(v3_1_1);
  plain.accepted();
  EXPECT_EQ(plain.up(packet(0x82, "0007 0008 '$share/g' 00")).out, ByteVector{}) << "no filter behind the name";
  EXPECT_EQ(plain.own_to_client(), bytes("90 03 0007 80"));
}

// 5.0 section 3.2.2.3: what CONNACK said is not available has a code of its own.
TEST(Subscribing, IsDeniedWhatTheBrokerDoesNotHave) {
  struct {
    const char* connack;
    ByteVector ask;
    ByteVector answer;
  } const rows[] = {{"28 00", packet(0x82, "0007 00 0003 'a/+' 00"), bytes("90 04 0007 00 a2")},
                    {"29 00", packet(0x82, "0007 02 0b 01 0001 'a' 00"), bytes("90 04 0007 00 a1")}};
  for (const auto& row : rows) {
    Talk talk(v5);
    talk.accepted(row.connack);
    EXPECT_EQ(talk.up(row.ask).out, ByteVector{}) << row.connack;
    EXPECT_EQ(talk.own_to_client(), row.answer) << row.connack;
  }
}

}  // namespace
}  // namespace bastion::inspect
