// The relay between two socket pairs, with a clock of the test's own: what passes, what waits, and what ends it.
#include <gtest/gtest.h>

#include "tests/unit/gate/relay_pair.hpp"

namespace bastion::gate {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

TEST_F(RelayTest, LetsNothingUpBeforeTheBrokerHasAccepted) {
  start(pingreq);
  say(device, publish(4));
  ASSERT_FALSE(pump());
  EXPECT_TRUE(heard(broker).empty());
  say(broker, connack_accepted);
  ASSERT_FALSE(pump());
  Bytes expected = pingreq;
  const auto published = publish(4);
  expected.insert(expected.end(), published.begin(), published.end());
  EXPECT_EQ(heard(broker), expected) << "what came early goes first";
  EXPECT_EQ(tally.admitted, 1U);
}

TEST_F(RelayTest, KeepsOneReadOfWhatComesBeforeTheAnswer) {
  start();
  say(device, pingreq);
  ASSERT_FALSE(pump());
  // More than that stays where it is, the client's end with it: what it has said is worth being sent on.
  say(device, publish(4));
  say(device, disconnect);
  device.reset();
  ASSERT_FALSE(pump());
  EXPECT_TRUE(heard(broker).empty());
  say(broker, connack_accepted);
  ASSERT_FALSE(pump());
  Bytes expected = pingreq;
  const auto published = publish(4);
  expected.insert(expected.end(), published.begin(), published.end());
  expected.insert(expected.end(), disconnect.begin(), disconnect.end());
  EXPECT_EQ(heard(broker), expected);
}

TEST_F(RelayTest, EndsWithAClientThatLeavesBeforeTheAnswer) {
  start();
  ASSERT_FALSE(pump());
  device.reset();
  expect_closed(pump(), Close::client_gone);
  EXPECT_FALSE(relay->admitted());
  EXPECT_TRUE(heard(broker).empty());
}

TEST_F(RelayTest, EndsWithAClientThatLeavesWhileTheBrokerTakesNoConnect) {
  ASSERT_TRUE(upstream.write(Bytes(4u << 20)));
  ASSERT_TRUE(upstream.has_unsent());
  start();
  ASSERT_FALSE(pump());
  device.reset();
  expect_closed(pump(), Close::client_gone);
}

TEST_F(RelayTest, PassesTheBrokersRefusalOnAndEnds) {
  start(pingreq);
  say(broker, connack_refused);
  expect_refused(pump(), {Reason::upstream_refused, Cause::code_not_authorized});
  EXPECT_EQ(heard(device), connack_refused);
  EXPECT_TRUE(heard(broker).empty());
  EXPECT_FALSE(relay->admitted());
}

TEST_F(RelayTest, GivesUpOnABrokerThatDoesNotAnswer) {
  start();
  ASSERT_FALSE(pump());
  EXPECT_EQ(relay->deadline(), now + seconds{5});
  now += seconds{5};
  expect_refused(pump(), {Reason::upstream_unavailable, Cause::timeout});
}

TEST_F(RelayTest, NamesABrokerThatHangsUpInsteadOfAnswering) {
  start();
  broker.reset();
  expect_refused(pump(), {Reason::upstream_unavailable, Cause::reset});
  EXPECT_FALSE(relay->answered());
}

TEST_F(RelayTest, CarriesLargePacketsBothWaysByteForByte) {
  start_admitted();
  const auto packet = publish(900'000);
  for (const auto* way : {&device, &broker}) {
    const auto& other = way == &device ? broker : device;
    Bytes arrived;
    std::size_t sent = 0;
    while (arrived.size() < packet.size()) {
      const auto wrote = ::write(way->get(), packet.data() + sent, packet.size() - sent);
      if (wrote > 0) sent += static_cast<std::size_t>(wrote);
      ASSERT_FALSE(pump());
      const auto piece = heard(other);
      arrived.insert(arrived.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(arrived, packet);
  }
  EXPECT_EQ(tally.packets_up, 1U);
  EXPECT_EQ(tally.packets_down, 2U) << "CONNACK among them";
}

TEST_F(RelayTest, EndsASilentClientAtOneAndAHalfTimesItsKeepAlive) {
  start_admitted();
  EXPECT_EQ(relay->deadline(), now + seconds{15});
  now += milliseconds{14'999};
  ASSERT_FALSE(pump());
  now += milliseconds{1};
  expect_refused(pump(), {Reason::keepalive_timeout, Cause::silent});
}

TEST_F(RelayTest, IsKeptAliveByWholePacketsOnly) {
  start_admitted();
  now += seconds{14};
  say(device, pingreq);
  ASSERT_FALSE(pump());
  EXPECT_EQ(relay->deadline(), now + seconds{15});
  const auto packet = publish(100);
  for (std::size_t i = 0; i < 15; ++i) {
    now += seconds{1};
    say(device, {packet[i]});
    if (i == 14) break;
    ASSERT_FALSE(pump()) << "byte " << i;
  }
  expect_refused(pump(), {Reason::keepalive_timeout, Cause::partial});
}

TEST_F(RelayTest, TakesTheBrokersServerKeepAlive) {
  terms.asked.version = MqttVersion::v5_0;
  start();
  say(broker, {0x20, 0x06, 0x00, 0x00, 0x03, 0x13, 0x00, 0x04});  // Server Keep Alive 4 s
  ASSERT_FALSE(pump());
  EXPECT_EQ(relay->deadline(), now + seconds{6});
}

TEST_F(RelayTest, HoldsASlowReaderByBackPressureAndEndsItAtTheLimit) {
  terms.times.keep_alive_s = 0;
  start_admitted();
  const auto packet = publish(60'000);
  send_until_stuck(broker, packet);
  EXPECT_TRUE(client.has_unsent());
  EXPECT_EQ(relay->deadline(), now + seconds{20});
  now += seconds{20};
  expect_refused(pump(), {Reason::slow_reader, Cause::none});
}

TEST_F(RelayTest, GoesOnWithASlowReaderThatReadsInTime) {
  terms.times.keep_alive_s = 0;
  start_admitted();
  const auto packet = publish(60'000);
  Bytes sent;
  Bytes arrived;
  for (int round = 0; round < 40; ++round) {
    const auto wrote =
        ::write(broker.get(), packet.data() + sent.size() % packet.size(), packet.size() - sent.size() % packet.size());
    if (wrote > 0) {
      const auto from = packet.begin() + static_cast<std::ptrdiff_t>(sent.size() % packet.size());
      sent.insert(sent.end(), from, from + wrote);
    }
    now += seconds{19};
    ASSERT_FALSE(pump());
    const auto piece = heard(device);
    arrived.insert(arrived.end(), piece.begin(), piece.end());
    ASSERT_FALSE(pump());
  }
  const auto piece = heard(device);
  arrived.insert(arrived.end(), piece.begin(), piece.end());
  EXPECT_EQ(arrived, sent);
}

TEST_F(RelayTest, EndsWhenTheBrokerDoesNotReadAndBlamesTheBroker) {
  start_admitted();
  const auto packet = publish(60'000);
  send_until_stuck(device, packet);
  EXPECT_EQ(relay->deadline(), now + seconds{30}) << "the client's keep alive does not run while the broker stalls";
  now += seconds{30};
  expect_refused(pump(), {Reason::upstream_unavailable, Cause::stalled});
}

TEST_F(RelayTest, CountsDisconnectAsTheClientsOwnWish) {
  start_admitted();
  say(device, disconnect);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), disconnect);
  device.reset();
  ASSERT_FALSE(pump());
  EXPECT_TRUE(at_end(broker));
  broker.reset();
  expect_closed(pump(), Close::client_disconnect);
}

TEST_F(RelayTest, HearsTheBrokerOutAfterADisconnectSoThatNoResetOvertakesIt) {
  start_admitted();
  say(device, disconnect);
  device.reset();
  ASSERT_FALSE(pump());
  say(broker, publish(1000));  // nobody is there to take it
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), disconnect);
  EXPECT_TRUE(at_end(broker)) << "an orderly end, not a reset";
  now += seconds{5};
  expect_closed(pump(), Close::client_disconnect);
}

TEST_F(RelayTest, DoesNotWaitLongForABrokerThatStaysAfterADisconnect) {
  terms.times.keep_alive_s = 1;
  start_admitted();
  now += seconds{1};
  say(device, disconnect);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), disconnect);
  EXPECT_EQ(relay->deadline(), now + seconds{5}) << "nobody keeps alive who has left";
  now += milliseconds{4'999};
  say(broker, pingresp);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(device), pingresp);
  now += milliseconds{1};
  expect_closed(pump(), Close::client_disconnect);
}

TEST_F(RelayTest, CountsThatTimeFromWhenTheBrokerHasTakenTheDisconnect) {
  const int small = 4096;
  ASSERT_EQ(::setsockopt(upstream_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  start_admitted();
  auto last = publish(60'000);
  last.insert(last.end(), disconnect.begin(), disconnect.end());
  say(device, last);
  ASSERT_FALSE(pump());
  ASSERT_TRUE(upstream.has_unsent());
  EXPECT_EQ(relay->deadline(), now + seconds{30}) << "it is the broker that stalls";
  now += seconds{7};
  Bytes taken;
  for (Bytes piece = heard(broker); !piece.empty(); piece = heard(broker)) {
    taken.insert(taken.end(), piece.begin(), piece.end());
    ASSERT_FALSE(pump());
  }
  EXPECT_EQ(taken, last);
  EXPECT_EQ(relay->deadline(), now + seconds{5});
}

TEST_F(RelayTest, TakesAStallTimeoutThatIsShorterThanThat) {
  terms.times.stall_timeout = seconds{2};
  start_admitted();
  say(device, disconnect);
  ASSERT_FALSE(pump());
  EXPECT_EQ(relay->deadline(), now + seconds{2});
}

TEST_F(RelayTest, TellsTheBrokerOfAHalfCloseAndStillBringsItsLastWords) {
  start_admitted();
  ::shutdown(device.get(), SHUT_WR);
  ASSERT_FALSE(pump());
  EXPECT_TRUE(at_end(broker));
  say(broker, pingresp);
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(device), pingresp);
  broker.reset();
  expect_closed(pump(), Close::client_gone);
}

TEST_F(RelayTest, DoesNotWaitForeverForTheBrokerAfterAHalfClose) {
  start_admitted();
  ::shutdown(device.get(), SHUT_WR);
  ASSERT_FALSE(pump());
  now += seconds{30};
  expect_closed(pump(), Close::client_gone);
}

TEST_F(RelayTest, TellsThatTheBrokerClosed) {
  start_admitted();
  say(broker, pingresp);
  broker.reset();
  expect_closed(pump(), Close::upstream_closed);
  EXPECT_EQ(heard(device), pingresp) << "with all that it had said";
}

TEST_F(RelayTest, LetsGoodPacketsThroughBeforeABadOne) {
  start_admitted();
  say(device, {0xc0, 0x00, 0xd0, 0x00});  // PINGREQ, then PINGRESP, which is the server's
  expect_refused(pump(), {Reason::protocol_error, Cause::direction});
  EXPECT_EQ(heard(broker), pingreq);
}

TEST_F(RelayTest, NamesABrokerThatSendsNonsense) {
  start_admitted();
  say(broker, {0x00, 0x00});
  expect_refused(pump(), {Reason::upstream_malformed, Cause::packet});
  EXPECT_TRUE(heard(device).empty());
}

TEST_F(RelayTest, EvictsAtTheNextPacketBoundaryOnly) {
  start_admitted();
  const auto packet = publish(100);
  say(broker, Bytes(packet.begin(), packet.begin() + 50));
  ASSERT_FALSE(pump());
  relay->evict({Reason::evicted, Cause::shutdown}, std::nullopt);
  ASSERT_FALSE(pump());
  EXPECT_FALSE(relay->may_insert_down());
  Bytes rest(packet.begin() + 50, packet.end());
  rest.insert(rest.end(), pingresp.begin(), pingresp.end());
  say(broker, rest);
  expect_refused(pump(), {Reason::evicted, Cause::shutdown});
  EXPECT_TRUE(relay->may_insert_down());
  EXPECT_EQ(heard(device), packet) << "and not one byte behind it";
}

TEST_F(RelayTest, StillReadsADisconnectOfAClientThatTakesNoMore) {
  start_admitted();
  say(device, disconnect);
  device.reset();
  say(broker, pingresp);  // writing it to the client fails
  ASSERT_FALSE(pump());
  EXPECT_EQ(heard(broker), disconnect);
  broker.reset();
  expect_closed(pump(), Close::client_disconnect);
}

}  // namespace
}  // namespace bastion::gate
