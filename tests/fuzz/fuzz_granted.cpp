// SUBACK or UNSUBACK: every code is one of the version's, and written again it is the same packet.
#include <variant>
#include <vector>

#include "proxy/mqtt/granted.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;
constexpr bool is_v5 = version == mqtt::Version::v5_0;

constexpr bool is_suback = type == mqtt::PacketType::suback;
constexpr bool has_codes = is_suback || is_v5;

void require_good(const mqtt::Granted& read, Bytes body) {
  require(read.packet_id != 0 && read.codes.empty() != has_codes);
  require(fuzz::is_inside(read.codes, body) && fuzz::is_inside(read.properties, body));
  for (const std::uint8_t code : read.codes) {
    require(is_suback ? mqtt::is_suback_code(version, code) : mqtt::is_unsuback_code(code));
  }
  std::vector<std::uint8_t> out;
  if (is_suback) mqtt::append_suback(out, version, read.packet_id, read.codes, read.properties);
  if (!is_suback) mqtt::append_unsuback(out, version, read.packet_id, read.codes, read.properties);
  require(fuzz::is_same(fuzz::body_of(out), body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  const auto result = is_suback ? mqtt::read_suback(version, body) : mqtt::read_unsuback(version, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  if (const auto* const read = std::get_if<mqtt::Granted>(&result)) require_good(*read, body);
  return 0;
}
