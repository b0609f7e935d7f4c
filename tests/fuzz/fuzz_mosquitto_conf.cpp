// Any bytes as mosquitto.conf: import never throws, what it writes is a policy that opens no door wider than it says, and
// once the lines are changed as it says, only this machine reaches the broker. A NUL parts the main file from an included
// one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/mosquitto_tree.hpp"

namespace {

using bastion::mosquitto::Conf;
using bastion::mosquitto::ImportOptions;
using bastion::mosquitto::test::Imported;
using bastion::mosquitto::test::Tree;

void check(bool holds) {
  if (!holds) __builtin_trap();
}

bool is_one_clean_line(std::string_view text) {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_policy(const bastion::Policy& policy) {
  check(policy.authentication.required);
  check(policy.mode == bastion::Mode::enforce);
  check(policy.admission.prefixes.size() == 2);
  check(policy.admission.prefixes.find(bastion::Address::v4(192, 0, 2, 1)) == nullptr);
  for (const auto& listener : policy.listeners) check(listener.transport == bastion::Transport::mqtts);
}

void check_closed(const Conf& conf) {
  for (std::size_t i = 0; i < conf.listeners.size(); ++i) check(!conf.listeners[i].is_open || conf.is_local(i));
}

void check_import(const Tree& tree, const ImportOptions& options) {
  const Imported imported{tree, options};
  check_policy(imported.policy);
  for (const auto& decision : imported.text.decisions) check(is_one_clean_line(decision));
  const auto changed = tree.changed(options);
  check_closed(changed.conf());
  if (options.unix_socket.empty()) check(changed.changed(options).text() == changed.text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  const auto end = std::min(input.find('\0'), input.size());
  const Tree tree{input.substr(0, end), {{"/d/a.conf", input.substr(std::min(end + 1, input.size()))}}};
  const auto read = tree.read();
  for (const auto& complaint : read.complaints) check(is_one_clean_line(bastion::text(complaint)));
  if (!read.conf) return 0;
  check_import(tree, {});
  ImportOptions by_socket;
  by_socket.unix_socket = "/run/m.sock";
  check_import(tree, by_socket);
  return 0;
}
