// The admin listener: /metrics, /livez, /readyz, /healthz over HTTP, for the operator's eyes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace bastion::admin {

struct Limits {
  unsigned connections_max = 16;
  std::chrono::milliseconds request_timeout{5'000};  ///< a whole request, and idle between two
};

/// What the pages show; both must be given. Each function is called on the admin's thread and may be answered later, on that
/// thread too: once, or never. An answer that comes after `request_timeout` or after the client left is dropped.
struct Sources {
  std::function<void(std::function<void(std::string)>)> metrics;  ///< Prometheus text
  struct Readiness {
    bool ready = false;
    std::string why;  ///< one line: what is missing
  };
  std::function<void(std::function<void(Readiness)>)> readiness;
};

/// An HTTP/1.1 server on Beast. GET and HEAD only; 404, 405, 413 and 431 as they should be; header at most 8 KiB, no body. A
/// connection beyond the limit is closed unread. Bound to loopback, it answers 421 to a Host that is no loopback address nor
/// `localhost`, so that no web page reaches it through a name that resolves here.
/// The context must be run by one thread and outlive the server and every answer that is still to come.
class Server {
 public:
  /// Throws std::runtime_error, in words for the operator, where the address can't be bound.
  Server(boost::asio::io_context& context, const std::string& address, std::uint16_t port, Limits limits, Sources sources);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] std::uint16_t port() const;  ///< the one that was bound
  /// From any thread: closes the port and every connection, as soon as the context runs. More than once does no harm.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bastion::admin
