// The head of a PUBLISH is the same however its bytes come: a head or a fault stays, nothing is whole before it was asked
// for, nothing beyond the head is asked for, and with another topic it says the same.
#include <optional>
#include <string>
#include <variant>

#include "proxy/mqtt/publish.hpp"
#include "proxy/mqtt/reply.hpp"
#include "proxy/mqtt/topic.hpp"
#include "proxy/mqtt/utf8.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;
using mqtt::FixedHeader;
using mqtt::PublishHead;
using mqtt::Sender;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;

bool is_same(const PublishHead& a, const PublishHead& b) {
  return a.topic == b.topic && a.head_bytes == b.head_bytes && a.payload_bytes == b.payload_bytes &&
         a.packet_id == b.packet_id && a.qos == b.qos && a.dup == b.dup && a.retain == b.retain &&
         a.payload_is_utf8 == b.payload_is_utf8 && a.has_correlation_data == b.has_correlation_data &&
         a.properties_at == b.properties_at && a.topic_alias == b.topic_alias && a.topic_alias_at == b.topic_alias_at &&
         a.message_expiry_s == b.message_expiry_s && a.user_properties == b.user_properties &&
         a.subscription_identifiers == b.subscription_identifiers && a.response_topic == b.response_topic &&
         a.content_type == b.content_type;
}

void require_good(Sender sender, const FixedHeader& header, const PublishHead& head, Bytes body) {
  require(head.head_bytes + head.payload_bytes == header.remaining_length && head.head_bytes <= body.size());
  require(fuzz::is_inside(head.topic, body) && fuzz::is_inside(head.response_topic, body));
  require(fuzz::is_inside(head.content_type, body));
  require(mqtt::is_valid_utf8(head.topic) && !mqtt::has_wildcard(head.topic));
  require(!head.topic.empty() || head.topic_alias);
  require((head.packet_id == 0) == (head.qos == 0));
  require(head.topic_alias != 0);
  require(sender == mqtt::Sender::server || head.subscription_identifiers == 0);
  if (version != mqtt::Version::v5_0) require(head.properties_at == 0 && !head.topic_alias);
  if (head.topic_alias)
    require(body[head.topic_alias_at] == 0x23 && body[head.topic_alias_at + 2] == (*head.topic_alias & 0xff));
}

// Every prefix of what is in hand.
void require_any_split(Sender sender, const FixedHeader& header, Bytes body, const mqtt::PublishHeadResult& last) {
  const auto* const head = std::get_if<PublishHead>(&last);
  const std::size_t asked_max = head ? head->head_bytes : header.remaining_length;
  std::size_t asked = 0;
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto early = mqtt::read_publish_head(version, sender, header, body.first(size));
    if (const auto* const more = std::get_if<mqtt::HeadCutShort>(&early)) {
      require(more->bytes_min > size && more->bytes_min <= asked_max && more->bytes_min >= asked);
      asked = more->bytes_min;
      continue;
    }
    require(early.index() == last.index());
    if (const auto* const early_head = std::get_if<PublishHead>(&early))
      require(size >= asked && is_same(*early_head, *head));
    if (const auto* const fault = std::get_if<mqtt::PacketFault>(&early))
      require(*fault == std::get<mqtt::PacketFault>(last));
  }
}

void require_rewritten(Sender sender, const FixedHeader& header, const PublishHead& head, Bytes body) {
  std::vector<std::uint8_t> out;
  // Its own topic and alias: the same packet, but that the alias is the last property.
  if (!mqtt::append_publish_head(out, version, header, head, body, {head.topic, head.topic_alias})) return;
  require(mqtt::read_fixed_header(out).index() == 0);
  const auto again_header = std::get<FixedHeader>(mqtt::read_fixed_header(out));
  require(again_header.flags == header.flags && again_header.remaining_length == header.remaining_length);
  const Bytes again_body = Bytes(out).subspan(again_header.size);
  require(again_body.size() == head.head_bytes);
  const auto again = mqtt::read_publish_head(version, sender, again_header, again_body);
  require(std::holds_alternative<PublishHead>(again));
  PublishHead same = std::get<PublishHead>(again);
  same.topic_alias_at = head.topic_alias_at;
  require(is_same(same, head));
  // Another topic, no alias.
  out.clear();
  if (!mqtt::append_publish_head(out, version, header, head, body, {"other/topic", std::nullopt})) return;
  const auto other_header = std::get<FixedHeader>(mqtt::read_fixed_header(out));
  const auto other = mqtt::read_publish_head(version, sender, other_header, Bytes(out).subspan(other_header.size));
  require(std::holds_alternative<PublishHead>(other));
  const auto& read = std::get<PublishHead>(other);
  require(read.topic == "other/topic" && !read.topic_alias && read.payload_bytes == head.payload_bytes);
  require(read.packet_id == head.packet_id && read.user_properties == head.user_properties);
}

void run(Sender sender, const FixedHeader& header, Bytes body) {
  const auto last = mqtt::read_publish_head(version, sender, header, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&last)) fuzz::require_fault(*fault);
  if (const auto* const head = std::get_if<PublishHead>(&last)) {
    require_good(sender, header, *head, body);
    require_rewritten(sender, header, *head, body);
  }
  if (body.size() == header.remaining_length) require(!std::holds_alternative<mqtt::HeadCutShort>(last));
  if (body.size() <= 512) require_any_split(sender, header, body, last);
}

}  // namespace

// The flags, one byte by which the remaining length is longer than the body, then the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto flags = static_cast<std::uint8_t>(data[0] & 0x0fu);
  if (!mqtt::is_legal_first_byte(static_cast<std::uint8_t>(0x30u | flags))) return 0;
  const Bytes body(data + 2, size - 2);
  const auto length = static_cast<std::uint32_t>(body.size() + data[1]);
  const FixedHeader header{type, flags, static_cast<std::uint8_t>(1 + wire::var_int_size(length)), length};
  for (const Sender sender : fuzz::both_senders) run(sender, header, body);
  return 0;
}
