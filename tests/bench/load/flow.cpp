// Making the packets of each leg, and checking that each comes when it is due.
#include "tests/bench/load/flow.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/bench/load/loop.hpp"

namespace bastion::bench {
namespace {

constexpr std::uint8_t puback = 0x40;
constexpr std::uint8_t pubrec = 0x50;
constexpr std::uint8_t pubrel = 0x62;
constexpr std::uint8_t pubcomp = 0x70;

std::array<std::uint8_t, 4> acknowledgement(std::uint8_t first_byte, std::uint32_t number) {
  const auto identifier = packet_identifier(number);
  return {first_byte, 2, static_cast<std::uint8_t>(identifier >> 8), static_cast<std::uint8_t>(identifier)};
}

/// One for each of the messages from `done` on, which moves to `due`.
Packets acknowledgements(std::uint8_t first_byte, std::uint32_t& done, std::uint32_t due) {
  Packets out;
  for (; done < due; ++done, ++out.count) append(out.bytes, acknowledgement(first_byte, done));
  return out;
}

/// Counts one more, which must be this packet about that message, and of a message before `end`.
void expect(ByteView packet, std::uint8_t first_byte, std::uint32_t& number, std::uint32_t end) {
  if (number >= end || !std::ranges::equal(packet, acknowledgement(first_byte, number))) {
    throw Void{"an acknowledgement that was not due"};
  }
  ++number;
}

}  // namespace

void Publisher::publish(std::uint32_t client, std::size_t payload_bytes, std::uint8_t qos, Packets& to) {
  append(to.bytes, message({client, published_}, payload_bytes, qos));
  ++published_;
  ++to.count;
  qos_ = qos;
}

Packets Publisher::release() {
  return acknowledgements(pubrel, released_, answered_);
}

void Publisher::take(ByteView packet) {
  if (packet[0] == pubcomp) return expect(packet, pubcomp, completed_, released_);
  expect(packet, qos_ == 2 ? pubrec : puback, answered_, published_);
}

void Receiver::take(std::uint32_t client, ByteView packet) {
  if (packet[0] == pubrel) return expect(packet, pubrel, released_, answered_);
  const auto read = read_message(packet);
  if (const Mark due{client, received_}; read.mark != due) {
    throw Void{"message " + std::to_string(read.mark.number) + " of client " + std::to_string(read.mark.client) +
               " came where message " + std::to_string(due.number) + " of client " + std::to_string(due.client) +
               " was due"};
  }
  ++received_;
  qos_ = read.qos;
  if (qos_ == 0) answered_ = received_;
}

Packets Receiver::answer() {
  return acknowledgements(qos_ == 2 ? pubrec : puback, answered_, received_);
}

Packets Receiver::complete() {
  return acknowledgements(pubcomp, completed_, released_);
}

}  // namespace bastion::bench
