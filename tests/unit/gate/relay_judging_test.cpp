// The relay and what its inspectors decide: the gate's own packets on the wire, messages that go nowhere, and pauses.
#include <gtest/gtest.h>

#include "tests/unit/gate/relay_pair.hpp"

namespace bastion::gate {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

// To a topic of the broker's own, which no client may use.
const Bytes denied{0x32, 0x08, 0x00, 0x04, '$', 'S', 'Y', 'S', 0x00, 0x07};
const Bytes puback{0x40, 0x02, 0x00, 0x07};

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

TEST_F(RelayTest, AnswersAMessageThatGoesNowhereAndCountsIt) {
  start_admitted();
  say(device, pingreq + denied + pingreq);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), pingreq + pingreq);
  EXPECT_EQ(heard(device), puback);
  EXPECT_EQ(tally.denied[static_cast<std::size_t>(Denied::publish)], 1U);
  EXPECT_EQ(tally.packets_up, 3U);
}

TEST_F(RelayTest, PutsItsOwnPacketsBetweenTheBrokersNeverInside) {
  start_admitted();
  const auto packet = publish(100);
  say(broker, Bytes(packet.begin(), packet.begin() + 50));
  ASSERT_FALSE(pump());
  say(device, denied);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(device), Bytes(packet.begin(), packet.begin() + 50));
  say(broker, Bytes(packet.begin() + 50, packet.end()));
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(device), Bytes(packet.begin() + 50, packet.end()) + puback);
}

TEST_F(RelayTest, NotesWhatItOnlyObserves) {
  terms.rights.mode = Mode::observe;
  start_admitted();
  say(device, denied);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), denied);
  ASSERT_EQ(relay->observed().size(), 1U);
  EXPECT_EQ(relay->observed()[0].refusal, (Refusal{Reason::acl_denied, Cause::type_publish}));
}

TEST_F(RelayTest, DoesNotHearAClientThatIsOverItsRateUntilItsDebtIsPaid) {
  terms.rates.messages = {2, 1};
  start_admitted();
  say(device, pingreq + pingreq + pingreq);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), pingreq + pingreq + pingreq) << "what has been read has been read";
  say(device, pingreq);
  ASSERT_FALSE(pump());
  EXPECT_TRUE(heard(broker).empty());
  EXPECT_EQ(relay->deadline(), now + seconds{1});
  now += seconds{1};
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), pingreq);
}

/// Otherwise the session would be woken again and again for a pause that is over.
TEST_F(RelayTest, IsOverWithAPauseAlsoWhereTheBrokerDoesNotRead) {
  terms.rates.messages = {1, 1};
  terms.rates.patience = seconds{1000};
  start_admitted();
  // Each read of several messages brings a pause, and at last one goes where there is no room for it.
  for (int round = 0; round < 12; ++round) {
    send_until_stuck(device, publish(30'000));
    now += seconds{2};
    ASSERT_FALSE(pump());
  }
  ASSERT_TRUE(upstream.has_unsent());
  EXPECT_GT(relay->deadline(), now);
}

TEST_F(RelayTest, IsOverWithAPauseAlsoWhereItIsBeingEvictedInsideAPacket) {
  terms.rates.messages = {1, 1};
  start_admitted();
  auto cut_short = publish(10);
  cut_short.pop_back();
  say(broker, cut_short);
  say(device, pingreq + pingreq + pingreq);
  ASSERT_FALSE(pump());
  relay->evict({Reason::evicted, Cause::reload}, std::nullopt);
  now += seconds{2};
  ASSERT_FALSE(pump());
  EXPECT_GT(relay->deadline(), now);
}

TEST_F(RelayTest, EndsAClientThatStaysOverItsRate) {
  terms.rates.messages = {1, 1};
  terms.rates.patience = seconds{3};
  start_admitted();
  MaybeEnd end;
  for (int second = 0; second < 10 && !end; ++second) {
    say(device, pingreq + pingreq);
    end = pump();
    now += seconds{1};
  }
  expect_refused(end, {Reason::message_rate, Cause::none});
}

TEST_F(RelayTest, OnlyObservesARate) {
  terms.rights.mode = Mode::observe;
  terms.rates.messages = {1, 1};
  terms.rates.patience = seconds{0};
  start_admitted();
  say(device, pingreq + pingreq + pingreq);
  ASSERT_FALSE(pump());
  say(device, pingreq);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), pingreq + pingreq + pingreq + pingreq);
  ASSERT_EQ(relay->observed().size(), 1U);
  EXPECT_EQ(relay->observed()[0].refusal, (Refusal{Reason::message_rate, Cause::none}));
}

TEST_F(RelayTest, GoesByOtherRightsFromTheNextPacketOn) {
  start_admitted();
  say(device, publish(10));
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), publish(10));
  auto fewer = terms.rights;
  fewer.packet_size_max = 12;
  relay->use(fewer, terms.rates, now);
  say(device, publish(10));
  expect_refused(pump(), {Reason::packet_too_large, Cause::none});
}

}  // namespace
}  // namespace bastion::gate
