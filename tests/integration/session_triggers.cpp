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
  if (version == v5_0) add(Cause::auth, "", bytes("f0 00"));
  add(Cause::after_disconnect, "", disconnect() + publish(version, "t", "x"), disconnect());
}

void add_timeouts(std::vector<Trigger>& to, int version) {
  const ConnectOptions short_lived{.version = version, .keep_alive_s = 1};
  to.push_back(after_admission({Reason::keepalive_timeout, Cause::silent}, "", short_lived, {}, keep_alive_timeout));
  to.push_back(after_admission({Reason::keepalive_timeout, Cause::partial}, "in_header_", short_lived, bytes("30"),
                               keep_alive_timeout));
  const auto head = bytes("30 10 0001 't' 00");
  to.push_back(
      after_admission({Reason::keepalive_timeout, Cause::partial}, "in_body_", short_lived, head, keep_alive_timeout, head));
}

/// What only the inside of a packet shows, or only those before it.
void add_inspected(std::vector<Trigger>& to, int version) {
  const auto add = [&](Refusal refusal, const std::string& variant, const ByteVector& good, const ByteVector& bad,
                       std::uint8_t v5_code, const EditPolicy& policy = {}) {
    to.push_back(after_admission(refusal, variant, {.version = version}, good + bad, v5_code, good, policy));
  };
  const auto message = [=](std::string_view topic, std::uint8_t qos = 0, std::uint16_t id = 1) {
    return publish(version, topic, ByteVector{'x'}, qos, id);
  };
  const Refusal in_use{Reason::protocol_error, Cause::packet_id};
  add(in_use, "publish_", message("t", 1), message("t", 1), protocol_error);
  add(in_use, "subscribe_", message("t", 2), subscribe(version, "t", 1), protocol_error);
  add(in_use, "release_", message("t", 2), bytes("62 02 0001"), protocol_error);
  const Refusal many_in_flight = version == v5_0 ? Refusal{Reason::protocol_error, Cause::receive_maximum}
                                                 : Refusal{Reason::limit_exceeded, Cause::in_flight};
  add(many_in_flight, "", message("t", 2), message("t", 2, 2), 0x93, with("mqtt.in_flight_max", "1"));
  const auto limit = [](Cause cause) { return Refusal{Reason::limit_exceeded, cause}; };
  add(limit(Cause::topic_length), "publish_", message("abc"), message("abcd"), 0x90, with("mqtt.topic_length_max", "3"));
  add(limit(Cause::topic_length), "subscribe_", {}, subscribe(version, "abcd"), 0x8f, with("mqtt.topic_length_max", "3"));
  add(limit(Cause::topic_levels), "publish_", message("a/b"), message("a/b/c"), 0x90, with("mqtt.topic_levels_max", "2"));
  add(limit(Cause::topic_levels), "subscribe_", {}, subscribe(version, "+/+/#"), 0x8f, with("mqtt.topic_levels_max", "2"));
  const auto two_filters =
      version == v5_0 ? bytes("82 0b 0001 00 0001 'a' 00 0001 'b' 00") : bytes("82 0a 0001 0001 'a' 00 0001 'b' 00");
  add(limit(Cause::filters), "", {}, two_filters, 0x97, with("mqtt.filters_per_packet_max", "1"));
  add(limit(Cause::subscriptions), "", subscribe(version, "a", 1), subscribe(version, "b", 2), 0x97,
      with("mqtt.subscriptions_max", "1"));
  auto first = message("r");
  auto second = message("s");
  first[0] = second[0] = 0x31;
  add(limit(Cause::retained), "", first + first, second, 0x97, with("mqtt.retained_messages_max", "1"));
  add({Reason::acl_denied, Cause::shield}, "", subscribe(version, "$share/g/a", 1),
      version == v5_0 ? bytes("a2 06 0002 00 0001 'a'") : bytes("a2 05 0002 0001 'a'"), 0x87);
  add({Reason::acl_denied, Cause::type_publish}, "", message("mine"), message("yours"), 0x87, [](PolicyBuilder& policy) {
    policy.set("mqtt.denied_publish", R"("disconnect")").role("name = \"a\"\npublish = [\"mine\"]");
  });
}

