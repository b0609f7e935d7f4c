// A CONNACK that was lowered to limits is one that keeps to them, says nothing else that is new, and is not lowered twice.
#include <algorithm>
#include <variant>
#include <vector>

#include "proxy/mqtt/connack.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr bool is_v5 = version == mqtt::Version::v5_0;

// Each limit is set or not by a bit, so that any of them meets any other.
mqtt::ConnackLimits limits_of(unsigned bits) {
  mqtt::ConnackLimits limits;
  if ((bits & 1u) != 0) limits.receive_maximum = 20;
  if ((bits & 2u) != 0) limits.maximum_packet_size = 0x10000;
  if ((bits & 4u) != 0) limits.topic_alias_maximum = 8;
  if ((bits & 8u) != 0) limits.maximum_qos = 1;
  if ((bits & 16u) != 0) limits.server_keep_alive_s = 600;
  limits.retain_available = (bits & 32u) == 0;
  limits.wildcard_subscription_available = (bits & 64u) == 0;
  limits.shared_subscription_available = (bits & 128u) == 0;
  limits.subscription_identifier_available = (bits & 128u) == 0;
  return limits;
}

void require_lowered(const mqtt::Connack& before, const mqtt::Connack& after, const mqtt::ConnackLimits& limits) {
  require(after.code == before.code && after.session_present == before.session_present);
  require(after.assigned_client_id == before.assigned_client_id && after.user_properties == before.user_properties);
  require(after.session_expiry_interval_s == before.session_expiry_interval_s);
  require(after.receive_maximum == std::min(before.receive_maximum, limits.receive_maximum.value_or(0xffff)));
  require(after.topic_alias_maximum == std::min(before.topic_alias_maximum, limits.topic_alias_maximum.value_or(0xffff)));
  require(after.maximum_qos == std::min<int>(before.maximum_qos, limits.maximum_qos.value_or(2)));
  require(after.retain_available == (before.retain_available && limits.retain_available));
  require(after.shared_subscription_available ==
          (before.shared_subscription_available && limits.shared_subscription_available));
  if (limits.maximum_packet_size) require(after.maximum_packet_size && *after.maximum_packet_size <= 0x10000);
  if (limits.server_keep_alive_s) require(after.server_keep_alive_s && *after.server_keep_alive_s <= 600);
}

void require_v5(const mqtt::Connack& read, Bytes packet, unsigned bits) {
  require(!read.assigned_client_id || fuzz::is_inside(*read.assigned_client_id, packet));
  const mqtt::ConnackLimits limits = limits_of(bits);
  std::vector<std::uint8_t> once;
  mqtt::append_lowered_connack(once, packet, read, limits);
  const auto lowered = mqtt::parse_connack(once, mqtt::Version::v5_0);
  require(std::holds_alternative<mqtt::Connack>(lowered));
  require_lowered(read, std::get<mqtt::Connack>(lowered), limits);
  std::vector<std::uint8_t> twice;
  mqtt::append_lowered_connack(twice, once, std::get<mqtt::Connack>(lowered), limits);
  require(once == twice);
  std::vector<std::uint8_t> same;
  mqtt::append_lowered_connack(same, packet, read, {});
  require(fuzz::is_same(same, packet));
}

}  // namespace

// One byte that says which limits there are, then the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::vector<std::uint8_t> packet = {0x20};
  wire::append_var_int(packet, static_cast<std::uint32_t>(size - 1));
  packet.insert(packet.end(), data + 1, data + size);
  const auto result = mqtt::parse_connack(packet, version);
  const auto* const read = std::get_if<mqtt::Connack>(&result);
  if (!read) return 0;
  require(!read->session_present || read->code == 0);
  if (is_v5) require_v5(*read, packet, data[0]);
  if (!is_v5) require(packet.size() == mqtt::make_connack_v3(read->code).size());
  return 0;
}
