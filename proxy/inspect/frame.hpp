// Where one direction of a session stands between and inside packets; and what both directions ask of every packet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "proxy/inspect/step.hpp"
#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::inspect {

/// By how many bytes the fixed header of a packet can grow with its body.
inline constexpr std::size_t header_growth_max = 3;

/// The body of a packet whose head has been judged: it goes through, or nowhere, as it comes.
class Frame {
 public:
  /// `answers`: where the answer to a packet that goes nowhere is put, once that is over.
  explicit Frame(std::vector<std::uint8_t>& answers) : answers_{answers} {}

  [[nodiscard]] std::uint32_t body_left() const { return body_left_; }
  [[nodiscard]] bool is_dropping() const { return dropping_; }
  /// Whether the receiver is between two packets: only there may a packet of the gate's own stand.
  [[nodiscard]] bool at_boundary() const { return body_left_ == 0 || dropping_; }

  /// The packet goes through, as far as it is in hand.
  void pass(std::size_t packet_bytes, std::size_t in_hand, Forward& through) {
    const auto bytes = std::min(packet_bytes, in_hand);
    through.bytes += bytes;
    body_left_ = static_cast<std::uint32_t>(packet_bytes - bytes);
    if (body_left_ == 0) ++through.packets;
  }
  /// More of a body that goes through.
  void pass_body(std::size_t in_hand, Forward& through) { pass(body_left_, in_hand, through); }

  /// The packet goes nowhere; whoever sent it gets what stands in `answer`.
  std::vector<std::uint8_t> answer;
  [[nodiscard]] Step drop(std::size_t packet_bytes, std::size_t in_hand) {
    Forward dropped;
    pass(packet_bytes, in_hand, dropped);
    dropping_ = body_left_ > 0;
    if (!dropping_) {
      answers_.insert(answers_.end(), answer.begin(), answer.end());
      answer.clear();
    }
    return Replace{dropped.bytes, {}, dropped.packets};
  }
  /// More of a body that goes nowhere.
  [[nodiscard]] Step drop_body(std::size_t in_hand) { return drop(body_left_, in_hand); }

  /// Something else goes on in place of the first `head_bytes`; what follows them goes through.
  [[nodiscard]] Step replace_head(std::size_t packet_bytes, std::size_t head_bytes, std::vector<std::uint8_t> instead) {
    body_left_ = static_cast<std::uint32_t>(packet_bytes - head_bytes);
    return Replace{head_bytes, std::move(instead), body_left_ == 0 ? 1u : 0u};
  }

 private:
  std::vector<std::uint8_t>& answers_;
  std::uint32_t body_left_ = 0;
  bool dropping_ = false;
};

/// What of a PUBLISH's body is in hand, as far as its head may reach. No more, though more be there: a head that is too long
/// is too long however it was split: once all of this is in hand, whatever length it had announced before a fault in it.
[[nodiscard]] inline std::span<const std::uint8_t> head_window(const mqtt::FixedHeader& header,
                                                               std::span<const std::uint8_t> packet_in_hand) {
  const auto in_hand = packet_in_hand.subspan(header.size);
  return in_hand.first(std::min<std::size_t>({in_hand.size(), header.remaining_length, whole_packet_max - header.size}));
}

/// Walks over what is in hand packet by packet. `begin(rest, through)` judges the packet that `rest` begins with: it either
/// adds to `through`, or says what else becomes of it. That waits until all before it is let through, so that nothing
/// depends on how the bytes were split; no packet is judged twice, so it waits in `pending`, but for one that has not come
/// whole.
template <class Begin>
Step walk(std::span<const std::uint8_t> in_hand, Frame& frame, std::optional<Step>& pending, const Begin& begin) {
  if (pending) return *std::exchange(pending, std::nullopt);
  Forward through;
  while (through.bytes < in_hand.size()) {
    const auto rest = in_hand.subspan(through.bytes);
    if (frame.body_left() > 0) {
      if (frame.is_dropping()) return frame.drop_body(rest.size());
      frame.pass_body(rest.size(), through);
      continue;
    }
    std::optional<Step> other = begin(rest, through);
    if (!other) continue;
    if (through.bytes == 0) return std::move(*other);
    if (!std::holds_alternative<NeedBytes>(*other)) pending = std::move(other);
    return through;
  }
  if (through.bytes == 0) return NeedBytes{1};
  return through;
}

}  // namespace bastion::inspect
