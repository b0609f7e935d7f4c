// Judging what a client sends: the packet itself, messages, acknowledgements.
#include "proxy/inspect/upward.hpp"

#include <algorithm>

#include "proxy/inspect/messages.hpp"
#include "proxy/inspect/refuse.hpp"
#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/reply.hpp"
#include "proxy/mqtt/topic.hpp"

namespace bastion::inspect {

using mqtt::FixedHeader;
using mqtt::PacketType;
using mqtt::PublishHead;
using mqtt::Sender;
using Verdict = PublishAnswer::Verdict;

Step UpwardInspector::step(Bytes in_hand) {
  return walk(in_hand, frame_, pending_, [this](Bytes rest, Forward& through) { return begin(rest, through); });
}

// --- any packet -----------------------------------------------------------------------------------------------------------

UpwardInspector::Other UpwardInspector::begin(Bytes rest, Forward& through) {
  if (auto refused = judge_first_byte(rest[0])) return *refused;
  const auto result = mqtt::read_fixed_header(rest);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return NeedBytes{rest.size() + 1};
  const auto* const header = std::get_if<FixedHeader>(&result);
  if (header == nullptr) return refuse(Reason::malformed_packet, cause_of(mqtt::packet_type(rest[0])));
  if (auto refused = judge_size(*header)) return *refused;
  if (header->type == PacketType::publish) return publish(*header, rest, through);
  if (header->packet_size() > whole_packet_max) return refuse(Reason::packet_too_large, Cause::none);
  if (rest.size() < header->packet_size()) return NeedBytes{header->packet_size()};
  return whole(*header, rest, through);
}

/// Asked before anything else is waited for.
std::optional<Refuse> UpwardInspector::judge_first_byte(std::uint8_t byte) const {
  if (disconnected_) return refuse(Reason::protocol_error, Cause::after_disconnect);
  const auto type = mqtt::packet_type(byte);
  if (!mqtt::is_legal_first_byte(byte)) return refuse(Reason::malformed_packet, cause_of(type));
  switch (type) {
    case PacketType::connect:
      return refuse(Reason::protocol_error, Cause::second_connect);  // [MQTT-3.1.0-2]
    case PacketType::connack:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:
      return refuse(Reason::protocol_error, Cause::direction);
    case PacketType::auth:
      // No Authentication Method is ever admitted, so there is nothing to continue [MQTT-4.12.0-7].
      if (c_.is_v5()) return refuse(Reason::protocol_error, Cause::auth);
      return refuse(Reason::malformed_packet, Cause::type_auth);
    default:
      return std::nullopt;
  }
}

std::optional<Refuse> UpwardInspector::judge_size(const Header& header) {
  // What the broker has told is its own affair, whether the gate only observes or not.
  if (header.packet_size() > c_.maximum_packet_size_) return refuse(Reason::packet_too_large, Cause::none);
  if (header.packet_size() <= c_.rights_.packet_size_max) return std::nullopt;
  const Refusal too_large{Reason::packet_too_large, Cause::none};
  return c_.observes(too_large) ? std::nullopt : std::optional{Refuse{too_large, std::nullopt}};
}

UpwardInspector::Other UpwardInspector::whole(const Header& header, Bytes rest, Forward& through) {
  const auto body = rest.subspan(header.size, header.remaining_length);
  switch (header.type) {
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return acknowledgement(header, body, through);
    case PacketType::subscribe:
      return subscribe(header, body, through);
    case PacketType::unsubscribe:
      return unsubscribe(header, body, through);
    case PacketType::disconnect:
      return disconnect(header, body, through);
    default:
      break;
  }
  if (const auto fault = mqtt::check_ping(Sender::client, header)) return refuse(header.type, *fault);
  return pass_whole(header, through);
}

UpwardInspector::Other UpwardInspector::pass_whole(const Header& header, Forward& through) {
  frame_.pass(header.packet_size(), header.packet_size(), through);
  return std::nullopt;
}

Step UpwardInspector::drop_whole(const Header& header) {
  return frame_.drop(header.packet_size(), header.packet_size());
}

UpwardInspector::Other UpwardInspector::disconnect(const Header& header, Bytes body, Forward& through) {
  const auto result = mqtt::read_disconnect(to_mqtt(c_.asked_.version), Sender::client, body);
  if (const auto* fault = std::get_if<mqtt::PacketFault>(&result)) return refuse(header.type, *fault);
  const auto& asked = std::get<mqtt::Disconnect>(result);
  if (auto refused = judge_properties(asked.properties_size, asked.user_properties)) return *refused;
  const auto expiry = asked.session_expiry_interval_s;
  // OASIS 5.0 section 3.14.2.2.2: a session that was to end with its connection can't be kept afterwards.
  if (expiry.value_or(0) > 0 && c_.asked_.session_expiry_interval_s == 0) {
    return refuse(Reason::protocol_error, Cause::other, mqtt::reason_code::protocol_error);
  }
  if (expiry.value_or(0) > c_.rights_.session_expiry_max_s) {
    const Refusal too_long{Reason::limit_exceeded, Cause::expiry};
    if (!c_.observes(too_long)) return Refuse{too_long, std::nullopt};
  }
  if (expiry) c_.session_expiry_s_ = *expiry;
  disconnected_ = true;
  return pass_whole(header, through);
}

// --- PUBLISH --------------------------------------------------------------------------------------------------------------

UpwardInspector::Other UpwardInspector::publish(const Header& header, Bytes rest, Forward& through) {
  const auto body = head_window(header, rest);
  if (auto refused = judge_announced_topic(header, body)) return *refused;
  const auto result = mqtt::read_publish_head(to_mqtt(c_.asked_.version), Sender::client, header, body);
  if (const auto* fault = std::get_if<mqtt::PacketFault>(&result)) return refuse(header.type, *fault);
  if (const auto* cut = std::get_if<mqtt::HeadCutShort>(&result)) {
    if (header.size + body.size() == whole_packet_max) return refuse(Reason::limit_exceeded, Cause::properties);
    return NeedBytes{std::min(header.size + cut->bytes_min, whole_packet_max)};
  }

  const auto& head = std::get<PublishHead>(result);
  std::string_view topic;
  if (auto refused = find_topic(head, topic)) return *refused;
  if (auto refused = judge_publish(head, topic)) return *refused;
  // A message of which the gate has said PUBREC stays with the gate, whatever it says when it is sent again.
  const bool is_own = head.qos == 2 && c_.of_client_.find(head.packet_id) == Due::own_pubrel;
  const bool goes_on = !is_own && (may_publish(head, topic) ||
                                   c_.observes({Reason::acl_denied, Cause::type_publish}, {topic, head.qos, head.retain}));
  if (!goes_on && c_.rights_.disconnects_on_denied_publish) {
    c_.deny(Denied::publish, {topic, head.qos, head.retain});
    return refuse(Reason::acl_denied, Cause::type_publish);
  }
  if (head.topic_alias && !head.topic.empty() && !c_.client_aliases_.set(*head.topic_alias, head.topic, goes_on)) {
    return refuse(Reason::limit_exceeded, Cause::alias, code::quota_exceeded);
  }
  if (!goes_on) return deny(header, head, topic, rest);
  if (head.retain) {
    if (auto refused = judge_retained(head, topic)) return *refused;
  }
  return let_through(header, head, rest, through);
}

/// A topic that is longer than may be is not waited for, nor looked at: so it is refused by its length first, however much
/// of it is in hand. A length that lies is the reader's to refuse.
std::optional<Refuse> UpwardInspector::judge_announced_topic(const Header& header, Bytes body) {
  if (body.size() < mqtt::publish_topic_at) return std::nullopt;
  const auto topic_bytes = static_cast<std::uint32_t>(body[0]) << 8 | body[1];
  const bool lies = mqtt::publish_topic_at + topic_bytes > header.remaining_length;
  if (lies || topic_bytes <= c_.rights_.topic_length_max) return std::nullopt;
  if (c_.observes({Reason::limit_exceeded, Cause::topic_length})) return std::nullopt;
  return refuse(Reason::limit_exceeded, Cause::topic_length, code::topic_name_invalid);
}

std::optional<Refuse> UpwardInspector::find_topic(const PublishHead& head, std::string_view& topic) const {
  topic = head.topic;
  if (!head.topic_alias) return std::nullopt;
  if (*head.topic_alias > c_.topic_alias_maximum_) {  // [MQTT-3.3.2-9]
    return refuse(Reason::protocol_error, Cause::alias, code::topic_alias_invalid);
  }
  if (!topic.empty()) return std::nullopt;
  const auto* const known = c_.client_aliases_.find(*head.topic_alias);
  if (known == nullptr) return refuse(Reason::protocol_error, Cause::alias, mqtt::reason_code::protocol_error);
  topic = known->name;
  return std::nullopt;
}

std::optional<Refuse> UpwardInspector::judge_publish(const PublishHead& head, std::string_view topic) {
  const auto over = [this](Cause cause, std::uint8_t v5) -> std::optional<Refuse> {
    if (c_.observes({Reason::limit_exceeded, cause})) return std::nullopt;
    return refuse(Reason::limit_exceeded, cause, v5);
  };
  if (topic.size() > c_.rights_.topic_length_max) {  // behind an alias that was set when it might be longer
    if (auto refused = over(Cause::topic_length, code::topic_name_invalid)) return refused;
  }
  if (mqtt::levels_of(topic) > c_.rights_.topic_levels_max) {
    if (auto refused = over(Cause::topic_levels, code::topic_name_invalid)) return refused;
  }
  if (c_.is_v5()) {
    if (auto refused = judge_properties(head.head_bytes - head.properties_at, head.user_properties)) return refused;
  }
  if (auto refused = judge_announced(head)) return refused;
  if (head.qos == 0) return std::nullopt;
  return judge_packet_id(head);
}

std::optional<Refuse> UpwardInspector::judge_properties(std::size_t bytes, std::uint32_t user_properties) {
  const bool over = bytes > c_.rights_.properties_size_max || user_properties > c_.rights_.user_properties_max;
  if (!over || c_.observes({Reason::limit_exceeded, Cause::properties})) return std::nullopt;
  return refuse(Reason::limit_exceeded, Cause::properties);
}

/// How many topics this session keeps a message on at the broker; an empty one takes it away again.
std::optional<Refuse> UpwardInspector::judge_retained(const PublishHead& head, std::string_view topic) {
  if (head.payload_bytes == 0) {
    c_.retained_.remove(topic);
    return std::nullopt;
  }
  if (c_.retained_.has(topic)) return std::nullopt;
  const Refusal many{Reason::limit_exceeded, Cause::retained};
  if (c_.retained_.size() >= c_.rights_.retained_messages_max) {
    return c_.observes(many) ? std::nullopt : std::optional{Refuse{many, std::nullopt}};
  }
  c_.retained_.add(topic);
  return std::nullopt;
}

/// What CONNACK has said is not available [MQTT-3.2.2-11], [MQTT-3.2.2-14].
std::optional<Refuse> UpwardInspector::judge_announced(const PublishHead& head) const {
  if (head.qos > c_.maximum_qos_) {
    return refuse(Reason::protocol_error, Cause::not_available, code::qos_not_supported);
  }
  if (head.retain && !c_.retain_available_) {
    return refuse(Reason::protocol_error, Cause::not_available, code::retain_not_supported);
  }
  return std::nullopt;
}

std::optional<Refuse> UpwardInspector::judge_packet_id(const PublishHead& head) const {
  const auto due = c_.of_client_.find(head.packet_id);
  if (due == Due::nothing) {
    if (c_.client_publishes_ >= c_.receive_maximum_) {  // [MQTT-3.3.4-7] of the other side
      return refuse(Reason::protocol_error, Cause::receive_maximum, code::receive_maximum_exceeded);
    }
    return judge_in_flight(c_.client_publishes_);
  }
  if (is_sent_again(c_.asked_.version, head, due)) return std::nullopt;
  return refuse(Reason::protocol_error, Cause::packet_id);  // [MQTT-2.3.1-4], 5.0 [MQTT-2.2.1-3]
}

bool UpwardInspector::may_publish(const PublishHead& head, std::string_view topic) {
  const auto& rights = c_.rights_;
  if (head.qos > rights.qos_max || (head.retain && !rights.retain)) return false;
  if (!rights.access.decides()) {
    return topic.front() != '$' || !rights.guards.has(Guard::dollar_publish) || rights.access.is_own_bridge_state(topic);
  }
  const auto asked = static_cast<std::uint8_t>(head.qos * 2u + (head.retain ? 1u : 0u));
  if (const auto known = c_.may_publish_.find(topic, asked)) return *known == Verdict::allowed;
  const auto answer = rights.access.may_publish(topic, head.qos, head.retain);
  c_.may_publish_.keep(topic, asked, answer.verdict);
  return answer.is_allowed();
}

Step UpwardInspector::deny(const Header& header, const PublishHead& head, std::string_view topic, Bytes rest) {
  c_.deny(Denied::publish, {topic, head.qos, head.retain});
  if (answer_denied(c_.of_client_, c_.asked_.version, head, frame_.answer)) ++c_.client_publishes_;
  return frame_.drop(header.packet_size(), rest.size());
}

UpwardInspector::Other UpwardInspector::let_through(const Header& header, const PublishHead& head, Bytes rest,
                                                    Forward& through) {
  if (begin_exchange(c_.of_client_, head)) ++c_.client_publishes_;
  auto instead = head_with_topic(c_.client_aliases_, c_.asked_.version, header, head, rest, c_.maximum_packet_size_);
  if (!instead) {
    frame_.pass(header.packet_size(), rest.size(), through);
    return std::nullopt;
  }
  if (instead->empty()) return refuse(Reason::packet_too_large, Cause::none);
  return frame_.replace_head(header.packet_size(), header.size + head.head_bytes, std::move(*instead));
}

// --- acknowledgements -----------------------------------------------------------------------------------------------------

UpwardInspector::Other UpwardInspector::acknowledgement(const Header& header, Bytes body, Forward& through) {
  const auto result = mqtt::read_acknowledgement(to_mqtt(c_.asked_.version), Sender::client, header.type, body);
  if (const auto* fault = std::get_if<mqtt::PacketFault>(&result)) return refuse(header.type, *fault);
  const auto& acknowledgement = std::get<mqtt::Acknowledgement>(result);
  if (auto refused = judge_properties(acknowledgement.properties_size, acknowledgement.user_properties)) return *refused;
  if (header.type == PacketType::pubrel) return release(header, acknowledgement.packet_id, through);
  return answer_of_client(header, acknowledgement.packet_id, acknowledgement.is_refusal(), through);
}

/// PUBACK, PUBREC and PUBCOMP: of what the broker has sent.
UpwardInspector::Other UpwardInspector::answer_of_client(const Header& header, std::uint16_t id, bool is_refusal,
                                                         Forward& through) {
  const auto due = c_.of_broker_.find(id);
  // Either of an exchange that an earlier connection began, or said twice: the broker waits for no such thing.
  if (due == Due::nothing) return c_.resumed_ ? pass_whole(header, through) : Other{drop_whole(header)};
  switch (header.type) {
    case PacketType::puback:
      if (due != Due::puback) break;
      c_.of_broker_.erase(id);
      return pass_whole(header, through);
    case PacketType::pubrec:
      if (due == Due::puback) break;
      if (is_refusal) {
        c_.of_broker_.erase(id);
      } else if (due == Due::pubrec) {
        c_.of_broker_.set(id, Due::pubrel);
      }
      return pass_whole(header, through);
    default:
      if (due != Due::pubcomp) break;
      c_.of_broker_.erase(id);
      return pass_whole(header, through);
  }
  return refuse(Reason::protocol_error, Cause::packet_id);
}

UpwardInspector::Other UpwardInspector::release(const Header& header, std::uint16_t id, Forward& through) {
  switch (c_.of_client_.find(id)) {
    case Due::own_pubrel:
      mqtt::append_acknowledgement(frame_.answer, to_mqtt(c_.asked_.version), PacketType::pubcomp, id, 0);
      c_.of_client_.erase(id);
      --c_.client_publishes_;
      return drop_whole(header);
    case Due::pubrel:
      c_.of_client_.set(id, Due::pubcomp);
      return pass_whole(header, through);
    case Due::pubcomp:
      return pass_whole(header, through);
    case Due::nothing:
      // Of an earlier connection, or a mistake: the broker knows, and says PUBCOMP in any case [MQTT-4.3.3-2].
      if (auto refused = judge_in_flight(c_.client_publishes_)) return *refused;
      c_.of_client_.set(id, Due::pubcomp);
      ++c_.client_publishes_;
      return pass_whole(header, through);
    default:
      return refuse(Reason::protocol_error, Cause::packet_id);  // before PUBREC [MQTT-4.3.3-1]
  }
}

/// A packet identifier for SUBSCRIBE and UNSUBSCRIBE [MQTT-2.3.1-2], 5.0 [MQTT-2.2.1-3].
std::optional<Refuse> UpwardInspector::claim(std::uint16_t id) const {
  if (c_.of_client_.find(id) != Due::nothing) return refuse(Reason::protocol_error, Cause::packet_id);
  return judge_in_flight(c_.unanswered_.size());
}

std::optional<Refuse> UpwardInspector::judge_in_flight(std::size_t count) const {
  const Refusal many{Reason::limit_exceeded, Cause::in_flight};
  if (count < c_.rights_.in_flight_max || c_.observes(many)) return std::nullopt;
  return Refuse{many, std::nullopt};
}

}  // namespace bastion::inspect
