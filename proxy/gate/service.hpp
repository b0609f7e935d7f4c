// The service manager: telling it how the gate is, and taking the sockets that it has opened.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/endpoint.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::gate {

/// sd_notify(3): a datagram to $NOTIFY_SOCKET, lines such as `READY=1`. Nothing where there is none; a manager that does
/// not listen is no fault of the gate's.
void notify_service(std::string_view state);

/// That a reload begins, with when it did on the clock of systemd's own events (sd_notify(3), MONOTONIC_USEC).
void notify_reloading();

/// How often the manager wants `WATCHDOG=1` at the least (sd_watchdog_enabled(3)); nothing where it does not.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

/// A listening TCP socket that was open before the gate was (sd_listen_fds(3)): connections wait in it while the gate
/// restarts.
struct InheritedSocket {
  net::UniqueFd fd;
  std::string name;  ///< FileDescriptorName= of the socket unit
  net::Endpoint local;
};
/// Takes them all, once: descriptors from 3 on, if $LISTEN_PID is this process. What is no listening TCP socket is closed.
[[nodiscard]] std::vector<InheritedSocket> take_inherited_sockets();

}  // namespace bastion::gate
