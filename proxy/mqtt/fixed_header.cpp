// The first two to five bytes of every MQTT packet.
#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::mqtt {

namespace {

bool is_legal_publish_flags(unsigned flags) {
  const unsigned qos = (flags >> 1) & 3u;
  const bool duplicate = (flags & 8u) != 0;
  return qos != 3 && !(qos == 0 && duplicate);
}

}  // namespace

bool is_legal_first_byte(std::uint8_t first_byte) {
  const unsigned flags = first_byte & 0x0fu;
  switch (packet_type(first_byte)) {
    case PacketType::reserved:
      return false;
    case PacketType::publish:
      return is_legal_publish_flags(flags);
    case PacketType::pubrel:
    case PacketType::subscribe:
    case PacketType::unsubscribe:
      return flags == 2;
    default:
      return flags == 0;
  }
}

HeaderResult read_fixed_header(Bytes in_hand) {
  if (in_hand.empty()) return HeaderCutShort{};
  const std::uint8_t first = in_hand[0];
  if (!is_legal_first_byte(first)) return HeaderFault::first_byte;
  const wire::VarInt length = wire::read_var_int(in_hand.subspan(1));
  if (length.outcome == wire::VarInt::Outcome::cut_short) return HeaderCutShort{};
  if (length.outcome == wire::VarInt::Outcome::malformed) return HeaderFault::length;
  return FixedHeader{packet_type(first), static_cast<std::uint8_t>(first & 0x0fu),
                     static_cast<std::uint8_t>(1 + length.size), length.value};
}

}  // namespace bastion::mqtt
