// Packets that the gate makes itself, or makes anew from those that it read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/subscribe.hpp"

namespace bastion::mqtt {

/// Every writer appends one whole packet, or one whole head, to the caller's buffer and leaves alone what is in it.
using Buffer = std::vector<std::uint8_t>;

/// PUBACK, PUBREC, PUBREL or PUBCOMP. Before MQTT 5 there is no place for the reason code.
void append_acknowledgement(Buffer& out, Version version, PacketType type, std::uint16_t packet_id,
                            std::uint8_t reason_code);

/// SUBACK. `properties`: without their length, for instance those of the broker's own SUBACK; only in MQTT 5.
/// Precondition, here and below: codes and properties fit into a packet.
void append_suback(Buffer& out, Version version, std::uint16_t packet_id, Bytes codes, Bytes properties = {});

/// UNSUBACK. Before MQTT 5 there is no place for codes and properties.
void append_unsuback(Buffer& out, Version version, std::uint16_t packet_id, Bytes codes, Bytes properties = {});

/// DISCONNECT. Before MQTT 5 there is no place for the reason code.
void append_disconnect(Buffer& out, Version version, std::uint8_t reason_code);

/// The same SUBSCRIBE, packet identifier and properties and all, with these subscriptions in place of its own; at least one.
/// They may be some of its own, or others. Precondition: not longer than those of the packet that was read.
void append_subscribe(Buffer& out, Version version, const Subscribe& subscribe, std::span<const Subscription> kept);

/// The same UNSUBSCRIBE with these filters in place of its own; at least one. Precondition as with SUBSCRIBE.
void append_unsubscribe(Buffer& out, Version version, const Unsubscribe& unsubscribe,
                        std::span<const std::string_view> kept);

/// What a PUBLISH says of its topic: `name` may be empty where there is an `alias` (MQTT 5).
struct TopicOfPublish {
  std::string_view name;
  std::optional<std::uint16_t> alias;
};

/// Fixed header and head of the same PUBLISH with this topic and alias in place of its own; its payload goes behind it as it
/// is. `body`: what `head` was read from, at least its `head_bytes`. False, and nothing is appended, if the packet would
/// grow over the protocol's limit.
[[nodiscard]] bool append_publish_head(Buffer& out, Version version, const FixedHeader& header, const PublishHead& head,
                                       Bytes body, const TopicOfPublish& topic);

}  // namespace bastion::mqtt
