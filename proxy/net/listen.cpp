// Listening sockets and accepting from them.
#include "proxy/net/listen.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "proxy/net/endpoint.hpp"
#include "proxy/net/socket.hpp"

namespace bastion::net {
namespace {

constexpr int backlog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr int accepts_per_wakeup_max = 64;
constexpr auto rest_after_error = std::chrono::milliseconds{100};

bool set_option(int fd, int level, int name) {
  const int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

/// A bound socket; its errno where there is none.
std::variant<UniqueFd, int> bound_socket(const Endpoint& endpoint, bool share_port) {
  auto address = to_sockaddr(endpoint);
  UniqueFd fd{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return errno;
  if (!set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR)) return errno;
  if (share_port && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT)) return errno;
  if (address.storage.ss_family == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) return errno;
  if (!set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY)) return errno;
  if (::bind(fd.get(), address.get(), address.length) != 0) return errno;
  return fd;
}

/// Without SO_REUSEPORT, bind() and listen() fail where anything listens already.
int probe(const Endpoint& endpoint) {
  auto bound = bound_socket(endpoint, false);
  if (const int* error = std::get_if<int>(&bound)) return *error;
  return ::listen(std::get<UniqueFd>(bound).get(), 1) == 0 ? 0 : errno;
}

}  // namespace

std::string listen_trouble(int error_number, std::uint16_t port) {
  constexpr std::uint16_t unprivileged_ports_begin = 1024;
  const auto words = error_text(error_number);
  if (error_number == EADDRINUSE && port != 0) {
    return words + ": another program or gate listens there; as root, ss -ltnp 'sport = :" + std::to_string(port) +
           "' shows which";
  }
  if (error_number == EACCES && port < unprivileged_ports_begin) {
    return words + ": ports below 1024 are for root, or for who has CAP_NET_BIND_SERVICE";
  }
  if (error_number == EADDRNOTAVAIL) return words + ": this machine has no such address; ip address shows those that it has";
  return words;
}

std::variant<std::vector<UniqueFd>, ListenError> listen_on(const Endpoint& endpoint, unsigned count) {
  if (endpoint.port != 0) {
    if (const int error = probe(endpoint); error != 0) return ListenError{listen_trouble(error, endpoint.port)};
  }
  Endpoint shared = endpoint;
  std::vector<UniqueFd> sockets;
  for (unsigned i = 0; i < count; ++i) {
    auto bound = bound_socket(shared, true);
    if (const int* error = std::get_if<int>(&bound)) return ListenError{listen_trouble(*error, endpoint.port)};
    auto& fd = std::get<UniqueFd>(bound);
    if (::listen(fd.get(), backlog) != 0) return ListenError{listen_trouble(errno, endpoint.port)};
    shared = local_endpoint(fd.get());
    sockets.push_back(std::move(fd));
  }
  return sockets;
}

namespace {

UniqueFd spare_descriptor() {
  return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

std::variant<Accepted, int> accept_one(int listening) {
  SockAddr peer;
  UniqueFd fd{::accept4(listening, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!fd) return errno;
  return Accepted{std::move(fd), to_endpoint(peer.storage)};
}

}  // namespace

Listener::Listener(IoContext& context, UniqueFd fd, OnAccept on_accept, OnAccept on_overflow, OnError on_error)
    : descriptor_{context, fd.get()},
      timer_{context},
      spare_{spare_descriptor()},
      on_accept_{std::move(on_accept)},
      on_overflow_{std::move(on_overflow)},
      on_error_{std::move(on_error)} {
  static_cast<void>(fd.release());
}

void Listener::start() {
  wait();
}

void Listener::stop() {
  boost::system::error_code ignored;
  timer_.cancel();
  descriptor_.close(ignored);
  spare_.reset();
}

void Listener::pause(bool paused) {
  paused_ = paused;
  if (!paused_) wait();
}

void Listener::wait() {
  if (waiting_ || paused_ || !descriptor_.is_open()) return;
  waiting_ = true;
  // The owner keeps a stopped listener until its context has run out of handlers.
  descriptor_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
    waiting_ = false;
    if (!error) accept_batch();
  });
}

void Listener::accept_batch() {
  if (!spare_) spare_ = spare_descriptor();
  for (int i = 0; i < accepts_per_wakeup_max && !paused_ && descriptor_.is_open(); ++i) {
    auto result = accept_one(descriptor_.native_handle());
    if (auto* accepted = std::get_if<Accepted>(&result)) {
      on_accept_(std::move(*accepted));
      continue;
    }
    const int error = std::get<int>(result);
    if (error == EAGAIN || error == EWOULDBLOCK) break;
    // accept(2): these belong to the connection, which is gone.
    if (error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH) continue;
    on_error_(error);
    if (error != EMFILE || !accept_overflow()) return rest();
  }
  wait();
}

/// Better a refusal that is counted than a peer that hangs in the backlog.
bool Listener::accept_overflow() {
  if (!spare_) return false;
  spare_.reset();
  auto result = accept_one(descriptor_.native_handle());
  if (auto* accepted = std::get_if<Accepted>(&result)) {
    on_overflow_(std::move(*accepted));
    accepted->fd.reset();
  }
  spare_ = spare_descriptor();
  return static_cast<bool>(spare_);
}

void Listener::rest() {
  waiting_ = true;
  timer_.expires_after(rest_after_error);
  timer_.async_wait([this](const boost::system::error_code& error) {
    waiting_ = false;
    if (!error) wait();
  });
}

}  // namespace bastion::net
