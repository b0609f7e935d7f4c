// An IP address and port, and the form in which system calls take them.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace bastion::net {

/// An endpoint in the 128-bit form in which IPv4 is IPv4-mapped IPv6.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// What connect(2), bind(2) and accept(2) take: large enough for every family.
struct SockAddr {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// An IPv4-mapped address becomes a `sockaddr_in`.
[[nodiscard]] SockAddr to_sockaddr(const Endpoint& endpoint);
/// All zero for a family other than IPv4 and IPv6.
[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& storage);
/// The endpoint that a socket is bound to.
[[nodiscard]] Endpoint local_endpoint(int fd);

}  // namespace bastion::net
