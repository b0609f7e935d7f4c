// A broker that does what the test says.
#include "tests/support/scripted_broker.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace bastion::test {
namespace {

constexpr int backlog = 512;

net::UniqueFd listening_socket(int family, const void* address, socklen_t length) {
  net::UniqueFd fd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  sockaddr_storage copy{};
  std::memcpy(&copy, address, length);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&copy), length) != 0 || ::listen(fd.get(), backlog) != 0) {
    throw std::runtime_error{std::string{"no socket for a broker: "} + std::strerror(errno)};
  }
  return fd;
}

sockaddr_storage local_address(int fd, socklen_t& length) {
  sockaddr_storage local{};
  length = sizeof local;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length);
  return local;
}

}  // namespace

ScriptedBroker::ScriptedBroker() {
  sockaddr_in any_port{};
  any_port.sin_family = AF_INET;
  any_port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listening_ = listening_socket(AF_INET, &any_port, sizeof any_port);
  socklen_t length = 0;
  const auto local = local_address(listening_.get(), length);
  std::memcpy(&any_port, &local, sizeof any_port);
  address_ = "127.0.0.1:" + std::to_string(ntohs(any_port.sin_port));
}

ScriptedBroker::ScriptedBroker(const std::string& path) : address_{"unix:" + path} {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.size() >= sizeof local.sun_path) throw std::runtime_error{"the path of a Unix socket is too long"};
  std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
  listening_ = listening_socket(AF_UNIX, &local, sizeof local);
}

Peer ScriptedBroker::accept() {
  for (;;) {
    net::UniqueFd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (fd) return Peer{std::move(fd)};
    if (errno != EAGAIN) throw std::runtime_error{std::string{"the broker can't accept: "} + std::strerror(errno)};
    static_cast<void>(await_events(listening_.get(), POLLIN, "a connection to the broker"));
  }
}

bool ScriptedBroker::was_not_called() {
  if (!listening_) return true;
  const net::UniqueFd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  return !fd;
}

bool ScriptedBroker::is_called_before_heard(Peer& peer) const {
  const auto most = static_cast<int>(std::chrono::milliseconds{patience}.count());
  while (!peer.hears()) {
    pollfd entries[] = {{listening_.get(), POLLIN, 0}, {peer.fd(), POLLIN, 0}};
    if (::poll(entries, 2, most) <= 0) throw NeverHappened{"neither broker nor client heard anything"};
    if (entries[0].revents != 0) return true;
  }
  return false;
}

void ScriptedBroker::leave_no_room() {
  ::listen(listening_.get(), 0);
  socklen_t length = 0;
  const auto local = local_address(listening_.get(), length);
  for (int i = 0; i < 2 * backlog; ++i) {
    fillers_.emplace_back(::socket(local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(fillers_.back().get(), reinterpret_cast<const sockaddr*>(&local), length) != 0) return;
  }
  throw std::runtime_error{"the broker's backlog does not fill up"};
}

void ScriptedBroker::make_room() {
  ::listen(listening_.get(), backlog);
  // The fillers that got in stand before all others, in the order in which they came.
  while (fillers_.size() > 1) {
    static_cast<void>(accept());
    fillers_.erase(fillers_.begin());
  }
  fillers_.clear();
}

}  // namespace bastion::test
