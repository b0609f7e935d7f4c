// What ends an admitted session: MQTT 5 clients are told why, and the broker never sees a DISCONNECT that the client did not
// send, so that a will is published.
#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

constexpr std::uint8_t malformed = 0x81;
constexpr std::uint8_t protocol_error = 0x82;
constexpr std::uint8_t too_large = 0x95;
constexpr std::uint8_t keep_alive_timeout = 0x8d;

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

/// The admitted client sends this, in one write.
Trigger after_admission(Refusal refusal, const std::string& variant, const ConnectOptions& options, const ByteVector& sent,
                        std::uint8_t v5_code, const ByteVector& let_through = {}, EditPolicy policy = {}) {
  Trigger trigger{refusal, variant + (options.version == v5_0 ? "v5" : "v3"), std::move(policy), {}, {}, true, let_through};
  if (options.version == v5_0) trigger.answer = disconnect_v5(v5_code);
  trigger.run = [=](Scene& scene, std::vector<Peer>& upstream) {
    auto session = scene.admitted(options);
    if (!sent.empty()) session.client.send(sent);
    upstream.push_back(std::move(session.broker));
    return session.client.read_to_end();
  };
  return trigger;
}

void add_malformed(std::vector<Trigger>& to, int version) {
  const auto add = [&](Cause cause, const std::string& variant, const ByteVector& sent) {
    // A good packet before it goes on, and nothing of the bad one does.
    to.push_back(after_admission({Reason::malformed_packet, cause}, variant, {.version = version}, pingreq() + sent,
                                 malformed, pingreq()));
  };
  add(Cause::type_reserved, "", bytes("00 00"));
  add(Cause::type_connect, "", bytes("11 00"));
  add(Cause::type_connack, "", bytes("21 02 0000"));
  add(Cause::type_publish, "qos_3_", bytes("36 05 0001 't' 0001"));
  add(Cause::type_publish, "over_long_length_", bytes("30 80808080 01"));
  add(Cause::type_publish, "too_short_", bytes("32 03 0001 't'"));
  add(Cause::type_puback, "", bytes("41 02 0001"));
  add(Cause::type_pubrec, "", bytes("51 02 0001"));
  add(Cause::type_pubrel, "", bytes("60 02 0001"));
  add(Cause::type_pubcomp, "", bytes("71 02 0001"));
  add(Cause::type_subscribe, "", bytes("80 06 0001 0001 't' 00"));
  add(Cause::type_suback, "", bytes("91 03 0001 00"));
  add(Cause::type_unsubscribe, "", bytes("a0 05 0001 0001 't'"));
  add(Cause::type_unsuback, "", bytes("b1 02 0001"));
  add(Cause::type_pingreq, "flags_", bytes("c1 00"));
  add(Cause::type_pingreq, "body_", bytes("c0 01 00"));
  add(Cause::type_pingresp, "", bytes("d1 00"));
  add(Cause::type_disconnect, "", bytes("e1 00"));
  add(Cause::type_auth, "", version == v5_0 ? bytes("f1 00") : bytes("f0 00"));
}

void add_protocol_errors(std::vector<Trigger>& to, int version) {
  const auto add = [&](Cause cause, const std::string& variant, const ByteVector& sent, const ByteVector& let_through = {}) {
    to.push_back(
        after_admission({Reason::protocol_error, cause}, variant, {.version = version}, sent, protocol_error, let_through));
  };
  add(Cause::second_connect, "", make_connect({.version = version}));
  add(Cause::direction, "connack_", connack(version));
  add(Cause::direction, "suback_", suback(version));
  add(Cause::direction, "unsuback_", bytes("b0 02 0001"));
  add(Cause::direction, "pingresp_", pingresp());
  if (version == v5_0) add(Cause::direction, "auth_", bytes("f0 00"));
  add(Cause::after_disconnect, "", disconnect() + publish(version, "t", "x"), disconnect());
}

void add_timeouts(std::vector<Trigger>& to, int version) {
  const ConnectOptions short_lived{.version = version, .keep_alive_s = 1};
  to.push_back(after_admission({Reason::keepalive_timeout, Cause::silent}, "", short_lived, {}, keep_alive_timeout));
  to.push_back(after_admission({Reason::keepalive_timeout, Cause::partial}, "in_header_", short_lived, bytes("30"),
                               keep_alive_timeout));
  to.push_back(after_admission({Reason::keepalive_timeout, Cause::partial}, "in_body_", short_lived, bytes("30 10 0001 't'"),
                               keep_alive_timeout, bytes("30 10 0001 't'")));
}

/// The broker has more for the client than anybody's buffers hold, and the client does not read. Where the gate cut it off
/// inside a packet no DISCONNECT may stand; what did arrive is a beginning of what was sent.
Trigger slow_reader(int version) {
  Trigger trigger{{Reason::slow_reader, Cause::none},
                  version == v5_0 ? "v5" : "v3",
                  with("mqtt.slow_reader_timeout", R"("100ms")"),
                  {},
                  {},
                  true,
                  {}};
  trigger.run = [=](Scene& scene, std::vector<Peer>&) {
    auto session = scene.admitted({.version = version}, {"", 4096});
    session.broker.send_until_heard(publish(version, "t", noise(60'000, 1)));
    if (session.broker.read_to_end() != ByteVector{}) throw std::runtime_error{"the broker was told something"};
    session.client.reset();
    return ByteVector{};
  };
  return trigger;
}

}  // namespace

std::vector<Trigger> session_triggers() {
  std::vector<Trigger> triggers;
  for (const int version : {v3_1_1, v5_0}) {
    add_malformed(triggers, version);
    add_protocol_errors(triggers, version);
    add_timeouts(triggers, version);
    triggers.push_back(slow_reader(version));
    // The header alone: nothing of such a packet is waited for.
    triggers.push_back(after_admission({Reason::packet_too_large, Cause::none}, "", {.version = version}, bytes("30 8002"),
                                       too_large, {}, with("mqtt.packet_size_max", R"("256B")")));
  }
  return triggers;
}

}  // namespace bastion::test
