// What a client is sent when it is refused or let go: a CONNACK, a DISCONNECT, or nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "policy/facts.hpp"
#include "policy/reason.hpp"

namespace bastion::inspect {

/// A packet of at most 8 bytes, by value.
class Answer {
 public:
  Answer() = default;
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  friend Answer connect_answer(Refusal, std::optional<MqttVersion>, std::optional<std::uint8_t>);
  friend Answer session_answer(Refusal, MqttVersion, std::optional<std::uint8_t>);
  std::array<std::uint8_t, 8> bytes_{};
  std::uint8_t size_ = 0;
};

/// The CONNACK for a refusal before the broker's own CONNACK; empty where the reason says close, or the version is unknown.
/// `v5_reason_code` overrides the reason's own.
[[nodiscard]] Answer connect_answer(Refusal refusal, std::optional<MqttVersion> version,
                                    std::optional<std::uint8_t> v5_reason_code = std::nullopt);

/// The DISCONNECT for a session that the gate ends; empty for MQTT 3, which has no server DISCONNECT.
[[nodiscard]] Answer session_answer(Refusal refusal, MqttVersion version,
                                    std::optional<std::uint8_t> v5_reason_code = std::nullopt);

}  // namespace bastion::inspect
