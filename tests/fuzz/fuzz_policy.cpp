// The policy file as bytes: the parser never throws, every complaint has its place, and a policy comes exactly when nothing
// is wrong. The second file is handed out for every file that the policy names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/judge.hpp"
#include "policy/parse.hpp"

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}

bool is_one_clean_line(std::string_view text) {
  for (const char c : text) {
    // Names of files may hold letters beyond ASCII.
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return !text.empty();
}

void check_complaints(const bastion::ParsedPolicy& parsed) {
  bool failed = false;
  for (const auto& complaint : parsed.complaints) {
    failed = failed || !complaint.warning;
    check(is_one_clean_line(bastion::text(complaint)));
  }
  check(parsed.policy.has_value() != failed);
  check(parsed.complaints.size() <= 101);
}

/// What every accepted policy promises to those who use it.
void check_policy(const bastion::Policy& policy) {
  check(!policy.listeners.empty());
  check(policy.upstream.tcp.has_value() != !policy.upstream.unix_path.empty());
  check(!policy.authentication.required || policy.authentication.password_file.has_value());
  check(!policy.admission.prefixes.allows_nobody());
  check(policy.tls.key_pairs.size() <= 2);
  check(policy.mqtt.allow_v3_1 || policy.mqtt.allow_v3_1_1 || policy.mqtt.allow_v5_0);
  for (const auto& listener : policy.listeners) {
    check(!listener.name.empty() && !listener.addresses.empty());
    check(listener.transport == bastion::Transport::mqtt || !policy.tls.key_pairs.empty());
    for (const auto& address : listener.addresses) {
      check(listener.transport == bastion::Transport::mqtts || listener.plaintext_beyond_loopback ||
            address.value.address.is_loopback());
    }
  }
  for (const auto& role : policy.roles) check(!role.name.empty());
}

void put_questions(const bastion::Policy& policy) {
  const bastion::Origin origin{bastion::Address::v4(192, 168, 10, 7), 50'000};
  bastion::ConnectFacts connect;
  connect.client_id = "sensor-1";
  connect.user_name = "sensor";
  connect.has_password = true;
  (void)bastion::judge(policy, origin);
  (void)bastion::judge(policy, connect);
  (void)bastion::judge_identity(policy, origin, connect);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  // A NUL parts the policy from the prefix file.
  const auto end = std::min(input.find('\0'), input.size());
  const auto file = input.substr(std::min(end + 1, input.size()));
  const bastion::ReadFile read_file = [&](const std::string& path) -> std::variant<std::string, bastion::FileError> {
    if (path == "missing") return bastion::FileError{"No such file or directory"};
    return file;
  };
  const auto parsed = bastion::parse_policy(std::string_view{input}.substr(0, end), "policy.toml", read_file);
  check_complaints(parsed);
  if (!parsed.policy) return 0;
  check_policy(*parsed.policy);
  put_questions(*parsed.policy);
  return 0;
}
