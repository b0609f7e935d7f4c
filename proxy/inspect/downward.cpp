// Judging what a broker sends after its CONNACK.
#include "proxy/inspect/downward.hpp"

#include <algorithm>

#include "proxy/inspect/messages.hpp"
#include "proxy/inspect/refuse.hpp"
#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/reply.hpp"

namespace bastion::inspect {

using mqtt::PacketType;
using mqtt::PublishHead;
using mqtt::Sender;

namespace {

const Refuse bad_packet{{Reason::upstream_malformed, Cause::packet}, std::nullopt};
/// Codes of SUBACK from this one on say no, in each version that has any.
constexpr std::uint8_t refused_from = 0x80;

}  // namespace

Step DownwardInspector::step(Bytes in_hand) {
  if (!connack_) return read_connack(in_hand);
  return walk(in_hand, frame_, pending_, [this](Bytes rest, Forward& through) { return begin(rest, through); });
}

// --- any packet -----------------------------------------------------------------------------------------------------------

DownwardInspector::Other DownwardInspector::begin(Bytes rest, Forward& through) {
  if (!may_come(rest[0])) return bad_packet;
  const auto result = mqtt::read_fixed_header(rest);
  if (std::holds_alternative<mqtt::HeaderCutShort>(result)) return NeedBytes{rest.size() + 1};
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  if (header == nullptr || is_too_large(*header)) return bad_packet;
  if (header->type == PacketType::publish) return publish(*header, rest, through);
  if (header->packet_size() > whole_packet_max) return bad_packet;
  if (rest.size() < header->packet_size()) return NeedBytes{header->packet_size()};
  return whole(*header, rest, through);
}

/// Nothing may follow a refusal or a DISCONNECT; and only a server's packets may come down.
bool DownwardInspector::may_come(std::uint8_t first_byte) const {
  if (connack_->code != 0 || disconnected_ || !mqtt::is_legal_first_byte(first_byte)) return false;
  switch (mqtt::packet_type(first_byte)) {
    case PacketType::publish:
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:
      return true;
    case PacketType::disconnect:
      return c_.is_v5();
    default:  // AUTH among them [MQTT-4.12.0-6]
      return false;
  }
}

/// Beyond what the client has asked for [MQTT-3.1.2-24], or what the policy lets through.
bool DownwardInspector::is_too_large(const Header& header) {
  if (header.packet_size() > c_.asked_.maximum_packet_size) return true;
  return header.packet_size() > c_.rights_.packet_size_max && !c_.observes({Reason::upstream_malformed, Cause::packet});
}

DownwardInspector::Other DownwardInspector::whole(const Header& header, Bytes rest, Forward& through) {
  const auto body = rest.subspan(header.size, header.remaining_length);
  switch (header.type) {
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return acknowledgement(header, body, through);
    case PacketType::suback:
    case PacketType::unsuback:
      return granted(header, body, through);
    case PacketType::disconnect:
      if (std::holds_alternative<mqtt::PacketFault>(
              mqtt::read_disconnect(to_mqtt(c_.asked_.version), Sender::server, body))) {
        return bad_packet;
      }
      disconnected_ = true;
      return pass_whole(header, through);
    default:
      break;
  }
  if (mqtt::check_ping(Sender::server, header)) return bad_packet;
  return pass_whole(header, through);
}

DownwardInspector::Other DownwardInspector::pass_whole(const Header& header, Forward& through) {
  frame_.pass(header.packet_size(), header.packet_size(), through);
  return std::nullopt;
}

// --- PUBLISH --------------------------------------------------------------------------------------------------------------

DownwardInspector::Other DownwardInspector::publish(const Header& header, Bytes rest, Forward& through) {
  const auto body = head_window(header, rest);
  const auto result = mqtt::read_publish_head(to_mqtt(c_.asked_.version), Sender::server, header, body);
  if (std::holds_alternative<mqtt::PacketFault>(result)) return bad_packet;
  if (const auto* cut = std::get_if<mqtt::HeadCutShort>(&result)) {
    if (header.size + body.size() == whole_packet_max) return bad_packet;
    return NeedBytes{std::min(header.size + cut->bytes_min, whole_packet_max)};
  }
  const auto& head = std::get<PublishHead>(result);
  std::string_view topic;
  if (!find_topic(head, topic) || !is_good_packet_id(head)) return bad_packet;
  // As with what the client sends: what the gate has begun to answer, it answers to the end.
  const bool is_own = head.qos == 2 && c_.of_broker_.find(head.packet_id) == Due::own_pubrel;
  const bool goes_on =
      !is_own && (may_receive(topic) || c_.observes({Reason::acl_denied, Cause::receive}, TopicFacts{topic}));
  if (head.topic_alias && !head.topic.empty() && !c_.broker_aliases_.set(*head.topic_alias, head.topic, goes_on)) {
    return bad_packet;
  }
  return goes_on ? let_through(header, head, rest, through) : Other{drop(header, head, topic, rest)};
}

bool DownwardInspector::find_topic(const PublishHead& head, std::string_view& topic) const {
  topic = head.topic;
  if (!head.topic_alias) return true;
  if (*head.topic_alias > c_.asked_.topic_alias_maximum) return false;  // [MQTT-3.3.2-11]
  if (!topic.empty()) return true;
  const auto* const known = c_.broker_aliases_.find(*head.topic_alias);
  if (known == nullptr) return false;
  topic = known->name;
  return true;
}

/// The client's Receive Maximum is not among it [MQTT-3.3.4-9]: Mosquitto 2.0 goes far beyond the one of a client that is
/// slow to answer, and to end such a session again and again would harm nobody but the client. There are 65,535 identifiers.
bool DownwardInspector::is_good_packet_id(const PublishHead& head) const {
  if (head.qos == 0) return true;
  const auto due = c_.of_broker_.find(head.packet_id);
  return due == Due::nothing || is_sent_again(c_.asked_.version, head, due);
}

bool DownwardInspector::may_receive(std::string_view topic) {
  const auto& access = c_.rights_.access;
  if (!access.decides()) return true;
  if (const auto known = c_.may_receive_.find(topic, 0)) return *known;
  const bool allowed = access.may_receive(topic).is_allowed;
  c_.may_receive_.keep(topic, 0, allowed);
  return allowed;
}

/// The message goes nowhere, and the broker is told what the client would have told it.
Step DownwardInspector::drop(const Header& header, const PublishHead& head, std::string_view topic, Bytes rest) {
  c_.deny(Denied::receive, TopicFacts{topic});
  answer_denied(c_.of_broker_, c_.asked_.version, head, frame_.answer);
  return frame_.drop(header.packet_size(), rest.size());
}

DownwardInspector::Other DownwardInspector::let_through(const Header& header, const PublishHead& head, Bytes rest,
                                                        Forward& through) {
  begin_exchange(c_.of_broker_, head);
  auto instead = head_with_topic(c_.broker_aliases_, c_.asked_.version, header, head, rest, c_.asked_.maximum_packet_size);
  if (!instead) {
    frame_.pass(header.packet_size(), rest.size(), through);
    return std::nullopt;
  }
  if (instead->empty()) return bad_packet;
  return frame_.replace_head(header.packet_size(), header.size + head.head_bytes, std::move(*instead));
}

// --- acknowledgements -----------------------------------------------------------------------------------------------------

DownwardInspector::Other DownwardInspector::acknowledgement(const Header& header, Bytes body, Forward& through) {
  const auto result = mqtt::read_acknowledgement(to_mqtt(c_.asked_.version), Sender::server, header.type, body);
  const auto* const acknowledgement = std::get_if<mqtt::Acknowledgement>(&result);
  if (acknowledgement == nullptr || !may_explain(acknowledgement->properties_size)) return bad_packet;
  if (header.type == PacketType::pubrel) return release(header, acknowledgement->packet_id, through);
  return answer_of_broker(header, acknowledgement->packet_id, acknowledgement->is_refusal(), through);
}

/// Acknowledgements have no properties but Reason String and User Properties [MQTT-3.1.2-29].
bool DownwardInspector::may_explain(std::size_t properties_size) const {
  return properties_size == 0 || c_.asked_.wants_problem_information;
}

/// PUBACK, PUBREC and PUBCOMP: of what the client has sent.
DownwardInspector::Other DownwardInspector::answer_of_broker(const Header& header, std::uint16_t id, bool is_refusal,
                                                             Forward& through) {
  const auto due = c_.of_client_.find(id);
  // The client waits for no such thing. After an earlier session it may.
  if (due == Due::nothing) {
    if (c_.resumed_) return pass_whole(header, through);
    return frame_.drop(header.packet_size(), header.packet_size());
  }
  const auto end = [&] {
    c_.of_client_.erase(id);
    --c_.client_publishes_;
  };
  switch (header.type) {
    case PacketType::puback:
      if (due != Due::puback) return bad_packet;
      end();
      return pass_whole(header, through);
    case PacketType::pubrec:
      if (due != Due::pubrec && due != Due::pubrel && due != Due::pubcomp) return bad_packet;
      if (is_refusal) {
        end();
      } else if (due == Due::pubrec) {
        c_.of_client_.set(id, Due::pubrel);
      }
      return pass_whole(header, through);
    default:
      if (due != Due::pubcomp) return bad_packet;
      end();
      return pass_whole(header, through);
  }
}

DownwardInspector::Other DownwardInspector::release(const Header& header, std::uint16_t id, Forward& through) {
  switch (c_.of_broker_.find(id)) {
    case Due::own_pubrel:
      mqtt::append_acknowledgement(frame_.answer, to_mqtt(c_.asked_.version), PacketType::pubcomp, id, 0);
      c_.of_broker_.erase(id);
      return frame_.drop(header.packet_size(), header.packet_size());
    case Due::pubrel:
      c_.of_broker_.set(id, Due::pubcomp);
      return pass_whole(header, through);
    case Due::pubcomp:
      return pass_whole(header, through);
    case Due::nothing:
      // Of an earlier connection; the client says PUBCOMP in any case.
      c_.of_broker_.set(id, Due::pubcomp);
      return pass_whole(header, through);
    default:
      return bad_packet;
  }
}

/// SUBACK and UNSUBACK answer what was asked, filter for filter; the codes of those that were denied here are put in.
DownwardInspector::Other DownwardInspector::granted(const Header& header, Bytes body, Forward& through) {
  const bool is_suback = header.type == PacketType::suback;
  const auto version = to_mqtt(c_.asked_.version);
  const auto result = is_suback ? mqtt::read_suback(version, body) : mqtt::read_unsuback(version, body);
  const auto* const granted = std::get_if<mqtt::Granted>(&result);
  if (granted == nullptr || !may_explain(granted->properties.size())) return bad_packet;
  const auto found = std::find_if(c_.unanswered_.begin(), c_.unanswered_.end(),
                                  [&](const Unanswered& asked) { return asked.packet_id == granted->packet_id; });
  const auto due = c_.of_client_.find(granted->packet_id);
  if (found == c_.unanswered_.end() || due != (is_suback ? Due::suback : Due::unsuback)) return bad_packet;
  const bool has_codes = is_suback || c_.is_v5();
  if (has_codes && granted->codes.size() != found->codes_due) return bad_packet;  // [MQTT-3.8.4-6], [MQTT-3.11.3-1]

  for (const auto& counted : found->counted) {
    if (granted->codes[counted.place] < refused_from) continue;
    if (c_.subscriptions_.remove(counted.filter) && counted.shared) c_.shared_.remove(*counted.shared);
  }
  auto codes = std::move(found->codes);
  *found = std::move(c_.unanswered_.back());
  c_.unanswered_.pop_back();
  c_.of_client_.erase(granted->packet_id);
  if (codes.empty()) return pass_whole(header, through);
  auto next = granted->codes.begin();
  for (auto& each : codes) {
    if (each == Unanswered::from_broker) each = *next++;
  }
  std::vector<std::uint8_t> merged;
  mqtt::append_suback(merged, version, granted->packet_id, codes, granted->properties);
  if (merged.size() > c_.asked_.maximum_packet_size) {  // the broker left room for its own codes [MQTT-3.9.2-1]
    merged.clear();
    mqtt::append_suback(merged, version, granted->packet_id, codes);
  }
  return frame_.replace_head(header.packet_size(), header.packet_size(), std::move(merged));
}

}  // namespace bastion::inspect
