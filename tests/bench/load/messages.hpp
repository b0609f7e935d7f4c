// The messages of the benchmark: each says whose it is and which, so that none can be lost, doubled or changed unseen.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/support/bytes.hpp"

namespace bastion::bench {

using test::ByteVector;
using ByteView = std::span<const std::uint8_t>;

inline void append(ByteVector& to, ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// What all messages are published to.
inline constexpr std::string_view topic = "bench";

/// The shortest payload that a message can have.
inline constexpr std::size_t payload_bytes_min = 8;

/// Which message of which client.
struct Mark {
  std::uint32_t client = 0;
  std::uint32_t number = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

/// A PUBLISH of MQTT 3.1.1. Above QoS 0 its packet identifier follows from its number.
[[nodiscard]] ByteVector message(Mark mark, std::size_t payload_bytes, std::uint8_t qos);
[[nodiscard]] std::uint16_t packet_identifier(std::uint32_t number);

struct Read {
  Mark mark;
  std::size_t payload_bytes = 0;
  std::uint8_t qos = 0;
};
/// Reads a whole PUBLISH of message()'s making. Throws Void where it is not as it was made.
[[nodiscard]] Read read_message(ByteView packet);

/// Cuts a stream into packets, however it was split.
class PacketCutter {
 public:
  /// Calls `take(packet)` for each packet that is whole now. Throws Void where there is no MQTT.
  template <class Take>
  void feed(ByteView bytes, Take take) {
    if (!begun_.empty()) append(begun_, bytes);
    ByteView rest = begun_.empty() ? bytes : ByteView{begun_};
    for (std::size_t size = 0; (size = whole_packet(rest)) > 0; rest = rest.subspan(size)) take(rest.first(size));
    begun_ = ByteVector(rest.begin(), rest.end());
  }

 private:
  /// The size of the packet that `bytes` begin with; 0 while it is not whole.
  [[nodiscard]] static std::size_t whole_packet(ByteView bytes);

  ByteVector begun_;
};

}  // namespace bastion::bench
