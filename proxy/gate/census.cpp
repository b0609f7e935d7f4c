// Asking all workers and adding up what they say.
#include "proxy/gate/census.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace bastion::gate {
namespace {

constexpr std::int64_t recent_s = 60;

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

void Census::remember(const account::Tally& sum, std::int64_t now_s) {
  // A clock that was set makes nonsense of what is remembered.
  if (!remembered_.empty() && now_s < remembered_.back().at_s) remembered_.clear();
  while (remembered_.size() > 1 && remembered_[1].at_s <= now_s - recent_s) remembered_.pop_front();
  remembered_.push_back({sum, now_s});
}

Census::Recent Census::recent(const account::Tally& sum, std::int64_t now_s) const {
  if (remembered_.empty() || now_s <= remembered_.front().at_s) return {};
  return {sum.since(remembered_.front().sum), now_s - remembered_.front().at_s};
}

}  // namespace bastion::gate
