// From the broker to the client: CONNACK, then packets that a broken broker could hurt its clients with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/frame.hpp"
#include "proxy/inspect/step.hpp"
#include "proxy/mqtt/connack.hpp"
#include "proxy/mqtt/publish.hpp"

namespace bastion::inspect {

/// What the broker answered to CONNECT.
struct Connack {
  std::uint8_t code = 0;  ///< MQTT 3 return code or MQTT 5 reason code; 0: accepted
  bool session_present = false;
  std::optional<std::uint16_t> server_keep_alive_s;
  std::string assigned_client_id;  ///< empty: none was
};

/// The first packet must be a valid CONNACK (in MQTT 5, AUTH is refused as well: the gate admits no Authentication Method);
/// what it allows is lowered to the session's rights. After it each packet is held to what the standards ask a client to
/// check of a server. All faults are `upstream_malformed`. A message that the client has no right to receive is dropped,
/// and acknowledged to the broker in the client's place.
class DownwardInspector {
 public:
  explicit DownwardInspector(Conversation& conversation) : c_{conversation} {}

  /// As UpwardInspector::step.
  [[nodiscard]] Step step(std::span<const std::uint8_t> in_hand);

  /// As it was sent to the client; nothing before the step that let it through.
  [[nodiscard]] const std::optional<Connack>& connack() const { return connack_; }
  /// Whether the next byte to the client begins a packet.
  [[nodiscard]] bool at_boundary() const { return frame_.at_boundary(); }
  /// How many bytes of the current packet's body are still to come.
  [[nodiscard]] std::uint32_t body_left() const { return frame_.body_left(); }
  /// The broker has sent DISCONNECT (MQTT 5): its close is orderly.
  [[nodiscard]] bool disconnected() const { return disconnected_; }

 private:
  using Bytes = std::span<const std::uint8_t>;
  using Header = mqtt::FixedHeader;
  using Other = std::optional<Step>;

  [[nodiscard]] Step read_connack(Bytes in_hand);
  [[nodiscard]] Step pass_connack(Bytes packet);
  void take_terms(const mqtt::Connack& connack);
  [[nodiscard]] mqtt::ConnackLimits limits() const;
  [[nodiscard]] Other begin(Bytes rest, Forward& through);
  [[nodiscard]] bool may_come(std::uint8_t first_byte) const;
  [[nodiscard]] bool is_too_large(const Header& header);
  [[nodiscard]] Other publish(const Header& header, Bytes rest, Forward& through);
  [[nodiscard]] bool find_topic(const mqtt::PublishHead& head, std::string_view& topic) const;
  [[nodiscard]] bool may_receive(std::string_view topic);
  [[nodiscard]] bool is_good_packet_id(const mqtt::PublishHead& head) const;
  [[nodiscard]] Step drop(const Header& header, const mqtt::PublishHead& head, std::string_view topic, Bytes rest);
  [[nodiscard]] Other let_through(const Header& header, const mqtt::PublishHead& head, Bytes rest, Forward& through);
  [[nodiscard]] Other whole(const Header& header, Bytes rest, Forward& through);
  [[nodiscard]] Other acknowledgement(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] bool may_explain(std::size_t properties_size) const;
  [[nodiscard]] Other answer_of_broker(const Header& header, std::uint16_t id, bool is_refusal, Forward& through);
  [[nodiscard]] Other release(const Header& header, std::uint16_t id, Forward& through);
  [[nodiscard]] Other granted(const Header& header, Bytes body, Forward& through);
  [[nodiscard]] Other pass_whole(const Header& header, Forward& through);

  Conversation& c_;
  Frame frame_{c_.to_broker};
  std::optional<Step> pending_;
  std::optional<Connack> connack_;
  bool disconnected_ = false;
};

/// The refusal by which a broker's CONNACK code is counted, `upstream_refused`; nothing for 0.
[[nodiscard]] std::optional<Refusal> upstream_refusal(MqttVersion version, std::uint8_t code);

}  // namespace bastion::inspect
