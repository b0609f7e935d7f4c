// What all workers have counted, added up, with what was counted before this start.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/account/counters_file.hpp"
#include "proxy/account/sources.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/worker.hpp"

namespace bastion::gate {

struct Totals {
  std::map<std::string, account::Tally> by_listener;
  std::vector<account::Source> refused, observed;  ///< of each worker, not yet merged
  std::uint64_t accept_errors = 0;

  /// Of all listeners.
  [[nodiscard]] account::Tally sum() const;
};

/// On the server's thread. Outlives no worker.
class Census {
 public:
  using Workers = std::vector<std::unique_ptr<Worker>>;

  Census(net::IoContext& home, const Workers& workers) : home_{home}, workers_{workers} {}
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  /// What an earlier run of the gate has counted.
  void begin_with(account::Counters earlier) { earlier_ = std::move(earlier.by_listener); }

  /// Asks every worker; `reply` is called on the server's thread.
  void take(std::function<void(const Totals&)> reply);
  /// Once all workers' threads have ended.
  [[nodiscard]] Totals take_now() const;

  /// Remembers a total, for recent(). Called every few seconds.
  void remember(const account::Tally& sum, net::Clock::time_point now);
  struct Recent {
    account::Tally counted;
    std::chrono::seconds time{0};  ///< 0: nothing is remembered yet
  };
  /// What was counted in the last minute.
  [[nodiscard]] Recent recent(const account::Tally& sum, net::Clock::time_point now) const;

 private:
  struct Gathering;
  struct Remembered {
    account::Tally sum;
    net::Clock::time_point at;
  };
  [[nodiscard]] Totals beginning() const;

  net::IoContext& home_;
  const Workers& workers_;
  std::map<std::string, account::Tally> earlier_;
  std::deque<Remembered> remembered_;  ///< oldest first, a minute of it
};

}  // namespace bastion::gate
