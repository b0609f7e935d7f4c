// Longest-prefix match. The rules are flattened to disjoint ranges; over their sorted boundaries lies an index whose nodes
// cut their range into as many equal slots as they hold boundaries, so that depth hardly grows with the number of rules and
// ten rules need no more memory than ten rules should.
#include "policy/prefix_set.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>

namespace bastion {
namespace {

/// Values of boundaries: an index into the rules, or none.
constexpr std::uint32_t no_rule = std::numeric_limits<std::uint32_t>::max();

/// An IPv6 address as a number. There is no 128-bit integer on 32-bit ARM.
struct Wide {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Wide&, const Wide&) = default;
};

constexpr std::uint32_t minus(std::uint32_t a, std::uint32_t b) {
  return a - b;
}
constexpr Wide minus(Wide a, Wide b) {
  return {a.high - b.high - (a.low < b.low ? 1u : 0u), a.low - b.low};
}

constexpr unsigned width(std::uint32_t a) {
  return static_cast<unsigned>(std::bit_width(a));
}
constexpr unsigned width(Wide a) {
  return static_cast<unsigned>(a.high != 0 ? 64 + std::bit_width(a.high) : std::bit_width(a.low));
}

/// `a >> shift`, or the highest number where that needs more than 64 bits.
constexpr std::uint64_t shifted(std::uint32_t a, unsigned shift) {
  return a >> shift;
}
constexpr std::uint64_t shifted(Wide a, unsigned shift) {
  if (shift >= 64) return a.high >> (shift - 64);
  if (a.high >> shift != 0) return ~std::uint64_t{0};
  return shift == 0 ? a.low : a.low >> shift | a.high << (64 - shift);
}

constexpr unsigned trailing_zeros(std::uint32_t a) {
  return static_cast<unsigned>(std::countr_zero(a));
}
constexpr unsigned trailing_zeros(Wide a) {
  return static_cast<unsigned>(a.low != 0 ? std::countr_zero(a.low) : 64 + std::countr_zero(a.high));
}

/// Fills the host bits: the last address of a prefix.
constexpr std::uint32_t last_of(std::uint32_t base, unsigned length) {
  return length == 0 ? ~std::uint32_t{0} : base | static_cast<std::uint32_t>((std::uint64_t{1} << (32 - length)) - 1);
}
constexpr Wide last_of(Wide base, unsigned length) {
  constexpr auto ones = ~std::uint64_t{0};
  if (length == 0) return {ones, ones};
  if (length <= 64) return {length == 64 ? base.high : base.high | ones >> length, ones};
  return {base.high, length == 128 ? base.low : base.low | ones >> (length - 64)};
}

constexpr std::uint32_t highest(std::uint32_t) {
  return ~std::uint32_t{0};
}
constexpr Wide highest(Wide) {
  return {~std::uint64_t{0}, ~std::uint64_t{0}};
}

constexpr std::uint32_t next(std::uint32_t key) {
  return key + 1;
}
constexpr Wide next(Wide key) {
  return {key.high + (key.low + 1 == 0 ? 1u : 0u), key.low + 1};
}

std::uint64_t read_word(const Address::Bytes& bytes, std::size_t begin, std::size_t count) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < count; ++i) out = out << 8 | bytes[begin + i];
  return out;
}
std::uint32_t v4_key(const Address& address) {
  return static_cast<std::uint32_t>(read_word(address.bytes(), 12, 4));
}
Wide v6_key(const Address& address) {
  return {read_word(address.bytes(), 0, 8), read_word(address.bytes(), 8, 8)};
}

bool is_v4(const Prefix& prefix) {
  return prefix.length >= 96 && prefix.base.is_v4();
}

template <class Key>
struct Span {
  Key first;
  Key last;
  std::uint32_t rule;
};

/// From `start` on, up to the next boundary, `rule` decides.
template <class Key>
struct Boundary {
  Key start;
  std::uint32_t rule;
};

