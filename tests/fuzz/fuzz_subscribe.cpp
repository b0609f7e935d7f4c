// SUBSCRIBE or UNSUBSCRIBE: the walk meets as many filters as were counted, each well-formed and in the packet; written
// with all of them it is the same packet, with one of them it is read again.
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/mqtt/reply.hpp"
#include "proxy/mqtt/subscribe.hpp"
#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;

void require_filter(std::string_view filter, Bytes body) {
  require(fuzz::is_inside(filter, body) && mqtt::is_valid_utf8(filter) && mqtt::is_topic_filter(version, filter));
  require(mqtt::levels_of(filter) <= filter.size() + 1);
  const auto shared = mqtt::shared_subscription(filter);
  if (shared) require(7 + shared->name.size() + 1 + shared->filter.size() == filter.size());
}

void run_subscribe(Bytes body) {
  const auto result = mqtt::read_subscribe(version, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Subscribe>(&result);
  if (!read) return;
  require(read->packet_id != 0 && read->filters > 0 && read->subscription_identifier != 0);
  require(fuzz::is_inside(read->properties, body) && fuzz::is_inside(read->payload, body));
  std::vector<mqtt::Subscription> all;
  mqtt::SubscriptionReader reader(*read);
  while (const auto each = reader.next()) {
    require_filter(each->filter, body);
    require(each->qos <= 2 && each->retain_handling <= 2);
    require(!each->no_local || !mqtt::is_shared(each->filter));
    all.push_back(*each);
  }
  require(all.size() == read->filters);
  std::vector<std::uint8_t> out;
  mqtt::append_subscribe(out, version, *read, all);
  require(fuzz::is_same(fuzz::body_of(out), body));
  out.clear();
  mqtt::append_subscribe(out, version, *read, std::span(all).last(1));
  const auto again = mqtt::read_subscribe(version, fuzz::body_of(out));
  const auto* const one = std::get_if<mqtt::Subscribe>(&again);
  require(one && one->filters == 1 && one->packet_id == read->packet_id);
  require(fuzz::is_same(one->properties, read->properties));
}

void run_unsubscribe(Bytes body) {
  const auto result = mqtt::read_unsubscribe(version, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Unsubscribe>(&result);
  if (!read) return;
  require(read->packet_id != 0 && read->filters > 0);
  std::vector<std::string_view> all;
  mqtt::FilterReader reader(*read);
  while (const auto each = reader.next()) {
    require_filter(*each, body);
    all.push_back(*each);
  }
  require(all.size() == read->filters);
  std::vector<std::uint8_t> out;
  mqtt::append_unsubscribe(out, version, *read, all);
  require(fuzz::is_same(fuzz::body_of(out), body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  type == mqtt::PacketType::subscribe ? run_subscribe(body) : run_unsubscribe(body);
  return 0;
}
