// Where the broker is, as connect(2) takes it.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "policy/policy.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::gate {

/// The broker's socket address.
struct UpstreamAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};
[[nodiscard]] UpstreamAddress upstream_address(const UpstreamPolicy& policy);

/// A non-blocking socket of the right family; none (and errno) where descriptors have run out.
[[nodiscard]] net::UniqueFd upstream_socket(const UpstreamAddress& address);

}  // namespace bastion::gate
