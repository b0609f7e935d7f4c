// Plain counters of one listener on one worker; merged when somebody asks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/reason.hpp"
#include "proxy/account/ending.hpp"

namespace bastion::account {

/// What `observe` notes are no endings, and are counted apart: see note().
/// Owned by one worker and touched by its thread only. All values only grow, but for the gauges.
/// Always true between two events: accepted == sum of refusals + sum of closes + connections. accept() adds one to
/// `accepted` and to `connections`; count() takes it out of `connections`. `sessions` is the session's own: one more with
/// `admitted`, one less at its end.
struct Tally {
  std::vector<std::uint64_t> refusals = std::vector<std::uint64_t>(bastion::refusals().size());
  std::array<std::uint64_t, static_cast<std::size_t>(Close::count_)> closes{};
  std::array<std::uint64_t, denied_count> denied{};  ///< packets, filters and messages
  std::vector<std::uint64_t> would_refuse = std::vector<std::uint64_t>(bastion::refusals().size());
  std::uint64_t would_refuse_connections = 0;  ///< connections with at least one of these
  std::uint64_t accepted = 0;                  ///< connections that accept() returned
  std::uint64_t tls_handshakes = 0;            ///< done
  std::uint64_t tls_resumptions = 0;           ///< of these, by ticket
  std::uint64_t admitted = 0;                  ///< the broker answered CONNACK 0
  std::uint64_t upstream_connects = 0;         ///< times the broker was dialled
  std::uint64_t bytes_up = 0, bytes_down = 0;
  std::uint64_t packets_up = 0, packets_down = 0;
  std::int64_t connections = 0;  ///< gauge: open now
  std::int64_t sessions = 0;     ///< gauge: admitted and open now

  void count(const Ending& ending);  ///< the one place where an ending is counted; bytes are counted as they pass
  /// A refusal that is only observed; `first` of its connection.
  void note(Refusal refusal, bool first);
  void merge(const Tally& other);
  /// What was counted since an earlier copy of the same counters; gauges as they are now.
  [[nodiscard]] Tally since(const Tally& earlier) const;
  /// Connections that have ended, however; with refusals that were observed: what the account of the refused is made of.
  [[nodiscard]] std::uint64_t events() const;
};

/// One listener's tally under its name.
struct ListenerTally {
  std::string listener;
  Tally tally;
};

/// What is true of the whole gate.
struct GateFacts {
  std::string version;
  double start_time_seconds = 0;  ///< Unix time
  bool policy_reload_ok = true;   ///< the last reload
  double policy_reload_time_seconds = 0;
  std::uint64_t policy_reloads_ok = 0, policy_reloads_bad = 0;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t accept_errors = 0;
  std::uint64_t password_queue = 0;  ///< clients that wait for a verification
  struct Keeping {
    bool ok = true;            ///< the last time
    double saved_seconds = 0;  ///< Unix time
    std::uint64_t failures = 0;
  };
  std::optional<Keeping> keeping;  ///< of the counters on disk; nothing where the policy does not ask for it
  struct Certificate {
    std::string file_name;  ///< base name as configured
    double not_after_seconds = 0;
  };
  std::vector<Certificate> certificates;
  struct SandboxLayer {
    std::string_view label;
    bool holds = false;
  };
  std::vector<SandboxLayer> sandbox;  ///< what the gate has shut itself in with; empty: it has not
};

/// Prometheus text exposition format 0.0.4. Zero refusals are shown too, so that a rate can be taken from the first one on.
/// The causes of `bad_credentials` are one series, `cause="credentials"`: who reads metrics need not learn which users
/// exist. Each listener's name must stand in `listeners` once.
[[nodiscard]] std::string prometheus_text(const GateFacts& gate, std::span<const ListenerTally> listeners);

}  // namespace bastion::account
