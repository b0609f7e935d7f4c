// Asking all workers and adding up what they say.
#include "proxy/gate/census.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace bastion::gate {
namespace {

constexpr std::chrono::seconds recent_time{60};

void add(Totals& totals, const WorkerCounts& counts) {
  for (const auto& entry : counts.listeners) totals.by_listener[entry.listener].merge(entry.tally);
  totals.refused.insert(totals.refused.end(), counts.refused.begin(), counts.refused.end());
  totals.observed.insert(totals.observed.end(), counts.observed.begin(), counts.observed.end());
  totals.accept_errors += counts.accept_errors;
}

}  // namespace

account::Tally Totals::sum() const {
  account::Tally out;
  for (const auto& [name, tally] : by_listener) out.merge(tally);
  return out;
}

/// Answers that come in from the workers, one after the other.
struct Census::Gathering {
  Totals totals;
  std::size_t missing;
  std::function<void(const Totals&)> reply;
};

Totals Census::beginning() const {
  Totals totals;
  totals.by_listener = earlier_;
  return totals;
}

void Census::take(std::function<void(const Totals&)> reply) {
  const auto gathering = std::make_shared<Gathering>(Gathering{beginning(), workers_.size(), std::move(reply)});
  for (const auto& worker : workers_) {
    worker->count([&home = home_, gathering](WorkerCounts counts) {
      boost::asio::post(home, [gathering, counts = std::move(counts)] {
        add(gathering->totals, counts);
        if (--gathering->missing == 0) gathering->reply(gathering->totals);
      });
    });
  }
}

Totals Census::take_now() const {
  auto totals = beginning();
  for (const auto& worker : workers_) add(totals, worker->counts());
  return totals;
}

void Census::remember(const account::Tally& sum, net::Clock::time_point now) {
  while (remembered_.size() > 1 && remembered_[1].at <= now - recent_time) remembered_.pop_front();
  remembered_.push_back({sum, now});
}

Census::Recent Census::recent(const account::Tally& sum, net::Clock::time_point now) const {
  if (remembered_.empty()) return {};
  const auto time = std::chrono::duration_cast<std::chrono::seconds>(now - remembered_.front().at);
  if (time.count() == 0) return {};
  return {sum.since(remembered_.front().sum), time};
}

}  // namespace bastion::gate
