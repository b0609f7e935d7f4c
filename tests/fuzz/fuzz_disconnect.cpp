// DISCONNECT and AUTH: only what the sender may say, and all that is said of it lies in the packet.
#include <variant>
#include <vector>

#include "proxy/mqtt/disconnect.hpp"
#include "proxy/mqtt/reply.hpp"
#include "tests/fuzz/packets.hpp"

namespace {

using namespace bastion;
using fuzz::Bytes;
using fuzz::require;

void run_disconnect(const fuzz::Choice& choice, Bytes body) {
  const auto result = mqtt::read_disconnect(choice.version, choice.sender, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Disconnect>(&result);
  if (!read) return;
  require(mqtt::is_disconnect_code(choice.sender, read->reason_code));
  require(fuzz::is_inside(read->server_reference, body));
  if (choice.sender == mqtt::Sender::server) require(!read->session_expiry_interval_s);
  if (choice.sender == mqtt::Sender::client) require(read->server_reference.empty());
  std::vector<std::uint8_t> out;
  mqtt::append_disconnect(out, choice.version, read->reason_code);
  const auto again = mqtt::read_disconnect(choice.version, choice.sender, fuzz::body_of(out));
  const auto* const same = std::get_if<mqtt::Disconnect>(&again);
  require(same && same->reason_code == read->reason_code);
}

void run_auth(const fuzz::Choice& choice, Bytes body) {
  const auto result = mqtt::read_auth(choice.version, choice.sender, body);
  if (const auto* const fault = std::get_if<mqtt::PacketFault>(&result)) fuzz::require_fault(*fault);
  const auto* const read = std::get_if<mqtt::Auth>(&result);
  if (!read) return;
  require(choice.version == mqtt::Version::v5_0);
  require(read->method || (read->reason_code == 0 && choice.sender == mqtt::Sender::server && !read->data));
  require(!read->method || fuzz::is_inside(*read->method, body));
  require(!read->data || fuzz::is_inside(*read->data, body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const fuzz::Choice choice = fuzz::choose(data[0]);
  const Bytes body(data + 1, size - 1);
  if (choice.kind % 2 == 0) run_disconnect(choice, body);
  if (choice.kind % 2 == 1) run_auth(choice, body);
  return 0;
}
