// Listening sockets, one for each worker on the same port.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proxy/net/asio.hpp"
#include "proxy/net/endpoint.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::net {

struct ListenError {
  std::string what;  ///< as `listen_trouble` says it
};
/// Why a port can't be listened on, for the operator: the system's words, and what to do about it. Port 0: any.
[[nodiscard]] std::string listen_trouble(int error_number, std::uint16_t port);

/// Opens `count` sockets that share one port (SO_REUSEPORT), each non-blocking and listening, with TCP_NODELAY, which
/// accepted sockets inherit on Linux. Port 0 lets the kernel choose once for all. IPv6 sockets take IPv6 only. A port on
/// which anything listens already is an error, even where SO_REUSEPORT would let two gates share it unseen.
[[nodiscard]] std::variant<std::vector<UniqueFd>, ListenError> listen_on(const Endpoint& endpoint, unsigned count);

/// A connection that was accepted.
struct Accepted {
  UniqueFd fd;
  Endpoint peer;
};

/// Accepts in batches and hands over each connection before any resource but its descriptor was spent on it.
class Listener {
 public:
  using OnAccept = std::function<void(Accepted)>;
  using OnError = std::function<void(int error_number)>;

  /// `on_overflow` is given each connection for which there was no descriptor left but the one that is kept for this: it is
  /// to be counted and dropped at once. `on_error` is told of each accept() that failed for want of memory or descriptors;
  /// the listener rests for 100 ms then.
  Listener(IoContext& context, UniqueFd fd, OnAccept on_accept, OnAccept on_overflow, OnError on_error);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  /// Stops for good and closes the socket. Connections that the kernel had completed are reset.
  void stop();
  /// While paused, connections wait in the kernel's backlog.
  void pause(bool paused);

 private:
  void wait();
  void accept_batch();
  [[nodiscard]] bool accept_overflow();
  void rest();

  Descriptor descriptor_;
  Timer timer_;
  UniqueFd spare_;  ///< given up to accept and refuse when descriptors run out
  OnAccept on_accept_;
  OnAccept on_overflow_;
  OnError on_error_;
  bool paused_ = false;
  bool waiting_ = false;
};

}  // namespace bastion::net
