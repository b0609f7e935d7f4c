// The table of reasons, and what follows from it; causes and refusals have tables of their own.
#include "policy/reason.hpp"

#include <array>

#include "policy/cause_table.hpp"
#include "policy/refusal_table.hpp"

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

    ReasonRow{Reason::bad_proxy_header,
              {"bad_proxy_header", "balancer does not say whose connection it is", Stage::origin, silent, silent, false}},

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
    ReasonRow{Reason::will_denied, {"will_denied", "will is not allowed", Stage::auth, Code{5}, Code{0x87}, false}},
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
    ReasonRow{Reason::limit_exceeded,
              {"limit_exceeded", "packet is over a limit of the policy", Stage::session, silent, Code{0x97}, false}},
    ReasonRow{Reason::acl_denied, {"acl_denied", "topic is not allowed", Stage::session, silent, Code{0x87}, false}},
    ReasonRow{Reason::message_rate,
              {"message_rate", "client sends more than it may", Stage::session, silent, Code{0x96}, false}},
    ReasonRow{Reason::keepalive_timeout,
              {"keepalive_timeout", "no whole packet within the keep alive", Stage::session, silent, Code{0x8d}, false}},
    ReasonRow{Reason::slow_reader,
              {"slow_reader", "client does not read what it is sent", Stage::session, silent, Code{0x97}, false}},
    ReasonRow{Reason::evicted, {"evicted", "gate ended the session", Stage::session, silent, Code{0x8b}, false}},
};

using cause_table::cause_rows;
using cause_table::CauseRow;
using refusal_table::log_only;
using refusal_table::pairs;

constexpr auto make_refusals() {
  std::array<Refusal, pairs.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = pairs[i].refusal;
  return out;
}
constexpr auto all_refusals = make_refusals();

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
  for (std::size_t i = 1; i < all_refusals.size(); ++i) {
    if (all_refusals[i].reason < all_refusals[i - 1].reason) return false;
  }
  return true;
}
static_assert(is_ordered_by_reason());

constexpr bool every_reason_has_a_pair() {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < all_refusals.size(); ++i) {
    if (i == 0 || all_refusals[i].reason != all_refusals[i - 1].reason) ++seen;
  }
  return seen == reason_count;
}
static_assert(every_reason_has_a_pair());

constexpr bool every_cause_is_used() {
  std::array<bool, cause_count> used{};
  for (const auto& refusal : all_refusals) used[at(refusal.cause)] = true;
  for (const auto& pair : log_only) used[at(pair.refusal.cause)] = true;
  for (const bool is_used : used) {
    if (!is_used) return false;
  }
  return true;
}
static_assert(every_cause_is_used());

constexpr bool every_pair_has_a_label_of_its_own() {
  for (std::size_t i = 0; i < all_refusals.size(); ++i) {
    for (std::size_t j = i + 1; j < all_refusals.size() && all_refusals[j].reason == all_refusals[i].reason; ++j) {
      if (cause_rows[at(all_refusals[i].cause)].label == cause_rows[at(all_refusals[j].cause)].label) return false;
    }
  }
  return true;
}
static_assert(every_pair_has_a_label_of_its_own());

using Index = std::array<std::array<std::uint8_t, cause_count>, reason_count>;
static_assert(all_refusals.size() <= 255);

constexpr Index make_index() {
  Index index{};
  for (std::size_t i = all_refusals.size(); i-- > 0;) {
    // Walking backwards, the last to fill the row is the reason's first pair: the fallback.
    for (auto& cell : index[at(all_refusals[i].reason)]) cell = static_cast<std::uint8_t>(i);
  }
  for (std::size_t i = 0; i < all_refusals.size(); ++i)
    index[at(all_refusals[i].reason)][at(all_refusals[i].cause)] = static_cast<std::uint8_t>(i);
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
    case Stage::origin:
      return "origin";
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

std::string_view label(Denied denied) {
  switch (denied) {
    case Denied::publish:
      return "publish";
    case Denied::subscribe:
      return "subscribe";
    case Denied::receive:
    case Denied::count_:
      break;
  }
  return "receive";
}

std::optional<Reason> reason_from_label(std::string_view label) {
  for (const auto& row : reason_rows) {
    if (row.info.label == label) return row.reason;
  }
  return std::nullopt;
}

std::string_view counted_as(Refusal refusal) {
  return refusal.reason == Reason::bad_credentials ? "credentials" : label(refusal.cause);
}

std::string_view meaning(Refusal refusal) {
  for (const auto& pair : log_only) {
    if (pair.refusal == refusal) return pair.meaning;
  }
  return pairs[index_of(refusal)].meaning;
}

std::optional<std::uint8_t> v5_code_of(Refusal refusal) {
  // Who names a user has tried to log in.
  constexpr std::uint8_t bad_user_name_or_password = 0x86;
  constexpr std::uint8_t retain_not_supported = 0x9a;
  constexpr std::uint8_t qos_not_supported = 0x9b;
  if (refusal == Refusal{Reason::anonymous, Cause::no_password}) return bad_user_name_or_password;
  if (refusal == Refusal{Reason::will_denied, Cause::retain}) return retain_not_supported;
  if (refusal == Refusal{Reason::will_denied, Cause::qos}) return qos_not_supported;
  return info(refusal.reason).v5_reason_code;
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
    case Reason::will_denied:
    case Reason::session_denied:
    case Reason::auth_overloaded:
    case Reason::packet_too_large:
    case Reason::keepalive_timeout:
    case Reason::slow_reader:
    case Reason::limit_exceeded:
    case Reason::acl_denied:
    case Reason::message_rate:
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
  return all_refusals;
}

std::size_t index_of(Refusal refusal) {
  if (at(refusal.reason) >= reason_count || at(refusal.cause) >= cause_count) return 0;
  return pair_index[at(refusal.reason)][at(refusal.cause)];
}

}  // namespace bastion
