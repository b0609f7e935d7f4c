// How many log lines one source may cause in a minute.
#include <utility>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

constexpr std::chrono::minutes window{1};

}  // namespace

LinesPerSource::LinesPerSource(unsigned lines_max, std::size_t sources_max)
    : lines_max_{lines_max}, sources_max_{sources_max} {}

LinesPerSource::Decision LinesPerSource::decide(Entry& entry, Clock::time_point now) const {
  if (now - entry.since >= window) {
    entry.since = now;
    entry.lines = 0;
  }
  if (entry.lines >= lines_max_) {
    ++entry.left_out;
    return {false, 0};
  }
  ++entry.lines;
  return {true, std::exchange(entry.left_out, 0)};
}

LinesPerSource::Decision LinesPerSource::decide(const Address& source, Clock::time_point now) {
  const Address key = source.counted_as();
  if (const auto found = entries_.find(key); found != entries_.end()) {
    auto& [entry, place] = found->second;
    if (now - entry.since >= window) by_age_.splice(by_age_.end(), by_age_, place);
    return decide(entry, now);
  }
  if (!make_room(now)) return decide(others_, now);
  const auto place = by_age_.insert(by_age_.end(), key);
  return decide(entries_.emplace(key, Tracked{{now, 0, 0}, place}).first->second.entry, now);
}

bool LinesPerSource::make_room(Clock::time_point now) {
  if (entries_.size() < sources_max_) return true;
  if (by_age_.empty()) return false;
  const auto oldest = entries_.find(by_age_.front());
  if (now - oldest->second.entry.since < window) return false;
  // What nobody has swept yet is still told, if no longer by name.
  others_.left_out += oldest->second.entry.left_out;
  entries_.erase(oldest);
  by_age_.pop_front();
  return true;
}

std::vector<LinesPerSource::LeftOut> LinesPerSource::sweep(Clock::time_point now) {
  std::vector<LeftOut> left_out;
  while (!by_age_.empty()) {
    const auto oldest = entries_.find(by_age_.front());
    const Entry& entry = oldest->second.entry;
    if (now - entry.since < window) break;
    if (entry.left_out != 0) left_out.push_back({by_age_.front(), entry.left_out});
    entries_.erase(oldest);
    by_age_.pop_front();
  }
  if (others_.left_out != 0 && now - others_.since >= window) {
    left_out.push_back({Address{}, std::exchange(others_.left_out, 0)});
  }
  return left_out;
}

std::string text(const LinesPerSource::LeftOut& left_out, Lines kind) {
  const std::string whose = left_out.source == Address{} ? "other sources" : left_out.source.text();
  const std::string what = kind == Lines::refusals ? " more refusals of " : " more closed connections of ";
  return std::to_string(left_out.lines) + what + whose + " were left out";
}

}  // namespace bastion::account
