// Comparing a policy with the one that the gate was started with.
#include "proxy/gate/restart.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace bastion::gate {
namespace {

constexpr unsigned workers_max = 256;

std::string path_of(const std::optional<Located<std::string>>& path) {
  return path ? path->value : std::string{};
}

}  // namespace

unsigned worker_count(const Policy& policy) {
  if (policy.gate.workers != 0) return policy.gate.workers;
  // Asked once, at the start: where the C library looks, the sandbox may not let it look again.
  static const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1U, workers_max);
  return cores;
}

std::vector<Complaint> wait_for_restart(const Policy& started_with, const Policy& next, std::size_t workers) {
  std::vector<Complaint> warnings;
  const auto warn = [&](std::string_view key, const std::string& until_then = {}) {
    warnings.push_back(
        {next.place_of(key), '"' + std::string{key} + "\" takes effect at the next start" + until_then, true});
  };
  if (worker_count(next) != workers) warn("gate.workers");
  if (next.gate.user != started_with.gate.user) warn("gate.user");
  if (next.gate.sandbox != started_with.gate.sandbox) warn("gate.sandbox");
  if (path_of(next.gate.state_dir) != path_of(started_with.gate.state_dir)) warn("gate.state_dir");
  const auto& admin = started_with.admin;
  if (next.admin.enabled != admin.enabled || !(next.admin.address.value == admin.address.value)) warn("admin.address");
  if (path_of(next.admin.socket) != path_of(admin.socket)) {
    warn("admin.socket", admin.socket ? "; until then the gate is reached by --socket " + admin.socket->value : "");
  }
  return warnings;
}

}  // namespace bastion::gate