/// Prefixes, sorted by base and then from short to long, to boundaries.
template <class Key>
std::vector<Boundary<Key>> flatten(const std::vector<Span<Key>>& spans) {
  std::vector<Boundary<Key>> out;
  const auto say = [&](Key start, std::uint32_t rule) {
    if (!out.empty() && out.back().start == start) out.pop_back();
    const auto before = out.empty() ? no_rule : out.back().rule;
    if (before != rule) out.push_back({start, rule});
  };
  std::vector<const Span<Key>*> open;
  const auto close_one = [&] {
    const auto last = open.back()->last;
    open.pop_back();
    if (last != highest(last)) say(next(last), open.empty() ? no_rule : open.back()->rule);
  };
  for (const auto& span : spans) {
    while (!open.empty() && open.back()->last < span.first) close_one();
    say(span.first, span.rule);
    open.push_back(&span);
  }
  while (!open.empty()) close_one();
  out.shrink_to_fit();
  return out;
}

/// One range of a node, with all that decides within it: one line of the cache.
struct alignas(64) Slot {
  static constexpr std::size_t capacity = 7;
  static constexpr std::uint32_t node_mark = std::uint32_t{1} << 31;

  /// Sorted, as Node::steps() counts them from the slot's begin; those that are not needed are the highest there is.
  std::array<std::uint32_t, capacity> starts;
  /// `rules[i]` decides where `i` of the starts are at most the key's steps. With `node_mark`, the first is the index of a
  /// node.
  std::array<std::uint32_t, capacity + 1> rules;

  [[nodiscard]] bool is_node() const { return rules[0] != no_rule && (rules[0] & node_mark) != 0; }
  [[nodiscard]] std::uint32_t node() const { return rules[0] & ~node_mark; }
  [[nodiscard]] std::uint32_t decide(std::uint64_t steps) const {
    // Looks at all, whatever the data: a branch here would be mispredicted most of the time, and then no two lookups could
    // overlap in the processor.
    const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, ~std::uint32_t{0}));
    std::uint32_t below = 0;
    for (const auto start : starts) below += static_cast<std::uint32_t>(start <= wanted);
    return rules[below];
  }
};
static_assert(sizeof(Slot) == 64);

/// Cuts the keys from `low` on into steps of 2^drop keys, and these into `slots` ranges of 2^shift steps each; the last slot
/// takes all that follow.
template <class Key>
struct Node {
  Key low{};
  std::uint32_t slot_begin = 0;
  std::uint32_t slots = 0;
  std::uint32_t rule_below = no_rule;  ///< decides for keys below `low`
  std::uint8_t drop = 0;
  std::uint8_t shift = 0;  ///< at most 32

  [[nodiscard]] std::uint64_t steps(Key key) const { return shifted(minus(key, low), drop); }
  [[nodiscard]] std::uint32_t slot(std::uint64_t all_steps) const {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(all_steps >> shift, slots - 1));
  }
  [[nodiscard]] std::uint64_t steps_in_slot(std::uint64_t all_steps, std::uint32_t slot_index) const {
    return all_steps - (std::uint64_t{slot_index} << shift);
  }
};

template <class Key>
class Ranges {
 public:
  Ranges() = default;
  explicit Ranges(const std::vector<Span<Key>>& spans) {
    const auto boundaries = flatten(spans);
    if (boundaries.empty()) return;
    std::vector<Job> jobs{{0, boundaries.size(), no_slot}};
    while (!jobs.empty()) {
      const auto job = jobs.back();
      jobs.pop_back();
      if (job.slot != no_slot) slots_[job.slot].rules[0] = static_cast<std::uint32_t>(nodes_.size()) | Slot::node_mark;
      add_node(boundaries, job, jobs);
    }
    nodes_.shrink_to_fit();
    slots_.shrink_to_fit();
  }

