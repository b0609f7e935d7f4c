// The mqtt room's words in the policy's: versions, and packet types as causes.
#pragma once

#include "policy/facts.hpp"
#include "policy/reason.hpp"
#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::inspect {

[[nodiscard]] constexpr MqttVersion to_policy(mqtt::Version version) {
  return static_cast<MqttVersion>(version);
}
[[nodiscard]] constexpr mqtt::Version to_mqtt(MqttVersion version) {
  return static_cast<mqtt::Version>(version);
}

static_assert(to_policy(mqtt::Version::v3_1) == MqttVersion::v3_1);
static_assert(to_policy(mqtt::Version::v3_1_1) == MqttVersion::v3_1_1);
static_assert(to_policy(mqtt::Version::v5_0) == MqttVersion::v5_0);

/// The cause that names a packet's type.
[[nodiscard]] constexpr Cause cause_of(mqtt::PacketType type) {
  return static_cast<Cause>(static_cast<unsigned>(Cause::type_reserved) + static_cast<unsigned>(type));
}

static_assert(cause_of(mqtt::PacketType::reserved) == Cause::type_reserved);
static_assert(cause_of(mqtt::PacketType::publish) == Cause::type_publish);
static_assert(cause_of(mqtt::PacketType::pingreq) == Cause::type_pingreq);
static_assert(cause_of(mqtt::PacketType::auth) == Cause::type_auth);

}  // namespace bastion::inspect
