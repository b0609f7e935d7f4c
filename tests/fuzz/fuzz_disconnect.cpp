// DISCONNECT or AUTH: only what the sender may say, and all that is said of it lies in the packet.
#include <variant>
#include <vector>

#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;
constexpr auto type = mqtt::PacketType::BASTION_FUZZ_TYPE;
constexpr bool is_v5 = version == mqtt::Version::v5_0;

void run_disconnect(mqtt::Sender sender, Bytes body) {
  const auto result = mqtt::read_disconnect(version, sender, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Disconnect>(&result);
  if (!read) return;
  require(mqtt::is_disconnect_code(sender, read->reason_code));
  require(fuzz::is_inside(read->server_reference, body));
  if (sender == mqtt::Sender::server) require(!read->session_expiry_interval_s);
  if (sender == mqtt::Sender::client) require(read->server_reference.empty());
  std::vector<std::uint8_t> out;
  mqtt::append_disconnect(out, version, read->reason_code);
  const auto again = mqtt::read_disconnect(version, sender, fuzz::body_of(out));
  const auto* const same = std::get_if<mqtt::Disconnect>(&again);
  require(same && same->reason_code == read->reason_code);
}

void run_auth(mqtt::Sender sender, Bytes body) {
  const auto result = mqtt::read_auth(version, sender, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Auth>(&result);
  if (!read) return;
  require(is_v5);
  require(read->method || (read->reason_code == 0 && sender == mqtt::Sender::server && !read->data));
  require(!read->method || fuzz::is_inside(*read->method, body));
  require(!read->data || fuzz::is_inside(*read->data, body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes body(data, size);
  for (const auto sender : fuzz::both_senders) {
    type == mqtt::PacketType::disconnect ? run_disconnect(sender, body) : run_auth(sender, body);
  }
  return 0;
}
