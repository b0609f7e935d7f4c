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

template <class Counters>
void subtract(Counters& from, const Counters& what) {
  std::transform(from.begin(), from.end(), what.begin(), from.begin(), std::minus<>{});
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

namespace {

constexpr std::array counters{&Tally::accepted,    &Tally::tls_handshakes,    &Tally::tls_resumptions,
                              &Tally::admitted,    &Tally::upstream_connects, &Tally::would_refuse_connections,
                              &Tally::bytes_up,    &Tally::bytes_down,        &Tally::packets_up,
                              &Tally::packets_down};

}  // namespace

void Tally::merge(const Tally& other) {
  add(refusals, other.refusals);
  add(closes, other.closes);
  add(denied, other.denied);
  add(would_refuse, other.would_refuse);
  for (const auto counter : counters) this->*counter += other.*counter;
  connections += other.connections;
  sessions += other.sessions;
}

Tally Tally::since(const Tally& earlier) const {
  Tally out = *this;
  subtract(out.refusals, earlier.refusals);
  subtract(out.closes, earlier.closes);
  subtract(out.denied, earlier.denied);
  subtract(out.would_refuse, earlier.would_refuse);
  for (const auto counter : counters) out.*counter -= earlier.*counter;
  return out;
}

std::uint64_t Tally::events() const {
  return accepted - static_cast<std::uint64_t>(connections) + would_refuse_connections;
}

}  // namespace bastion::account
