// Exchanges that begin, answers in the receiver's place, topics that an alias stands for.
#include "proxy/inspect/messages.hpp"

#include "proxy/inspect/frame.hpp"
#include "proxy/inspect/refuse.hpp"
#include "proxy/inspect/translate.hpp"
#include "proxy/mqtt/reply.hpp"

namespace bastion::inspect {

using mqtt::PacketType;
using mqtt::PublishHead;

bool is_sent_again(MqttVersion version, const PublishHead& head, Due due) {
  if (version == MqttVersion::v5_0 || !head.dup) return false;
  return head.qos == 1 ? due == Due::puback : due == Due::pubrec || due == Due::pubrel || due == Due::own_pubrel;
}

bool begin_exchange(PacketIds& ids, const PublishHead& head) {
  if (head.qos == 0 || ids.find(head.packet_id) != Due::nothing) return false;
  ids.set(head.packet_id, head.qos == 1 ? Due::puback : Due::pubrec);
  return true;
}

bool answer_denied(PacketIds& ids, MqttVersion version, const PublishHead& head, std::vector<std::uint8_t>& answer) {
  if (head.qos == 0) return false;
  const auto due = ids.find(head.packet_id);
  // It went through before, under other rights: that is the receiver's to answer.
  if (due == Due::puback || due == Due::pubrec) return false;
  const auto type = head.qos == 1 ? PacketType::puback : PacketType::pubrec;
  mqtt::append_acknowledgement(answer, to_mqtt(version), type, head.packet_id, code::not_authorized);
  if (type == PacketType::puback || version == MqttVersion::v5_0 || due != Due::nothing) return false;
  ids.set(head.packet_id, Due::own_pubrel);
  return true;
}

std::optional<std::vector<std::uint8_t>> head_with_topic(TopicAliases& aliases, MqttVersion version,
                                                         const mqtt::FixedHeader& header, const PublishHead& head,
                                                         std::span<const std::uint8_t> in_hand,
                                                         std::uint32_t packet_size_max) {
  const auto* const alias = head.topic.empty() ? aliases.find(*head.topic_alias) : nullptr;
  if (alias == nullptr || alias->told) return std::nullopt;
  const auto name = alias->name;
  std::vector<std::uint8_t> whole_head;
  const bool fits = header.packet_size() + name.size() + header_growth_max <= packet_size_max &&
                    mqtt::append_publish_head(whole_head, to_mqtt(version), header, head, in_hand.subspan(header.size),
                                              {name, head.topic_alias}) &&
                    aliases.set(*head.topic_alias, name, true);
  if (!fits) whole_head.clear();
  return whole_head;
}

}  // namespace bastion::inspect
