// Endpoints to sockaddrs and back.
#include "proxy/net/endpoint.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace bastion::net {
namespace {

bool is_v4(const std::array<std::uint8_t, 16>& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) && address[10] == 0xff &&
         address[11] == 0xff;
}

}  // namespace

SockAddr to_sockaddr(const Endpoint& endpoint) {
  SockAddr result;
  if (is_v4(endpoint.address)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.data() + 12, 4);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
  }
  return result;
}

Endpoint to_endpoint(const sockaddr_storage& storage) {
  Endpoint result;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    result.address[10] = result.address[11] = 0xff;
    std::memcpy(result.address.data() + 12, &v4.sin_addr, 4);
    result.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    std::memcpy(result.address.data(), &v6.sin6_addr, 16);
    result.port = ntohs(v6.sin6_port);
  }
  return result;
}

Endpoint local_endpoint(int fd) {
  SockAddr address;
  if (::getsockname(fd, address.get(), &address.length) != 0) return {};
  return to_endpoint(address.storage);
}

}  // namespace bastion::net