void add_inspected_v5(std::vector<Trigger>& to) {
  const auto add = [&](Refusal refusal, const std::string& variant, const ByteVector& sent, std::uint8_t code,
                       const EditPolicy& policy = {}, const ByteVector& properties = {}) {
    to.push_back(after_admission(refusal, variant, {.version = v5_0, .properties = properties}, sent, code, {}, policy));
  };
  add({Reason::protocol_error, Cause::alias}, "above_maximum_", packet(0x30, "0001 't' 03 23 0001"), 0x94);
  add({Reason::protocol_error, Cause::not_available}, "qos_", publish(v5_0, "t", ByteVector{}, 1), 0x9b,
      with("mqtt.qos_max", "0"));
  add({Reason::protocol_error, Cause::not_available}, "retain_", packet(0x31, "0001 't' 00"), 0x9a,
      with("mqtt.retain", "false"));
  add({Reason::protocol_error, Cause::other}, "format_", packet(0x30, "0001 't' 02 01 02"), protocol_error);
  add({Reason::protocol_error, Cause::other}, "expiry_", bytes("e0 07 00 05 11 00000001"), protocol_error);
  add({Reason::limit_exceeded, Cause::expiry}, "", bytes("e0 07 00 05 11 00000079"), 0x97,
      with("mqtt.session_expiry_max", R"("2m")"), bytes("11 00000001"));
  add({Reason::limit_exceeded, Cause::properties}, "user_", packet(0x30, "0001 't' 07 26 0001 'a' 0001 'b'"), 0x97,
      with("mqtt.user_properties_max", "0"));
  add({Reason::limit_exceeded, Cause::properties}, "size_", packet(0x30, "0001 't' 05 02 00000001"), 0x97,
      with("mqtt.properties_size_max", R"("5B")"));
}

/// More topic aliases than the gate keeps: only a client whose topics are longer than may be gets there.
Trigger many_aliases() {
  const auto sets = [](std::uint8_t alias) {
    return packet(0x30, bytes("7530") + ByteVector(30'000, 'a') + bytes("03 23 00") + ByteVector{alias});
  };
  Trigger trigger{{Reason::limit_exceeded, Cause::alias}, "", {}, {}, disconnect_v5(0x97), true, sets(1) + sets(2)};
  trigger.policy = [](PolicyBuilder& policy) { policy.set("mode", R"("observe")").set("mqtt.topic_length_max", "100"); };
  trigger.run = [=](Scene& scene, std::vector<Peer>& upstream) {
    auto client = scene.client_after(make_connect({.version = v5_0}));
    auto broker = scene.broker.accept();
    static_cast<void>(broker.read_packet());
    broker.send(packet(0x20, "00 00 03 22 0003"));
    static_cast<void>(client.read_packet());
    client.send(sets(1) + sets(2) + sets(3));
    upstream.push_back(std::move(broker));
    return client.read_to_end();
  };
  return trigger;
}

/// MQTT 3.1 has no code by which a filter could be denied.
Trigger denied_in_3_1() {
  Trigger trigger{{Reason::acl_denied, Cause::type_subscribe}, "", {}, {}, {}, true, {}};
  trigger.policy = [](PolicyBuilder& policy) {
    policy.set("mqtt.versions", R"(["3.1"])").role("name = \"a\"\nsubscribe = [\"mine\"]");
  };
  trigger.run = [](Scene& scene, std::vector<Peer>& upstream) {
    auto session = scene.admitted({.version = v3_1});
    session.client.send(subscribe(v3_1, "#"));
    upstream.push_back(std::move(session.broker));
    return session.client.read_to_end();
  };
  return trigger;
}

/// More bytes than the policy has patience with.
Trigger too_fast() {
  Trigger trigger{{Reason::message_rate, Cause::none}, "", {}, {}, {}, true, {}};
  trigger.policy = [](PolicyBuilder& policy) {
    policy.set("mqtt.byte_rate", R"({ burst = "1KiB", per_second = "256KiB" })").set("mqtt.rate_patience", R"("1s")");
  };
  trigger.run = [](Scene& scene, std::vector<Peer>&) {
    auto session = scene.admitted({.version = v5_0});
    session.client.send_until_heard(publish(v5_0, "t", noise(1'000, 1)));
    return ByteVector{};
  };
  return trigger;
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
    add_inspected(triggers, version);
    add_timeouts(triggers, version);
    triggers.push_back(slow_reader(version));
    // The header alone: nothing of such a packet is waited for.
    triggers.push_back(after_admission({Reason::packet_too_large, Cause::none}, "", {.version = version}, bytes("30 8002"),
                                       too_large, {}, with("mqtt.packet_size_max", R"("256B")")));
  }
  add_inspected_v5(triggers);
  triggers.push_back(many_aliases());
  triggers.push_back(denied_in_3_1());
  triggers.push_back(too_fast());
  return triggers;
}

}  // namespace bastion::test
