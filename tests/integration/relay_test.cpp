// What passes between an admitted client and the broker, and what doesn't.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

class Relayed : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, Relayed, testing::Values(Transport::mqtt, Transport::mqtts),
                         [](const auto& row) { return row.param == Transport::mqtt ? "Tcp" : "Tls"; });

TEST_P(Relayed, NothingGoesOnBeforeTheBrokersConnackAndAllOfItThen) {
  Scene scene{GetParam()};
  const auto connect = make_connect();
  const auto behind = subscribe(v3_1_1, "a/#") + publish(v3_1_1, "a/b", "1") + publish(v3_1_1, "a/b", "2");
  auto client = scene.client_after(connect + behind);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  EXPECT_EQ(broker.read_what_is_here(), ByteVector{});
  broker.send(connack(v3_1_1));
  EXPECT_EQ(client.read(4), connack(v3_1_1));
  EXPECT_EQ(broker.read(behind.size()), behind);
}

TEST_P(Relayed, AClientThatLeavesBeforeTheBrokersConnackTakesItsBrokersConnectionAlong) {
  Scene scene{GetParam(), [](PolicyBuilder& policy) { policy.set("upstream.connack_timeout", R"("5m")"); }};
  const auto connect = make_connect();
  std::int64_t left = 0;
  for (const bool orderly : {true, false}) {
    auto client = scene.client_after(connect);
    auto broker = scene.broker.accept();
    EXPECT_EQ(broker.read(connect.size()), connect);
    if (orderly) {
      client.close_write();
    } else {
      client.reset();
    }
    EXPECT_EQ(broker.read_to_end(), ByteVector{});
    scene.gate.wait_for(series_of({Reason::closed_early, Cause::in_connect}), ++left);
  }
  expect_each_ended_once(scene);
}

TEST_P(Relayed, WhatCameBehindARefusedConnectIsNeverSentOn) {
  Scene scene{GetParam()};
  const auto connect = make_connect();
  auto client = scene.client_after(connect + subscribe(v3_1_1, "#") + publish(v3_1_1, "t", "x"));
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  broker.send(connack(v3_1_1, 5));
  EXPECT_EQ(client.read_to_end(), connack(v3_1_1, 5));
  EXPECT_EQ(broker.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::upstream_refused, Cause::code_not_authorized});
}

TEST_P(Relayed, BigMessagesArriveByteForByteBothWays) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  // The largest that the policy lets through: 256 KiB with its header.
  const auto message = publish(v3_1_1, "t", noise((256u << 10) - 4 - 3, 7));
  ASSERT_EQ(message.size(), 256u << 10);
  for (int i = 0; i < 8; ++i) {
    session.client.send(message);
    ASSERT_TRUE(session.broker.read(message.size()) == message);
    session.broker.send(message);
    ASSERT_TRUE(session.client.read(message.size()) == message);
  }
}

TEST_P(Relayed, ThousandsOfTinyPacketsInOneWriteArriveInOrder) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  ByteVector all;
  for (int i = 0; i < 5'000; ++i) {
    const auto one = publish(v3_1_1, "t", std::to_string(i));
    all.insert(all.end(), one.begin(), one.end());
  }
  session.client.send(all);
  ASSERT_TRUE(session.broker.read(all.size()) == all);
  session.broker.send(all);
  ASSERT_TRUE(session.client.read(all.size()) == all);
  scene.gate.wait_for(R"(mqtt_bastion_packets_total{listener="test",direction="up"})", 5'000);
  scene.gate.wait_for(R"(mqtt_bastion_packets_total{listener="test",direction="down"})", 5'001);
}

TEST_P(Relayed, HoweverThePacketsAreSplitTheSameBytesArrive) {
  constexpr std::uint32_t seed = 20'170'831;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random{seed};
  Scene scene{GetParam()};
  auto session = scene.admitted();
  ByteVector all;
  for (int i = 0; i < 200; ++i) {
    const auto one = publish(v3_1_1, "some/topic", noise(random() % 900, static_cast<std::uint32_t>(i)), i % 3 == 0 ? 1 : 0,
                             static_cast<std::uint16_t>(i + 1));
    all.insert(all.end(), one.begin(), one.end());
    if (i % 7 == 0) all = all + pingreq();
  }
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 500; ++i) sizes.push_back(1 + random() % (i % 5 == 0 ? 4'000 : 9));
  session.client.send_split(all, sizes);
  ASSERT_TRUE(session.broker.read(all.size()) == all);
  // The broker's direction knows no PINGREQ.
  ByteVector down;
  for (int i = 0; i < 200; ++i)
    down = down + publish(v3_1_1, "some/topic", noise(random() % 900, static_cast<std::uint32_t>(i)));
  session.broker.send_split(down, sizes);
  ASSERT_TRUE(session.client.read(down.size()) == down);
}

TEST_P(Relayed, AConnackInPiecesArrivesWhole) {
  Scene scene{GetParam()};
  const auto connect = make_connect({.version = v5_0});
  auto client = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  broker.send_byte_by_byte(connack(v5_0) + publish(v5_0, "t", "x"));
  EXPECT_EQ(client.read_packet(), told_connack(v5_0));
  EXPECT_EQ(client.read_packet(), publish(v5_0, "t", "x"));
}

// --- ends -----------------------------------------------------------------------------------------------------------------

TEST_P(Relayed, AClientThatSaysGoodbyeIsCountedSo) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  session.client.send(disconnect());
  session.client.close_write();
  EXPECT_EQ(session.broker.read_to_end(), disconnect());
  session.broker.close();
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(account::Close::client_disconnect));
  expect_each_ended_once(scene);
}

