// Making and checking the packets of a conversation.
#include "tests/soak/load/talk.hpp"

#include <algorithm>

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/bench/load/loop.hpp"
#include "tests/support/packets.hpp"

namespace bastion::soak {
namespace {

using mqtt::PacketType;

constexpr std::size_t number_bytes = 4;
constexpr std::uint8_t puback = 0x40;
constexpr std::uint8_t pubrec = 0x50;
constexpr std::uint8_t pubrel = 0x62;
constexpr std::uint8_t pubcomp = 0x70;

std::uint16_t number_at(ByteView bytes, std::size_t at) {
  if (at + 2 > bytes.size()) throw bench::Void{"a packet that is too short"};
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

ByteVector short_packet(std::uint8_t first, std::uint16_t identifier) {
  return {first, 2, static_cast<std::uint8_t>(identifier >> 8), static_cast<std::uint8_t>(identifier & 0xff)};
}

constexpr std::size_t payload_bytes_max = 64 << 10;

/// What a message's number says that stands at this place.
std::uint8_t digit(std::uint32_t number, std::size_t place) {
  return static_cast<std::uint8_t>(number >> (8 * (number_bytes - 1 - place)));
}

/// What stands behind the number: other bytes for each of many numbers that follow one another.
ByteView filling(std::uint32_t number, std::size_t size) {
  constexpr std::size_t shifts = 251;
  static const auto noise = test::noise(payload_bytes_max + shifts, 1);
  return ByteView{noise}.subspan(number % shifts, size - number_bytes);
}

bool is_payload(ByteView payload, std::uint32_t number) {
  for (std::size_t i = 0; i < number_bytes; ++i) {
    if (payload[i] != digit(number, i)) return false;
  }
  return payload.size() <= payload_bytes_max &&
         std::ranges::equal(payload.subspan(number_bytes), filling(number, payload.size()));
}

}  // namespace

ByteVector Talk::connect() const {
  test::ConnectOptions options;
  options.version = plan_.version;
  options.client_id = plan_.client_id;
  options.keep_alive_s = plan_.keep_alive_s;
  options.user = plan_.user;
  options.password = plan_.password;
  if (plan_.kind->name == "anonymous") {
    options.user.reset();
    options.password.reset();
  }
  return test::make_connect(options);
}

ByteVector Talk::subscribe() const {
  auto packet = test::subscribe(plan_.version, topic_);
  packet.back() = plan_.qos;
  return packet;
}

ByteVector Talk::message(std::size_t payload_bytes) {
  const auto number = ++sent_;
  const auto identifier = bench::packet_identifier(number);
  if (plan_.qos > 0) unacknowledged_.insert(identifier);
  ByteVector payload(number_bytes);
  for (std::size_t i = 0; i < number_bytes; ++i) payload[i] = digit(number, i);
  bench::append(payload, filling(number, payload_bytes));
  return test::publish(plan_.version, topic_, payload, plan_.qos, identifier);
}

ByteVector Talk::take(ByteView packet) {
  const auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
  switch (header.type) {
    case PacketType::suback:
      if (packet.back() != plan_.qos) throw bench::Void{"a subscription that was not granted"};
      subscribed_ = true;
      return {};
    case PacketType::publish:
      return take_message(packet);
    case PacketType::puback:
      if (plan_.qos != 1) throw bench::Void{"a PUBACK for nothing"};
      acknowledge(number_at(packet, header.size));
      return {};
    case PacketType::pubrec:
      if (!unacknowledged_.contains(number_at(packet, header.size))) throw bench::Void{"a PUBREC for nothing"};
      return short_packet(pubrel, number_at(packet, header.size));
    case PacketType::pubcomp:
      if (plan_.qos != 2) throw bench::Void{"a PUBCOMP for nothing"};
      acknowledge(number_at(packet, header.size));
      return {};
    case PacketType::pubrel:
      if (unreleased_.erase(number_at(packet, header.size)) == 0) throw bench::Void{"a PUBREL for nothing"};
      return short_packet(pubcomp, number_at(packet, header.size));
    case PacketType::disconnect:
      if (plan_.version != test::v5_0) throw bench::Void{"a DISCONNECT that MQTT 3.1.1 does not have"};
      return {};
    default:
      throw bench::Void{"a packet that is not due"};
  }
}

/// They come in the order in which they were sent [MQTT-4.6.0-5], each once, for there is one session only.
ByteVector Talk::take_message(ByteView packet) {
  const auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
  std::size_t at = header.size;
  const std::size_t topic_size = number_at(packet, at);
  at += 2 + topic_size;
  const std::uint16_t identifier = header.qos() > 0 ? number_at(packet, at) : std::uint16_t{0};
  if (header.qos() > 0) at += 2;
  if (plan_.version == test::v5_0) ++at;  // no properties were sent, and so none come
  if (at + number_bytes > packet.size()) throw bench::Void{"a message that is too short"};

  if (!is_payload(packet.subspan(at), received_ + 1)) {
    throw bench::Void{"message " + std::to_string(received_ + 1) + " was due, and something else came"};
  }
  if (++received_ > sent_) throw bench::Void{"a message that was never sent"};
  if (header.qos() == 1) return short_packet(puback, identifier);
  if (header.qos() == 2) {
    unreleased_.insert(identifier);
    return short_packet(pubrec, identifier);
  }
  return {};
}

void Talk::acknowledge(std::uint16_t identifier) {
  if (unacknowledged_.erase(identifier) == 0) throw bench::Void{"an acknowledgement of nothing"};
}

}  // namespace bastion::soak
