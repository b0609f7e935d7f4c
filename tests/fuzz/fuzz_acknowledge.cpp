// PUBACK, PUBREC, PUBREL or PUBCOMP: what is read can be written, and says the same.
#include <variant>

#include "proxy/mqtt/acknowledge.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;
constexpr bool is_v5 = version == mqtt::Version::v5_0;

void require_good(mqtt::Sender sender, const mqtt::Acknowledgement& read, Bytes body) {
  require(read.packet_id != 0);
  require(is_v5 || body.size() == 2);
  require(mqtt::is_acknowledgement_code(sender, type, read.reason_code));
  std::vector<std::uint8_t> out;
  mqtt::append_acknowledgement(out, version, type, read.packet_id, read.reason_code);
  const auto again = mqtt::read_acknowledgement(version, sender, type, fuzz::body_of(out));
  const auto* const same = std::get_if<mqtt::Acknowledgement>(&again);
  require(same && same->packet_id == read.packet_id && same->reason_code == read.reason_code);
  require(mqtt::packet_type(out[0]) == type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  for (const auto sender : fuzz::both_senders) {
    const auto result = mqtt::read_acknowledgement(version, sender, type, body);
    if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
    if (const auto* const read = std::get_if<mqtt::Acknowledgement>(&result)) require_good(sender, *read, body);
  }
  return 0;
}
