// What a lookup costs with ten prefixes and with a hundred thousand, and how long these take to load.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "policy/parse.hpp"
#include "policy/prefix_set.hpp"

namespace {

using bastion::Address;
using bastion::Prefix;
using bastion::PrefixRule;
using bastion::PrefixSet;

enum Family : std::int64_t { v4, v6 };

Address random_address(std::mt19937_64& random, Family family) {
  const auto byte = [&] { return static_cast<std::uint8_t>(random()); };
  if (family == v4) return Address::v4(byte(), byte(), byte(), byte());
  Address::Bytes bytes{0x20, 0x01};
  for (std::size_t i = 2; i < bytes.size(); ++i) bytes[i] = byte();
  return Address{bytes};
}

/// Networks of the sizes that allow lists hold: /16 to /32, and /32 to /64.
std::vector<PrefixRule> random_rules(std::size_t count, Family family) {
  std::mt19937_64 random{count};
  std::vector<PrefixRule> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto length = family == v4 ? 112 + random() % 17 : 32 + random() % 33;
    auto bytes = random_address(random, family).bytes();
    for (std::size_t bit = length; bit < 128; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> bit % 8));
    }
    out.push_back({Prefix{Address{bytes}, static_cast<std::uint8_t>(length)}, random() % 8 != 0, 0, 0});
  }
  return out;
}

/// Addresses inside the rules' networks, in no order.
std::vector<Address> random_hits(const std::vector<PrefixRule>& rules, Family family) {
  constexpr std::size_t count = 1u << 16;
  std::mt19937_64 random{count};
  std::vector<Address> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& prefix = rules[random() % rules.size()].prefix;
    auto bytes = prefix.base.bytes();
    const auto noise = random_address(random, family).bytes();
    for (std::size_t bit = prefix.length; bit < 128; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | (noise[bit / 8] & (0x80u >> bit % 8)));
    }
    out.emplace_back(bytes);
  }
  return out;
}

void find(benchmark::State& state) {
  const auto family = static_cast<Family>(state.range(0));
  const auto rules = random_rules(static_cast<std::size_t>(state.range(1)), family);
  const PrefixSet set{rules};
  const auto hits = random_hits(rules, family);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto* rule = set.find(hits[i]);
    benchmark::DoNotOptimize(rule);
    i = (i + 1) % hits.size();
  }
  state.counters["bytes"] = static_cast<double>(set.bytes());
}
BENCHMARK(find)->ArgNames({"ipv6", "rules"})->ArgsProduct({{v4, v6}, {10, 1'000, 100'000}});

void build(benchmark::State& state) {
  const auto rules = random_rules(static_cast<std::size_t>(state.range(1)), static_cast<Family>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(PrefixSet{rules});
}
BENCHMARK(build)->ArgNames({"ipv6", "rules"})->ArgsProduct({{v4, v6}, {10, 100'000}})->Unit(benchmark::kMillisecond);

/// From text, as the gate loads it.
void load(benchmark::State& state) {
  const auto rules = random_rules(static_cast<std::size_t>(state.range(1)), static_cast<Family>(state.range(0)));
  std::string file;
  for (const auto& rule : rules) file += rule.prefix.text() + '\n';
  const bastion::ReadFile read_file = [&](const std::string&) -> std::variant<std::string, bastion::FileError> {
    return file;
  };
  constexpr std::string_view policy = "schema = 1\n[admission]\nallow_file = \"allow.txt\"\n";
  for (auto _ : state) benchmark::DoNotOptimize(bastion::parse_policy(policy, "policy.toml", read_file));
}
BENCHMARK(load)->ArgNames({"ipv6", "rules"})->ArgsProduct({{v4, v6}, {100'000}})->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
