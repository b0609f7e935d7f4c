// What reading the head of a PUBLISH costs: the one thing that is done for every message.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/mqtt/publish.hpp"

namespace {

using namespace bastion;
using mqtt::Version;

/// A message of `size` bytes all told, with a topic as devices have them; the shortest have an alias or a short name.
std::vector<std::uint8_t> message(Version version, bool has_alias, std::size_t size) {
  const std::string_view topic = size > 64 ? "telemetry/line-4/press-12/temperature" : "t/12";
  std::vector<std::uint8_t> body;
  const std::string_view name = has_alias ? std::string_view() : topic;
  body.push_back(0);
  body.push_back(static_cast<std::uint8_t>(name.size()));
  body.insert(body.end(), name.begin(), name.end());
  if (version == Version::v5_0) body.push_back(has_alias ? 3 : 0);
  if (has_alias) body.insert(body.end(), {0x23, 0, 5});
  body.resize(size - 2 - (size > 129 ? 1 : 0), 'm');
  std::vector<std::uint8_t> packet = {0x30};
  wire::append_var_int(packet, static_cast<std::uint32_t>(body.size()));
  packet.insert(packet.end(), body.begin(), body.end());
  return packet;
}

void read_publish_head(benchmark::State& state) {
  const auto version = static_cast<Version>(state.range(0));
  const auto packet = message(version, state.range(1) != 0, static_cast<std::size_t>(state.range(2)));
  auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
  mqtt::Bytes body = mqtt::Bytes(packet).subspan(header.size);
  for (auto _ : state) {
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(body);
    const auto result = mqtt::read_publish_head(version, mqtt::Sender::client, header, body);
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(read_publish_head)->ArgNames({"version", "alias", "bytes"})->ArgsProduct({{4}, {0}, {16, 256}});
BENCHMARK(read_publish_head)->ArgNames({"version", "alias", "bytes"})->ArgsProduct({{5}, {0, 1}, {16, 256}});

}  // namespace

BENCHMARK_MAIN();
