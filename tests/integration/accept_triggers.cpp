// Refusals at accept: nothing but a descriptor has been spent.
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

ByteVector knock(Scene& scene, const ScriptedClient::Options& options = {}) {
  auto client = scene.dial(options);
  return client.read_to_end();
}

/// A client that is let in by its address and then says nothing, once the gate has counted it.
void enter(Scene& scene, const ScriptedClient::Options& options = {}) {
  const auto before = scene.gate.count(series_of("mqtt_bastion_open_connections"));
  scene.bystanders.push_back(scene.dial(options));
  scene.gate.wait_for(series_of("mqtt_bastion_open_connections"), before + 1);
}

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

/// While this lives the process can have one more descriptor, and no second one. All that are open stay below the limit, so
/// what the gate keeps in reserve is one that it can have again.
class OneDescriptor {
 public:
  OneDescriptor() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    int highest = 0;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
      highest = std::max(highest, std::stoi(entry.path().filename().string()));
    }
    net::UniqueFd next;
    do {
      if (next) fillers_.push_back(std::move(next));
      next = net::UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    } while (next && next.get() <= highest);
    auto one_more = before_;
    one_more.rlim_cur = static_cast<rlim_t>(next.get() + 1);
    ::setrlimit(RLIMIT_NOFILE, &one_more);
  }
  OneDescriptor(const OneDescriptor&) = delete;
  OneDescriptor& operator=(const OneDescriptor&) = delete;
  ~OneDescriptor() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<net::UniqueFd> fillers_;
};

/// The client takes the last descriptor, so the gate has none to accept it with.
ByteVector knock_on_the_last_descriptor(Scene& scene) {
  const auto address = scene.gate.address();
  // Once the worker has answered it has opened its listener too, and what that keeps in reserve.
  static_cast<void>(scene.gate.counts());
  const OneDescriptor one;
  ScriptedClient client{address};
  return client.read_to_end();
}

}  // namespace

std::vector<Trigger> accept_triggers() {
  std::vector<Trigger> triggers;
  const auto add = [&](Refusal refusal, std::string variant, EditPolicy policy, auto run) {
    triggers.push_back({refusal, std::move(variant), std::move(policy), [run](Scene& scene, auto&) { return run(scene); }});
  };
  add({Reason::ip_denied, Cause::not_allowed}, "", with("admission.allow", R"(["10.0.0.0/8"])"),
      [](Scene& scene) { return knock(scene); });
  add({Reason::ip_denied, Cause::denied}, "longer_prefix", with("admission.deny", R"(["127.0.0.1"])"),
      [](Scene& scene) { return knock(scene); });
  add(
      {Reason::ip_denied, Cause::denied}, "inside_a_longer_allow",
      [](PolicyBuilder& policy) {
        policy.set("admission.allow", R"(["127.0.0.0/16", "0.0.0.0/0"])").set("admission.deny", R"(["127.0.0.0/24"])");
      },
      [](Scene& scene) { return knock(scene); });
  add({Reason::rate_limited, Cause::per_ip}, "",
      with("admission.connect_rate_per_address", R"({ burst = 1, every = "1h" })"), [](Scene& scene) {
        enter(scene);
        return knock(scene);
      });
  add({Reason::too_many_connections, Cause::per_ip}, "", with("admission.connections_per_address_max", "1"),
      [](Scene& scene) {
        enter(scene);
        return knock(scene);
      });
  add({Reason::too_many_connections, Cause::per_ip}, "handshakes", with("admission.handshakes_per_address_max", "1"),
      [](Scene& scene) {
        enter(scene);
        return knock(scene);
      });
  add(
      {Reason::too_many_connections, Cause::total}, "",
      [](PolicyBuilder& policy) {
        policy.set("admission.connections_max", "2").set("admission.connections_per_address_max", "2");
      },
      [](Scene& scene) {
        enter(scene, {"127.0.0.2", 0});
        enter(scene, {"127.0.0.3", 0});
        return knock(scene, {"127.0.0.4", 0});
      });
  add({Reason::too_many_connections, Cause::handshakes}, "", with("admission.handshakes_max", "1"), [](Scene& scene) {
    enter(scene, {"127.0.0.2", 0});
    return knock(scene, {"127.0.0.3", 0});
  });
  add({Reason::too_many_connections, Cause::descriptors}, "", {}, knock_on_the_last_descriptor);
  return triggers;
}

}  // namespace bastion::test
