// What most integration tests begin with: a gate, a broker behind it, and clients in front of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/gate.hpp"
#include "tests/support/packets.hpp"
#include "tests/support/policy_builder.hpp"
#include "tests/support/scripted_broker.hpp"
#include "tests/support/scripted_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace bastion::test {

using EditPolicy = std::function<void(PolicyBuilder&)>;

/// A client that the gate and the broker have admitted, and its connection to the broker, CONNECT and CONNACK read.
struct Admitted {
  ScriptedClient client;
  Peer broker;
};

struct Scene {
  /// One listener named `test` of this transport, on 127.0.0.1.
  explicit Scene(Transport over = Transport::mqtts, const EditPolicy& edit = {});

  /// A TCP connection to the listener and no more.
  [[nodiscard]] ScriptedClient dial(const ScriptedClient::Options& options = {});
  /// A connection ready for MQTT: TLS is done where the listener has it.
  [[nodiscard]] ScriptedClient client(const ScriptedClient::Options& options = {});
  /// One whose CONNECT was sent.
  [[nodiscard]] ScriptedClient client_after(const ByteVector& sent, const ScriptedClient::Options& options = {});
  [[nodiscard]] Admitted admitted(const ConnectOptions& options = {}, const ScriptedClient::Options& client_options = {});

  Transport transport;
  TempDir directory;
  ScriptedBroker broker;
  PolicyBuilder policy;
  Gate gate;
  /// Clients that only have to be there.
  std::vector<ScriptedClient> bystanders;
};

/// Waits until no connection is open, then expects that each that was accepted has ended exactly once.
void expect_each_ended_once(Scene& scene);
/// The same, and that there was one, refused so.
void expect_only_refusal(Scene& scene, Refusal refusal);
/// That the broker was never dialled.
void expect_broker_untouched(Scene& scene);

}  // namespace bastion::test