TEST_P(Relayed, ABrokerThatClosesAfterAGoodbyeIsAnOrderlyEnd) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  session.client.send(disconnect());
  EXPECT_EQ(session.broker.read(2), disconnect());
  session.broker.close();
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
  session.client.close();
  scene.gate.wait_for(series_of(account::Close::client_disconnect));
}

TEST_P(Relayed, AClientThatHalfClosesWithoutGoodbyeStillHearsTheBroker) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  session.client.send(publish(v3_1_1, "t", "last"));
  session.client.close_write();
  // The end of the stream and no DISCONNECT: the will is the broker's to publish.
  EXPECT_EQ(session.broker.read_to_end(), publish(v3_1_1, "t", "last"));
  session.broker.send(publish(v3_1_1, "t", "still here"));
  session.broker.close();
  EXPECT_EQ(session.client.read_to_end(), publish(v3_1_1, "t", "still here"));
  scene.gate.wait_for(series_of(account::Close::client_gone));
  expect_each_ended_once(scene);
}

TEST_P(Relayed, AClientThatIsResetIsGoneForTheBrokerToo) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  session.client.reset();
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(account::Close::client_gone));
  expect_each_ended_once(scene);
}

TEST_P(Relayed, ABrokersLastBytesReachTheClientBeforeTheEnd) {
  Scene scene{GetParam()};
  auto session = scene.admitted();
  ByteVector all;
  for (int i = 0; i < 50; ++i) all = all + publish(v3_1_1, "t", noise(9'000, static_cast<std::uint32_t>(i)));
  session.broker.send(all);
  session.broker.close();
  EXPECT_TRUE(session.client.read_to_end() == all);
  EXPECT_EQ(session.client.ended(), Ended::orderly);
  session.client.close();
  scene.gate.wait_for(series_of(account::Close::upstream_closed));
  expect_each_ended_once(scene);
}

TEST_P(Relayed, ABrokersDisconnectReachesTheClient) {
  Scene scene{GetParam()};
  auto session = scene.admitted({.version = v5_0});
  session.broker.send(disconnect_v5(0x8e));
  session.broker.close();
  EXPECT_EQ(session.client.read_to_end(), disconnect_v5(0x8e));
  session.client.close();
  scene.gate.wait_for(series_of(account::Close::upstream_closed));
}

// --- keep alive -----------------------------------------------------------------------------------------------------------

TEST_P(Relayed, UnfinishedPacketsDoNotKeepAClientAlive) {
  Scene scene{GetParam()};
  auto session = scene.admitted({.version = v5_0, .keep_alive_s = 1});
  const auto head = bytes("30 ff7f 0001 't' 00");
  session.client.send(head);
  // A byte now and then, of a packet that has no end in sight.
  while (!session.client.hears_within(std::chrono::milliseconds{50})) session.client.send(bytes("00"));
  EXPECT_EQ(session.client.read_to_end(), disconnect_v5(0x8d));
  const auto seen = session.broker.read_to_end();
  ASSERT_GE(seen.size(), head.size());
  EXPECT_TRUE(std::equal(head.begin(), head.end(), seen.begin()));
  EXPECT_LT(seen.size(), 16'383u);
  expect_only_refusal(scene, {Reason::keepalive_timeout, Cause::partial});
}

TEST_P(Relayed, PingsKeepAClientAlive) {
  Scene scene{GetParam()};
  auto session = scene.admitted({.keep_alive_s = 1});
  // For longer than one and a half times the keep alive.
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(session.client.hears_within(std::chrono::milliseconds{400}));
    session.client.send(pingreq());
    EXPECT_EQ(session.broker.read(2), pingreq());
    session.broker.send(pingresp());
    EXPECT_EQ(session.client.read(2), pingresp());
  }
  EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_sessions")), 1);
}

TEST_P(Relayed, WhatTheBrokerSendsDoesNotKeepAClientAlive) {
  Scene scene{GetParam()};
  auto session = scene.admitted({.keep_alive_s = 1});
  const auto message = publish(v3_1_1, "t", "x");
  while (!session.broker.hears_within(std::chrono::milliseconds{50})) session.broker.send(message);
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::keepalive_timeout, Cause::silent}));
}

