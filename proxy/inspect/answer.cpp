// What a client is sent when it is refused or let go: a CONNACK, a DISCONNECT, or nothing.
#include "proxy/inspect/answer.hpp"

#include <algorithm>

#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/disconnect.hpp"

namespace bastion::inspect {

namespace {

constexpr std::uint8_t unspecified_error = 0x80;

template <std::size_t size>
std::uint8_t copy(const std::array<std::uint8_t, size>& packet, std::array<std::uint8_t, 8>& into) {
  static_assert(size <= 8);
  std::copy(packet.begin(), packet.end(), into.begin());
  return static_cast<std::uint8_t>(size);
}

}  // namespace

Answer connect_answer(Refusal refusal, std::optional<MqttVersion> version, std::optional<std::uint8_t> v5_reason_code) {
  Answer answer;
  if (!version) return answer;
  const ReasonInfo& reason = info(refusal.reason);
  if (*version != MqttVersion::v5_0) {
    if (reason.v3_return_code) answer.size_ = copy(mqtt::make_connack_v3(*reason.v3_return_code), answer.bytes_);
    return answer;
  }
  const auto code = v5_reason_code ? v5_reason_code : v5_code_of(refusal);
  if (code) answer.size_ = copy(mqtt::make_connack_v5(*code), answer.bytes_);
  return answer;
}

Answer session_answer(Refusal refusal, MqttVersion version, std::optional<std::uint8_t> v5_reason_code) {
  Answer answer;
  if (version != MqttVersion::v5_0) return answer;
  const auto code = v5_reason_code ? v5_reason_code : v5_code_of(refusal);
  if (!code) return answer;
  const std::uint8_t sendable = mqtt::is_disconnect_code(mqtt::Sender::server, *code) ? *code : unspecified_error;
  answer.size_ = copy(mqtt::make_disconnect_v5(sendable), answer.bytes_);
  return answer;
}

}  // namespace bastion::inspect
