// Messages of one direction between two ends, leg by leg: PUBLISH, and what its QoS asks for (OASIS 3.1.1 section 4.3).
#pragma once

#include <cstdint>

#include "tests/bench/load/messages.hpp"

namespace bastion::bench {

/// Whose turn it is. Everything that waits for a leg goes through it before the next begins.
enum class Leg : std::uint8_t {
  publish,
  answer,    ///< PUBACK or PUBREC
  release,   ///< PUBREL
  complete,  ///< PUBCOMP
};

/// Packets of a leg, ready to be sent.
struct Packets {
  ByteVector bytes;
  std::uint64_t count = 0;
};

/// The end that publishes. All its messages have the same QoS.
class Publisher {
 public:
  /// A PUBLISH for the next message.
  void publish(std::uint32_t client, std::size_t payload_bytes, std::uint8_t qos, Packets& to);
  /// PUBREL for all that was answered at QoS 2.
  [[nodiscard]] Packets release();
  /// What the other end sends. Throws Void where it is not the very next that is due.
  void take(ByteView packet);
  [[nodiscard]] std::uint32_t published() const { return published_; }

 private:
  std::uint32_t published_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t released_ = 0;
  std::uint32_t completed_ = 0;
  std::uint8_t qos_ = 0;
};

/// The end to which it publishes.
class Receiver {
 public:
  /// What the publisher sends. Throws Void where it is not the very next that is due.
  void take(std::uint32_t client, ByteView packet);
  [[nodiscard]] Packets answer();
  [[nodiscard]] Packets complete();

 private:
  std::uint32_t received_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t released_ = 0;
  std::uint32_t completed_ = 0;
  std::uint8_t qos_ = 0;
};

}  // namespace bastion::bench
