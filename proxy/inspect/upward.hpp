// From the client to the broker, after CONNECT: each packet is judged before a byte of it goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/frame.hpp"
#include "proxy/inspect/step.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"

namespace bastion::inspect {

/// Checks what the standards ask a server to check of a client (docs/conformance.md), and the session's rights. A PUBLISH
/// waits for its topic and properties only, its payload passes uninspected; every other packet is read whole.
///
/// What is refused ends the session. What is denied does not: a message goes nowhere and is acknowledged as its QoS asks, a
/// filter gets its code in SUBACK while the others go through; what the gate has to say for it is put into the
/// conversation's `to_client`.
class UpwardInspector {
 public:
  explicit UpwardInspector(Conversation& conversation) : c_{conversation} {}

  /// Any split of the same bytes lets the same bytes through and ends in the same refusal. Never asks with nothing in hand:
  /// empty `in_hand` gives NeedBytes{1}. Coalesces: one Forward covers as many whole packets as are in hand. After a step
  /// other than NeedBytes and Refuse, ask again with what follows.
  [[nodiscard]] Step step(std::span<const std::uint8_t> in_hand);

  /// Whether DISCONNECT has gone through: the end that follows is the client's own wish.
  [[nodiscard]] bool disconnected() const { return disconnected_; }
  /// Whether the next byte to the broker begins a packet: only here may the gate insert one of its own.
  [[nodiscard]] bool at_boundary() const { return frame_.at_boundary(); }
  /// Whether the client is in the middle of a packet.
  [[nodiscard]] bool is_inside_packet() const { return frame_.body_left() > 0; }

 private:
  using Bytes = std::span<const std::uint8_t>;
  using Header = mqtt::FixedHeader;
  /// Nothing: the packet goes through, and was added to `through`.
  using Other = std::optional<Step>;

  [[nodiscard]] Other begin(Bytes rest, Forward& through);
  [[nodiscard]] std::optional<Refuse> judge_first_byte(std::uint8_t byte) const;
  [[nodiscard]] std::optional<Refuse> judge_size(const Header& header);
  [[nodiscard]] Other publish(const Header& header, Bytes rest, Forward& through);
  [[nodiscard]] std::optional<Refuse> judge_announced_topic(const Header& header, Bytes body);
  [[nodiscard]] std::optional<Refuse> find_topic(const mqtt::PublishHead& head, std::string_view& topic) const;
  [[nodiscard]] std::optional<Refuse> judge_publish(const mqtt::PublishHead& head, std::string_view topic);
  [[nodiscard]] std::optional<Refuse> judge_properties(std::size_t bytes, std::uint32_t user_properties);
  [[nodiscard]] std::optional<Refuse> judge_retained(const mqtt::PublishHead& head, std::string_view topic);
  [[nodiscard]] std::optional<Refuse> judge_announced(const mqtt::PublishHead& head) const;
  [[nodiscard]] std::optional<Refuse> judge_packet_id(const mqtt::PublishHead& head) const;
  [[nodiscard]] bool may_publish(const mqtt::PublishHead& head, std::string_view topic);
  [[nodiscard]] Step deny(const Header& header, const mqtt::PublishHead& head, std::string_view topic, Bytes rest);
  [[nodiscard]] Other let_through(const Header& header, const mqtt::PublishHead& head, Bytes rest, Forward& through);
  [[nodiscard]] Other whole(const Header& header, Bytes rest, Forward& through);
  [[nodiscard]] Other acknowledgement(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] Other answer_of_client(const Header& header, std::uint16_t id, bool is_refusal, Forward& through);
  [[nodiscard]] Other release(const Header& header, std::uint16_t id, Forward& through);
  [[nodiscard]] Other subscribe(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] std::optional<Refuse> judge_filter(std::string_view filter);
  [[nodiscard]] std::uint8_t code_for(mqtt::Subscription& subscription, bool has_identifier);
  [[nodiscard]] bool is_kept_back(std::string_view filter) const;
  [[nodiscard]] std::optional<Refuse> count_subscription(std::string_view filter, std::size_t place, Unanswered& asked);
  [[nodiscard]] Other unsubscribe(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] Other disconnect(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] Other pass_whole(const Header& header, Forward& through);
  [[nodiscard]] Step drop_whole(const Header& header);
  [[nodiscard]] std::optional<Refuse> claim(std::uint16_t id) const;
  [[nodiscard]] std::optional<Refuse> judge_in_flight(std::size_t count) const;

  Conversation& c_;
  Frame frame_{c_.to_client};
  std::optional<Step> pending_;
  bool disconnected_ = false;
};

}  // namespace bastion::inspect
