// Keeping the counters: when they are written, and what is said where they can't be.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "policy/policy.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/census.hpp"
#include "proxy/gate/state_file.hpp"
#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// Asks all workers every few seconds, for what is recent, and has the counters on disk where the policy names a place. All
/// of it on the home thread.
class Keeper {
 public:
  using Say = std::function<void(LogLevel, const std::string&)>;
  using PolicyInForce = std::function<const Policy&()>;

  Keeper(net::IoContext& home, Census& census, PolicyInForce policy, Say say);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Goes on from what an earlier run has kept where the policy says, if it does. There must be no worker yet. A complaint
  /// where another gate keeps its counters there.
  [[nodiscard]] std::optional<Complaint> load();
  /// Looks, and keeps, every few seconds from now on.
  void look_later();
  /// Everything has ended, the workers' threads too: what is counted now is all there will ever be.
  void save_last();

  /// How that goes, for metrics; nothing where nothing is kept.
  [[nodiscard]] std::optional<account::GateFacts::Keeping> keeping() const;
  /// What is wrong with it; empty: nothing.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  [[nodiscard]] std::string text_of(const Totals& totals, std::int64_t now_s);
  void tell_of_former(const std::map<std::string, account::Tally>& by_listener);
  void save(const Totals& totals, const account::Tally& sum, net::Clock::time_point now);
  void saved(const std::string& fault, std::int64_t now_s);

  net::IoContext& home_;
  Census& census_;
  PolicyInForce policy_;
  Say say_;
  net::Timer timer_;
  std::optional<StateFile> file_;
  account::GateFacts::Keeping keeping_;
  std::string fault_;
  bool former_are_told_ = false;
  SavePace pace_;
};

}  // namespace bastion::gate
