// What a client's CONNECT asks of the session, beyond what the policy judges it by.
#pragma once

#include <cstdint>

#include "policy/facts.hpp"

namespace bastion::inspect {

/// What CONNECT said that bounds the session. The standard's defaults where it said nothing.
struct Asked {
  MqttVersion version = MqttVersion::v3_1_1;
  bool clean_start = true;
  std::uint16_t topic_alias_maximum = 0;
  std::uint32_t maximum_packet_size = 0xffff'ffff;
  std::uint32_t session_expiry_interval_s = 0;
};

}  // namespace bastion::inspect
