// Messages that their sender may not publish, and those that their receiver may not have: they go nowhere, and are answered.
#include <gtest/gtest.h>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

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

const ByteVector ping = bytes("c0 00");
const ByteVector denied_of_qos_2 = packet(0x34, "0002 'no' 0007 'x'");
const ByteVector allowed_of_qos_2 = packet(0x34, "0002 'ok' 0007 'x'");
const ByteVector pubrec = bytes("50 02 0007");
const ByteVector pubrel = bytes("62 02 0007");
const ByteVector pubcomp = bytes("70 02 0007");

class DeniedMessage : public testing::Test {
 protected:
  DeniedMessage() { rules_.publish("ok").publish("ok/#").deny("ok/no").subscribe("ok/#"); }
  Rules rules_;
};

// [MQTT-3.3.5-2], 5.0 [MQTT-3.3.4-1]
TEST_F(DeniedMessage, IsAnsweredAsItsQosAndVersionAsk) {
  struct {
    MqttVersion version;
    ByteVector sent;
    ByteVector answer;
  } const rows[] = {
      {v3_1, packet(0x30, "0002 'no' 'x'"), {}},
      {v3_1_1, packet(0x30, "0002 'no' 'x'"), {}},
      {v5, packet(0x30, "0002 'no' 00 'x'"), {}},
      {v3_1, packet(0x32, "0002 'no' 0007 'x'"), bytes("40 02 0007")},
      {v3_1_1, packet(0x32, "0002 'no' 0007 'x'"), bytes("40 02 0007")},
      {v5, packet(0x32, "0002 'no' 0007 00 'x'"), bytes("40 04 0007 87 00")},
      {v3_1_1, denied_of_qos_2, pubrec},
      {v5, packet(0x34, "0002 'no' 0007 00 'x'"), bytes("50 04 0007 87 00")},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, test::at_once}) {
      Talk talk(row.version, rules_.rights(), piece);
      talk.accepted();
      const auto passage = talk.up(row.sent + ping);
      EXPECT_EQ(passage.out, ping);
      EXPECT_EQ(passage.packets, 2u) << "the denied one feeds the keep alive as well";
      EXPECT_EQ(passage.refusal, std::nullopt);
      EXPECT_EQ(talk.own_to_client(), row.answer);
      EXPECT_EQ(talk.own_to_broker(), ByteVector{});
      EXPECT_EQ(talk.denied(Denied::publish), 1u);
      ASSERT_EQ(talk.conversation().first_denials().size(), 1u);
      EXPECT_EQ(talk.conversation().first_denials()[0].about.text, "no");
    }
  }
}

// Where no rule names topics, what begins with `$` is the broker's own, but for a bridge's state in its own name.
TEST(DollarTopics, AreTheBrokersButForTheStateOfABridgeWhereBridgesMayEnter) {
  const auto own = packet(0x31, "0021 '$SYS/broker/connection/cam1/state' '1'");
  const auto of_another = packet(0x31, "0021 '$SYS/broker/connection/cam2/state' '1'");
  Policy policy;
  for (const bool may_enter : {false, true}) {
    policy.mqtt.allow_bridge = may_enter;
    auto rights = test::rights();
    rights.access = Access{policy, nullptr, {"alice", "cam1"}};
    Talk talk(v3_1_1, rights);
    talk.accepted();
    EXPECT_EQ(talk.up(of_another + own + ping).out, may_enter ? own + ping : ping);
    EXPECT_EQ(talk.denied(Denied::publish), may_enter ? 1u : 2u);
  }
}

TEST_F(DeniedMessage, IsAnsweredOnceItHasComeWhole) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  EXPECT_EQ(talk.up(bytes("32 07 0002 'no' 0007")).out, ByteVector{});
  EXPECT_TRUE(talk.upward().at_boundary()) << "the broker has seen nothing of it";
  EXPECT_TRUE(talk.upward().is_inside_packet());
  EXPECT_EQ(talk.own_to_client(), ByteVector{});
  EXPECT_EQ(talk.up(bytes("'x'")).out, ByteVector{});
  EXPECT_EQ(talk.own_to_client(), bytes("40 02 0007"));
  EXPECT_FALSE(talk.upward().is_inside_packet());
}

