// Where the gate listens: sockets for what the policy wants, its own or the service manager's.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/gate/service.hpp"
#include "proxy/gate/worker.hpp"

namespace bastion::gate {

/// The listeners' addresses that are open. Their sockets are the workers'; this remembers which there are.
class Openings {
 public:
  struct Opening {
    std::string listener;
    SocketAddress configured;  ///< as the policy says it
    SocketAddress local;       ///< where it listens; its port is the kernel's where the policy leaves it open
  };
  /// New sockets, for each worker its own.
  using PerWorker = std::vector<std::vector<BoundListener>>;

  /// Takes what the service manager has opened.
  Openings() : inherited_{take_inherited_sockets()} {}

  /// Sockets for all addresses of the policy that are not open yet, or a complaint and no change.
  [[nodiscard]] std::variant<PerWorker, Complaint> open_new(const Policy& policy, std::size_t workers);
  /// Forgets what is not in the policy: the workers close it.
  void forget_all_but(const Policy& policy);
  /// The service manager's sockets that no policy has asked for yet; they are closed.
  [[nodiscard]] std::vector<SocketAddress> give_up_inherited();

  [[nodiscard]] const std::vector<Opening>& all() const { return open_; }

 private:
  [[nodiscard]] std::variant<std::vector<net::UniqueFd>, net::ListenError> sockets_for(const ListenerPolicy& listener,
                                                                                       const SocketAddress& address,
                                                                                       std::size_t workers);

  std::vector<InheritedSocket> inherited_;
  std::vector<Opening> open_;
};

}  // namespace bastion::gate
