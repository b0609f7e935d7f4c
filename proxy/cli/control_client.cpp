// Finding a running gate, and asking it.
#include "proxy/cli/control_client.hpp"

#include <cstdio>

#include "policy/parse.hpp"
#include "proxy/cli/cli.hpp"
#include "proxy/gate/files.hpp"

namespace bastion::cli {
namespace {

/// A reload reads files and asks the workers; a status asks the workers.
constexpr std::chrono::seconds patience{15};

admin::ControlFault fault_at(const std::string& path, const std::string& what) {
  return {path + ": " + what};
}

}  // namespace

std::variant<std::string, admin::ControlFault> control_socket_of(const ControlOptions& options) {
  if (!options.socket.empty()) return options.socket;
  if (options.policy.empty()) return std::string{default_control_socket};
  const auto text = gate::read_file(options.policy);
  if (const auto* error = std::get_if<FileError>(&text)) return fault_at(options.policy, error->what);
  const auto parsed = parse_policy(std::get<std::string>(text), options.policy, gate::read_file);
  const auto& policy = parsed.policy ? parsed.policy : parsed.unusable;
  if (!policy || !policy->admin.socket) {
    return fault_at(options.policy, "it names no control socket; write [admin] socket = \"/run/mqtt-bastion/control.sock\"");
  }
  return policy->admin.socket->value;
}

std::variant<admin::ControlAnswer, int> ask_or_tell(const ControlOptions& options, const std::string& request) {
  const auto socket = control_socket_of(options);
  if (const auto* fault = std::get_if<admin::ControlFault>(&socket)) {
    std::fprintf(stderr, "%s\n", fault->what.c_str());
    return bad_policy;
  }
  auto asked = admin::ask_gate(std::get<std::string>(socket), request, patience);
  if (const auto* fault = std::get_if<admin::ControlFault>(&asked)) {
    std::fprintf(stderr, "%s\n", fault->what.c_str());
    return failed;
  }
  return std::move(std::get<admin::ControlAnswer>(asked));
}

}  // namespace bastion::cli