// [MQTT-4.3.3-1], [MQTT-4.3.3-2]
TEST_F(DeniedMessage, IsCarriedToItsEndByTheGateAtQos2BeforeMqtt5) {
  for (const auto version : {v3_1, v3_1_1}) {
    Talk talk(version, rules_.rights());
    talk.accepted();
    EXPECT_EQ(talk.up(denied_of_qos_2).out, ByteVector{});
    EXPECT_EQ(talk.own_to_client(), pubrec);
    EXPECT_EQ(talk.up(pubrel).out, ByteVector{});
    EXPECT_EQ(talk.own_to_client(), pubcomp);
    EXPECT_EQ(talk.up(allowed_of_qos_2).out, allowed_of_qos_2) << "the identifier is free again";
  }
}

// 5.0 [MQTT-4.3.3-4], [MQTT-4.3.3-9]
TEST_F(DeniedMessage, EndsItsExchangeWithTheRefusingPubrecInMqtt5) {
  Talk talk(v5, rules_.rights());
  talk.accepted();
  const auto denied = packet(0x34, "0002 'no' 0007 00 'x'");
  const auto allowed = packet(0x34, "0002 'ok' 0007 00 'x'");
  EXPECT_EQ(talk.up(denied + allowed).out, allowed);
  EXPECT_EQ(talk.own_to_client(), bytes("50 04 0007 87 00"));
}

// A broker that hears of a message half-way would answer for what it never had.
TEST_F(DeniedMessage, StaysWithTheGateThoughItIsSentAgainAsAnother) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  EXPECT_EQ(talk.up(denied_of_qos_2).out, ByteVector{});
  EXPECT_EQ(talk.own_to_client(), pubrec);
  EXPECT_EQ(talk.up(packet(0x3c, "0002 'ok' 0007 'x'")).out, ByteVector{});
  EXPECT_EQ(talk.own_to_client(), pubrec);
  EXPECT_EQ(talk.up(pubrel).out, ByteVector{});
  EXPECT_EQ(talk.own_to_client(), pubcomp);
}

TEST_F(DeniedMessage, LeavesTheAnswerToTheBrokerWhereItHasGoneThroughBefore) {
  struct {
    std::uint8_t first;
    ByteVector answer;
  } const rows[] = {{0x32, bytes("40 02 0007")}, {0x34, pubrec}};
  for (const auto& row : rows) {
    Talk talk(v3_1_1, rules_.rights());
    talk.accepted();
    const auto again = static_cast<std::uint8_t>(row.first | 0x08);
    EXPECT_EQ(talk.up(packet(row.first, "0002 'ok' 0007")).packets, 1u);
    EXPECT_EQ(talk.up(packet(again, "0002 'no' 0007")).out, ByteVector{});
    EXPECT_EQ(talk.own_to_client(), ByteVector{});
    EXPECT_EQ(talk.down(row.answer).out, row.answer);
  }
}

TEST_F(DeniedMessage, EndsTheSessionWhereThePolicySaysSo) {
  auto rights = rules_.rights();
  rights.disconnects_on_denied_publish = true;
  Talk talk(v5, rights);
  talk.accepted();
  EXPECT_EQ(talk.up(packet(0x30, "0002 'no' 00")).refusal, (Refusal{Reason::acl_denied, Cause::type_publish}));
}

TEST_F(DeniedMessage, IsNotedAndLetThroughWhereThePolicyOnlyObserves) {
  auto rights = rules_.rights();
  rights.mode = Mode::observe;
  rights.disconnects_on_denied_publish = true;
  Talk talk(v3_1_1, rights);
  talk.accepted();
  EXPECT_EQ(talk.up(denied_of_qos_2).out, denied_of_qos_2);
  EXPECT_EQ(talk.observed(), (std::vector{Refusal{Reason::acl_denied, Cause::type_publish}}));
  EXPECT_EQ(talk.denied(Denied::publish), 0u);
  EXPECT_EQ(talk.own_to_client(), ByteVector{});
}

TEST_F(DeniedMessage, IsATopicThatTheRulesDoNotNameAndTheOneThatTheyDeny) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  const auto good = packet(0x30, "0002 'ok'") + packet(0x30, "0004 'ok/a'");
  for (int round = 0; round < 2; ++round) {  // the second time by heart
    EXPECT_EQ(talk.up(good + packet(0x30, "0005 'ok/no'") + packet(0x30, "0003 'oka'")).out, good);
  }
  EXPECT_EQ(talk.denied(Denied::publish), 4u);
}