  [[nodiscard]] std::uint32_t find(Key key) const {
    if (nodes_.empty()) return no_rule;
    const auto* node = nodes_.data();
    while (true) {
      if (key < node->low) return node->rule_below;
      const auto steps = node->steps(key);
      const auto index = node->slot(steps);
      const auto& slot = slots_[node->slot_begin + index];
      if (!slot.is_node()) return slot.decide(node->steps_in_slot(steps, index));
      node = &nodes_[slot.node()];
    }
  }

  [[nodiscard]] std::size_t bytes() const {
    return nodes_.capacity() * sizeof(Node<Key>) + slots_.capacity() * sizeof(Slot);
  }

 private:
  using Boundaries = std::vector<Boundary<Key>>;
  static constexpr std::size_t no_slot = std::numeric_limits<std::size_t>::max();

  /// A node to be made over the boundaries [begin, end), and the slot that will lead to it.
  struct Job {
    std::size_t begin;
    std::size_t end;
    std::size_t slot;
  };

  static std::uint32_t rule_before(const Boundaries& boundaries, std::size_t index) {
    return index == 0 ? no_rule : boundaries[index - 1].rule;
  }

  /// Whether a slot can tell these boundaries apart: they are few, and begin with whole steps of the node.
  static bool fit(const Boundaries& boundaries, std::size_t begin, std::size_t end, const Node<Key>& node) {
    const auto is_whole = [&](const Boundary<Key>& boundary) {
      const auto offset = minus(boundary.start, node.low);
      return node.drop == 0 || trailing_zeros(offset) >= node.drop;
    };
    const auto first = boundaries.begin() + static_cast<std::ptrdiff_t>(begin);
    return end - begin <= Slot::capacity && std::all_of(first, first + static_cast<std::ptrdiff_t>(end - begin), is_whole);
  }

  static Slot make_slot(const Boundaries& boundaries, std::size_t begin, std::size_t end, const Node<Key>& node,
                        std::uint32_t index) {
    Slot slot;
    slot.rules[0] = rule_before(boundaries, begin);
    for (std::size_t i = 0; i < Slot::capacity; ++i) {
      const bool needed = begin + i < end;
      slot.starts[i] = needed
                           ? static_cast<std::uint32_t>(node.steps_in_slot(node.steps(boundaries[begin + i].start), index))
                           : ~std::uint32_t{0};
      slot.rules[i + 1] = needed ? boundaries[begin + i].rule : slot.rules[i];
    }
    return slot;
  }

  [[nodiscard]] Node<Key> make_node(const Boundaries& boundaries, const Job& job) const {
    Node<Key> node;
    node.low = boundaries[job.begin].start;
    node.slot_begin = static_cast<std::uint32_t>(slots_.size());
    node.rule_below = rule_before(boundaries, job.begin);
    const auto span = minus(boundaries[job.end - 1].start, node.low);
    // Slots are about half full; at least two, so that no child is as large as its parent.
    const auto slot_bits = std::max(3u, static_cast<unsigned>(std::bit_width(job.end - job.begin))) - 2u;
    const auto range_bits = width(span) > slot_bits ? width(span) - slot_bits : 0u;
    node.shift = static_cast<std::uint8_t>(std::min(range_bits, 32u));
    node.drop = static_cast<std::uint8_t>(range_bits - node.shift);
    node.slots = static_cast<std::uint32_t>(node.steps(boundaries[job.end - 1].start) >> node.shift) + 1;
    return node;
  }

  void add_node(const Boundaries& boundaries, const Job& job, std::vector<Job>& jobs) {
    const auto node = make_node(boundaries, job);
    nodes_.push_back(node);
    auto begin = job.begin;
    for (std::uint32_t i = 0; i < node.slots; ++i) {
      auto end = begin;
      while (end < job.end && node.slot(node.steps(boundaries[end].start)) == i) ++end;
      const bool good = fit(boundaries, begin, end, node);
      if (!good) jobs.push_back({begin, end, slots_.size()});
      slots_.push_back(good ? make_slot(boundaries, begin, end, node, i) : Slot{});
      begin = end;
    }
  }

  std::vector<Node<Key>> nodes_;
  std::vector<Slot> slots_;
};

