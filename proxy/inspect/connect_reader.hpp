// A client's first packet: bytes in hand to a strictly valid CONNECT, or the reason why it is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"
#include "policy/reason.hpp"
#include "proxy/inspect/asked.hpp"

namespace bastion::inspect {

/// More bytes are needed before anything can be said: at least `bytes_min` in hand, all told.
struct ReadMore {
  std::size_t bytes_min = 0;
};

/// A whole, valid CONNECT. All views point into the bytes that were given.
struct ReadConnect {
  ConnectFacts facts;
  std::string_view password;  ///< may hold any byte, NUL included; meaningful if facts.has_password
  Asked asked;
  std::span<const std::uint8_t> packet;  ///< fixed header included; bytes after it belong to the next packet
};

/// A refusal, and the version in which it may be answered; no version: close without an answer.
struct ConnectRefused {
  Refusal refusal;
  std::optional<MqttVersion> version;
  /// The MQTT 5 reason code where the standard asks for another than the reason's own (0x81 for 0x82 and so on).
  std::optional<std::uint8_t> v5_reason_code;
};

using ConnectStep = std::variant<ReadMore, ReadConnect, ConnectRefused>;

/// Reads the client's first packet. Pure: the step depends on the bytes in hand alone, however they were split on their way.
/// That there will be no CONNECT is decided on the first byte, and no length is ever waited for: `malformed_connect`
/// {header_flags} for `1x`, else `not_mqtt` or `packet_before_connect`. Which of these two, and its cause, is told from what
/// is in hand with that byte: `P` alone is a PUBREC, `POST /` is HTTP. `connect_too_large` is decided at the remaining
/// length. For bytes that begin with a whole CONNECT, or with a fault in one, further bytes change nothing. An empty
/// `in_hand` gives ReadMore{1}.
[[nodiscard]] ConnectStep read_connect(std::span<const std::uint8_t> in_hand, const MqttPolicy& limits);

/// The reason for which a client that left, or was given up on, with these bytes in hand is counted: `connect_timeout` with
/// no_data / partial, or `connect_truncated`; one that left without a byte is `closed_early`{after_handshake} (without TLS
/// there was none: the caller counts {no_data}).
[[nodiscard]] Refusal connect_cut_short(std::span<const std::uint8_t> in_hand, bool timed_out);

/// What the broker is to be asked in the client's place.
struct ForBroker {
  struct Credentials {
    std::string_view user_name;  ///< valid UTF-8
    std::string_view password;
  };
  std::optional<Credentials> credentials;  ///< nothing: the client's own
  std::optional<std::uint32_t> session_expiry_max_s;
  std::optional<std::uint32_t> will_delay_max_s;
  bool will_may_outlast_session = false;
};

/// The same CONNECT with that in it, everything else as it came; nothing where that changes nothing. The caller wipes the
/// result after use. Empty if a credential is longer than 65,535 bytes. Unless it may, a will is not delayed beyond the end
/// of its session, at which it would be sent all the same (OASIS 5.0 section 3.1.3.2.2; brokers have stumbled:
/// CVE-2019-11778).
[[nodiscard]] std::optional<std::vector<std::uint8_t>> connect_for_broker(const ReadConnect& connect,
                                                                          const ForBroker& asked);

}  // namespace bastion::inspect
