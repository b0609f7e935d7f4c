// Every reason for which a connection or packet is refused, once: label, log text, stage, answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bastion {

/// The stage of a connection's life at which it can end.
enum class Stage : std::uint8_t { accept, origin, tls, preamble, connect, auth, upstream, session };

/// The closed list of reasons. Labels are public API: add, never rename.
enum class Reason : std::uint8_t {
  // accept
  ip_denied,
  rate_limited,
  too_many_connections,
  // origin
  bad_proxy_header,
  // tls
  not_tls,
  tls_timeout,
  closed_early,
  tls_handshake_failed,
  tls_misuse,
  // preamble
  not_mqtt,
  packet_before_connect,
  connect_timeout,
  connect_too_large,
  connect_truncated,
  // connect
  malformed_connect,
  unsupported_version,
  client_id_denied,
  // auth
  anonymous,
  bad_credentials,
  auth_method_unsupported,
  not_authorized,
  will_denied,
  session_denied,
  auth_overloaded,
  // upstream
  upstream_unavailable,
  upstream_refused,
  upstream_malformed,
  // session
  malformed_packet,
  protocol_error,
  packet_too_large,
  limit_exceeded,
  acl_denied,
  message_rate,
  keepalive_timeout,
  slow_reader,
  evicted,
  count_  // not a reason: how many there are
};

/// The closed list of causes; which go with which reason is told by `refusals()`.
enum class Cause : std::uint8_t {
  none,
  // ip_denied
  not_allowed,
  denied,
  // rate_limited, too_many_connections
  per_ip,
  total,
  handshakes,
  descriptors,
  // bad_proxy_header
  missing,
  no_address,
  // not_tls, not_mqtt: what it was instead
  mqtt,
  http,
  http_connect,
  websocket,
  tls,
  ssh,
  rdp,
  smb,
  socks,
  redis,
  telnet,
  adb,
  sslv2,
  proxy_header,
  binary,
  text,
  // timeouts and early ends
  no_data,
  partial,
  in_hello,
  in_handshake,
  after_handshake,
  in_connect,
  reset,
  // tls_handshake_failed
  version,
  cipher,
  malformed,
  alpn,
  peer_alert,
  other,
  // tls_misuse
  renegotiation,
  key_update,
  bad_record,
  alert_flood,
  // packet_before_connect, malformed_packet: the packet's type
  type_reserved,
  type_connect,
  type_connack,
  type_publish,
  type_puback,
  type_pubrec,
  type_pubrel,
  type_pubcomp,
  type_subscribe,
  type_suback,
  type_unsubscribe,
  type_unsuback,
  type_pingreq,
  type_pingresp,
  type_disconnect,
  type_auth,
  // malformed_connect
  header_flags,
  length,
  protocol_name,
  flags,
  utf8,
  will,
  property,
  trailing,
  // unsupported_version
  mqtt31,
  mqtt311,
  mqtt5,
  bridge,
  unknown,
  // client_id_denied
  empty,
  characters,
  pattern,
  shield,  // of not_authorized and acl_denied as well
  in_use,
  // anonymous
  no_user,
  no_password,
  // bad_credentials: told apart in logs only
  user,
  password,
  // not_authorized
  source,
  role,
  // will_denied
  topic,
  retain,
  qos,
  // session_denied
  keep_alive,
  // auth_overloaded
  queue_full,
  queue_timeout,
  // upstream_unavailable
  refused,
  timeout,
  stalled,
  // upstream_refused: by the broker's own CONNACK code
  code_version,
  code_client_id,
  code_unavailable,
  code_credentials,
  code_not_authorized,
  code_other,
  // upstream_malformed
  connack,
  packet,
  // protocol_error
  second_connect,
  direction,
  after_disconnect,
  packet_id,
  alias,
  receive_maximum,
  not_available,
  auth,
  // limit_exceeded
  topic_length,
  topic_levels,
  filters,
  subscriptions,
  properties,
  in_flight,
  retained,
  expiry,
  // acl_denied, beside publish and subscribe
  receive,
  // keepalive_timeout
  silent,
  // evicted
  shutdown,
  reload,
  count_  // not a cause
};

/// What a Reason means to those who see it.
struct ReasonInfo {
  std::string_view label;  ///< snake_case, public: metrics, logs, reports
  std::string_view text;   ///< one clause for a person
  Stage stage;
  /// CONNACK return code for MQTT 3.1 and 3.1.1 (OASIS 3.1.1, table 3.1); nothing: close without an answer.
  std::optional<std::uint8_t> v3_return_code;
  /// MQTT 5 reason code of most of its causes, see v5_code_of(): in CONNACK up to stage `upstream`, in DISCONNECT in stage
  /// `session`; nothing: close silently.
  std::optional<std::uint8_t> v5_reason_code;
  bool counts_towards_ban;  ///< of most of its causes; counts_towards_ban() knows them all
};

[[nodiscard]] const ReasonInfo& info(Reason reason);
[[nodiscard]] std::string_view label(Reason reason);
[[nodiscard]] std::string_view label(Cause cause);  ///< empty for Cause::none
[[nodiscard]] std::string_view label(Stage stage);
[[nodiscard]] std::optional<Reason> reason_from_label(std::string_view label);

/// Why a connection or a packet was refused: a pair out of `refusals()`.
struct Refusal {
  Reason reason;
  Cause cause = Cause::none;
  friend constexpr bool operator==(const Refusal&, const Refusal&) = default;
};

/// The cause under which a refusal is counted and shown, but for logs: one for unknown users and wrong passwords.
[[nodiscard]] std::string_view counted_as(Refusal refusal);
/// What it means and what usually brings it about, as a clause for a person. A pair that is none has that of its reason's
/// first.
[[nodiscard]] std::string_view meaning(Refusal refusal);
/// The reason's MQTT 5 code, but where its cause has a better one; nothing: close silently.
[[nodiscard]] std::optional<std::uint8_t> v5_code_of(Refusal refusal);

/// What is kept from going through without an end of the session: a message that is not allowed, a filter that gets its
/// failure code, a message on its way to a client that may not receive it. Counted apart from refusals.
enum class Denied : std::uint8_t { publish, subscribe, receive, count_ };
inline constexpr std::size_t denied_count = static_cast<std::size_t>(Denied::count_);
[[nodiscard]] std::string_view label(Denied denied);

/// Whether a refusal is a mark against its source (a peer's own alert and a version that is merely switched off are
/// not, though their reasons are).
[[nodiscard]] bool counts_towards_ban(Refusal refusal);

/// Whether a client that is refused for this could go on all the same: what `mode = "observe"` lets through. Not where there
/// is nothing that could go on (bad TLS, a malformed packet), nor where a limit keeps the gate itself standing.
[[nodiscard]] bool can_be_observed(Refusal refusal);

/// Every legal pair, ordered by reason. Its size is the number of refusal counters of a listener.
[[nodiscard]] std::span<const Refusal> refusals();
/// The index of a pair in `refusals()`; a pair that is not there counts as its reason's first. That is meant for
/// `bad_credentials{user|password}`, which only logs tell apart, and a bug for all others.
[[nodiscard]] std::size_t index_of(Refusal refusal);

/// Every refusal as Markdown, as `docs/refusals.md` holds it.
[[nodiscard]] std::string refusal_reference();

}  // namespace bastion
