// Turning the policy's upstream into a socket address.
#include "proxy/gate/upstream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace bastion::gate {

UpstreamAddress upstream_address(const UpstreamPolicy& policy) {
  UpstreamAddress result;
  if (!policy.tcp) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const auto length = std::min(policy.unix_path.size(), sizeof local.sun_path - 1);
    std::memcpy(local.sun_path, policy.unix_path.data(), length);
    std::memcpy(&result.storage, &local, sizeof local);
    result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
    return result;
  }
  const auto& bytes = policy.tcp->address.bytes();
  if (policy.tcp->address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(policy.tcp->port);
    std::memcpy(&v4.sin_addr, bytes.data() + 12, 4);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(policy.tcp->port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
  }
  return result;
}

net::UniqueFd upstream_socket(const UpstreamAddress& address) {
  net::UniqueFd fd{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd && address.storage.ss_family != AF_UNIX) {
    const int on = 1;
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  }
  return fd;
}

}  // namespace bastion::gate
