// Opening sockets on loopback and setting up TLS for clients.
#include "tests/bench/load/net.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace bastion::bench {
namespace {

constexpr int backlog = 4096;
/// So that the broker has room for the longest message while it does not look.
constexpr int receive_buffer = 1 << 20;

void require(bool ok, const char* what) {
  if (!ok) throw std::system_error{errno, std::generic_category(), what};
}

sockaddr_in address_of(const std::string& ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) throw std::invalid_argument{"no IPv4 address: " + ip};
  return address;
}

net::UniqueFd tcp_socket() {
  net::UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  require(static_cast<bool>(fd), "socket");
  const int on = 1;
  require(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
  return fd;
}

}  // namespace

Listening listen_on_loopback() {
  auto fd = tcp_socket();
  require(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) == 0, "SO_RCVBUF");
  auto address = address_of("127.0.0.1", 0);
  socklen_t length = sizeof address;
  require(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0, "bind");
  require(::listen(fd.get(), backlog) == 0, "listen");
  require(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
  return {std::move(fd), ntohs(address.sin_port)};
}

net::UniqueFd connect_on_loopback(std::uint16_t port, const std::string& source) {
  auto fd = tcp_socket();
  const int on = 1;
  // The port is chosen when both ends are known: there are enough of them then.
  require(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0, "IP_BIND_ADDRESS_NO_PORT");
  const auto from = address_of(source, 0);
  require(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0, "bind");
  const auto to = address_of("127.0.0.1", port);
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  require(result == 0 || errno == EINPROGRESS, "connect");
  return fd;
}

net::UniqueFd accept_from(int listening) {
  net::UniqueFd fd{::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  require(static_cast<bool>(fd) || errno == EAGAIN || errno == ECONNABORTED, "accept");
  return fd;
}

TlsContext client_tls(const std::string& ca_file) {
  TlsContext context{SSL_CTX_new(TLS_client_method())};
  const bool ok = context != nullptr && SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
                  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_256_GCM_SHA384") == 1 &&
                  SSL_CTX_set1_groups_list(context.get(), "X25519") == 1 &&
                  SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1;
  if (!ok) throw std::runtime_error{"no TLS with the CA in " + ca_file};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace bastion::bench