TEST_F(DeniedMessage, ChangesWithTheRightsFromTheNextPacketOn) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  const auto message = packet(0x30, "0004 'ok/a'");
  EXPECT_EQ(talk.up(message).out, message);
  Rules others;
  others.publish("no");
  talk.conversation().use(others.rights());
  EXPECT_EQ(talk.up(message).out, ByteVector{}) << "no verdict is remembered from before";
}

TEST(DeniedMessages, AreThoseOfMoreQosThanMayBeAndRetainedOnes) {
  auto few = rights();
  few.qos_max = 1;
  few.retain = false;
  Talk old(v3_1_1, few);
  old.accepted();
  EXPECT_EQ(old.up(denied_of_qos_2 + packet(0x31, "0001 'a'")).out, ByteVector{});
  EXPECT_EQ(old.own_to_client(), pubrec);
  EXPECT_EQ(old.denied(Denied::publish), 2u);
}

// What begins with `$` is the broker's own.
TEST(DollarTopics, AreNoClientsToPublishToWhereNoRuleDecides) {
  Talk talk(v3_1_1);
  talk.accepted();
  const auto plain = packet(0x30, "0003 'a/$'");
  EXPECT_EQ(talk.up(packet(0x32, "0006 '$SYS/a' 0001") + packet(0x30, "0001 '$'") + plain).out, plain);
  EXPECT_EQ(talk.own_to_client(), bytes("40 02 0001"));
  EXPECT_EQ(talk.denied(Denied::publish), 2u);
}

TEST(DollarTopics, AreLeftToRulesThatNameThem) {
  Rules rules;
  rules.publish("$app/a");
  Talk talk(v3_1_1, rules.rights());
  talk.accepted();
  const auto named = packet(0x30, "0006 '$app/a'");
  EXPECT_EQ(talk.up(named + packet(0x30, "0006 '$app/b'")).out, named);
}

class UndeliveredMessage : public DeniedMessage {};

// [MQTT-4.3.2-2], [MQTT-4.3.3-2]: the broker is answered in the client's place.
TEST_F(UndeliveredMessage, IsAcknowledgedToTheBrokerInTheClientsPlace) {
  struct {
    MqttVersion version;
    ByteVector sent;
    ByteVector answer;
  } const rows[] = {
      {v3_1_1, packet(0x30, "0002 'no' 'x'"), {}},
      {v3_1_1, packet(0x32, "0002 'no' 0007 'x'"), bytes("40 02 0007")},
      {v3_1_1, denied_of_qos_2, pubrec},
      {v5, packet(0x30, "0002 'no' 00 'x'"), {}},
      {v5, packet(0x32, "0002 'no' 0007 00 'x'"), bytes("40 04 0007 87 00")},
      {v5, packet(0x34, "0002 'no' 0007 00 'x'"), bytes("50 04 0007 87 00")},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, test::at_once}) {
      Talk talk(row.version, rules_.rights(), piece);
      talk.accepted();
      EXPECT_EQ(talk.down(row.sent + bytes("d0 00")).out, bytes("d0 00"));
      EXPECT_EQ(talk.own_to_broker(), row.answer);
      EXPECT_EQ(talk.own_to_client(), ByteVector{});
      EXPECT_EQ(talk.denied(Denied::receive), 1u);
    }
  }
}

TEST_F(UndeliveredMessage, IsCarriedToItsEndByTheGateAtQos2BeforeMqtt5) {
  Talk talk(v3_1_1, rules_.rights());
  talk.accepted();
  EXPECT_EQ(talk.down(denied_of_qos_2).out, ByteVector{});
  EXPECT_EQ(talk.down(packet(0x3c, "0004 'ok/a' 0007")).out, ByteVector{}) << "it stays with the gate";
  EXPECT_EQ(talk.own_to_broker(), pubrec + pubrec);
  EXPECT_EQ(talk.down(pubrel).out, ByteVector{});
  EXPECT_EQ(talk.own_to_broker(), pubcomp);
  const auto allowed = packet(0x34, "0004 'ok/a' 0007");
  EXPECT_EQ(talk.down(allowed).out, allowed);
}

TEST_F(UndeliveredMessage, IsNotedAndLetThroughWhereThePolicyOnlyObserves) {
  auto rights = rules_.rights();
  rights.mode = Mode::observe;
  Talk talk(v3_1_1, rights);
  talk.accepted();
  EXPECT_EQ(talk.down(denied_of_qos_2).out, denied_of_qos_2);
  EXPECT_EQ(talk.observed(), (std::vector{Refusal{Reason::acl_denied, Cause::receive}}));
}

}  // namespace
}  // namespace bastion::inspect
