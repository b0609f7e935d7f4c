// The relay of one session: moves what can be moved in both directions without waiting, and says what it waits for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/policy.hpp"
#include "policy/rate.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/end.hpp"
#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/downward.hpp"
#include "proxy/inspect/upward.hpp"
#include "proxy/net/stream.hpp"

namespace bastion::gate {

/// How long what is waited for.
struct RelayTimes {
  std::uint16_t keep_alive_s = 0;  ///< as the client asked, or as it was told instead
  Milliseconds connack_timeout{};
  Milliseconds stall_timeout{};
  Milliseconds slow_reader_timeout{};
};

/// What a session was admitted on.
struct RelayTerms {
  inspect::Asked asked;
  inspect::Rights rights;
  RateGuard::Limits rates{{1, 1}, {1, 1}, {}};  ///< of what the client sends
  RelayTimes times;
};

/// Relays between a client whose CONNECT has been sent on and its broker. Not one byte of the client's goes on before the
/// broker has said CONNACK 0; a client that leaves before ends the session. Memory: nothing while nothing is in hand;
/// otherwise the start of a packet in each direction and what the receiver has not taken, at most one read of each. A
/// direction whose receiver is slow is not read.
class Relay {
 public:
  using TimePoint = net::Clock::time_point;

  /// `early`: what the client sent behind its CONNECT. The streams, buffers and tally outlive the relay.
  Relay(net::Stream& client, net::Stream& upstream, net::Scratch& scratch, account::Tally& tally, const RelayTerms& terms,
        std::vector<std::uint8_t> early, TimePoint now);

  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /// Moves what can be moved. Nothing: wait for the sockets (asked to wake their owner), or until deadline().
  [[nodiscard]] MaybeEnd pump(TimePoint now);
  /// When pump() must be called though nothing happened.
  [[nodiscard]] TimePoint deadline() const;
  /// Whether pump() would find more to do at once: it stops after one read of each side, so that sessions take turns.
  [[nodiscard]] bool can_go_on() const;

  /// Other rights, from the next packet on.
  void use(const inspect::Rights& rights, const RateGuard::Limits& rates, TimePoint now);

  /// Ends the session at the next packet boundary on the way to the client, at which a DISCONNECT may stand.
  /// `v5_reason_code` as below.
  void evict(Refusal refusal, std::optional<std::uint8_t> v5_reason_code) {
    eviction_ = refusal;
    v5_reason_code_ = v5_reason_code;
  }
  /// The broker has accepted the client.
  [[nodiscard]] bool admitted() const { return admitted_; }
  /// The client has been sent a CONNACK, whatever it said.
  [[nodiscard]] bool answered() const { return down_.connack().has_value(); }
  /// The next byte to the client begins a packet.
  [[nodiscard]] bool may_insert_down() const { return down_.at_boundary(); }
  /// The MQTT 5 reason code for the DISCONNECT of the refusal that pump() returned, where it is not the reason's own.
  [[nodiscard]] std::optional<std::uint8_t> v5_reason_code() const { return v5_reason_code_; }
  /// What enforcing would have refused, in the order in which it was met; grows.
  [[nodiscard]] std::span<const inspect::Observed> observed() const { return observed_; }
  /// The identifier that the broker gave the client, once it is known; empty: none.
  [[nodiscard]] std::string_view assigned_client_id() const;
  [[nodiscard]] const inspect::Conversation& conversation() const { return conversation_; }
  [[nodiscard]] std::uint64_t bytes_up() const { return bytes_up_; }
  [[nodiscard]] std::uint64_t bytes_down() const { return bytes_down_; }

 private:
  struct Passed {
    std::uint64_t bytes = 0;  ///< that went on
    std::uint64_t taken = 0;  ///< of what was in hand
    std::uint64_t packets = 0;
    bool receiver_lost = false;
    std::optional<inspect::Refuse> refuse;
  };
  template <class Inspector>
  [[nodiscard]] Passed pass(Inspector& inspector, std::span<const std::uint8_t> in_hand, net::Stream& to,
                            std::vector<std::uint8_t>& carry);
  [[nodiscard]] net::IoStatus take(net::Stream& from, const std::vector<std::uint8_t>& carry, std::size_t bytes_max,
                                   std::span<const std::uint8_t>& in_hand);
  [[nodiscard]] MaybeEnd hold_to_rate(std::uint64_t packets, std::uint64_t bytes, TimePoint now);
  void send_own_packets(TimePoint now);
  void take_notes();
  [[nodiscard]] MaybeEnd pump_down(TimePoint now);
  [[nodiscard]] MaybeEnd await_upstream_end();
  [[nodiscard]] MaybeEnd pump_up(TimePoint now);
  [[nodiscard]] MaybeEnd hear_newcomer();
  [[nodiscard]] MaybeEnd pass_down(std::span<const std::uint8_t> in_hand, TimePoint now);
  [[nodiscard]] MaybeEnd pass_up(std::span<const std::uint8_t> in_hand, TimePoint now);
  [[nodiscard]] MaybeEnd judge_connack(TimePoint now);
  [[nodiscard]] End upstream_ended() const;
  void client_lost();
  [[nodiscard]] MaybeEnd overdue(TimePoint now);
  [[nodiscard]] MaybeEnd end_or_observe(Refusal refusal);
  [[nodiscard]] bool has_observed(Reason reason) const;
  void observe(const inspect::Observed& observed);
  [[nodiscard]] TimePoint slow_reader_due() const;
  [[nodiscard]] TimePoint farewell_due() const;
  [[nodiscard]] account::Close client_close() const;
  [[nodiscard]] bool keeps_alive() const;
  [[nodiscard]] bool down_blocked() const { return down_blocked_since_ != TimePoint::max(); }
  [[nodiscard]] bool up_blocked() const { return up_blocked_since_ != TimePoint::max(); }
  [[nodiscard]] bool hears_newcomer() const { return !admitted_ && !early_; }
  [[nodiscard]] bool hears_client() const;
  [[nodiscard]] bool hears_upstream() const;
  void arm();

  net::Stream& client_;
  net::Stream& upstream_;
  net::Scratch& scratch_;
  account::Tally& tally_;
  RelayTimes times_;
  inspect::Conversation conversation_;
  inspect::UpwardInspector up_{conversation_};
  inspect::DownwardInspector down_{conversation_};
  RateGuard rate_;
  std::vector<std::uint8_t> up_carry_;
  std::vector<std::uint8_t> down_carry_;
  std::optional<Refusal> eviction_;
  std::vector<inspect::Observed> observed_;  ///< each once
  std::optional<std::uint8_t> v5_reason_code_;
  std::array<std::uint32_t, denied_count> denied_counted_{};
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
  TimePoint started_;
  TimePoint fed_at_;  ///< when the client's last complete packet came
  TimePoint client_ended_at_ = TimePoint::max();
  TimePoint disconnected_at_ = TimePoint::max();  ///< when the broker was told of the client's DISCONNECT
  TimePoint up_blocked_since_ = TimePoint::max();
  TimePoint paused_until_ = TimePoint::min();  ///< the client has sent more than its rate, and is not heard
  TimePoint down_blocked_since_ = TimePoint::max();
  bool admitted_ = false;
  bool early_ = false;          ///< up_carry_ holds bytes that nobody has looked at yet
  bool client_broken_ = false;  ///< nothing can be sent to the client any more
  bool upstream_shut_ = false;  ///< the broker was told that the client will send no more
};

}  // namespace bastion::gate
