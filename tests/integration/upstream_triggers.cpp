// Refusals that are the broker's doing. The client was admitted, so the broker is dialled.
#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

constexpr std::uint8_t v5_unavailable = 0x88;

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

Refusal unavailable(Cause cause) {
  return {Reason::upstream_unavailable, cause};
}

std::string name_of(int version) {
  return version == v5_0 ? "v5" : "v3";
}

/// `prepare` sees the scene before the client knocks; `act` plays the broker once its connection has brought the CONNECT.
Trigger at_broker(Refusal refusal, std::string variant, int version, ByteVector answer,
                  const std::function<void(Peer& broker)>& act, EditPolicy policy = {}) {
  Trigger trigger{refusal, std::move(variant), std::move(policy), {}, std::move(answer), true, {}};
  trigger.run = [=](Scene& scene, std::vector<Peer>& upstream) {
    const auto connect = make_connect({.version = version});
    auto client = scene.client_after(connect);
    auto broker = scene.broker.accept();
    if (broker.read(connect.size()) != connect) throw std::runtime_error{"the CONNECT was changed"};
    act(broker);
    auto heard = client.read_to_end();
    if (broker.fd() >= 0) upstream.push_back(std::move(broker));
    return heard;
  };
  return trigger;
}

void add_unreachable(std::vector<Trigger>& to, int version) {
  const auto answer = connack(version, version == v5_0 ? v5_unavailable : 3);
  const auto add = [&](Cause cause, const std::string& variant, EditPolicy policy,
                       const std::function<void(ScriptedBroker&)>& prepare) {
    Trigger trigger{unavailable(cause), variant + name_of(version), std::move(policy), {}, answer, true, {}};
    trigger.run = [=](Scene& scene, auto&) {
      prepare(scene.broker);
      auto client = scene.client_after(make_connect({.version = version}));
      return client.read_to_end();
    };
    to.push_back(std::move(trigger));
  };
  add(Cause::refused, "", {}, [](ScriptedBroker& broker) { broker.stop_listening(); });
  add(Cause::refused, "no_socket_", with("upstream.address", R"("unix:nothing.sock")"), [](ScriptedBroker&) {});
  add(Cause::timeout, "connect_", with("upstream.connect_timeout", R"("50ms")"),
      [](ScriptedBroker& broker) { broker.leave_no_room(); });
  add(Cause::other, "not_a_directory_", with("upstream.address", R"("unix:passwd/broker.sock")"), [](ScriptedBroker&) {});
}

void add_lost(std::vector<Trigger>& to, int version) {
  const auto answer = connack(version, version == v5_0 ? v5_unavailable : 3);
  to.push_back(at_broker(
      unavailable(Cause::timeout), "connack_" + name_of(version), version, answer, [](Peer&) {},
      with("upstream.connack_timeout", R"("50ms")")));
  to.push_back(at_broker(
      unavailable(Cause::timeout), "half_a_connack_" + name_of(version), version, answer,
      [](Peer& broker) { broker.send(bytes("20")); }, with("upstream.connack_timeout", R"("50ms")")));
  to.push_back(at_broker(unavailable(Cause::reset), "closes_" + name_of(version), version, answer,
                         [](Peer& broker) { broker.close(); }));
  to.push_back(at_broker(unavailable(Cause::reset), "resets_" + name_of(version), version, answer,
                         [](Peer& broker) { broker.reset(); }));
}

/// A broker that stops reading: the client is told that the server is busy, and the broker nothing at all.
Trigger stalled(int version) {
  Trigger trigger{
      unavailable(Cause::stalled), name_of(version), with("upstream.stall_timeout", R"("100ms")"), {}, {}, true, {}};
  if (version == v5_0) trigger.answer = disconnect_v5(0x89);
  trigger.run = [=](Scene& scene, auto&) {
    auto session = scene.admitted({.version = version});
    session.client.send_until_heard(publish(version, "t", noise(60'000, 1)));
    return session.client.read_to_end();
  };
  return trigger;
}

void add_refusals(std::vector<Trigger>& to) {
  struct Row {
    Cause cause;
    int version;
    std::uint8_t code;
  };
  constexpr Row rows[] = {
      {Cause::code_version, v3_1_1, 1},        {Cause::code_client_id, v3_1_1, 2},
      {Cause::code_unavailable, v3_1_1, 3},    {Cause::code_credentials, v3_1_1, 4},
      {Cause::code_not_authorized, v3_1_1, 5}, {Cause::code_version, v5_0, 0x84},
      {Cause::code_client_id, v5_0, 0x85},     {Cause::code_unavailable, v5_0, 0x88},
      {Cause::code_credentials, v5_0, 0x86},   {Cause::code_not_authorized, v5_0, 0x87},
      {Cause::code_other, v5_0, 0x97},
  };
  for (const auto& [cause, version, code] : rows) {
    const auto refusal = connack(version, code);
    // What the broker may say behind it never reaches the client (CVE-2025-56352 is about going on after a refusal).
    to.push_back(at_broker({Reason::upstream_refused, cause}, name_of(version), version, refusal,
                           [refusal](Peer& broker) { broker.send(refusal); }));
  }
}

void add_nonsense(std::vector<Trigger>& to, int version) {
  const auto before = version == v5_0 ? connack(v5_0, 0x80) : ByteVector{};
  const auto after = version == v5_0 ? disconnect_v5(0x80) : ByteVector{};
  const auto no_connack = [&](const std::string& variant, const ByteVector& sent) {
    to.push_back(at_broker({Reason::upstream_malformed, Cause::connack}, variant + name_of(version), version, before,
                           [sent](Peer& broker) { broker.send(sent); }));
  };
  no_connack("publish_first_", publish(version, "t", "x"));
  no_connack("longer_than_it_may_be_", bytes("20 ffffff7f"));
  const auto no_packet = [&](const std::string& variant, const ByteVector& sent) {
    Trigger trigger{{Reason::upstream_malformed, Cause::packet}, variant + name_of(version), {}, {}, after, true, {}};
    trigger.run = [=](Scene& scene, std::vector<Peer>& upstream) {
      auto session = scene.admitted({.version = version});
      session.broker.send(sent);
      upstream.push_back(std::move(session.broker));
      return session.client.read_to_end();
    };
    to.push_back(std::move(trigger));
  };
  no_packet("connect_", make_connect());
  no_packet("second_connack_", connack(version));
  no_packet("over_long_length_", bytes("30 80808080 01"));
  no_packet("too_large_", bytes("30 ffffff7f"));
}

}  // namespace

std::vector<Trigger> upstream_triggers() {
  std::vector<Trigger> triggers;
  for (const int version : {v3_1_1, v5_0}) {
    add_unreachable(triggers, version);
    add_lost(triggers, version);
    triggers.push_back(stalled(version));
    add_nonsense(triggers, version);
  }
  add_refusals(triggers);
  return triggers;
}

}  // namespace bastion::test
