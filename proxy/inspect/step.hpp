// What an inspector says of the bytes in hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "policy/reason.hpp"

namespace bastion::inspect {

/// The first `bytes` in hand may go on as they are; then ask again with what follows them. `packets`: how many packets were
/// completed by these bytes (a complete packet feeds the keep alive).
struct Forward {
  std::size_t bytes = 0;
  std::uint32_t packets = 0;
};
/// Nothing of what is in hand may go on yet: `bytes_min` in hand, all told, are needed. Never more than `whole_packet_max`.
struct NeedBytes {
  std::size_t bytes_min = 0;
};
/// The first `bytes` in hand are replaced by `with`; by nothing where what they belong to goes no further.
struct Replace {
  std::size_t bytes = 0;
  std::vector<std::uint8_t> with;
  std::uint32_t packets = 0;
};
/// The session ends. Bytes that earlier steps let through are valid; none from here on is.
struct Refuse {
  Refusal refusal;
  /// MQTT 5 reason code for DISCONNECT where the reason's own does not fit.
  std::optional<std::uint8_t> v5_reason_code;
};
using Step = std::variant<Forward, NeedBytes, Replace, Refuse>;

/// What has to be in hand whole before it goes on: the head of a PUBLISH, and any other packet. Larger ones are refused.
inline constexpr std::size_t whole_packet_max = 32u << 10;

}  // namespace bastion::inspect
