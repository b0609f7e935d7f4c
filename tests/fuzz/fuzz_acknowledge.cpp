// PUBACK, PUBREC, PUBREL and PUBCOMP: what is read can be written, and says the same.
#include <array>
#include <variant>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr std::array types = {mqtt::PacketType::puback, mqtt::PacketType::pubrec, mqtt::PacketType::pubrel,
                              mqtt::PacketType::pubcomp};

void require_good(const fuzz::Choice& choice, mqtt::PacketType type, const mqtt::Acknowledgement& read, Bytes body) {
  require(read.packet_id != 0);
  require(choice.version == mqtt::Version::v5_0 || body.size() == 2);
  require(mqtt::is_acknowledgement_code(choice.sender, type, read.reason_code));
  std::vector<std::uint8_t> out;
  mqtt::append_acknowledgement(out, choice.version, type, read.packet_id, read.reason_code);
  const auto again = mqtt::read_acknowledgement(choice.version, choice.sender, type, fuzz::body_of(out));
  const auto* const same = std::get_if<mqtt::Acknowledgement>(&again);
  require(same && same->packet_id == read.packet_id && same->reason_code == read.reason_code);
  require(mqtt::packet_type(out[0]) == type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::Choice choice = fuzz::choose(data[0]);
  const mqtt::PacketType type = types[choice.kind % types.size()];
  const Bytes body(data + 1, size - 1);
  const auto result = mqtt::read_acknowledgement(choice.version, choice.sender, type, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  if (const auto* const read = std::get_if<mqtt::Acknowledgement>(&result)) require_good(choice, type, *read, body);
  return 0;
}
