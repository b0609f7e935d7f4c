// Making and checking marked messages.
#include "tests/bench/load/messages.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/bench/load/loop.hpp"
#include "tests/support/packets.hpp"

namespace bastion::bench {
namespace {

constexpr std::size_t topic_bytes = 2 + topic.size();

void put(std::uint8_t* at, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<std::uint8_t>(number >> shift);
}

std::uint32_t number_at(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

/// What all payloads of a size hold behind their mark.
const ByteVector& filling(std::size_t payload_bytes) {
  static ByteVector made;
  if (made.size() < payload_bytes) made = test::noise(payload_bytes, 1);
  return made;
}

}  // namespace

std::uint16_t packet_identifier(std::uint32_t number) {
  return static_cast<std::uint16_t>(number % 0xffff + 1);
}

ByteVector message(Mark mark, std::size_t payload_bytes, std::uint8_t qos) {
  const auto& noise = filling(payload_bytes);
  ByteVector payload(noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(payload_bytes));
  put(payload.data(), mark.client);
  put(payload.data() + 4, mark.number);
  return test::publish(test::v3_1_1, topic, payload, qos, packet_identifier(mark.number));
}

Read read_message(ByteView packet) {
  const auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
  const std::size_t before_payload = header.size + topic_bytes + (header.qos() > 0 ? 2U : 0U);
  if (header.type != mqtt::PacketType::publish || packet.size() < before_payload + payload_bytes_min) {
    throw Void{"a packet that was never sent"};
  }
  const auto payload = packet.subspan(before_payload);
  const Read read{{number_at(payload.data()), number_at(payload.data() + 4)}, payload.size(), header.qos()};
  if (!std::equal(payload.begin() + payload_bytes_min, payload.end(), filling(payload.size()).begin() + payload_bytes_min)) {
    throw Void{"message " + std::to_string(read.mark.number) + " of client " + std::to_string(read.mark.client) +
               " was changed on its way"};
  }
  return read;
}

std::size_t PacketCutter::whole_packet(ByteView bytes) {
  if (bytes.empty()) return 0;
  const auto read = mqtt::read_fixed_header(bytes);
  if (std::holds_alternative<mqtt::HeaderFault>(read)) throw Void{"what came is no MQTT"};
  const auto* const header = std::get_if<mqtt::FixedHeader>(&read);
  return header != nullptr && header->packet_size() <= bytes.size() ? header->packet_size() : 0;
}

}  // namespace bastion::bench
