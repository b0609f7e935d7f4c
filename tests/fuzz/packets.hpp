// What the fuzzers of single packets share: the first byte of the input chooses version, sender and kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::fuzz {

using mqtt::Bytes;

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Two bits of version, one of sender, the rest is the fuzzer's own.
struct Choice {
  mqtt::Version version = mqtt::Version::v3_1_1;
  mqtt::Sender sender = mqtt::Sender::client;
  unsigned kind = 0;
};

inline Choice choose(std::uint8_t first) {
  const unsigned version = 3u + (first & 3u);
  return {version > 5 ? mqtt::Version::v5_0 : static_cast<mqtt::Version>(version),
          (first & 4u) != 0 ? mqtt::Sender::server : mqtt::Sender::client, static_cast<unsigned>(first >> 3)};
}

/// Whether the part lies in the whole; an empty part lies anywhere.
inline bool is_inside(std::string_view part, Bytes whole) {
  const auto* const begin = reinterpret_cast<const char*>(whole.data());
  return part.empty() || (part.data() >= begin && part.data() + part.size() <= begin + whole.size());
}
inline bool is_inside(Bytes part, Bytes whole) {
  return is_inside(mqtt::as_text(part), whole);
}

/// A fault that a packet can have: its reason code is one of the four.
inline void require_fault(const mqtt::PacketFault& fault) {
  require(fault.reason_code == 0x81 || fault.reason_code == 0x82 || fault.reason_code == 0x94);
}

/// The body of the packet in `packet`, which must be exactly one.
inline Bytes body_of(const std::vector<std::uint8_t>& packet) {
  const mqtt::HeaderResult result = mqtt::read_fixed_header(packet);
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  require(header != nullptr && header->packet_size() == packet.size());
  return Bytes(packet).subspan(header->size);
}

inline bool is_same(Bytes a, Bytes b) {
  return mqtt::as_text(a) == mqtt::as_text(b);
}

}  // namespace bastion::fuzz
