// The counters every few seconds, in memory and on disk.
#include "proxy/gate/keeper.hpp"

#include <utility>
#include <vector>

#include "proxy/gate/clock.hpp"

namespace bastion::gate {
namespace {

/// How often the counters are looked at.
constexpr std::chrono::seconds tick{5};

std::vector<std::string> names_of(const std::vector<ListenerPolicy>& listeners) {
  std::vector<std::string> names;
  for (const auto& listener : listeners) names.push_back(listener.name);
  return names;
}

}  // namespace

Keeper::Keeper(net::IoContext& home, Census& census, PolicyInForce policy, Say say)
    : home_{home}, census_{census}, policy_{std::move(policy)}, say_{std::move(say)}, timer_{home} {}

std::optional<Complaint> Keeper::load() {
  const auto& directory = policy_().gate.state_dir;
  if (directory) {
    file_.emplace(home_, directory->value);
    if (file_->claim() == StateFile::Claim::anothers) {
      return Complaint{directory->where,
                       "another gate keeps its counters in \"" + directory->value + "\"; give each a state_dir of its own",
                       false};
    }
    auto loaded = file_->load(names_of(policy_().listeners));
    if (const auto* fault = std::get_if<std::string>(&loaded)) {
      say_(LogLevel::warning, *fault);
    } else if (auto* counters = std::get_if<account::Counters>(&loaded)) {
      keeping_.saved_seconds = static_cast<double>(counters->saved_s);
      tell_of_former(counters->by_listener);
      census_.begin_with(std::move(*counters));
    }
  }
  census_.remember(census_.take_now().sum(), net::Clock::now());
  return std::nullopt;
}

void Keeper::look_later() {
  timer_.expires_after(tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    census_.take([this](const Totals& totals) {
      const auto sum = totals.sum();
      const auto now = net::Clock::now();
      census_.remember(sum, now);
      if (file_ && pace_.is_due(sum, now)) save(totals, sum, now);
      look_later();
    });
  });
}

/// Once: they are put together again and again until the gate has been restarted.
void Keeper::tell_of_former(const std::map<std::string, account::Tally>& by_listener) {
  if (former_are_told_ || by_listener.find(std::string{account::former_listeners}) == by_listener.end()) return;
  former_are_told_ = true;
  say_(LogLevel::warning, "more than " + std::to_string(account::listeners_kept_max) +
                              " listeners have been counted; those that the policy does not have are kept together, as \"" +
                              std::string{account::former_listeners} + '"');
}

std::string Keeper::text_of(const Totals& totals, std::int64_t now_s) {
  account::Counters counters{totals.by_listener, now_s};
  if (account::put_former_together(counters.by_listener, names_of(policy_().listeners)) > 0) {
    tell_of_former(counters.by_listener);
  }
  return account::counters_text(counters);
}

void Keeper::save(const Totals& totals, const account::Tally& sum, net::Clock::time_point now) {
  const auto now_s = unix_time_s();
  file_->save(text_of(totals, now_s), [=, this](const std::string& fault) {
    saved(fault, now_s);
    if (fault.empty()) {
      pace_.saved(sum, now);
    } else {
      pace_.failed();
    }
  });
}

/// A full disk is told once, not every five seconds.
void Keeper::saved(const std::string& fault, std::int64_t now_s) {
  if (fault.empty()) {
    if (!keeping_.ok) say_(LogLevel::info, "the counters can be kept again");
    keeping_.saved_seconds = static_cast<double>(now_s);
  } else {
    ++keeping_.failures;
    if (keeping_.ok) say_(LogLevel::warning, "the counters are not kept: " + fault);
  }
  keeping_.ok = fault.empty();
  fault_ = fault;
}

void Keeper::save_last() {
  if (!file_) return;
  const auto now_s = unix_time_s();
  saved(file_->save_now(text_of(census_.take_now(), now_s)), now_s);
}

std::optional<account::GateFacts::Keeping> Keeper::keeping() const {
  if (!file_) return std::nullopt;
  return keeping_;
}

}  // namespace bastion::gate
