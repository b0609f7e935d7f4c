// The table of reasons and causes: the one place where each is described.
#include "policy/reason.hpp"

#include <array>

namespace bastion {
namespace {

constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::count_);
constexpr std::size_t cause_count = static_cast<std::size_t>(Cause::count_);

constexpr std::size_t at(Reason reason) {
  return static_cast<std::size_t>(reason);
}
constexpr std::size_t at(Cause cause) {
  return static_cast<std::size_t>(cause);
}

using Code = std::optional<std::uint8_t>;
constexpr Code silent = std::nullopt;

struct ReasonRow {
  Reason reason;
  ReasonInfo info;
};

// Nothing before stage `connect` is answered in MQTT: an answer would only help a scanner. MQTT 3 has no server DISCONNECT.
constexpr std::array reason_rows{
    ReasonRow{Reason::ip_denied, {"ip_denied", "address is not allowed", Stage::accept, silent, silent, false}},
    ReasonRow{Reason::rate_limited, {"rate_limited", "address connects too often", Stage::accept, silent, silent, false}},
    ReasonRow{Reason::too_many_connections,
              {"too_many_connections", "too many connections are open", Stage::accept, silent, silent, false}},

    ReasonRow{Reason::not_tls, {"not_tls", "first bytes are not TLS", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::tls_timeout, {"tls_timeout", "TLS handshake was not done in time", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::closed_early,
              {"closed_early", "client left before it was admitted", Stage::tls, silent, silent, false}},
    ReasonRow{Reason::tls_handshake_failed,
              {"tls_handshake_failed", "TLS handshake failed", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::tls_misuse, {"tls_misuse", "TLS was misused", Stage::tls, silent, silent, true}},

    ReasonRow{Reason::not_mqtt, {"not_mqtt", "first bytes are not MQTT", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::packet_before_connect,
              {"packet_before_connect", "first packet is no CONNECT", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_timeout,
              {"connect_timeout", "no whole CONNECT came in time", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_too_large,
              {"connect_too_large", "CONNECT is larger than allowed", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_truncated,
              {"connect_truncated", "client left in the middle of its CONNECT", Stage::preamble, silent, silent, true}},

    ReasonRow{Reason::malformed_connect,
              {"malformed_connect", "CONNECT is malformed", Stage::connect, silent, Code{0x81}, true}},
    ReasonRow{Reason::unsupported_version,
              {"unsupported_version", "protocol version is not allowed", Stage::connect, Code{1}, Code{0x84}, true}},
    ReasonRow{Reason::client_id_denied,
              {"client_id_denied", "client identifier is not allowed", Stage::connect, Code{2}, Code{0x85}, true}},

    ReasonRow{Reason::anonymous, {"anonymous", "credentials are missing", Stage::auth, Code{5}, Code{0x87}, true}},
    ReasonRow{Reason::bad_credentials,
              {"bad_credentials", "user name or password is wrong", Stage::auth, Code{4}, Code{0x86}, true}},
    ReasonRow{Reason::auth_method_unsupported,
              {"auth_method_unsupported", "authentication method is not supported", Stage::auth, silent, Code{0x8c}, true}},
    ReasonRow{Reason::not_authorized,
              {"not_authorized", "user is not authorized here", Stage::auth, Code{5}, Code{0x87}, true}},
    ReasonRow{Reason::session_denied,
              {"session_denied", "session is not allowed as asked for", Stage::auth, Code{5}, Code{0x97}, false}},
    ReasonRow{Reason::auth_overloaded,
              {"auth_overloaded", "too many passwords wait to be verified", Stage::auth, Code{3}, Code{0x89}, false}},

    ReasonRow{Reason::upstream_unavailable,
              {"upstream_unavailable", "broker can't be reached", Stage::upstream, Code{3}, Code{0x88}, false}},
    ReasonRow{Reason::upstream_refused,
              {"upstream_refused", "broker refused the client", Stage::upstream, silent, silent, false}},
    ReasonRow{Reason::upstream_malformed,
              {"upstream_malformed", "broker sent nonsense", Stage::upstream, silent, Code{0x80}, false}},

    ReasonRow{Reason::malformed_packet,
              {"malformed_packet", "packet is malformed", Stage::session, silent, Code{0x81}, true}},
    ReasonRow{Reason::protocol_error,
              {"protocol_error", "packet is not allowed by the protocol", Stage::session, silent, Code{0x82}, true}},
    ReasonRow{Reason::packet_too_large,
              {"packet_too_large", "packet is larger than allowed", Stage::session, silent, Code{0x95}, true}},
    ReasonRow{Reason::keepalive_timeout,
              {"keepalive_timeout", "no whole packet within the keep alive", Stage::session, silent, Code{0x8d}, false}},
    ReasonRow{Reason::slow_reader,
              {"slow_reader", "client does not read what it is sent", Stage::session, silent, Code{0x97}, false}},
    ReasonRow{Reason::evicted, {"evicted", "gate ended the session", Stage::session, silent, Code{0x8b}, false}},
};

struct CauseRow {
  Cause cause;
  std::string_view label;
};

constexpr std::array cause_rows{
    CauseRow{Cause::none, ""},
    CauseRow{Cause::not_allowed, "not_allowed"},
    CauseRow{Cause::denied, "denied"},
    CauseRow{Cause::per_ip, "per_ip"},
    CauseRow{Cause::total, "total"},
    CauseRow{Cause::handshakes, "handshakes"},
    CauseRow{Cause::descriptors, "descriptors"},
    CauseRow{Cause::mqtt, "mqtt"},
    CauseRow{Cause::http, "http"},
    CauseRow{Cause::http_connect, "http_connect"},
    CauseRow{Cause::websocket, "websocket"},
    CauseRow{Cause::tls, "tls"},
    CauseRow{Cause::ssh, "ssh"},
    CauseRow{Cause::rdp, "rdp"},
    CauseRow{Cause::smb, "smb"},
    CauseRow{Cause::socks, "socks"},
    CauseRow{Cause::redis, "redis"},
    CauseRow{Cause::telnet, "telnet"},
    CauseRow{Cause::adb, "adb"},
    CauseRow{Cause::sslv2, "sslv2"},
    CauseRow{Cause::proxy_header, "proxy_header"},
    CauseRow{Cause::binary, "binary"},
    CauseRow{Cause::text, "text"},
    CauseRow{Cause::no_data, "no_data"},
    CauseRow{Cause::partial, "partial"},
    CauseRow{Cause::in_hello, "in_hello"},
    CauseRow{Cause::in_handshake, "in_handshake"},
    CauseRow{Cause::after_handshake, "after_handshake"},
    CauseRow{Cause::in_connect, "in_connect"},
    CauseRow{Cause::reset, "reset"},
    CauseRow{Cause::version, "version"},
    CauseRow{Cause::cipher, "cipher"},
    CauseRow{Cause::malformed, "malformed"},
    CauseRow{Cause::alpn, "alpn"},
    CauseRow{Cause::peer_alert, "peer_alert"},
    CauseRow{Cause::other, "other"},
    CauseRow{Cause::renegotiation, "renegotiation"},
    CauseRow{Cause::key_update, "key_update"},
    CauseRow{Cause::bad_record, "bad_record"},
    CauseRow{Cause::alert_flood, "alert_flood"},
    CauseRow{Cause::type_reserved, "reserved"},
    CauseRow{Cause::type_connect, "connect"},
    CauseRow{Cause::type_connack, "connack"},
    CauseRow{Cause::type_publish, "publish"},
    CauseRow{Cause::type_puback, "puback"},
    CauseRow{Cause::type_pubrec, "pubrec"},
    CauseRow{Cause::type_pubrel, "pubrel"},
    CauseRow{Cause::type_pubcomp, "pubcomp"},
    CauseRow{Cause::type_subscribe, "subscribe"},
    CauseRow{Cause::type_suback, "suback"},
    CauseRow{Cause::type_unsubscribe, "unsubscribe"},
    CauseRow{Cause::type_unsuback, "unsuback"},
    CauseRow{Cause::type_pingreq, "pingreq"},
    CauseRow{Cause::type_pingresp, "pingresp"},
    CauseRow{Cause::type_disconnect, "disconnect"},
    CauseRow{Cause::type_auth, "auth"},
    CauseRow{Cause::header_flags, "header_flags"},
    CauseRow{Cause::length, "length"},
    CauseRow{Cause::protocol_name, "protocol_name"},
    CauseRow{Cause::flags, "flags"},
    CauseRow{Cause::utf8, "utf8"},
    CauseRow{Cause::will, "will"},
    CauseRow{Cause::property, "property"},
    CauseRow{Cause::trailing, "trailing"},
    CauseRow{Cause::mqtt31, "mqtt31"},
    CauseRow{Cause::mqtt311, "mqtt311"},
    CauseRow{Cause::mqtt5, "mqtt5"},
    CauseRow{Cause::bridge, "bridge"},
    CauseRow{Cause::unknown, "unknown"},
    CauseRow{Cause::empty, "empty"},
    CauseRow{Cause::characters, "characters"},
    CauseRow{Cause::pattern, "pattern"},
    CauseRow{Cause::no_user, "no_user"},
    CauseRow{Cause::no_password, "no_password"},
    CauseRow{Cause::user, "user"},
    CauseRow{Cause::password, "password"},
    CauseRow{Cause::source, "source"},
    CauseRow{Cause::role, "role"},
    CauseRow{Cause::keep_alive, "keep_alive"},
    CauseRow{Cause::queue_full, "queue_full"},
    CauseRow{Cause::queue_timeout, "queue_timeout"},
    CauseRow{Cause::refused, "refused"},
    CauseRow{Cause::timeout, "timeout"},
    CauseRow{Cause::stalled, "stalled"},
    CauseRow{Cause::code_version, "version"},
    CauseRow{Cause::code_client_id, "client_id"},
    CauseRow{Cause::code_unavailable, "unavailable"},
    CauseRow{Cause::code_credentials, "credentials"},
    CauseRow{Cause::code_not_authorized, "not_authorized"},
    CauseRow{Cause::code_other, "other"},
    CauseRow{Cause::connack, "connack"},
    CauseRow{Cause::packet, "packet"},
    CauseRow{Cause::second_connect, "second_connect"},
    CauseRow{Cause::direction, "direction"},
    CauseRow{Cause::after_disconnect, "after_disconnect"},
    CauseRow{Cause::silent, "silent"},
    CauseRow{Cause::shutdown, "shutdown"},
    CauseRow{Cause::reload, "reload"},
};

constexpr std::array pairs{
    Refusal{Reason::ip_denied, Cause::not_allowed},
    Refusal{Reason::ip_denied, Cause::denied},

    Refusal{Reason::rate_limited, Cause::per_ip},

    Refusal{Reason::too_many_connections, Cause::per_ip},
    Refusal{Reason::too_many_connections, Cause::total},
    Refusal{Reason::too_many_connections, Cause::handshakes},
    Refusal{Reason::too_many_connections, Cause::descriptors},

    Refusal{Reason::not_tls, Cause::mqtt},
    Refusal{Reason::not_tls, Cause::http},
    Refusal{Reason::not_tls, Cause::http_connect},
    Refusal{Reason::not_tls, Cause::websocket},
    Refusal{Reason::not_tls, Cause::ssh},
    Refusal{Reason::not_tls, Cause::rdp},
    Refusal{Reason::not_tls, Cause::smb},
    Refusal{Reason::not_tls, Cause::socks},
    Refusal{Reason::not_tls, Cause::redis},
    Refusal{Reason::not_tls, Cause::telnet},
    Refusal{Reason::not_tls, Cause::adb},
    Refusal{Reason::not_tls, Cause::sslv2},
    Refusal{Reason::not_tls, Cause::proxy_header},
    Refusal{Reason::not_tls, Cause::binary},
    Refusal{Reason::not_tls, Cause::text},

    Refusal{Reason::tls_timeout, Cause::no_data},
    Refusal{Reason::tls_timeout, Cause::partial},

    Refusal{Reason::closed_early, Cause::no_data},
    Refusal{Reason::closed_early, Cause::in_hello},
    Refusal{Reason::closed_early, Cause::in_handshake},
    Refusal{Reason::closed_early, Cause::after_handshake},
    Refusal{Reason::closed_early, Cause::in_connect},
    Refusal{Reason::closed_early, Cause::reset},

    Refusal{Reason::tls_handshake_failed, Cause::version},
    Refusal{Reason::tls_handshake_failed, Cause::cipher},
    Refusal{Reason::tls_handshake_failed, Cause::malformed},
    Refusal{Reason::tls_handshake_failed, Cause::alpn},
    Refusal{Reason::tls_handshake_failed, Cause::peer_alert},
    Refusal{Reason::tls_handshake_failed, Cause::other},

    Refusal{Reason::tls_misuse, Cause::renegotiation},
    Refusal{Reason::tls_misuse, Cause::key_update},
    Refusal{Reason::tls_misuse, Cause::bad_record},
    Refusal{Reason::tls_misuse, Cause::alert_flood},

    Refusal{Reason::not_mqtt, Cause::http},
    Refusal{Reason::not_mqtt, Cause::http_connect},
    Refusal{Reason::not_mqtt, Cause::websocket},
    Refusal{Reason::not_mqtt, Cause::tls},
    Refusal{Reason::not_mqtt, Cause::ssh},
    Refusal{Reason::not_mqtt, Cause::rdp},
    Refusal{Reason::not_mqtt, Cause::smb},
    Refusal{Reason::not_mqtt, Cause::socks},
    Refusal{Reason::not_mqtt, Cause::redis},
    Refusal{Reason::not_mqtt, Cause::telnet},
    Refusal{Reason::not_mqtt, Cause::adb},
    Refusal{Reason::not_mqtt, Cause::sslv2},
    Refusal{Reason::not_mqtt, Cause::proxy_header},
    Refusal{Reason::not_mqtt, Cause::text},
    Refusal{Reason::not_mqtt, Cause::binary},

    Refusal{Reason::packet_before_connect, Cause::type_connack},
    Refusal{Reason::packet_before_connect, Cause::type_publish},
    Refusal{Reason::packet_before_connect, Cause::type_puback},
    Refusal{Reason::packet_before_connect, Cause::type_pubrec},
    Refusal{Reason::packet_before_connect, Cause::type_pubrel},
    Refusal{Reason::packet_before_connect, Cause::type_pubcomp},
    Refusal{Reason::packet_before_connect, Cause::type_subscribe},
    Refusal{Reason::packet_before_connect, Cause::type_suback},
    Refusal{Reason::packet_before_connect, Cause::type_unsubscribe},
    Refusal{Reason::packet_before_connect, Cause::type_unsuback},
    Refusal{Reason::packet_before_connect, Cause::type_pingreq},
    Refusal{Reason::packet_before_connect, Cause::type_pingresp},
    Refusal{Reason::packet_before_connect, Cause::type_disconnect},
    Refusal{Reason::packet_before_connect, Cause::type_auth},

    Refusal{Reason::connect_timeout, Cause::no_data},
    Refusal{Reason::connect_timeout, Cause::partial},

    Refusal{Reason::connect_too_large, Cause::none},

    Refusal{Reason::connect_truncated, Cause::none},

    Refusal{Reason::malformed_connect, Cause::header_flags},
    Refusal{Reason::malformed_connect, Cause::length},
    Refusal{Reason::malformed_connect, Cause::protocol_name},
    Refusal{Reason::malformed_connect, Cause::flags},
    Refusal{Reason::malformed_connect, Cause::utf8},
    Refusal{Reason::malformed_connect, Cause::will},
    Refusal{Reason::malformed_connect, Cause::property},
    Refusal{Reason::malformed_connect, Cause::trailing},

    Refusal{Reason::unsupported_version, Cause::mqtt31},
    Refusal{Reason::unsupported_version, Cause::mqtt311},
    Refusal{Reason::unsupported_version, Cause::mqtt5},
    Refusal{Reason::unsupported_version, Cause::bridge},
    Refusal{Reason::unsupported_version, Cause::unknown},

    Refusal{Reason::client_id_denied, Cause::empty},
    Refusal{Reason::client_id_denied, Cause::length},
    Refusal{Reason::client_id_denied, Cause::characters},
    Refusal{Reason::client_id_denied, Cause::pattern},

    Refusal{Reason::anonymous, Cause::no_user},
    Refusal{Reason::anonymous, Cause::no_password},

    // One counter: metrics must not tell an unknown user from a wrong password. See `log_only` below.
    Refusal{Reason::bad_credentials, Cause::none},

    Refusal{Reason::auth_method_unsupported, Cause::none},

    Refusal{Reason::not_authorized, Cause::source},
    Refusal{Reason::not_authorized, Cause::role},

    Refusal{Reason::session_denied, Cause::keep_alive},

    Refusal{Reason::auth_overloaded, Cause::queue_full},
    Refusal{Reason::auth_overloaded, Cause::queue_timeout},

    Refusal{Reason::upstream_unavailable, Cause::refused},
    Refusal{Reason::upstream_unavailable, Cause::timeout},
    Refusal{Reason::upstream_unavailable, Cause::reset},
    Refusal{Reason::upstream_unavailable, Cause::stalled},
    Refusal{Reason::upstream_unavailable, Cause::other},

    Refusal{Reason::upstream_refused, Cause::code_version},
    Refusal{Reason::upstream_refused, Cause::code_client_id},
    Refusal{Reason::upstream_refused, Cause::code_unavailable},
    Refusal{Reason::upstream_refused, Cause::code_credentials},
    Refusal{Reason::upstream_refused, Cause::code_not_authorized},
    Refusal{Reason::upstream_refused, Cause::code_other},

    Refusal{Reason::upstream_malformed, Cause::connack},
    Refusal{Reason::upstream_malformed, Cause::packet},

    Refusal{Reason::malformed_packet, Cause::type_reserved},
    Refusal{Reason::malformed_packet, Cause::type_connect},
    Refusal{Reason::malformed_packet, Cause::type_connack},
    Refusal{Reason::malformed_packet, Cause::type_publish},
    Refusal{Reason::malformed_packet, Cause::type_puback},
    Refusal{Reason::malformed_packet, Cause::type_pubrec},
    Refusal{Reason::malformed_packet, Cause::type_pubrel},
    Refusal{Reason::malformed_packet, Cause::type_pubcomp},
    Refusal{Reason::malformed_packet, Cause::type_subscribe},
    Refusal{Reason::malformed_packet, Cause::type_suback},
    Refusal{Reason::malformed_packet, Cause::type_unsubscribe},
    Refusal{Reason::malformed_packet, Cause::type_unsuback},
    Refusal{Reason::malformed_packet, Cause::type_pingreq},
    Refusal{Reason::malformed_packet, Cause::type_pingresp},
    Refusal{Reason::malformed_packet, Cause::type_disconnect},
    Refusal{Reason::malformed_packet, Cause::type_auth},

    Refusal{Reason::protocol_error, Cause::second_connect},
    Refusal{Reason::protocol_error, Cause::direction},
    Refusal{Reason::protocol_error, Cause::after_disconnect},

    Refusal{Reason::packet_too_large, Cause::none},

    Refusal{Reason::keepalive_timeout, Cause::silent},
    Refusal{Reason::keepalive_timeout, Cause::partial},

    Refusal{Reason::slow_reader, Cause::none},

    Refusal{Reason::evicted, Cause::shutdown},
    Refusal{Reason::evicted, Cause::reload},
};

/// Causes that stand in log lines only and are counted as their reason's first pair.
constexpr std::array log_only{Refusal{Reason::bad_credentials, Cause::user},
                              Refusal{Reason::bad_credentials, Cause::password}};

template <class Rows, class Member>
constexpr bool stands_in_order(const Rows& rows, Member member) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (at(rows[i].*member) != i) return false;
  }
  return true;
}
static_assert(reason_rows.size() == reason_count && stands_in_order(reason_rows, &ReasonRow::reason));
static_assert(cause_rows.size() == cause_count && stands_in_order(cause_rows, &CauseRow::cause));

constexpr bool is_ordered_by_reason() {
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    if (pairs[i].reason < pairs[i - 1].reason) return false;
  }
  return true;
}
static_assert(is_ordered_by_reason());

constexpr bool every_reason_has_a_pair() {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i == 0 || pairs[i].reason != pairs[i - 1].reason) ++seen;
  }
  return seen == reason_count;
}
static_assert(every_reason_has_a_pair());

constexpr bool every_cause_is_used() {
  std::array<bool, cause_count> used{};
  for (const auto& pair : pairs) used[at(pair.cause)] = true;
  for (const auto& pair : log_only) used[at(pair.cause)] = true;
  for (const bool is_used : used) {
    if (!is_used) return false;
  }
  return true;
}
static_assert(every_cause_is_used());

constexpr bool every_pair_has_a_label_of_its_own() {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t j = i + 1; j < pairs.size() && pairs[j].reason == pairs[i].reason; ++j) {
      if (cause_rows[at(pairs[i].cause)].label == cause_rows[at(pairs[j].cause)].label) return false;
    }
  }
  return true;
}
static_assert(every_pair_has_a_label_of_its_own());

using Index = std::array<std::array<std::uint8_t, cause_count>, reason_count>;
static_assert(pairs.size() <= 255);

constexpr Index make_index() {
  Index index{};
  for (std::size_t i = pairs.size(); i-- > 0;) {
    // Walking backwards, the last to fill the row is the reason's first pair: the fallback.
    for (auto& cell : index[at(pairs[i].reason)]) cell = static_cast<std::uint8_t>(i);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i)
    index[at(pairs[i].reason)][at(pairs[i].cause)] = static_cast<std::uint8_t>(i);
  return index;
}
constexpr Index pair_index = make_index();

}  // namespace

