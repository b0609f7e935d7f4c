// What the fuzzers of single packets share. Each source is built once for every type and version that it reads:
// BASTION_FUZZ_TYPE and BASTION_FUZZ_VERSION say for which.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"
#include "tests/fuzz/require.hpp"

namespace bastion::fuzz {

/// Packets that both sides send are read as each of them.
inline constexpr std::array both_senders = {mqtt::Sender::client, mqtt::Sender::server};

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