TEST(KeepAlive, IsLoweredForMqtt5AndTheClientToldSo) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("mqtt.keep_alive_max", R"("90s")"); }};
  for (const auto asked : std::array<std::uint16_t, 3>{0, 91, 65'535}) {
    const auto connect = make_connect({.version = v5_0, .keep_alive_s = asked});
    auto client = scene.client_after(connect);
    auto broker = scene.broker.accept();
    EXPECT_EQ(broker.read(connect.size()), connect);
    broker.send(connack(v5_0));
    EXPECT_EQ(client.read_packet(), told_connack(v5_0, bytes("13 005a")));
  }
}

TEST(KeepAlive, OfTheBrokersChoiceStaysWhereItIsShorter) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("mqtt.keep_alive_max", R"("90s")"); }};
  const auto connect = make_connect({.version = v5_0, .keep_alive_s = 100});
  auto client = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  const auto shorter = bytes("20 06 00 00 03 13 000a");
  broker.send(shorter);
  EXPECT_EQ(client.read_packet(), told_connack(v5_0, bytes("13 000a")));
}

TEST(KeepAlive, OfTheBrokersChoiceIsEnforced) {
  Scene scene;
  const auto connect = make_connect({.version = v5_0, .keep_alive_s = 60});
  auto client = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  broker.send(bytes("20 06 00 00 03 13 0001"));
  EXPECT_EQ(client.read_packet(), told_connack(v5_0, bytes("13 0001")));
  EXPECT_EQ(client.read_to_end(), disconnect_v5(0x8d));
}

// --- back-pressure --------------------------------------------------------------------------------------------------------

TEST_P(Relayed, AClientThatReadsSlowlyStaysAndGetsAll) {
  Scene scene{GetParam(), [](PolicyBuilder& policy) { policy.set("mqtt.slow_reader_timeout", R"("1500ms")"); }};
  auto session = scene.admitted({}, {"", 4'096});
  const auto message = publish(v3_1_1, "t", noise(60'000, 3));
  // More than all buffers hold, from a thread of its own, because it has to wait for the client.
  constexpr std::size_t times = 400;
  std::thread sender{[&] {
    for (std::size_t i = 0; i < times; ++i) session.broker.send(message);
  }};
  bool same = true;
  for (std::size_t i = 0; i < times && same; ++i) same = session.client.read(message.size()) == message;
  sender.join();
  EXPECT_TRUE(same);
  EXPECT_EQ(scene.gate.count(series_of({Reason::slow_reader, Cause::none})), 0);
}

TEST_P(Relayed, AClientThatDoesNotReadHoldsTheBrokerBackButNotItsOwnMessages) {
  Scene scene{GetParam()};
  auto session = scene.admitted({}, {"", 4'096});
  const auto big = publish(v3_1_1, "t", noise(60'000, 3));
  // Back-pressure reaches the broker: at some point it is not taken any more from it.
  const auto taken = session.broker.send_until_stuck(big);
  EXPECT_GT(taken, 0u);
  session.client.send(pingreq());
  EXPECT_EQ(session.broker.read(2), pingreq());
  session.client.reset();
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
}

}  // namespace
}  // namespace bastion::test
