// Follows one direction of an admitted session packet by packet, and says of each byte what becomes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"
#include "policy/reason.hpp"

namespace bastion::inspect {

/// The first `bytes` in hand may go on as they are; then ask again with what follows them. `packets`: how many packets were
/// completed by these bytes (a complete packet feeds the keep alive).
struct Forward {
  std::size_t bytes = 0;
  std::uint32_t packets = 0;
};
/// Nothing of what is in hand may go on yet: `bytes_min` in hand, all told, are needed. Never more than the limits allow.
struct NeedBytes {
  std::size_t bytes_min = 0;
};
/// The first `bytes` in hand are replaced by `with` (a packet boundary on both sides).
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

/// Where one direction stands between and inside packets.
struct FramePosition {
  std::uint32_t body_left = 0;    ///< bytes of the current packet's body still to come
  bool in_disconnect = false;     ///< the current packet, or the last one, is DISCONNECT
  bool disconnected = false;      ///< a whole DISCONNECT has gone through
  bool passed_too_large = false;  ///< a packet beyond the limit was let through, since the limit is only observed
};

/// How large a packet may be, all told, and whether a larger one is refused.
struct PacketSizeLimit {
  std::uint32_t bytes_max = 0;
  Mode mode = Mode::enforce;
};

/// From the client to the broker, after CONNECT. Checks: a type that a client may send, its fixed header flags (OASIS 3.1.1
/// table 2.2, 5.0 table 2-2; PUBLISH QoS 3, and DUP on QoS 0), a minimal remaining length, the fixed lengths of packets that
/// have one, their size, no second CONNECT, nothing after DISCONNECT, AUTH not before MQTT 5.
class UpwardInspector {
 public:
  UpwardInspector(MqttVersion version, PacketSizeLimit size);

  /// Any split of the same bytes lets the same bytes through and ends in the same refusal. Never asks with nothing in hand:
  /// empty `in_hand` gives NeedBytes{1}. Coalesces: one Forward covers as many whole packets as are in hand.
  [[nodiscard]] Step step(std::span<const std::uint8_t> in_hand);

  /// Whether DISCONNECT has gone through: the end that follows is the client's own wish.
  [[nodiscard]] bool disconnected() const { return position_.disconnected; }
  /// Whether the next byte begins a packet: only here may the gate insert one of its own.
  [[nodiscard]] bool at_boundary() const { return position_.body_left == 0; }
  [[nodiscard]] bool passed_packet_too_large() const { return position_.passed_too_large; }

 private:
  MqttVersion version_;
  PacketSizeLimit size_;
  FramePosition position_;
};

/// What the broker answered to CONNECT.
struct Connack {
  std::uint8_t code = 0;  ///< MQTT 3 return code or MQTT 5 reason code; 0: accepted
  bool session_present = false;
  std::optional<std::uint16_t> server_keep_alive_s;
  std::optional<std::uint32_t> maximum_packet_size;
};

/// From the broker to the client. The first packet must be a valid CONNACK (in MQTT 5, AUTH is refused as well: the gate
/// admits no Authentication Method); after it: a type that a server may send, flags, minimal length, size.
/// All faults are `upstream_malformed`.
class DownwardInspector {
 public:
  /// `server_keep_alive_s`: what the gate wants MQTT 5 clients to be told at most; CONNACK is replaced where the broker's
  /// own value is absent or greater (0, no keep alive, is the greatest). Not 0.
  DownwardInspector(MqttVersion version, PacketSizeLimit size, std::optional<std::uint16_t> server_keep_alive_s);

  [[nodiscard]] Step step(std::span<const std::uint8_t> in_hand);

  /// As it was sent to the client; nothing before the step that let it through.
  [[nodiscard]] const std::optional<Connack>& connack() const { return connack_; }
  [[nodiscard]] bool at_boundary() const { return position_.body_left == 0; }
  /// How many bytes of the current packet's body are still to come.
  [[nodiscard]] std::uint32_t body_left() const { return position_.body_left; }
  /// The broker has sent DISCONNECT (MQTT 5): its close is orderly.
  [[nodiscard]] bool disconnected() const { return position_.disconnected; }
  [[nodiscard]] bool passed_packet_too_large() const { return position_.passed_too_large; }

 private:
  [[nodiscard]] Step read_connack(std::span<const std::uint8_t> in_hand);
  [[nodiscard]] Step pass_connack(std::span<const std::uint8_t> packet);
  [[nodiscard]] bool must_lower_keep_alive(const Connack& connack) const;

  MqttVersion version_;
  PacketSizeLimit size_;
  FramePosition position_;
  std::optional<std::uint16_t> server_keep_alive_s_;
  std::optional<Connack> connack_;
};

/// The refusal by which a broker's CONNACK code is counted, `upstream_refused`; nothing for 0.
[[nodiscard]] std::optional<Refusal> upstream_refusal(MqttVersion version, std::uint8_t code);

}  // namespace bastion::inspect
