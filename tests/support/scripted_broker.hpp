// A broker that does what the test says, and knows whether anybody ever called.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/peer.hpp"

namespace bastion::test {

/// A listening socket on loopback. It has no thread: the kernel keeps connections and their bytes until the test takes them,
/// so nothing that ever reached it is lost, and nothing happens that the test did not say.
class ScriptedBroker {
 public:
  ScriptedBroker();
  /// On a Unix socket.
  explicit ScriptedBroker(const std::string& path);

  /// As `upstream.address` has it.
  [[nodiscard]] const std::string& address() const { return address_; }
  /// The next connection that was made, or will be.
  [[nodiscard]] Peer accept();
  /// Whether there is no connection that was not accepted yet.
  [[nodiscard]] bool was_not_called();
  /// Waits for whichever comes first: a connection here (true), or something to read, or the end, at `peer` (false).
  [[nodiscard]] bool is_called_before_heard(Peer& peer) const;
  /// From here on connections are refused.
  void stop_listening() { listening_.reset(); }
  /// From here on connections are neither accepted nor refused: the backlog is full.
  void leave_no_room();
  /// Those that were held back come in; accept() gives only them.
  void make_room();

 private:
  std::string address_;
  net::UniqueFd listening_;
  std::vector<net::UniqueFd> fillers_;
};

}  // namespace bastion::test