/// By family, base and length; the rule that wins among equals last.
bool comes_before(const PrefixRule& a, const PrefixRule& b) {
  const bool a_v4 = is_v4(a.prefix);
  const bool b_v4 = is_v4(b.prefix);
  if (a_v4 != b_v4) return a_v4;
  if (a.prefix.base != b.prefix.base) return a.prefix.base < b.prefix.base;
  if (a.prefix.length != b.prefix.length) return a.prefix.length < b.prefix.length;
  return a.allow && !b.allow;
}

Address masked(const Address& address, unsigned length) {
  auto bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto kept = std::clamp<int>(static_cast<int>(length) - static_cast<int>(8 * i), 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
  return Address{bytes};
}

std::variant<Prefix, PrefixError> bad_length(unsigned max) {
  return PrefixError{"the prefix length must be a whole number from 0 to " + std::to_string(max), {}};
}

}  // namespace

struct PrefixSet::Table {
  std::vector<PrefixRule> rules;
  Ranges<std::uint32_t> v4;
  Ranges<Wide> v6;
  bool allows_nobody = true;
};

PrefixSet::PrefixSet() : PrefixSet(std::vector<PrefixRule>{}) {}

PrefixSet::PrefixSet(std::vector<PrefixRule> rules) {
  auto table = std::make_shared<Table>();
  if (rules.size() > rules_max) rules.clear();
  // A base with host bits would break the nesting that flatten() relies on.
  for (auto& rule : rules) {
    rule.prefix.length = std::min<std::uint8_t>(rule.prefix.length, 128);
    rule.prefix.base = masked(rule.prefix.base, rule.prefix.length);
  }
  std::stable_sort(rules.begin(), rules.end(), comes_before);
  table->allows_nobody = std::none_of(rules.begin(), rules.end(), [](const PrefixRule& rule) { return rule.allow; });
  std::vector<Span<std::uint32_t>> v4;
  std::vector<Span<Wide>> v6;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    const auto& prefix = rules[i].prefix;
    if (is_v4(prefix)) {
      const auto key = v4_key(prefix.base);
      v4.push_back({key, last_of(key, prefix.length - 96u), i});
    } else {
      const auto key = v6_key(prefix.base);
      v6.push_back({key, last_of(key, prefix.length), i});
    }
  }
  table->v4 = Ranges<std::uint32_t>{v4};
  table->v6 = Ranges<Wide>{v6};
  table->rules = std::move(rules);
  table->rules.shrink_to_fit();
  table_ = std::move(table);
}

const PrefixRule* PrefixSet::find(const Address& address) const {
  const auto rule = address.is_v4() ? table_->v4.find(v4_key(address)) : table_->v6.find(v6_key(address));
  return rule == no_rule ? nullptr : &table_->rules[rule];
}

std::size_t PrefixSet::size() const {
  return table_->rules.size();
}

bool PrefixSet::allows_nobody() const {
  return table_->allows_nobody;
}

std::size_t PrefixSet::bytes() const {
  return sizeof(Table) + table_->rules.capacity() * sizeof(PrefixRule) + table_->v4.bytes() + table_->v6.bytes();
}

std::variant<Prefix, PrefixError> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return PrefixError{"is neither an IPv4 nor an IPv6 prefix", {}};
  if (slash == std::string_view::npos) return Prefix{*address, 128};
  // An IPv4-mapped address in IPv6 notation counts its length in 128 bits.
  const bool quad = text.substr(0, slash).find(':') == std::string_view::npos;
  const unsigned length_max = quad ? 32 : 128;
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!whole || length > length_max || (digits.size() > 1 && digits[0] == '0')) return bad_length(length_max);
  const Prefix prefix{masked(*address, quad ? length + 96 : length), static_cast<std::uint8_t>(quad ? length + 96 : length)};
  if (prefix.base != *address) return PrefixError{"host bits are set", prefix.text()};
  return prefix;
}

}  // namespace bastion
