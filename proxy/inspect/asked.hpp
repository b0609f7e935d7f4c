// What a client's CONNECT asks of the session, beyond what the policy judges it by.
#pragma once

#include <cstdint>

#include "policy/facts.hpp"

namespace bastion::inspect {

/// As a session expiry interval (OASIS 5.0 section 3.1.2.11.2).
inline constexpr std::uint32_t kept_for_ever = 0xffff'ffff;

/// What CONNECT said that bounds the session. The standard's defaults where it said nothing.
struct Asked {
  MqttVersion version = MqttVersion::v3_1_1;
  bool clean_start = true;
  std::uint16_t topic_alias_maximum = 0;
  std::uint32_t maximum_packet_size = 0xffff'ffff;
  std::uint32_t session_expiry_interval_s = 0;  ///< kept_for_ever for a session of MQTT 3 that is not clean
  bool wants_response_information = false;
  bool wants_problem_information = true;  ///< Reason String and User Properties, also where nothing is delivered
};

}  // namespace bastion::inspect
