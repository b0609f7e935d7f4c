// `mqtt-bastion import`: reads mosquitto.conf and its includes, writes the policy, prints what to change.
#include "proxy/cli/import.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "policy/parse.hpp"
#include "policy/prefix_set.hpp"
#include "policy/quantity.hpp"
#include "proxy/cli/cli.hpp"
#include "proxy/cli/file_edit.hpp"
#include "proxy/gate/files.hpp"
#include "proxy/mosquitto/changes.hpp"
#include "proxy/mosquitto/plan.hpp"
#include "proxy/mosquitto/policy_text.hpp"
#include "proxy/mosquitto/read_conf.hpp"

namespace bastion::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t directory_entries_max = 100'000;
/// sockaddr_un holds 108 bytes, the last of them NUL.
constexpr std::size_t unix_path_bytes_max = 107;

std::variant<std::vector<std::string>, FileError> list_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> out;
  for (fs::directory_iterator it{path, error}; !error && it != fs::directory_iterator{}; it.increment(error)) {
    if (out.size() == directory_entries_max) return FileError{"it holds too many files"};
    out.push_back(it->path().filename().string());
  }
  if (error) return FileError{error.message(), error == std::errc::no_such_file_or_directory};
  return out;
}

bool is_one_clean_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::string> usage_fault(const ImportCommandOptions& options, mosquitto::ImportOptions& out) {
  for (const auto& text : options.allow) {
    const auto parsed = parse_prefix(text);
    if (const auto* error = std::get_if<PrefixError>(&parsed)) {
      return "--allow " + bastion::quoted(text) + ": " + error->what +
             (error->instead.empty() ? "" : "; write " + error->instead);
    }
    out.allow.push_back(std::get<Prefix>(parsed));
  }
  out.observe = options.observe;
  const auto& socket = options.unix_socket;
  if (socket.empty()) return std::nullopt;
  // Mosquitto takes one word here, and the gate must find the same file from elsewhere.
  if (socket.front() != '/' || !is_one_clean_word(socket) || socket.size() > unix_path_bytes_max) {
    return "--unix-socket " + bastion::quoted(socket) + ": write a whole path of at most " +
           std::to_string(unix_path_bytes_max) + " printable characters without blanks";
  }
  out.unix_socket = socket;
  return std::nullopt;
}

/// Where paths in the policy begin. Without "." in it, so that paths below it are known as such; ".." may lead through
/// links.
std::string directory_of(const std::string& policy) {
  auto path = fs::absolute(policy);
  if (std::find(path.begin(), path.end(), "..") == path.end()) path = path.lexically_normal();
  return path.parent_path().string();
}

int refuse(int code, const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return code;
}

/// Whether the reader of policies takes it: what import writes, `check` must not refuse.
bool is_policy(std::string_view toml, const std::string& name) {
  const auto parsed = parse_policy(toml, name, gate::read_file);
  if (!parsed.policy) print(stderr, parsed.complaints);
  return parsed.policy.has_value();
}

/// Nothing where it is written; otherwise the exit code.
std::optional<int> write_policy(const ImportCommandOptions& options, const std::string& toml) {
  auto opened = FileEdit::open(options.output, true);
  if (const auto* fault = std::get_if<EditFault>(&opened)) return refuse(fault->usage ? bad_policy : failed, fault->message);
  auto& edit = std::get<FileEdit>(opened);
  if (!edit.is_new() && !options.force) {
    return refuse(bad_policy, options.output + ": is there already; --force replaces it");
  }
  const auto fault = edit.replace(toml, [](std::string_view) { return true; });
  if (fault) return refuse(failed, fault->message);
  return std::nullopt;
}

void print_decisions(const std::vector<std::string>& decisions) {
  if (decisions.empty()) return;
  std::fprintf(stderr, "\nTo decide, each at a \"Decide:\" in the policy:\n");
  for (const auto& decision : decisions) std::fprintf(stderr, "- %s\n", decision.c_str());
}

}  // namespace

int import_command(const ImportCommandOptions& options) {
  mosquitto::ImportOptions wanted;
  if (const auto fault = usage_fault(options, wanted)) return refuse(bad_policy, *fault);
  std::error_code error;
  wanted.directory = fs::current_path(error).string();
  if (error) return refuse(failed, "the current directory can't be named: " + error.message());
  if (!options.output.empty()) wanted.policy_directory = directory_of(options.output);

  const auto text = gate::read_file(options.conf);
  if (const auto* fault = std::get_if<FileError>(&text)) return refuse(bad_policy, options.conf + ": " + fault->what);
  const auto read = mosquitto::read_conf(std::get<std::string>(text), options.conf, {gate::read_file, list_directory});
  print(stderr, read.complaints);
  if (!read.conf) return refuse(bad_policy, options.conf + ": no policy is written");

  const auto plan = mosquitto::make_plan(*read.conf, wanted);
  const auto policy = mosquitto::policy_text(*read.conf, plan, wanted);
  const auto name = options.output.empty() ? std::string{"policy.toml"} : options.output;
  if (!is_policy(policy.toml, name)) return refuse(failed, "the policy that came out is no good: this is a bug of import");

  if (options.output.empty()) {
    std::fwrite(policy.toml.data(), 1, policy.toml.size(), stdout);
  } else if (const auto code = write_policy(options, policy.toml)) {
    return *code;
  }
  print_decisions(policy.decisions);

  const auto diff = mosquitto::unified_diff(mosquitto::conf_changes(*read.conf, plan), wanted.directory);
  if (diff.empty()) {
    std::fprintf(stderr, "\nNothing has to change in %s.\n", options.conf.c_str());
  } else {
    std::fprintf(
        stderr,
        "\nLines to change so that Mosquitto listens for the gate alone (patch -p1 -d / takes them); then restart it:\n");
    auto* const to = options.output.empty() ? stderr : stdout;
    std::fwrite(diff.data(), 1, diff.size(), to);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return refuse(failed, "standard output can't be written");
  return done;
}

}  // namespace bastion::cli
