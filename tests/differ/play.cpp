// Scripts through the gate's own parts, and its reading beside another.
#include "tests/differ/play.hpp"

#include <algorithm>
#include <variant>

#include "policy/policy.hpp"
#include "proxy/inspect/connect_reader.hpp"
#include "proxy/inspect/translate.hpp"
#include "tests/differ/gate_reading.hpp"

namespace bastion::differ {

namespace {

MqttPolicy wide_limits() {
  MqttPolicy limits;
  limits.connect_size_max = 1'000'000;
  limits.user_properties_max = 1'000'000;
  return limits;
}

std::string words(const Refusal& refusal) {
  return std::string(label(refusal.reason)) + ' ' + std::string(label(refusal.cause));
}

std::string line_at(const Reading& reading, std::size_t at) {
  return at < reading.packets.size() ? reading.packets[at] : "(" + reading.end + ")";
}

void take(Played& played, const test::Outcome& outcome, mqtt::Version version) {
  if (outcome.refusal) played.refusal = words(*outcome.refusal);
  played.packets += outcome.up.packets + outcome.down.packets;
  played.up.version = played.down.version = version;
  played.up.sender = mqtt::Sender::client;
  played.down.sender = mqtt::Sender::server;
  played.up.bytes.insert(played.up.bytes.end(), outcome.up.reached.begin(), outcome.up.reached.end());
  played.down.bytes = outcome.down.reached;
}

}  // namespace

Played play(const Script& script) {
  static const MqttPolicy limits = wide_limits();
  Played played;
  const auto step = inspect::read_connect(script.connect, limits);
  const auto* const connect = std::get_if<inspect::ReadConnect>(&step);
  if (const auto* const refused = std::get_if<inspect::ConnectRefused>(&step)) played.refusal = words(refused->refusal);
  // A CONNECT whose length was bent to be shorter leaves bytes behind that no turn of the script is.
  if (connect == nullptr || connect->packet.size() != script.connect.size()) return played;
  if (connect->facts.has_auth_method) return played;  // the policy's to refuse, and it always does
  played.is_admitted = true;
  const auto version = inspect::to_mqtt(connect->asked.version);
  test::Session session{connect->asked, script.is_faultless ? test::every_right() : test::rights_of(script.settings)};
  for (const Turn& turn : script.turns) session.say(turn.side, turn.packet);
  played.packets = 1;
  played.up.bytes = script.connect;
  take(played, session.outcome(), version);
  return played;
}

Played play_chunks(std::span<const std::uint8_t> input) {
  Played played;
  if (input.size() <= test::settings_size) return played;
  played.is_admitted = true;
  const auto asked = test::asked_of(input);
  test::Session session{asked, test::rights_of(input)};
  session.say_chunks(input.subspan(test::settings_size + 1), [](std::size_t) { return std::size_t{128}; });
  take(played, session.outcome(), inspect::to_mqtt(asked.version));
  return played;
}

std::vector<Stream> connects_of(std::span<const std::uint8_t> input) {
  static const MqttPolicy limits = wide_limits();
  const auto step = inspect::read_connect(input, limits);
  const auto* const connect = std::get_if<inspect::ReadConnect>(&step);
  if (connect == nullptr) return {};
  const auto version = inspect::to_mqtt(connect->asked.version);
  std::vector<Stream> streams = {{version, mqtt::Sender::client, {connect->packet.begin(), connect->packet.end()}}};
  inspect::ForBroker other_credentials;
  other_credentials.credentials = {"user", "password"};
  inspect::ForBroker shorter;
  shorter.session_expiry_max_s = 1;
  shorter.will_delay_max_s = 2;
  for (const auto& asked : {other_credentials, shorter}) {
    const auto packet = inspect::connect_for_broker(*connect, asked);
    if (packet) streams.push_back({version, mqtt::Sender::client, *packet});
  }
  return streams;
}

std::optional<std::string> disagreement(const Stream& stream, Quirks quirks, const Reading& other) {
  const Reading own = gate_reading(stream, quirks);
  if (own == other) return std::nullopt;
  std::size_t at = 0;
  while (at < own.packets.size() && at < other.packets.size() && own.packets[at] == other.packets[at]) ++at;
  return std::string(stream.sender == mqtt::Sender::client ? "upward" : "downward") + ", MQTT level " +
         std::to_string(static_cast<int>(stream.version)) + ", packet " + std::to_string(at + 1) +
         "\n  the gate:  " + line_at(own, at) + "\n  the other: " + line_at(other, at) +
         "\n  bytes: " + quoted(mqtt::as_text(stream.bytes));
}

}  // namespace bastion::differ
