// Topic aliases, both ways: a topic can't hide behind one, and nobody hears of an alias whose topic was kept from it.
#include "proxy/inspect/topic_aliases.hpp"

#include <gtest/gtest.h>

#include "tests/unit/inspect/talk.hpp"

namespace bastion::inspect {
namespace {

using test::asked;
using test::bytes;
using test::ByteVector;
using test::packet;
using test::Rules;
using test::Talk;
using test::v5;
using test::operator+;

const Refusal bad_alias{Reason::protocol_error, Cause::alias};
const Refusal bad_broker{Reason::upstream_malformed, Cause::packet};

TEST(TopicAliases, AreFoundOnceTheyAreSetAndSetAnew) {
  TopicAliases aliases;
  EXPECT_EQ(aliases.find(1), nullptr);
  ASSERT_TRUE(aliases.set(3, "a/b", false));
  EXPECT_EQ(aliases.find(1), nullptr) << "a gap";
  EXPECT_EQ(aliases.find(0), nullptr);
  EXPECT_EQ(aliases.find(4), nullptr);
  EXPECT_EQ(aliases.find(3)->name, "a/b");
  EXPECT_FALSE(aliases.find(3)->told);
  ASSERT_TRUE(aliases.set(3, "c", true));
  EXPECT_EQ(aliases.find(3)->name, "c");
  EXPECT_TRUE(aliases.find(3)->told);
}

TEST(TopicAliases, TakeNoMoreThanTheirRoom) {
  TopicAliases aliases;
  EXPECT_FALSE(aliases.set(65'535, "a", true)) << "the gaps count";
  const std::string long_topic(20'000, 'x');
  ASSERT_TRUE(aliases.set(1, long_topic, true));
  ASSERT_TRUE(aliases.set(2, long_topic, true));
  ASSERT_TRUE(aliases.set(3, long_topic, true));
  EXPECT_FALSE(aliases.set(4, long_topic, true));
  EXPECT_EQ(aliases.find(4), nullptr);
  ASSERT_TRUE(aliases.set(2, "short", true)) << "what was there gives its room";
  EXPECT_TRUE(aliases.set(4, long_topic, true));
  EXPECT_EQ(aliases.find(1)->name, long_topic);
}

ByteVector sets(std::string_view topic, char alias) {
  ByteVector body = {0, static_cast<std::uint8_t>(topic.size())};
  body.insert(body.end(), topic.begin(), topic.end());
  return packet(0x30, body + bytes("03 23 00") + ByteVector{static_cast<std::uint8_t>(alias), 'x'});
}
ByteVector uses(char alias) {
  return sets("", alias);
}

// 5.0 [MQTT-3.3.2-9], [MQTT-3.2.2-17], [MQTT-3.2.2-18], [MQTT-3.3.2-12]
TEST(AliasesOfTheClient, AreHeldToTheMaximumThatItWasTold) {
  Talk talk(v5);
  talk.accepted("22 0002");
  const auto good = sets("a", 2) + uses(2);
  EXPECT_EQ(talk.up(good).out, good);
  const auto over = talk.up(sets("a", 3));
  EXPECT_EQ(over.refusal, bad_alias);
  EXPECT_EQ(over.v5_code, 0x94);
  Talk none(v5);
  none.accepted();
  EXPECT_EQ(none.up(sets("a", 1)).refusal, bad_alias);
}

// 5.0 [MQTT-3.3.2-7]: an alias of another connection, or of nobody, stands for nothing.
TEST(AliasesOfTheClient, StandForNothingBeforeTheyAreSet) {
  Talk talk(v5);
  talk.accepted("22 0002");
  const auto passage = talk.up(uses(1));
  EXPECT_EQ(passage.refusal, bad_alias);
  EXPECT_EQ(passage.v5_code, 0x82);
}

TEST(AliasesOfTheClient, HideNoTopicFromTheRules) {
  Rules rules;
  rules.publish("ok");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, test::at_once}) {
    Talk talk(v5, rules.rights(), piece);
    talk.accepted("22 0002");
    EXPECT_EQ(talk.up(sets("ok", 1) + sets("no", 2) + uses(2) + uses(1)).out, sets("ok", 1) + uses(1));
    EXPECT_EQ(talk.denied(Denied::publish), 2u);
    EXPECT_EQ(talk.up(sets("no", 1) + uses(1)).out, ByteVector{}) << "set anew by a message that is denied";
  }
}

// The broker never heard of the alias: it is told, once.
TEST(AliasesOfTheClient, AreWrittenOutWhereTheMessageThatSetThemWasDenied) {
  Rules rules;
  rules.publish("ok").add(TopicRight::qos_0, "ok");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, test::at_once}) {
    Talk talk(v5, rules.rights(), piece);
    talk.accepted("22 0002");
    EXPECT_EQ(talk.up(packet(0x32, "0002 'ok' 0007 03 23 0001")).out, ByteVector{}) << "QoS 1 is denied";
    EXPECT_EQ(talk.own_to_client(), bytes("40 04 0007 87 00"));
    EXPECT_EQ(talk.up(uses(1) + uses(1)).out, sets("ok", 1) + uses(1));
  }
}

// 5.0 [MQTT-3.2.2-15]
TEST(AliasesOfTheClient, AreNotWrittenOutBeyondWhatTheBrokerTakes) {
  Rules rules;
  rules.publish("ok").add(TopicRight::qos_0, "ok");
  Talk talk(v5, rules.rights());
  talk.accepted("22 0002 27 00000010");
  EXPECT_EQ(talk.up(packet(0x32, "0002 'ok' 0007 03 23 0001")).out, ByteVector{});
  EXPECT_EQ(talk.up(packet(0x30, "0000 03 23 0001 'seven..'")).refusal, (Refusal{Reason::packet_too_large, Cause::none}));
}

Asked with_aliases() {
  auto with = asked(v5);
  with.topic_alias_maximum = 2;
  return with;
}

// 5.0 [MQTT-3.3.2-11], [MQTT-3.1.2-26], [MQTT-3.1.2-27]
TEST(AliasesOfTheBroker, AreHeldToWhatTheClientAskedFor) {
  Talk talk(with_aliases());
  talk.accepted();
  const auto good = sets("a", 2) + uses(2);
  EXPECT_EQ(talk.down(good).out, good);
  EXPECT_EQ(talk.down(sets("a", 3)).refusal, bad_broker);
  Talk none(v5);
  none.accepted();
  EXPECT_EQ(none.down(sets("a", 1)).refusal, bad_broker);
}

TEST(AliasesOfTheBroker, StandForNothingBeforeTheyAreSet) {
  Talk talk(with_aliases());
  talk.accepted();
  EXPECT_EQ(talk.down(uses(1)).refusal, bad_broker);
}

TEST(AliasesOfTheBroker, AreNoneOfTheClients) {
  Talk talk(with_aliases());
  talk.accepted("22 0002");
  EXPECT_EQ(talk.up(sets("a", 1)).packets, 1u);
  EXPECT_EQ(talk.down(uses(1)).refusal, bad_broker);
}

TEST(AliasesOfTheBroker, AreWrittenOutWhereTheMessageThatSetThemWasDropped) {
  Rules narrow;
  narrow.subscribe("else");
  Rules wide;
  wide.subscribe("ok");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, test::at_once}) {
    Talk talk(with_aliases(), narrow.rights(), piece);
    talk.accepted();
    EXPECT_EQ(talk.down(sets("ok", 1) + uses(1)).out, ByteVector{});
    EXPECT_EQ(talk.denied(Denied::receive), 2u);
    talk.conversation().use(wide.rights());
    EXPECT_EQ(talk.down(uses(1) + uses(1)).out, sets("ok", 1) + uses(1));
  }
}

}  // namespace
}  // namespace bastion::inspect
