// What MQTT calls a topic name, and what a topic filter (OASIS 3.1.1 and 5.0, section 4.7).
#include "proxy/mqtt/topic.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bastion::mqtt {

namespace {

constexpr std::string_view share_prefix = "$share/";

using Block = std::uint64_t;
constexpr Block ones = 0x0101010101010101u;
constexpr Block tops = 0x8080808080808080u;
// `+` and `#` differ in this bit alone.
constexpr Block wildcard_bit = ones * ('+' ^ '#');
static_assert(('+' ^ '#') == 0x08 && ('#' & 0x08) == 0);

// Which bytes are zero, by their top bits: only a zero borrows one. Where none is zero, none is marked.
Block zeros(Block block) {
  return (block - ones) & ~block & tops;
}

Block wildcards(Block block) {
  return zeros((block | wildcard_bit) ^ (ones * std::uint8_t{'+'}));
}

bool is_plain(Block block) {
  return ((block & tops) | zeros(block) | wildcards(block)) == 0;
}

Block load(const char* from) {
  Block block = 0;
  std::memcpy(&block, from, sizeof block);
  return block;
}

template <class Part>
Block load_part(const char* from) {
  Part part = 0;
  std::memcpy(&part, from, sizeof part);
  return part;
}

// Up to eight bytes, the rest filled with what stands in them: two loads that overlap, or three bytes.
Block load_short(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (text.size() >= 4) return load_part<std::uint32_t>(text.data()) | load_part<std::uint32_t>(end - 4) << 32;
  const auto at = [text](std::size_t i) { return Block{static_cast<std::uint8_t>(text[i])}; };
  const Block three = at(0) | at(text.size() / 2) << 8 | at(text.size() - 1) << 16;
  return three | three << 24 | at(0) << 48 | at(0) << 56;
}

bool is_wildcard(char c) {
  return c == '+' || c == '#';
}

// The rules for one level of a filter.
bool is_level(std::string_view level, bool is_last) {
  if (!has_wildcard(level)) return true;
  return level == "+" || (level == "#" && is_last);
}

bool has_good_levels(std::string_view filter) {
  if (filter.empty()) return false;
  if (!has_wildcard(filter)) return true;
  while (true) {
    const std::size_t slash = filter.find('/');
    const bool is_last = slash == std::string_view::npos;
    if (!is_level(filter.substr(0, slash), is_last)) return false;
    if (is_last) return true;
    filter.remove_prefix(slash + 1);
  }
}

}  // namespace

bool has_wildcard(std::string_view topic) {
  while (topic.size() >= sizeof(Block)) {
    if (wildcards(load(topic.data())) != 0) return true;
    topic.remove_prefix(sizeof(Block));
  }
  return std::any_of(topic.begin(), topic.end(), is_wildcard);
}

bool is_plain_topic_name(std::string_view text) {
  if (text.size() < sizeof(Block)) return !text.empty() && is_plain(load_short(text));
  const char* const last = text.data() + text.size() - sizeof(Block);
  for (const char* at = text.data(); at < last; at += sizeof(Block)) {
    if (!is_plain(load(at))) return false;
  }
  return is_plain(load(last));
}

bool is_topic_name(std::string_view text) {
  return !text.empty() && !has_wildcard(text);
}

bool is_topic_filter(Version version, std::string_view text) {
  if (version == Version::v5_0 && is_shared(text)) return shared_subscription(text).has_value();
  return has_good_levels(text);
}

bool is_shared(std::string_view filter) {
  return filter.starts_with(share_prefix);
}

std::optional<SharedSubscription> shared_subscription(std::string_view filter) {
  if (!is_shared(filter)) return std::nullopt;
  const std::string_view rest = filter.substr(share_prefix.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const SharedSubscription parts = {rest.substr(0, slash), rest.substr(slash + 1)};
  if (!is_topic_name(parts.name) || !has_good_levels(parts.filter)) return std::nullopt;
  return parts;
}

std::size_t levels_of(std::string_view topic) {
  return 1 + static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/'));
}

}  // namespace bastion::mqtt
