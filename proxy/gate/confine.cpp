// From a policy to what the kernel is asked for, and from what came of it to words.
#include "proxy/gate/confine.hpp"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "policy/quantity.hpp"
#include "proxy/gate/files.hpp"
#include "proxy/net/socket.hpp"
#include "proxy/net/unique_fd.hpp"

// Sanitizers read /proc, start a program that names the lines, and look into the process from another one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BASTION_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BASTION_INSTRUMENTED 1
#endif
#endif

namespace bastion::gate {
namespace {

namespace fs = std::filesystem;
using sandbox::Layer;
using sandbox::Sandbox;

#ifdef BASTION_INSTRUMENTED
constexpr bool is_instrumented = true;
#else
constexpr bool is_instrumented = false;
#endif

constexpr std::string_view root = "root";

/// The directory in which the file lies under its name, and the one that links lead to: either may get a new file.
void add_directories(std::vector<std::string>& to, const std::string& path) {
  to.push_back(directory_of(path));
  std::error_code ignored;
  const auto real = fs::canonical(path, ignored);
  if (!ignored) to.push_back(directory_of(real.string()));
}

/// No port where the broker is at a Unix socket: then there is nothing that a gate has to connect to by TCP.
std::vector<std::uint16_t> ports_of(const Policy& policy) {
  if (!policy.upstream.tcp) return {};
  return {policy.upstream.tcp->port};
}

/// Where the service manager is told how the gate is; see sd_notify(3).
bool is_manager_at_an_abstract_socket() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  return socket != nullptr && socket[0] == '@';
}

std::string no_account(const std::string& name, bool is_by_default, const std::string& why) {
  const auto remedy = ": make it with useradd --system " + name;
  if (!is_by_default) return "the gate can't become " + bastion::quoted(name) + ": " + why + remedy;
  return "the gate was started as root and would go on as " + bastion::quoted(name) + ", but " + why + remedy +
         ", name another by \"user\" in [gate] (\"root\" stays root), or start the gate as another user";
}

/// Reading them is what a reload will do.
std::vector<Complaint> unreadable(const Policy& policy, const std::string& user) {
  std::vector<Complaint> out;
  for (const auto& file : files_of(policy)) {
    const net::UniqueFd opened{::open(file.value.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (opened) continue;
    out.push_back({file.where,
                   "the gate goes on as " + bastion::quoted(user) + ", who can't read \"" + file.value +
                       "\": " + net::error_text(errno) +
                       "; a reload would fail. Let that user's group read it, and every directory above",
                   false});
  }
  return out;
}

NotConfined machine_says_no(const Location& where, std::string message) {
  return {{{where, std::move(message), false}}, false};
}

}  // namespace

std::vector<Located<std::string>> files_of(const Policy& policy) {
  std::vector<Located<std::string>> files{{policy.where.file, policy.where}};
  const auto add = [&](const std::optional<Located<std::string>>& file) {
    if (file) files.push_back(*file);
  };
  const auto& rule_files = policy.admission.rule_files;
  for (std::size_t i = 1; i < rule_files.size(); ++i) files.push_back({rule_files[i], policy.place_of("admission")});
  for (const auto& pair : policy.tls.key_pairs) {
    files.push_back(pair.certificate);
    files.push_back(pair.key);
  }
  add(policy.authentication.password_file);
  add(policy.authorization.acl_file);
  if (policy.upstream.credentials) files.push_back(policy.upstream.credentials->password_file);
  return files;
}

sandbox::Reach reach_of(const Policy& policy) {
  sandbox::Reach reach;
  // A spare descriptor is opened on it, to be given up for one connection more.
  reach.readable.emplace_back("/dev/null");
  for (const auto& file : files_of(policy)) add_directories(reach.readable, file.value);
  if (policy.gate.state_dir) reach.writable.push_back(policy.gate.state_dir->value);
  if (policy.admin.socket) reach.writable.push_back(directory_of(policy.admin.socket->value));
  reach.tcp_ports = ports_of(policy);
  reach.reaches_abstract_sockets_too = is_manager_at_an_abstract_socket();
  return reach;
}

std::variant<Sandbox, NotConfined> confine(const Policy& policy, const Confinement& confinement) {
  const auto& gate = policy.gate;
  const auto& user = confinement.user.empty() ? gate.user : confinement.user;
  sandbox::Plan plan;
  if (sandbox::is_root() && user != root) {
    auto found = sandbox::find_account(user);
    if (const auto* why = std::get_if<std::string>(&found)) {
      const bool is_by_default = confinement.user.empty() && !policy.said.contains("gate.user");
      return NotConfined{{{policy.place_of("gate.user"), no_account(user, is_by_default, *why), false}}};
    }
    plan.account = std::get<sandbox::Account>(std::move(found));
  }
  plan.confine = gate.sandbox != SandboxMode::off && !is_instrumented;
  plan.reach = reach_of(policy);
  const auto& written = confinement.written_too;
  plan.reach.writable.insert(plan.reach.writable.end(), written.begin(), written.end());

  // What it reads when it is first used, it reads now: its configuration lies in no directory of the policy's.
  ::OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
  auto entered = sandbox::enter(plan);
  if (plan.account && !entered[Layer::user].holds) {
    return machine_says_no(policy.place_of("gate.user"), entered[Layer::user].why_not);
  }
  for (const auto layer : {Layer::landlock, Layer::seccomp}) {
    auto& state = entered[layer];
    if (is_instrumented && gate.sandbox != SandboxMode::off) state.why_not = "this is a build with sanitizers";
    if (gate.sandbox != SandboxMode::required || state.holds) continue;
    return machine_says_no(policy.place_of("gate.sandbox"), "the sandbox is required, and lacks " +
                                                                std::string{sandbox::label(layer)} + ": " + state.why_not);
  }
  if (plan.account) {
    if (auto complaints = unreadable(policy, user); !complaints.empty()) return NotConfined{std::move(complaints)};
  }
  return entered;
}

std::vector<Gap> gaps_of(const Sandbox& sandbox) {
  std::vector<Gap> gaps;
  for (std::size_t i = 0; i < sandbox::layers_count; ++i) {
    const auto layer = static_cast<Layer>(i);
    const auto& state = sandbox[layer];
    if (state.holds || state.why_not.empty()) continue;
    // That is the rule where nobody has raised the limit; what the kernel lacks is not.
    const auto level = layer == Layer::locked_memory ? LogLevel::info : LogLevel::warning;
    gaps.push_back({level, "the sandbox lacks " + std::string{sandbox::label(layer)} + ": " + state.why_not});
  }
  if (sandbox::is_root()) {
    gaps.push_back({LogLevel::warning, "the gate runs as root, if without capabilities: give it a \"user\" in [gate]"});
  }
  return gaps;
}

std::optional<Complaint> out_of_reach(const Sandbox& sandbox, const Policy& started_with, const Policy& next) {
  constexpr int version_with_ports = 4;
  if (sandbox.landlock_version < version_with_ports) return std::nullopt;
  const auto reachable = ports_of(started_with);
  for (const auto port : ports_of(next)) {
    if (std::find(reachable.begin(), reachable.end(), port) != reachable.end()) continue;
    return Complaint{next.upstream.where,
                     "the sandbox lets the gate connect to " +
                         (reachable.empty() ? "nothing by TCP" : "port " + std::to_string(reachable.front()) + " only") +
                         ", as its policy said when it started; restart it for another broker",
                     false};
  }
  return std::nullopt;
}

}  // namespace bastion::gate
