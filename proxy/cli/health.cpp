// mqtt-bastion health: asks a running gate how it is, for a container's health check.
#include <algorithm>
#include <variant>

#include "policy/parse.hpp"
#include "proxy/admin/ask.hpp"
#include "proxy/cli/cli.hpp"
#include "proxy/gate/files.hpp"

namespace bastion::cli {
namespace {

// Longer than the admin listener waits for the gate, so that its own words for it come first.
constexpr std::chrono::milliseconds patience{8'000};
constexpr unsigned http_ok = 200;

int complain(const std::string& about, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", about.c_str(), what.c_str());
  return failed;
}

/// The body's first line, without what a terminal would take for a command.
std::string words_of(const std::string& body) {
  const auto end = std::find_if(body.begin(), body.end(), [](char byte) { return byte < ' ' || byte > '~'; });
  return {body.begin(), end};
}

/// Where the policy's gate is asked; nothing where the file can't be read or is no TOML. A policy that is not usable will
/// do: the gate may run on what stood there before.
std::optional<AdminPolicy> admin_of(const std::string& policy_path) {
  const auto toml = gate::read_file(policy_path);
  if (const auto* error = std::get_if<FileError>(&toml)) {
    complain(policy_path, "can't read the policy: " + error->what);
    return std::nullopt;
  }
  auto parsed = parse_policy(std::get<std::string>(toml), policy_path, gate::read_file);
  const auto& policy = parsed.policy ? parsed.policy : parsed.unusable;
  if (policy) return policy->admin;
  print(stderr, parsed.complaints);
  return std::nullopt;
}

}  // namespace

int health_command(const HealthOptions& options) {
  const auto admin = options.policy.empty() ? AdminPolicy{} : admin_of(options.policy);
  if (!admin) return failed;
  if (!admin->enabled)
    return complain(
        options.policy,
        "[admin] address is \"off\", so that there is nobody to ask; give it an address, such as \"127.0.0.1:9883\"");
  const auto& address = admin->address.value;
  if (address.port == 0)
    return complain(options.policy,
                    "[admin] address has port 0, so that only the gate knows where it listens; give it a port, such as "
                    "\"127.0.0.1:9883\", or ask by its control socket: mqtt-bastion status");

  // 0.0.0.0 and [::], where it listens everywhere, are this machine's own loopback to Linux.
  const auto answer = admin::ask(address.address.text(), address.port, options.live ? "/livez" : "/readyz", patience);
  if (const auto* none = std::get_if<admin::NoAnswer>(&answer)) return complain(address.text(), none->why);
  const auto& [status, body] = std::get<admin::Answer>(answer);
  if (status != http_ok) return complain(address.text(), "HTTP " + std::to_string(status) + ", " + words_of(body));
  std::printf("%s\n", words_of(body).c_str());
  return done;
}

}  // namespace bastion::cli
