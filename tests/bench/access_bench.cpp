// What a topic's verdict costs with ten rules and with ten thousand, by a role and by an ACL file, and how long these load.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "policy/access.hpp"
#include "policy/policy.hpp"

namespace {

using bastion::Access;
using bastion::Policy;
using bastion::TopicRight;

/// Sites with devices below them: as many rules as asked for, a tenth of them with a wildcard, and some denies.
std::string rule(std::size_t i) {
  const auto site = "site/" + std::to_string(i / 10) + '/';
  return i % 10 == 0 ? site + "+/alarm" : site + "device" + std::to_string(i) + "/#";
}

/// A policy with one role of that many rules.
Policy policy_with(std::size_t rules) {
  Policy policy;
  auto& role = policy.roles.emplace_back();
  auto& out = role.topics.emplace().rules;
  constexpr auto form = bastion::TopicRules::Placeholders::with_escape;
  for (std::size_t i = 0; i < rules; ++i) {
    (void)out.add(rule(i), TopicRight::publish | TopicRight::receive, form);
  }
  (void)out.add("telemetry/%c/#", TopicRight::publish, form);
  (void)out.add("+/+/secret", TopicRight::deny_publish | TopicRight::deny_receive, form);
  return policy;
}

std::vector<std::string> topics_of(std::size_t rules) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rules; i += rules / 10)
    out.push_back("site/" + std::to_string(i / 10) + "/device" + std::to_string(i) + "/temperature");
  out.emplace_back("telemetry/cam1/temperature");
  out.emplace_back("site/0/device/none");
  return out;
}

void publish(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const auto policy = policy_with(rules);
  const auto topics = topics_of(rules);
  const Access access{policy, &policy.roles.front(), {"alice", "cam1"}};
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(access.may_publish(topics[i], 1, false));
    i = (i + 1) % topics.size();
  }
}
BENCHMARK(publish)->ArgName("rules")->Arg(10)->Arg(100)->Arg(1'000)->Arg(10'000);

void subscribe(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  const auto policy = policy_with(rules);
  const Access access{policy, &policy.roles.front(), {"alice", "cam1"}};
  for (auto _ : state) benchmark::DoNotOptimize(access.may_subscribe("site/0/device1/+/x"));
}
BENCHMARK(subscribe)->ArgName("rules")->Arg(10)->Arg(10'000);

/// The filter that has to look at the whole tree: every level a wildcard, and no rule fits at the end.
void subscribe_at_worst(benchmark::State& state) {
  std::string acl;
  for (std::int64_t i = 0; i < state.range(0); ++i) acl += "topic read site/" + std::to_string(i) + "/a/b/c/state\n";
  Policy policy;
  policy.authorization.acl = bastion::AclFile::parse(acl, "acl").acl;
  const Access access{policy, nullptr, {std::nullopt, "cam1"}};
  for (auto _ : state) benchmark::DoNotOptimize(access.may_subscribe("+/+/+/+/+/other"));
}
BENCHMARK(subscribe_at_worst)->ArgName("rules")->Arg(10)->Arg(10'000)->Unit(benchmark::kMicrosecond);

void publish_by_acl_file(benchmark::State& state) {
  const auto rules = static_cast<std::size_t>(state.range(0));
  std::string acl = "user alice\n";
  for (std::size_t i = 0; i < rules; ++i) acl += "topic readwrite " + rule(i) + '\n';
  acl += "pattern write telemetry/%c/#\npattern deny secret/%u\n";
  Policy policy;
  policy.authorization.acl = bastion::AclFile::parse(acl, "acl").acl;
  const auto topics = topics_of(rules);
  const Access access{policy, nullptr, {"alice", "cam1"}};
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(access.may_publish(topics[i], 1, false));
    i = (i + 1) % topics.size();
  }
}
BENCHMARK(publish_by_acl_file)->ArgName("rules")->Arg(10)->Arg(10'000);

void load_acl_file(benchmark::State& state) {
  std::string acl = "user alice\n";
  for (std::size_t i = 0; i < 10'000; ++i) acl += "topic readwrite " + rule(i) + '\n';
  for (auto _ : state) benchmark::DoNotOptimize(bastion::AclFile::parse(acl, "acl").acl.size());
}
BENCHMARK(load_acl_file)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
