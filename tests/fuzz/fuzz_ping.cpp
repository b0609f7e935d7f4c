// PINGREQ or PINGRESP: nothing but its header, and that from one side only.
#include <variant>

#include "proxy/mqtt/disconnect.hpp"
#include "tests/fuzz/packets.hpp"

using namespace bastion;
using fuzz::require;

namespace {

constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;

}  // namespace

// A packet behind its first byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> packet = {static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4)};
  packet.insert(packet.end(), data, data + size);
  const auto result = mqtt::read_fixed_header(packet);
  const auto* const header = std::get_if<mqtt::FixedHeader>(&result);
  if (!header) return 0;
  require(header->type == type && header->flags == 0);
  const auto own = type == mqtt::PacketType::pingreq ? mqtt::Sender::client : mqtt::Sender::server;
  for (const auto sender : fuzz::both_senders) {
    const auto fault = mqtt::check_ping(sender, *header);
    require(fault.has_value() != (sender == own && header->packet_size() == 2));
    if (fault) fuzz::require_fault(*fault);
  }
  return 0;
}
