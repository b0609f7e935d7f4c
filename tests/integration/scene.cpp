// What most integration tests begin with.
#include "tests/integration/scene.hpp"

#include <gtest/gtest.h>

namespace bastion::test {
namespace {

PolicyBuilder edited(const TempDir& directory, const std::string& upstream, Transport over, const EditPolicy& edit) {
  PolicyBuilder policy{directory, upstream};
  policy.no_listeners().listener("test", over == Transport::mqtt ? "mqtt" : "mqtts");
  if (edit) edit(policy);
  return policy;
}

}  // namespace

Scene::Scene(Transport over, const EditPolicy& edit)
    : transport{over}, policy{edited(directory, broker.address(), over, edit)}, gate{policy.write()} {}

ScriptedClient Scene::dial(const ScriptedClient::Options& options) {
  return ScriptedClient{gate.address(), options};
}

ScriptedClient Scene::client(const ScriptedClient::Options& options) {
  auto made = dial(options);
  if (transport == Transport::mqtts) made.start_tls();
  return made;
}

ScriptedClient Scene::client_after(const ByteVector& sent, const ScriptedClient::Options& options) {
  auto made = client(options);
  made.send(sent);
  return made;
}

Admitted Scene::admitted(const ConnectOptions& options, const ScriptedClient::Options& client_options) {
  const auto connect = make_connect(options);
  auto entering = client_after(connect, client_options);
  auto upstream = broker.accept();
  EXPECT_EQ(upstream.read(connect.size()), connect);
  upstream.send(connack(options.version));
  // A server keep alive may have been put in.
  const auto answer = entering.read_packet();
  EXPECT_EQ(answer[0], 0x20);
  EXPECT_EQ(answer[3], 0);
  return {std::move(entering), std::move(upstream)};
}

void expect_each_ended_once(Scene& scene) {
  scene.bystanders.clear();
  const auto counts = scene.gate.when_idle();
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_connections_total"),
            sum_of(counts, "mqtt_bastion_refusals_total") + sum_of(counts, "mqtt_bastion_closes_total"));
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_sessions"), 0);
  EXPECT_EQ(counts.at(series_of(account::Close::fault)), 0);
}

void expect_only_refusal(Scene& scene, Refusal refusal) {
  scene.gate.wait_for(series_of(refusal));
  const auto counts = scene.gate.when_idle();
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_connections_total"), 1);
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_refusals_total"), 1);
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_closes_total"), 0);
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_sessions"), 0);
}

void expect_broker_untouched(Scene& scene) {
  EXPECT_TRUE(scene.broker.was_not_called());
  EXPECT_EQ(scene.gate.count(series_of("mqtt_bastion_upstream_connects_total")), 0);
}

}  // namespace bastion::test
