// Refusals of what comes instead of a CONNECT, or of only a part of one.
#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

void add_packets_before_connect(std::vector<Trigger>& to) {
  const auto add = [&](Cause cause, const ByteVector& packet) {
    to.push_back(first_bytes({Reason::packet_before_connect, cause}, "", packet));
  };
  add(Cause::type_connack, connack(v3_1_1));
  add(Cause::type_publish, publish(v3_1_1, "t", "x"));
  add(Cause::type_puback, puback(1));
  add(Cause::type_pubrec, bytes("50 02 0001"));
  add(Cause::type_pubrel, bytes("62 02 0001"));
  add(Cause::type_pubcomp, bytes("70 02 0001"));
  add(Cause::type_subscribe, subscribe(v3_1_1, "#"));
  add(Cause::type_suback, suback(v3_1_1));
  add(Cause::type_unsubscribe, bytes("a2 05 0001 0001 '#'"));
  add(Cause::type_unsuback, bytes("b0 02 0001"));
  add(Cause::type_pingreq, pingreq());
  add(Cause::type_pingresp, pingresp());
  add(Cause::type_disconnect, disconnect());
  add(Cause::type_auth, bytes("f0 00"));
}

void add_slow_ones(std::vector<Trigger>& to) {
  const auto soon = with("mqtt.connect_timeout", R"("50ms")");
  to.push_back(first_bytes({Reason::connect_timeout, Cause::no_data}, "", {}, {}, soon));
  to.push_back(first_bytes({Reason::connect_timeout, Cause::partial}, "one_byte", bytes("10"), {}, soon));
  auto all_but_one = make_connect();
  all_but_one.pop_back();
  to.push_back(first_bytes({Reason::connect_timeout, Cause::partial}, "all_but_one_byte", all_but_one, {}, soon));
}

}  // namespace

Trigger first_bytes(Refusal refusal, std::string variant, ByteVector sent, ByteVector answer, EditPolicy policy) {
  Trigger trigger;
  trigger.refusal = refusal;
  trigger.variant = std::move(variant);
  trigger.policy = std::move(policy);
  trigger.answer = std::move(answer);
  trigger.run = [sent = std::move(sent)](Scene& scene, auto&) {
    auto client = scene.client();
    if (!sent.empty()) client.send(sent);
    return client.read_to_end();
  };
  return trigger;
}

std::vector<Trigger> preamble_triggers() {
  std::vector<Trigger> triggers;
  for (const auto& [name, cause, greeting] : foreign_greetings()) {
    triggers.push_back(first_bytes({Reason::not_mqtt, cause}, name, greeting));
  }
  triggers.push_back(first_bytes({Reason::not_mqtt, Cause::tls}, "", bytes("16 0301 0200 010001fc 0303")));
  add_packets_before_connect(triggers);
  add_slow_ones(triggers);
  // The header alone: no body is waited for.
  triggers.push_back(first_bytes({Reason::connect_too_large, Cause::none}, "header_only", bytes("10 ffff7f")));
  triggers.push_back(first_bytes({Reason::connect_too_large, Cause::none}, "one_byte_over",
                                 make_connect({.user = "alice", .password = std::string(256, 'x')}), {},
                                 with("mqtt.connect_size_max", R"("128B")")));
  Trigger cut_short = first_bytes({Reason::connect_truncated, Cause::none}, "", {});
  cut_short.run = [](Scene& scene, auto&) {
    auto client = scene.client_after(bytes("10 20 0004 'MQ'"));
    client.close_write();
    return client.read_to_end();
  };
  triggers.push_back(std::move(cut_short));
  return triggers;
}

}  // namespace bastion::test
