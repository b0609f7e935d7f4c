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

constexpr unsigned bits_of(std::uint32_t) {
  return 32;
}
constexpr unsigned bits_of(Wide) {
  return 128;
}

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

/// The low 64 bits of `a >> shift`, for shifts below the width of the type.
constexpr std::uint64_t shifted(std::uint32_t a, unsigned shift) {
  return a >> shift;
}
constexpr std::uint64_t shifted(Wide a, unsigned shift) {
  if (shift >= 64) return a.high >> (shift - 64);
  if (shift == 0) return a.low;
  return a.low >> shift | a.high << (64 - shift);
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

constexpr bool is_last(std::uint32_t key) {
  return key == ~std::uint32_t{0};
}
constexpr bool is_last(Wide key) {
  return key == Wide{~std::uint64_t{0}, ~std::uint64_t{0}};
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
    if (!is_last(last)) say(next(last), open.empty() ? no_rule : open.back()->rule);
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

/// A slot of a node: how to find the boundary that decides for the keys of its range.
/// `count` 0 .. 14: at most that many boundaries from `first` on start in the slot's range, the one before `first` decides
/// below them. `count` 15: `first` is the index of a node.
struct Slot {
  std::uint32_t packed = 0;
  static constexpr std::uint32_t node_mark = 15;
  [[nodiscard]] std::uint32_t first() const { return packed >> 4; }
  [[nodiscard]] std::uint32_t count() const { return packed & 15; }
  [[nodiscard]] bool is_node() const { return count() == node_mark; }
};

/// Cuts the keys from `low` on into `slots` ranges of 2^shift keys each; the last slot takes all that follow.
template <class Key>
struct Node {
  Key low{};
  std::uint32_t slot_begin = 0;
  std::uint32_t slots = 0;
  std::uint32_t before = 0;  ///< the boundary that decides for keys below `low`
  unsigned shift = 0;
};

template <class Key>
class Ranges {
 public:
  Ranges() = default;
  explicit Ranges(const std::vector<Span<Key>>& spans) {
    const auto boundaries = flatten(spans);
    boundaries_.reserve(boundaries.size() + 1);
    boundaries_.push_back({Key{}, no_rule});
    boundaries_.insert(boundaries_.end(), boundaries.begin(), boundaries.end());
    index();
  }

  [[nodiscard]] std::uint32_t find(Key key) const {
    if (nodes_.empty()) return no_rule;
    const auto* node = nodes_.data();
    while (true) {
      if (key < node->low) return boundaries_[node->before].rule;
      const auto wanted = shifted(minus(key, node->low), node->shift);
      const auto slot =
          slots_[node->slot_begin + static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, node->slots - 1))];
      if (!slot.is_node()) return decide(slot, key);
      node = &nodes_[slot.first()];
    }
  }

  [[nodiscard]] std::size_t bytes() const {
    return boundaries_.capacity() * sizeof(Boundary<Key>) + nodes_.capacity() * sizeof(Node<Key>) +
           slots_.capacity() * sizeof(Slot);
  }

 private:
  /// More boundaries than these in one slot get a node of their own.
  static constexpr std::uint32_t scanned_max = 6;

  [[nodiscard]] std::uint32_t decide(Slot slot, Key key) const {
    auto decider = slot.first() - 1;
    for (std::uint32_t i = 0; i < slot.count(); ++i) decider += boundaries_[slot.first() + i].start <= key ? 1u : 0u;
    return boundaries_[decider].rule;
  }

  /// A node to be made over the boundaries [begin, end), and the slot that will lead to it.
  struct Job {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t slot;
  };

  void index() {
    constexpr auto root = std::numeric_limits<std::uint32_t>::max();
    if (boundaries_.size() == 1) return;
    std::vector<Job> jobs{{1, static_cast<std::uint32_t>(boundaries_.size()), root}};
    while (!jobs.empty()) {
      const auto job = jobs.back();
      jobs.pop_back();
      if (job.slot != root) slots_[job.slot].packed = static_cast<std::uint32_t>(nodes_.size()) << 4 | Slot::node_mark;
      add_node(job, jobs);
    }
    nodes_.shrink_to_fit();
    slots_.shrink_to_fit();
  }

  void add_node(const Job& job, std::vector<Job>& jobs) {
    const auto low = boundaries_[job.begin].start;
    const auto reach = width(minus(boundaries_[job.end - 1].start, low));
    // A slot for each boundary, rounded down; at least two, so that each level narrows the range.
    const auto wanted_bits = std::max(1u, static_cast<unsigned>(std::bit_width(job.end - job.begin)) - 1u);
    const auto shift = std::min(reach > wanted_bits ? reach - wanted_bits : 0u, bits_of(low) - 1u);
    const auto last_slot = shifted(minus(boundaries_[job.end - 1].start, low), shift);
    Node<Key> node{low, static_cast<std::uint32_t>(slots_.size()), static_cast<std::uint32_t>(last_slot + 1), job.begin - 1,
                   shift};
    nodes_.push_back(node);
    slots_.resize(slots_.size() + node.slots);
    auto begin = job.begin;
    for (std::uint32_t i = 0; i < node.slots; ++i) {
      auto end = begin;
      while (end < job.end && shifted(minus(boundaries_[end].start, low), shift) == i) ++end;
      if (end - begin > scanned_max) {
        jobs.push_back({begin, end, node.slot_begin + i});
      } else {
        slots_[node.slot_begin + i].packed = begin << 4 | (end - begin);
      }
      begin = end;
    }
  }

  std::vector<Boundary<Key>> boundaries_;
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
