// Refusals of a whole CONNECT for its form, its version or its client identifier.
#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

void add_malformed(std::vector<Trigger>& to) {
  const auto add = [&](Cause cause, std::string variant, const ByteVector& sent, const ByteVector& answer = {}) {
    to.push_back(first_bytes({Reason::malformed_connect, cause}, std::move(variant), sent, answer));
  };
  add(Cause::header_flags, "", bytes("11 00"));
  add(Cause::length, "over_long_length", bytes("10 80808080 01"));
  add(Cause::length, "cut_short_inside", connect("0004 'MQTT' 04 02 003c 0009 'c1'"));
  add(Cause::protocol_name, "", connect("0004 'MQTX' 04 02 003c 0002 'c1'"));
  add(Cause::flags, "reserved_bit", connect("0004 'MQTT' 04 03 003c 0002 'c1'"));
  add(Cause::flags, "reserved_bit_v5", connect("0004 'MQTT' 05 03 003c 00 0002 'c1'"), connack(v5_0, 0x81));
  add(Cause::utf8, "", connect("0004 'MQTT' 04 02 003c 0002 fffe"));
  add(Cause::utf8, "nul_v5", connect("0004 'MQTT' 05 02 003c 00 0002 6100"), connack(v5_0, 0x81));
  add(Cause::will, "", connect("0004 'MQTT' 04 0a 003c 0002 'c1'"));
  add(Cause::property, "unknown", connect("0004 'MQTT' 05 02 003c 02 7f00 0002 'c1'"), connack(v5_0, 0x81));
  add(Cause::property, "repeated", connect("0004 'MQTT' 05 02 003c 06 210001 210001 0002 'c1'"), connack(v5_0, 0x82));
  add(Cause::trailing, "", connect("0004 'MQTT' 04 02 003c 0002 'c1' 00"));
}

void add_versions(std::vector<Trigger>& to) {
  const auto add = [&](Cause cause, const ByteVector& sent, const ByteVector& answer, EditPolicy policy = {}) {
    to.push_back(first_bytes({Reason::unsupported_version, cause}, "", sent, answer, std::move(policy)));
  };
  add(Cause::mqtt31, make_connect({.version = v3_1}), connack(v3_1, 1));
  add(Cause::mqtt311, make_connect(), connack(v3_1_1, 1), with("mqtt.versions", R"(["5.0"])"));
  add(Cause::mqtt5, make_connect({.version = v5_0}), connack(v5_0, 0x84), with("mqtt.versions", R"(["3.1.1"])"));
  add(Cause::bridge, make_connect({.bridge = true}), connack(v3_1_1, 1));
  add(Cause::unknown, connect("0004 'MQTT' 09 02 003c 0002 'c1'"), connack(v3_1_1, 1));
}

void add_client_ids(std::vector<Trigger>& to) {
  const auto add = [&](Cause cause, std::string variant, ConnectOptions options, EditPolicy policy = {}) {
    for (const int version : {v3_1_1, v5_0}) {
      options.version = version;
      to.push_back(first_bytes({Reason::client_id_denied, cause}, variant + (version == v5_0 ? "v5" : "v3"),
                               make_connect(options), connack(version, version == v5_0 ? 0x85 : 2), policy));
    }
  };
  add(Cause::empty, "", {.client_id = ""}, with("mqtt.client_id_empty", "false"));
  add(Cause::shield, "object_", {.client_id = "__proto__"}, {});
  add(Cause::shield, "expression_", {.client_id = "c*"}, with("mqtt.client_id_characters", R"("*")"));
  add(Cause::length, "", {.client_id = std::string(129, 'c')});
  add(Cause::characters, "", {.client_id = "a/b"});
  add(Cause::pattern, "", {.client_id = "bob-1"}, with("mqtt.client_id_pattern", R"("%u-*")"));
  add(Cause::pattern, "of_role_", {.client_id = "bob-1"}, [](PolicyBuilder& policy) {
    policy.role(R"(name = "own"
client_id = "%u-*")");
  });
  to.push_back(first_bytes({Reason::client_id_denied, Cause::empty}, "without_clean_session",
                           make_connect({.client_id = "", .clean = false}), connack(v3_1_1, 2)));
}

}  // namespace

std::vector<Trigger> connect_triggers() {
  std::vector<Trigger> triggers;
  add_malformed(triggers);
  add_versions(triggers);
  add_client_ids(triggers);
  return triggers;
}

}  // namespace bastion::test
