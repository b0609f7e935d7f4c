// Raising the limit of descriptors, RLIMIT_NOFILE, as far as it goes.
#include "proxy/gate/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace bastion::gate {
namespace {

/// Beside those of connections: log, reactors, listeners, admin, files of a reload.
constexpr rlim_t spare = 256;

}  // namespace

std::string make_room_for(const AdmissionPolicy& policy) {
  rlimit limit{};
  const rlim_t needed = 2 * rlim_t{policy.connections_max} + spare;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  const rlimit raised{needed, std::max(limit.rlim_max, needed)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return {};
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  return "connections_max = " + std::to_string(policy.connections_max) + " needs " + std::to_string(needed) +
         " descriptors, and the system allows " + std::to_string(limit.rlim_max) +
         ": raise LimitNOFILE, or lower connections_max";
}

}  // namespace bastion::gate
