// Counting endings and adding up the counters of workers.
#include "proxy/account/tally.hpp"

#include <algorithm>
#include <functional>

namespace bastion::account {
namespace {

template <class Counters>
void add(Counters& to, const Counters& from) {
  std::transform(to.begin(), to.end(), from.begin(), to.begin(), std::plus<>{});
}

}  // namespace

void Tally::count(const Ending& ending) {
  --connections;
  if (ending.refusal) {
    ++refusals[index_of(*ending.refusal)];
    return;
  }
  ++closes[static_cast<std::size_t>(ending.close)];
}

void Tally::note(Refusal refusal, bool first) {
  ++would_refuse[index_of(refusal)];
  if (first) ++would_refuse_connections;
}

void Tally::merge(const Tally& other) {
  add(refusals, other.refusals);
  add(closes, other.closes);
  add(would_refuse, other.would_refuse);
  would_refuse_connections += other.would_refuse_connections;
  accepted += other.accepted;
  tls_handshakes += other.tls_handshakes;
  tls_resumptions += other.tls_resumptions;
  admitted += other.admitted;
  upstream_connects += other.upstream_connects;
  bytes_up += other.bytes_up;
  bytes_down += other.bytes_down;
  packets_up += other.packets_up;
  packets_down += other.packets_down;
  connections += other.connections;
  sessions += other.sessions;
}

}  // namespace bastion::account