const ReasonInfo& info(Reason reason) {
  return reason_rows[at(reason) < reason_count ? at(reason) : 0].info;
}

std::string_view label(Reason reason) {
  return info(reason).label;
}

std::string_view label(Cause cause) {
  return at(cause) < cause_count ? cause_rows[at(cause)].label : std::string_view{};
}

std::string_view label(Stage stage) {
  switch (stage) {
    case Stage::accept:
      return "accept";
    case Stage::tls:
      return "tls";
    case Stage::preamble:
      return "preamble";
    case Stage::connect:
      return "connect";
    case Stage::auth:
      return "auth";
    case Stage::upstream:
      return "upstream";
    case Stage::session:
      return "session";
  }
  return {};
}

std::optional<Reason> reason_from_label(std::string_view label) {
  for (const auto& row : reason_rows) {
    if (row.info.label == label) return row.reason;
  }
  return std::nullopt;
}

bool counts_towards_ban(Refusal refusal) {
  if (refusal == Refusal{Reason::tls_handshake_failed, Cause::peer_alert}) return false;
  if (refusal.reason == Reason::unsupported_version) return refusal.cause == Cause::unknown;
  return info(refusal.reason).counts_towards_ban;
}

bool can_be_observed(Refusal refusal) {
  switch (refusal.reason) {
    case Reason::ip_denied:
    case Reason::rate_limited:
    case Reason::client_id_denied:
    case Reason::anonymous:
    case Reason::bad_credentials:
    case Reason::not_authorized:
    case Reason::session_denied:
    case Reason::auth_overloaded:
    case Reason::packet_too_large:
    case Reason::keepalive_timeout:
    case Reason::slow_reader:
      return true;
    case Reason::too_many_connections:
      return refusal.cause == Cause::per_ip;
    case Reason::unsupported_version:
      return refusal.cause != Cause::unknown;
    case Reason::upstream_malformed:
      return refusal.cause == Cause::packet;  // one that is merely too large
    default:
      return false;
  }
}

std::span<const Refusal> refusals() {
  return pairs;
}

std::size_t index_of(Refusal refusal) {
  if (at(refusal.reason) >= reason_count || at(refusal.cause) >= cause_count) return 0;
  return pair_index[at(refusal.reason)][at(refusal.cause)];
}

}  // namespace bastion
