// A relay between two socket pairs, with a clock of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "proxy/gate/relay.hpp"
#include "tests/unit/net/pair.hpp"

namespace bastion::gate::test {

using account::Close;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Bytes = std::vector<std::uint8_t>;

inline const Bytes connack_accepted{0x20, 0x02, 0x00, 0x00};
inline const Bytes connack_refused{0x20, 0x02, 0x00, 0x05};
inline const Bytes pingreq{0xc0, 0x00};
inline const Bytes pingresp{0xd0, 0x00};
inline const Bytes disconnect{0xe0, 0x00};

inline Bytes publish(std::size_t payload) {
  Bytes packet{0x30};
  std::size_t left = payload + 3;
  do {
    const auto digit = static_cast<std::uint8_t>(left % 128);
    left /= 128;
    packet.push_back(left > 0 ? static_cast<std::uint8_t>(digit | 0x80) : digit);
  } while (left > 0);
  packet.insert(packet.end(), {0x00, 0x01, 't'});
  packet.insert(packet.end(), payload, 'x');
  return packet;
}

struct RelayTest : ::testing::Test {
  net::IoContext context;
  boost::intrusive_ptr<net::test::Owner> owner{new net::test::Owner};
  net::Scratch scratch;
  account::Tally tally;
  net::PlainStream client{context, *owner};
  net::PlainStream upstream{context, *owner};
  int upstream_fd = -1;  ///< the upstream's own
  net::UniqueFd device;  ///< the client's far end
  net::UniqueFd broker;
  RelayTerms terms;
  Relay::TimePoint now{seconds{1000}};
  std::unique_ptr<Relay> relay;

  RelayTest() {
    auto down = net::test::connected_pair();
    client.socket().adopt(std::move(down.gate));
    device = std::move(down.peer);
    auto up = net::test::connected_pair();
    upstream_fd = up.gate.get();
    upstream.socket().adopt(std::move(up.gate));
    broker = std::move(up.peer);
    terms.times.keep_alive_s = 10;
    terms.rights.packet_size_max = 1u << 20;
    terms.rates = {{1u << 30, 1u << 30}, {1u << 30, 1u << 30}, seconds{10}};
    terms.times.connack_timeout = seconds{5};
    terms.times.stall_timeout = seconds{30};
    terms.times.slow_reader_timeout = seconds{20};
  }

  void start(Bytes early = {}) {
    relay = std::make_unique<Relay>(client, upstream, scratch, tally, terms, std::move(early), now);
  }
  void start_admitted() {
    start();
    say(broker, connack_accepted);
    ASSERT_FALSE(pump());
    ASSERT_EQ(heard(device), connack_accepted);
    ASSERT_TRUE(relay->admitted());
  }

  static void say(const net::UniqueFd& end, const Bytes& bytes) {
    ASSERT_EQ(::write(end.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  /// All that has arrived at an end.
  static Bytes heard(const net::UniqueFd& end) {
    Bytes all;
    std::array<std::uint8_t, 65536> piece{};
    for (;;) {
      const auto got = ::read(end.get(), piece.data(), piece.size());
      if (got <= 0) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + got);
    }
  }
  static bool at_end(const net::UniqueFd& end) {
    std::uint8_t byte = 0;
    return ::read(end.get(), &byte, 1) == 0;
  }

  /// Pumps until nothing moves any more: handlers that are due, then the relay, as the session does.
  MaybeEnd pump() {
    for (;;) {
      if (auto end = relay->pump(now)) return end;
      context.restart();
      if (context.poll() == 0 && !relay->can_go_on()) return std::nullopt;
    }
  }
  /// Sends a packet again and again until neither end's socket nor the gate takes any more.
  void send_until_stuck(const net::UniqueFd& from, const Bytes& packet) {
    std::size_t written = 0;
    for (int idle = 0; idle < 2;) {
      const auto at = written % packet.size();
      const auto wrote = ::write(from.get(), packet.data() + at, packet.size() - at);
      idle = wrote > 0 ? 0 : idle + 1;
      if (wrote > 0) written += static_cast<std::size_t>(wrote);
      ASSERT_FALSE(pump());
    }
  }
  void expect_refused(const MaybeEnd& end, Refusal refusal) {
    ASSERT_TRUE(end && std::holds_alternative<Refusal>(*end));
    EXPECT_EQ(std::get<Refusal>(*end), refusal);
  }
  void expect_closed(const MaybeEnd& end, Close close) {
    ASSERT_TRUE(end && std::holds_alternative<Close>(*end));
    EXPECT_EQ(std::get<Close>(*end), close);
  }
};

}  // namespace bastion::gate::test
