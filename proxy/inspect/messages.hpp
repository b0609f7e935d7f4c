// What both directions do alike with a PUBLISH, once it is known whether it goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/facts.hpp"
#include "proxy/inspect/packet_ids.hpp"
#include "proxy/inspect/topic_aliases.hpp"
#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/publish.hpp"

namespace bastion::inspect {

/// Whether a message under an identifier for which `due` is due may be that one, sent again: before MQTT 5 whenever its
/// sender likes, in MQTT 5 never within a connection [MQTT-4.4.0-1].
[[nodiscard]] bool is_sent_again(MqttVersion version, const mqtt::PublishHead& head, Due due);

/// A message goes through. True: its exchange is a new one, and now among those under way.
bool begin_exchange(PacketIds& ids, const mqtt::PublishHead& head);

/// A message goes nowhere, and its sender is told what the receiver would have told it, by its QoS: nothing, PUBACK or
/// PUBREC behind `answer`. The code says why in MQTT 5, which ends the exchange there [MQTT-4.3.3-4]; before, PUBREL and
/// PUBCOMP are still to be exchanged with the gate, and true says that this is new.
bool answer_denied(PacketIds& ids, MqttVersion version, const mqtt::PublishHead& head, std::vector<std::uint8_t>& answer);

/// The head of a message that names its topic by an alias alone. Where the message that set the alias went nowhere, the
/// receiver has never heard of it and is told now: then the head with the topic in it, `in_hand` being the message as far as
/// it has come. Nothing: it may go through as it is. An empty head: that would be more than the receiver takes.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> head_with_topic(TopicAliases& aliases, MqttVersion version,
                                                                       const mqtt::FixedHeader& header,
                                                                       const mqtt::PublishHead& head,
                                                                       std::span<const std::uint8_t> in_hand,
                                                                       std::uint32_t packet_size_max);

}  // namespace bastion::inspect
