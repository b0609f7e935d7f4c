// Raising the limit of descriptors, RLIMIT_NOFILE, as far as it goes.
#include "proxy/gate/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "proxy/gate/restart.hpp"

namespace bastion::gate {
namespace {

/// Log, admin, files of a reload, and whatever a library opens.
constexpr rlim_t spare = 256;
/// Reactors, timers, wake-ups.
constexpr rlim_t per_worker = 8;
/// A listening socket, and one that is given up to refuse when there are no more.
constexpr rlim_t per_worker_and_address = 2;

rlim_t needed_by(const Policy& policy) {
  rlim_t addresses = 0;
  for (const auto& listener : policy.listeners) addresses += listener.addresses.size();
  return 2 * rlim_t{policy.admission.connections_max} +
         worker_count(policy) * (per_worker + per_worker_and_address * addresses) + spare;
}

std::string lack(const Policy& policy, rlim_t allowed) {
  const auto workers = worker_count(policy);
  return "connections_max = " + std::to_string(policy.admission.connections_max) + " with " + std::to_string(workers) +
         (workers == 1 ? " worker" : " workers") + " needs " + std::to_string(needed_by(policy)) +
         " descriptors, and the system allows " + std::to_string(allowed) + ": raise LimitNOFILE, or lower connections_max";
}

}  // namespace

std::string make_room_for(const Policy& policy) {
  rlimit limit{};
  const auto needed = needed_by(policy);
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  const rlimit raised{needed, std::max(limit.rlim_max, needed)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return {};
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  return lack(policy, limit.rlim_max);
}

std::string lack_of_room_for(const Policy& policy) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= needed_by(policy)) return {};
  return lack(policy, limit.rlim_max);
}

}  // namespace bastion::gate
