// Writing and reading the file of counters.
#include "proxy/account/counters_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace bastion::account {
namespace {

constexpr std::string_view head = "mqtt-bastion counters 1";
constexpr std::size_t words_max = 5;  // listener, kind, reason, cause, value

struct Plain {
  std::string_view name;
  std::uint64_t Tally::*value;
};
constexpr std::array plain_counters{
    Plain{"accepted", &Tally::accepted},
    Plain{"tls_handshakes", &Tally::tls_handshakes},
    Plain{"tls_resumptions", &Tally::tls_resumptions},
    Plain{"admitted", &Tally::admitted},
    Plain{"upstream_connects", &Tally::upstream_connects},
    Plain{"would_refuse_connections", &Tally::would_refuse_connections},
    Plain{"bytes_up", &Tally::bytes_up},
    Plain{"bytes_down", &Tally::bytes_down},
    Plain{"packets_up", &Tally::packets_up},
    Plain{"packets_down", &Tally::packets_down},
};
constexpr std::string_view refused = "refused";
constexpr std::string_view would_refuse = "would_refuse";
constexpr std::string_view closed = "closed";
constexpr std::string_view denied = "denied";
constexpr std::string_view no_cause = "-";

// accepted is kept without the connections that are open: they will never be seen to end.

/// FNV-1a: finds what a cut or a flipped bit left behind; nobody forges this file who could not write it.
std::uint64_t checksum(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return sum;
}

std::string_view word_of(Cause cause) {
  return cause == Cause::none ? no_cause : label(cause);
}

void append(std::string& to, std::initializer_list<std::string_view> words, std::uint64_t value) {
  if (value == 0) return;
  for (const auto word : words) {
    to += word;
    to += ' ';
  }
  to += std::to_string(value);
  to += '\n';
}

void append(std::string& to, std::string_view listener, const Tally& tally) {
  for (const auto& counter : plain_counters) {
    const bool counts_open = counter.value == &Tally::accepted;
    append(to, {listener, counter.name},
           tally.*counter.value - (counts_open ? static_cast<std::uint64_t>(tally.connections) : 0));
  }
  for (std::size_t i = 0; i < tally.closes.size(); ++i) {
    append(to, {listener, closed, label(static_cast<Close>(i))}, tally.closes[i]);
  }
  for (std::size_t i = 0; i < tally.denied.size(); ++i) {
    append(to, {listener, denied, label(static_cast<Denied>(i))}, tally.denied[i]);
  }
  const auto pairs = refusals();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    append(to, {listener, refused, label(pairs[i].reason), word_of(pairs[i].cause)}, tally.refusals[i]);
    append(to, {listener, would_refuse, label(pairs[i].reason), word_of(pairs[i].cause)}, tally.would_refuse[i]);
  }
}

template <class Number = std::uint64_t>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// One word more than any counter has is enough to see that a line has too many.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (out.size() < words_max + 1) {
    const auto space = line.find(' ');
    out.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  return out;
}

std::optional<std::size_t> pair_index(std::string_view reason, std::string_view cause) {
  const auto pairs = refusals();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (label(pairs[i].reason) == reason && word_of(pairs[i].cause) == cause) return i;
  }
  return std::nullopt;
}

/// The counter that a line's words after the listener name; null for one that this version does not have.
std::uint64_t* counter(Tally& tally, std::span<const std::string_view> words) {
  if (words.size() == 1) {
    for (const auto& known : plain_counters) {
      if (known.name == words[0]) return &(tally.*known.value);
    }
  } else if (words.size() == 2 && words[0] == closed) {
    for (std::size_t i = 0; i < tally.closes.size(); ++i) {
      if (label(static_cast<Close>(i)) == words[1]) return &tally.closes[i];
    }
  } else if (words.size() == 2 && words[0] == denied) {
    for (std::size_t i = 0; i < tally.denied.size(); ++i) {
      if (label(static_cast<Denied>(i)) == words[1]) return &tally.denied[i];
    }
  } else if (words.size() == 3 && (words[0] == refused || words[0] == would_refuse)) {
    if (const auto index = pair_index(words[1], words[2])) {
      return words[0] == refused ? &tally.refusals[*index] : &tally.would_refuse[*index];
    }
  }
  return nullptr;
}

bool is_among(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t add_up_former(std::map<std::string, Tally>& by_listener, std::span<const std::string> in_policy) {
  std::size_t went = 0;
  Tally former;
  for (auto each = by_listener.begin(); each != by_listener.end();) {
    if (is_among(in_policy, each->first)) {
      ++each;
      continue;
    }
    former.merge(each->second);
    if (each->first != former_listeners) ++went;
    each = by_listener.erase(each);
  }
  by_listener[std::string{former_listeners}].merge(former);
  return went;
}

/// Where a file's listeners are counted. However many it names, few are ever held.
class Receiver {
 public:
  explicit Receiver(std::span<const std::string> in_policy) : in_policy_{in_policy} {}

  Tally& of(std::string_view listener) {
    std::string name{listener};
    const auto found = out.by_listener.find(name);
    if (found != out.by_listener.end()) return found->second;
    if (!is_full_ && out.by_listener.size() >= listeners_kept_max) {
      is_full_ = true;
      add_up_former(out.by_listener, in_policy_);
    }
    return out.by_listener[is_full_ && !is_among(in_policy_, name) ? std::string{former_listeners} : std::move(name)];
  }

  Counters out;

 private:
  std::span<const std::string> in_policy_;
  bool is_full_ = false;
};

}  // namespace

std::size_t put_former_together(std::map<std::string, Tally>& by_listener, std::span<const std::string> in_policy) {
  return by_listener.size() > listeners_kept_max ? add_up_former(by_listener, in_policy) : 0;
}

std::string counters_text(const Counters& counters) {
  std::string out{head};
  out += "\nsaved " + std::to_string(counters.saved_s) + '\n';
  for (const auto& [listener, tally] : counters.by_listener) append(out, listener, tally);
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), checksum(out), 16).ptr;
  return out + "end " + std::string(digits.data(), end) + '\n';
}

std::variant<Counters, CountersFault> read_counters(std::string_view text, std::span<const std::string> in_policy) {
  if (text.substr(0, head.size() + 1) != std::string{head} + '\n') return CountersFault{"it is no file of counters"};
  const auto last = text.rfind("\nend ");
  if (last == std::string_view::npos || text.back() != '\n') return CountersFault{"its end is missing"};
  const auto sum = number(text.substr(last + 5, text.size() - last - 6), 16);
  auto lines = text.substr(0, last + 1);
  if (!sum || *sum != checksum(lines)) return CountersFault{"its checksum is wrong"};

  Receiver receiver{in_policy};
  lines.remove_prefix(head.size() + 1);
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const auto words = words_of(lines.substr(0, end));
    lines.remove_prefix(end + 1);
    if (words.size() == 2 && words[0] == "saved") {
      const auto saved_s = number<std::int64_t>(words[1]);
      if (!saved_s || *saved_s < 0) return CountersFault{"it does not say when it was saved"};
      receiver.out.saved_s = *saved_s;
      continue;
    }
    const auto value = number(words.back());
    if (!value || words.size() < 3 || words.size() > words_max) return CountersFault{"a line is no counter"};
    const auto names = std::span{words}.subspan(1, words.size() - 2);
    if (auto* const to = counter(receiver.of(words[0]), names)) *to += *value;
  }
  return std::move(receiver.out);
}

}  // namespace bastion::account
