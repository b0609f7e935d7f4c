// A guest's conversation with the broker: messages to itself, at any QoS, of which none may be lost, doubled or changed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "tests/bench/load/messages.hpp"
#include "tests/soak/load/plan.hpp"

namespace bastion::soak {

using bench::ByteVector;
using bench::ByteView;

class Talk {
 public:
  explicit Talk(const Plan& plan) : plan_{plan}, topic_{"soak/" + plan.client_id} {}

  [[nodiscard]] ByteVector connect() const;
  [[nodiscard]] ByteVector subscribe() const;
  /// The next message.
  [[nodiscard]] ByteVector message(std::size_t payload_bytes);

  /// A packet that came after CONNACK; what is to be answered, if anything. Throws bench::Void, with a reason, where it is
  /// not what the broker may send now.
  [[nodiscard]] ByteVector take(ByteView packet);

  [[nodiscard]] bool subscribed() const { return subscribed_; }
  [[nodiscard]] unsigned sent() const { return sent_; }
  [[nodiscard]] unsigned received() const { return received_; }
  /// All that was sent has come back, and has been acknowledged in both directions.
  [[nodiscard]] bool settled() const { return received_ == sent_ && unacknowledged_.empty() && unreleased_.empty(); }

 private:
  [[nodiscard]] ByteVector take_message(ByteView packet);
  void acknowledge(std::uint16_t identifier);

  const Plan& plan_;
  std::string topic_;
  bool subscribed_ = false;
  unsigned sent_ = 0;
  unsigned received_ = 0;
  std::set<std::uint16_t> unacknowledged_;  ///< of our own messages
  std::set<std::uint16_t> unreleased_;      ///< of messages of QoS 2 that came
};

}  // namespace bastion::soak
