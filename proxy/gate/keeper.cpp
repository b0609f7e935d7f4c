// The counters every few seconds, in memory and on disk.
#include "proxy/gate/keeper.hpp"

#include <utility>

#include "proxy/gate/clock.hpp"

namespace bastion::gate {
namespace {

/// How often the counters are looked at.
constexpr std::chrono::seconds tick{5};

}  // namespace

Keeper::Keeper(net::IoContext& home, Census& census, Say say)
    : home_{home}, census_{census}, say_{std::move(say)}, timer_{home} {}

std::optional<Complaint> Keeper::load(const std::optional<Located<std::string>>& directory) {
  if (directory) {
    file_.emplace(home_, directory->value);
    if (file_->claim() == StateFile::Claim::anothers) {
      return Complaint{directory->where,
                       "another gate keeps its counters in \"" + directory->value + "\"; give each a state_dir of its own",
                       false};
    }
    auto loaded = file_->load();
    if (const auto* fault = std::get_if<std::string>(&loaded)) {
      say_(LogLevel::warning, *fault);
    } else if (auto* counters = std::get_if<account::Counters>(&loaded)) {
      keeping_.saved_seconds = static_cast<double>(counters->saved_s);
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

void Keeper::save(const Totals& totals, const account::Tally& sum, net::Clock::time_point now) {
  const auto now_s = unix_time_s();
  file_->save(account::counters_text({totals.by_listener, now_s}), [=, this](const std::string& fault) {
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
  saved(file_->save_now(account::counters_text({census_.take_now().by_listener, now_s})), now_s);
}

std::optional<account::GateFacts::Keeping> Keeper::keeping() const {
  if (!file_) return std::nullopt;
  return keeping_;
}

}  // namespace bastion::gate
