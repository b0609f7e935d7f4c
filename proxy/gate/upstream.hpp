// Where the broker is, as connect(2) takes it.
#pragma once

#include <string>

#include "policy/policy.hpp"
#include "proxy/net/endpoint.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::gate {

/// The broker's socket address.
[[nodiscard]] net::SockAddr upstream_address(const UpstreamPolicy& policy);

/// Why the broker can't be dialled, with where that is: the system's words alone would leave open whose permission is
/// denied.
[[nodiscard]] std::string dial_trouble(const UpstreamPolicy& policy, int error_number);

/// A non-blocking socket of the right family; none (and errno) where descriptors have run out.
[[nodiscard]] net::UniqueFd upstream_socket(const net::SockAddr& address);

}  // namespace bastion::gate
