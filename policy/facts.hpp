// What is known of a client when a question is put to the policy. All views are borrowed from the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/address.hpp"

namespace bastion {

/// Who is at the other end, as far as the network tells.
struct Origin {
  Address address;
  std::uint16_t port = 0;
};

/// The protocol level of a CONNECT (OASIS 3.1.1 section 3.1.2.2, 5.0 section 3.1.2.2).
enum class MqttVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5_0 = 5 };

/// The message that a client leaves with its CONNECT, to be published when it is lost.
struct WillFacts {
  std::string_view topic;
  std::uint8_t qos = 0;
  bool retain = false;
};

/// What a well-formed CONNECT says of the client.
struct ConnectFacts {
  MqttVersion version = MqttVersion::v3_1_1;
  bool bridge = false;  ///< Mosquitto's bridge bit 0x80 was set in the level
  bool clean_start = true;
  std::uint16_t keep_alive_s = 0;
  std::string_view client_id;
  std::optional<std::string_view> user_name;
  bool has_password = false;
  bool has_auth_method = false;  ///< MQTT 5 Authentication Method
  std::optional<WillFacts> will;
};

/// What an answer is about: a filter of SUBSCRIBE, the topic of a delivery, or a message.
struct TopicFacts {
  std::string_view text;              ///< empty: no topic
  std::optional<std::uint8_t> qos{};  ///< of a message that the client publishes
  bool retain = false;
};

/// The same, kept to tell an operator who mends rules: the start of the text, and it owns that.
struct TopicNote {
  static constexpr std::size_t bytes_max = 64;

  TopicNote() = default;
  explicit TopicNote(const TopicFacts& facts)
      : text{facts.text.substr(0, bytes_max)}, qos{facts.qos}, retain{facts.retain} {}

  std::string text;
  std::optional<std::uint8_t> qos;
  bool retain = false;

  bool operator==(const TopicNote&) const = default;
};

}  // namespace bastion
