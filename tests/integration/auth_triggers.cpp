// Refusals of a client's identity, each in the words of both kinds of MQTT.
#include <poll.h>

#include <array>

#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

struct Codes {
  std::uint8_t v3;
  std::uint8_t v5;
};

void add_both(std::vector<Trigger>& to, Refusal refusal, const std::string& variant, ConnectOptions options, Codes codes,
              const EditPolicy& policy = {}) {
  for (const int version : {v3_1_1, v5_0}) {
    options.version = version;
    to.push_back(first_bytes(refusal, variant + (version == v5_0 ? "v5" : "v3"), make_connect(options),
                             connack(version, version == v5_0 ? codes.v5 : codes.v3), policy));
  }
}

/// The client that hears something before all others do.
ScriptedClient& first_heard(std::vector<ScriptedClient>& clients) {
  const auto most = static_cast<int>(std::chrono::milliseconds{patience}.count());
  for (;;) {
    std::vector<pollfd> sockets;
    for (auto& client : clients) {
      if (client.hears()) return client;
      sockets.push_back({client.fd(), POLLIN, 0});
    }
    if (::poll(sockets.data(), sockets.size(), most) <= 0) throw NeverHappened{"nobody heard anything"};
  }
}

/// More clients at once than can be verified: one runs, one waits or runs out of time, and so on.
void add_overload(std::vector<Trigger>& to, Cause cause, const EditPolicy& limits) {
  for (const int version : {v3_1_1, v5_0}) {
    Trigger trigger;
    trigger.refusal = {Reason::auth_overloaded, cause};
    trigger.variant = version == v5_0 ? "v5" : "v3";
    trigger.answer = connack(version, version == v5_0 ? 0x89 : 3);
    trigger.policy = [=](PolicyBuilder& policy) {
      // About half a second for each.
      policy.costly_user("alice", "secret", 400'000).set("authentication.hash_threads", "1");
      limits(policy);
    };
    trigger.run = [=](Scene& scene, auto&) {
      const auto connect = make_connect({.version = version, .password = "wrong"});
      auto& clients = scene.bystanders;
      for (int i = 0; i < 3; ++i) clients.push_back(scene.client());
      for (auto& client : clients) client.send(connect);
      return first_heard(clients).read_to_end();
    };
    to.push_back(std::move(trigger));
  }
}

/// A client that leaves while its password is looked at: the broker never hears of it.
Trigger leaves_during_verification() {
  Trigger trigger;
  trigger.refusal = {Reason::closed_early, Cause::in_connect};
  trigger.policy = [](PolicyBuilder& policy) { policy.costly_user("alice", "secret", 200'000); };
  trigger.run = [](Scene& scene, auto&) {
    auto client = scene.client_after(make_connect());
    client.close();
    return ByteVector{};
  };
  return trigger;
}

}  // namespace

std::vector<Trigger> auth_triggers() {
  std::vector<Trigger> triggers;
  triggers.push_back(leaves_during_verification());
  add_both(triggers, {Reason::anonymous, Cause::no_user}, "", {.user = std::nullopt, .password = std::nullopt}, {5, 0x87});
  add_both(triggers, {Reason::anonymous, Cause::no_user}, "empty_name_", {.user = "", .password = "x"}, {5, 0x87});
  add_both(triggers, {Reason::anonymous, Cause::no_password}, "", {.password = std::nullopt}, {5, 0x86});
  add_both(triggers, {Reason::bad_credentials, Cause::none}, "wrong_password_", {.password = "Secret"}, {4, 0x86});
  add_both(triggers, {Reason::bad_credentials, Cause::none}, "unknown_user_", {.user = "bob"}, {4, 0x86});
  add_both(triggers, {Reason::bad_credentials, Cause::none}, "password_and_a_nul_",
           {.password = std::string{"secret\0x", 8}}, {4, 0x86});
  add_both(triggers, {Reason::bad_credentials, Cause::none}, "empty_password_", {.password = ""}, {4, 0x86});
  triggers.push_back(first_bytes({Reason::auth_method_unsupported, Cause::none}, "",
                                 make_connect({.version = v5_0, .properties = bytes("15 0005 'PLAIN'")}),
                                 connack(v5_0, 0x8c)));
  add_both(triggers, {Reason::not_authorized, Cause::source}, "", {}, {5, 0x87}, [](PolicyBuilder& policy) {
    policy.role(R"(name = "lan"
users = ["alice"]
networks = ["10.0.0.0/8"])");
  });
  add_both(triggers, {Reason::not_authorized, Cause::role}, "", {}, {5, 0x87}, [](PolicyBuilder& policy) {
    policy.role(R"(name = "bobs"
users = ["bob*"])");
  });
  add_both(triggers, {Reason::not_authorized, Cause::shield}, "", {.user = "a#"}, {5, 0x87}, [](PolicyBuilder& policy) {
    policy.users({{"a#", "secret"}});
  });
  const auto publishes_only = [](std::string_view more) {
    return [=](PolicyBuilder& policy) { policy.role("name = \"a\"\npublish = [\"will\"]\n" + std::string{more}); };
  };
  add_both(triggers, {Reason::will_denied, Cause::topic}, "", {.will = Will{.topic = "other"}}, {5, 0x87},
           publishes_only(""));
  add_both(triggers, {Reason::will_denied, Cause::topic}, "dollar_", {.will = Will{.topic = "$SYS/x"}}, {5, 0x87});
  add_both(triggers, {Reason::will_denied, Cause::retain}, "role_", {.will = Will{.retain = true}}, {5, 0x9a},
           publishes_only("retain = [\"other\"]"));
  add_both(triggers, {Reason::will_denied, Cause::retain}, "", {.will = Will{.retain = true}}, {5, 0x9a},
           with("mqtt.retain", "false"));
  add_both(triggers, {Reason::will_denied, Cause::qos}, "role_", {.will = Will{.qos = 2}}, {5, 0x9b},
           publishes_only("qos_max = 1"));
  add_both(triggers, {Reason::will_denied, Cause::qos}, "", {.will = Will{.qos = 1}}, {5, 0x9b}, with("mqtt.qos_max", "0"));
  for (const auto keep_alive : std::array<std::uint16_t, 2>{0, 61}) {
    triggers.push_back(first_bytes({Reason::session_denied, Cause::keep_alive}, keep_alive == 0 ? "none" : "too_long",
                                   make_connect({.keep_alive_s = keep_alive}), connack(v3_1_1, 5),
                                   with("mqtt.keep_alive_max", R"("60s")")));
  }
  add_overload(triggers, Cause::queue_full, [](PolicyBuilder& policy) {
    policy.set("authentication.hash_queue_max", "1").set("authentication.hash_wait_max", R"("10s")");
  });
  add_overload(triggers, Cause::queue_timeout, with("authentication.hash_wait_max", R"("100ms")"));
  return triggers;
}

}  // namespace bastion::test
