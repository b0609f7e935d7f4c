// Turning the policy's upstream into a socket address.
#include "proxy/gate/upstream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "proxy/net/socket.hpp"

namespace bastion::gate {

net::SockAddr upstream_address(const UpstreamPolicy& policy) {
  if (!policy.tcp) {
    net::SockAddr result;
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const auto length = std::min(policy.unix_path.size(), sizeof local.sun_path - 1);
    std::memcpy(local.sun_path, policy.unix_path.data(), length);
    std::memcpy(&result.storage, &local, sizeof local);
    result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
    return result;
  }
  return net::to_sockaddr({policy.tcp->address.bytes(), policy.tcp->port});
}

std::string dial_trouble(const UpstreamPolicy& policy, int error_number) {
  return (policy.tcp ? policy.tcp->text() : "unix:" + policy.unix_path) + ": " + net::error_text(error_number);
}

net::UniqueFd upstream_socket(const net::SockAddr& address) {
  net::UniqueFd fd{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd && address.storage.ss_family != AF_UNIX) {
    const int on = 1;
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  }
  return fd;
}

}  // namespace bastion::gate
