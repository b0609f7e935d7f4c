// Filters against every topic of a small world: what is contained is matched, what overlaps has a topic in common, and rules
// searched together answer as each by itself. The first line is the filter that is asked about; each other is a rule.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/topic_filter.hpp"
#include "policy/topic_rules.hpp"

namespace {

using namespace bastion;

constexpr std::size_t rules_max = 6;
constexpr std::size_t levels_max = 3;
constexpr std::size_t words_max = 5;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

std::vector<std::string_view> lines_of(std::string_view input) {
  std::vector<std::string_view> out;
  while (!input.empty() && out.size() < 1 + rules_max) {
    const auto end = std::min(input.find('\n'), input.size());
    out.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return out;
}

/// Every topic over these words with up to one level more than the filters have.
std::vector<std::string> topics_over(const std::vector<std::string_view>& words) {
  std::vector<std::string> out;
  std::vector<std::string> grown{""};
  for (std::size_t depth = 0; depth <= levels_max; ++depth) {
    std::vector<std::string> next;
    for (const auto& begin : grown) {
      for (const auto word : words) next.push_back(depth == 0 ? std::string{word} : begin + '/' + std::string{word});
    }
    for (const auto& topic : next) {
      if (!topic.empty()) out.push_back(topic);
    }
    grown = std::move(next);
  }
  return out;
}

struct World {
  std::vector<TopicFilter> filters;             ///< the first is the one that is asked about
  std::vector<std::string_view> words{"\x01"};  ///< what the filters name, and one word that no filter here may have
};

/// False where it is too large to look at every topic.
bool fill(World& world, const std::vector<std::string_view>& lines) {
  for (const auto line : lines) {
    const auto filter = TopicFilter::from(line);
    if (!filter || line.find_first_of("\x01\x02%") != std::string_view::npos || count_levels(line) > levels_max)
      return false;
    world.filters.push_back(*filter);
    TopicLevels levels{line};
    while (!levels.at_end()) {
      const auto level = levels.take();
      const bool is_new = std::find(world.words.begin(), world.words.end(), level) == world.words.end();
      if (level != "+" && level != "#" && is_new) world.words.push_back(level);
    }
  }
  return world.filters.size() > 1 && world.words.size() <= words_max;
}

void check_pair(const TopicFilter& a, const TopicFilter& b, const std::vector<std::string>& topics) {
  bool contains = true;
  bool overlaps = false;
  for (const auto& topic : topics) {
    contains = contains && (!b.matches(topic) || a.matches(topic));
    overlaps = overlaps || (b.matches(topic) && a.matches(topic));
  }
  require(a.contains(b) == contains);
  require(a.overlaps(b) == overlaps && b.overlaps(a) == overlaps);
}

void check_rules(const World& world, const std::vector<std::string>& topics) {
  TopicRules rules;
  bool is_whole = true;
  for (std::size_t i = 1; i < world.filters.size(); ++i) {
    is_whole = !rules.add(world.filters[i].text(), TopicRight::publish, TopicRules::Placeholders::none) && is_whole;
  }
  if (!is_whole) return;
  const auto& asked = world.filters.front();
  bool covers = true;
  bool overlaps = false;
  for (const auto& topic : topics) {
    const bool is_allowed = std::any_of(world.filters.begin() + 1, world.filters.end(),
                                        [&](const TopicFilter& filter) { return filter.matches(topic); });
    require(rules.find(topic, {}, TopicRight::publish).rights.has(TopicRight::publish) == is_allowed);
    if (!asked.matches(topic)) continue;
    covers = covers && is_allowed;
    overlaps = overlaps || is_allowed;
  }
  require((rules.find_covering(asked, {}, TopicRight::publish) != TopicRules::no_rule) == covers);
  require(rules.find_overlapping(asked, {}, TopicRight::publish).rights.any() == overlaps);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  const auto lines = lines_of(input);
  for (const auto line : lines) (void)SubscriptionFilter::from(line);
  World world;
  if (!fill(world, lines)) return 0;
  const auto topics = topics_over(world.words);
  check_pair(world.filters[0], world.filters[1], topics);
  check_rules(world, topics);
  return 0;
}
