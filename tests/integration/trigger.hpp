// How each refusal is provoked for real: the table that refusal_test.cpp runs, one source file for each stage.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "policy/reason.hpp"
#include "tests/integration/scene.hpp"

namespace bastion::test {

struct Trigger {
  Refusal refusal;
  /// Tells apart what provokes the same pair; part of the test's name.
  std::string variant;
  EditPolicy policy;
  /// Provokes it, and returns all that the client was sent from there to its end. Clients that have another fate go into
  /// `scene.bystanders`, and connections of the broker's that matter into `upstream`.
  std::function<ByteVector(Scene& scene, std::vector<Peer>& upstream)> run;
  /// What run() must return.
  ByteVector answer{};
  /// The broker was dialled.
  bool reaches_broker = false;
  /// What the broker must have been sent after the CONNECT, up to the end of its connection; never a DISCONNECT that the
  /// client did not send.
  ByteVector let_through{};
};

[[nodiscard]] std::vector<Trigger> accept_triggers();
[[nodiscard]] std::vector<Trigger> origin_triggers();
[[nodiscard]] std::vector<Trigger> tls_triggers();
// These don't care whether there is TLS, and run with and without.
[[nodiscard]] std::vector<Trigger> preamble_triggers();
[[nodiscard]] std::vector<Trigger> connect_triggers();
[[nodiscard]] std::vector<Trigger> auth_triggers();
[[nodiscard]] std::vector<Trigger> upstream_triggers();
[[nodiscard]] std::vector<Trigger> session_triggers();

/// Text as it stands, control characters and NULs included.
template <std::size_t size>
[[nodiscard]] ByteVector raw(const char (&text)[size]) {
  return ByteVector(text, text + size - 1);
}

/// A client that sends this as its first bytes over the open stream, and stays until it is sent away.
[[nodiscard]] Trigger first_bytes(Refusal refusal, std::string variant, ByteVector sent, ByteVector answer = {},
                                  EditPolicy policy = {});

struct Greeting {
  const char* name;
  Cause cause;
  ByteVector bytes;
};
/// The first bytes of those who speak neither TLS nor MQTT.
[[nodiscard]] std::vector<Greeting> foreign_greetings();

}  // namespace bastion::test
