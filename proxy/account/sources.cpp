// The summary of who is refused most: a heap with the least on top, and a map into it.
#include "proxy/account/sources.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace bastion::account {

Sources::Sources(std::uint64_t hash_key, std::size_t places)
    : places_{std::max<std::size_t>(places, 1)}, place_of_{0, KeyedAddressHash{hash_key}} {}

void Sources::add(const Address& address, Refusal refusal, std::int64_t now_s) {
  const auto source = address.counted_as();
  auto found = place_of_.find(source);
  if (found == place_of_.end()) {
    if (heap_.size() < places_) {
      found = place_of_.emplace(source, heap_.size()).first;
      heap_.push_back({source});
      rise(heap_.size() - 1);
    } else {
      auto& least = heap_.front();
      auto node = place_of_.extract(least.address);
      node.key() = source;
      found = place_of_.insert(std::move(node)).position;
      least = {source, least.refusals, least.refusals};
    }
  }
  auto& entry = heap_[found->second];
  ++entry.refusals;
  entry.last = refusal;
  entry.last_s = now_s;
  sink(found->second);
}

void Sources::exchange(std::size_t a, std::size_t b) {
  std::swap(heap_[a], heap_[b]);
  place_of_[heap_[a].address] = a;
  place_of_[heap_[b].address] = b;
}

void Sources::sink(std::size_t place) {
  for (;;) {
    auto least = place;
    for (const auto child : {2 * place + 1, 2 * place + 2}) {
      if (child < heap_.size() && heap_[child].refusals < heap_[least].refusals) least = child;
    }
    if (least == place) return;
    exchange(place, least);
    place = least;
  }
}

void Sources::rise(std::size_t place) {
  while (place > 0) {
    const auto parent = (place - 1) / 2;
    if (heap_[parent].refusals <= heap_[place].refusals) return;
    exchange(place, parent);
    place = parent;
  }
}

std::vector<Source> most_refused(std::span<const Source> of_all, std::size_t count) {
  std::map<Address, Source> merged;
  for (const auto& source : of_all) {
    const auto [at, is_new] = merged.emplace(source.address, source);
    if (is_new) continue;
    auto& sum = at->second;
    sum.refusals += source.refusals;
    sum.overcount += source.overcount;
    if (source.last_s >= sum.last_s) {
      sum.last = source.last;
      sum.last_s = source.last_s;
    }
  }
  std::vector<Source> out;
  for (const auto& [address, source] : merged) {
    if (source.certain() > 0) out.push_back(source);
  }
  const auto shown = out.begin() + static_cast<std::ptrdiff_t>(std::min(count, out.size()));
  std::partial_sort(out.begin(), shown, out.end(),
                    [](const Source& a, const Source& b) { return a.certain() > b.certain(); });
  out.erase(shown, out.end());
  return out;
}

}  // namespace bastion::account
