// Refusals of a balancer that does not say whose connection it is.
#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

/// What a balancer sends as its first bytes, before any TLS.
Trigger header(Cause cause, std::string variant, ByteVector sent) {
  Trigger trigger;
  trigger.refusal = {Reason::bad_proxy_header, cause};
  trigger.variant = std::move(variant);
  trigger.policy = [](PolicyBuilder& policy) {
    policy.behind_balancer(R"(["127.0.0.1"])").set("tls.handshake_timeout", R"("100ms")");
  };
  trigger.run = [sent = std::move(sent)](Scene& scene, auto&) {
    auto balancer = scene.dial();
    if (!sent.empty()) balancer.send_raw(sent);
    return balancer.read_to_end();
  };
  return trigger;
}

}  // namespace

std::vector<Trigger> origin_triggers() {
  std::vector<Trigger> triggers;
  triggers.push_back(header(Cause::missing, "tls", bytes("16 0301 0200 010001fc 0303")));
  triggers.push_back(header(Cause::missing, "connect", make_connect()));
  triggers.push_back(header(Cause::malformed, "v1", raw("PROXY TCP4 127.0.0.1 127.0.0.1 1\r\n")));
  triggers.push_back(header(Cause::malformed, "v2", bytes("0d0a0d0a 00 0d0a 'QUIT' 0a 21 11 ffff")));
  triggers.push_back(header(Cause::no_address, "unknown", raw("PROXY UNKNOWN\r\n")));
  triggers.push_back(header(Cause::no_address, "unix", bytes("0d0a0d0a 00 0d0a 'QUIT' 0a 21 31 00d8") + ByteVector(216, 0)));
  triggers.push_back(header(Cause::no_data, "", {}));
  triggers.push_back(header(Cause::partial, "silent", raw("PROXY TCP4 127.0.0.1")));
  auto cut_short = header(Cause::partial, "left", {});
  cut_short.run = [](Scene& scene, auto&) {
    auto balancer = scene.dial();
    balancer.send_raw(raw("PROXY TCP4 127.0.0.1"));
    balancer.close_write();
    return balancer.read_to_end();
  };
  triggers.push_back(std::move(cut_short));
  return triggers;
}

}  // namespace bastion::test
