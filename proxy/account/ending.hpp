// How a connection ended: exactly one of these for each connection that was accepted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/facts.hpp"
#include "policy/reason.hpp"

namespace bastion::account {

/// The ends that are nobody's refusal.
enum class Close : std::uint8_t {
  client_disconnect,  ///< DISCONNECT, then the end of the stream
  client_gone,        ///< the client closed or reset without DISCONNECT, after it was admitted
  upstream_closed,    ///< the broker closed or reset an admitted session
  balancer_check,     ///< a balancer's own connection, as its health checks make them: nobody's
  fault,              ///< a bug of the gate: an exception ended the session
  count_
};
[[nodiscard]] std::string_view label(Close close);

/// One connection's end, with what its log line tells. Strings are the client's own bytes, whole, not yet
/// escaped.
struct Ending {
  std::optional<Refusal> refusal;  ///< nothing: `close` says how
  /// The first thing for which enforcing would have refused this connection, where the policy is only observed.
  std::optional<Refusal> would_refuse;
  Close close = Close::client_gone;

  Origin origin;
  std::optional<Address> via;  ///< the balancer that told the origin
  std::int64_t duration_ms = 0;
  std::uint64_t bytes_up = 0;  ///< client to broker, MQTT bytes
  std::uint64_t bytes_down = 0;
  std::optional<MqttVersion> version;
  std::string client_id;
  std::string user_name;
  bool user_is_known = false;  ///< stands in the password file: may be shown; others are shown masked
  std::string tls_version;     ///< "TLSv1.3", or empty
  std::string role;
  std::string detail;  ///< for the log only: the TLS library's words, an errno, the topic of a will
};

}  // namespace bastion::account
