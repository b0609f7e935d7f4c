// Every key of the policy file: its type, its range, its default, and what it sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "policy/keys.hpp"
#include "tests/unit/policy/policy_text.hpp"

namespace bastion::policy_test {
namespace {

/// Everything that a policy holds but places in the file.
std::string dump(const Policy& policy) {
  std::ostringstream out;
  const auto& [where, said, mode, gate, admin, upstream, tls, listeners, admission, authentication, authorization, mqtt,
               roles, expectations] = policy;
  out << where.file << ' ' << int(mode) << ' ' << gate.workers << ' ' << gate.drain_timeout.count() << ' '
      << int(gate.log_format) << int(gate.log_level) << ' ' << gate.log_lines_per_source_max << ' '
      << (gate.state_dir ? gate.state_dir->value : "-") << '\n';
  out << admin.address.value.text() << ' ' << admin.enabled << ' ' << (admin.socket ? admin.socket->value : "-") << '\n';
  out << (upstream.tcp ? upstream.tcp->text() : "-") << ' ' << upstream.unix_path << ' ' << upstream.connect_timeout.count()
      << ' ' << upstream.connack_timeout.count() << ' ' << upstream.stall_timeout.count() << ' ';
  if (upstream.credentials) out << upstream.credentials->user_name << '@' << upstream.credentials->password_file.value;
  out << '\n';
  for (const auto& pair : tls.key_pairs) out << pair.certificate.value << '+' << pair.key.value << ' ';
  out << int(tls.profile) << ' ' << tls.handshake_timeout.count() << ' ' << tls.ticket_rotation.count() << ' '
      << tls.key_updates_max << '\n';
  for (const auto& listener : listeners) {
    out << listener.name << ' ' << int(listener.transport) << listener.plaintext_beyond_loopback
        << int(policy.mode_of(listener));
    for (const auto& address : listener.addresses) out << ' ' << address.value.text();
    out << '\n';
  }
  out << admission.prefixes.size() << ' ' << admission.connections_max << ' ' << admission.connections_per_address_max << ' '
      << admission.handshakes_max << ' ' << admission.handshakes_per_address_max << ' '
      << admission.connect_rate_per_address.burst << '/' << admission.connect_rate_per_address.every.count() << ' '
      << admission.addresses_tracked_max << '\n';
  out << authentication.required << ' ' << (authentication.password_file ? authentication.password_file->value : "-") << ' '
      << authentication.hash_threads << ' ' << authentication.hash_queue_max << ' ' << authentication.hash_wait_max.count()
      << ' ' << authentication.argon2_memory_max << '\n';
  if (authorization.acl_file) out << authorization.acl_file->value << '\n';
  out << mqtt.allow_v3_1 << mqtt.allow_v3_1_1 << mqtt.allow_v5_0 << mqtt.allow_bridge << ' ' << mqtt.connect_timeout.count()
      << ' ' << mqtt.connect_size_max << ' ' << mqtt.packet_size_max << ' ' << mqtt.keep_alive_max.count() << ' '
      << mqtt.slow_reader_timeout.count() << ' ' << mqtt.user_properties_max << ' ' << mqtt.client_id_empty << ' '
      << mqtt.client_id_length_max << ' ' << mqtt.client_id_characters << ' '
      << (mqtt.client_id_pattern ? mqtt.client_id_pattern->text() : "-") << '\n';
  for (const auto& role : roles) {
    out << role.name;
    for (const auto& user : role.users) out << " u=" << user.text();
    for (const auto& network : role.networks) out << " n=" << network.text();
    if (role.client_id) out << " c=" << role.client_id->text();
    out << '\n';
  }
  for (const auto& [client, admitted, refused, topic, allowed, at] : expectations) {
    out << client.from.text() << ' ' << client.listener << ' ' << int(client.version) << ' ' << client.user.value_or("-")
        << ' ' << int(client.password) << ' ' << client.client_id << ' ' << client.keep_alive_s << ' ' << admitted << refused
        << (topic ? topic->text : "") << allowed.value_or(false) << '\n';
  }
  return out.str();
}

TEST(ParsePolicy, TakesEveryKey) {
  const auto policy = accepted(R"(
schema = 1
mode = "observe"
[gate]
workers = 2
state_dir = "state"
drain_timeout = "1m"
log = { format = "json", level = "debug", lines_per_source_max = 5 }
[admin]
address = "off"
socket = "/run/control.sock"
[upstream]
address = "unix:/run/mosquitto.sock"
connect_timeout = "1s"
connack_timeout = "2s"
stall_timeout = "3s"
proxy_protocol = "off"
credentials = { username = "bastion", password_file = "upstream.secret" }
[tls]
certificate = ["ec.crt", "/abs/rsa.crt"]
key = ["ec.key", "/abs/rsa.key"]
profile = "modern"
handshake_timeout = "500ms"
ticket_rotation = "1h"
key_updates_max = 3
client_certificate = "none"
[[listener]]
name = "devices"
address = ["0.0.0.0:8883", "[::]:8883"]
[[listener]]
name = "local"
address = "127.0.0.1:1884"
transport = "mqtt"
[[listener]]
name = "plain"
address = "192.0.2.1:1884"
transport = "mqtt"
mode = "enforce"
plaintext_beyond_loopback = true
[admission]
allow = ["192.168.10.0/24", "2001:db8:10::/48"]
deny = ["192.168.10.66"]
connections_max = 100
connections_per_address_max = 10
handshakes_max = 20
handshakes_per_address_max = 5
connect_rate_per_address = { burst = 3, every = "250ms" }
addresses_tracked_max = 1000
[authentication]
required = true
password_file = "passwd"
hash_threads = 2
hash_queue_max = 9
hash_wait_max = "1s"
argon2_memory_max = "128MiB"
[mqtt]
versions = ["3.1", "3.1.1", "5.0", "bridge"]
connect_timeout = "4s"
connect_size_max = "1KiB"
packet_size_max = "2MiB"
keep_alive_max = "65535s"
slow_reader_timeout = "7s"
user_properties_max = 0
client_id_empty = false
client_id_length_max = 23
client_id_characters = "-"
client_id_pattern = "%u-*"
[[role]]
name = "sensor"
users = ["sensor-*", "probe?"]
networks = ["192.168.10.0/25"]
client_id = "%u-*"
[[role]]
name = "rest"
[[expect]]
from = "192.0.2.9"
listener = "local"
version = "5.0"
user = "u"
password_is = "none"
client_id = "c"
keep_alive = "5s"
admitted = false
refused = "ip_denied"
)");
  EXPECT_EQ(dump(policy), R"(policy.toml 1 2 60000 13 5 state
127.0.0.1:9883 0 /run/control.sock
- /run/mosquitto.sock 1000 2000 3000 bastion@upstream.secret
ec.crt+ec.key /abs/rsa.crt+/abs/rsa.key 0 500 3600000 3
devices 101 0.0.0.0:8883 [::]:8883
local 001 127.0.0.1:1884
plain 010 192.0.2.1:1884
3 100 10 20 5 3/250 1000
1 passwd 2 9 1000 134217728
1111 4000 1024 2097152 65535000 7000 0 0 23 - %u-*
sensor u=sensor-* u=probe? n=192.168.10.0/25 c=%u-*
rest
192.0.2.9 local 5 u 0 c 5 0ip_denied0
)");
}

std::string section_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return std::string{dot == std::string_view::npos ? "" : path.substr(0, dot)};
}
std::string leaf_of(std::string_view path) {
  return std::string{path.substr(path.rfind('.') + 1)};
}

/// The minimal policy with a role, in which one key is set, or set anew.
std::string with_key(std::string_view path, std::string_view value) {
  const auto section = section_of(path);
  const auto assignment = leaf_of(path) + " = " + std::string{value} + "\n";
  std::string toml{minimal};
  toml += "[[role]]\nname = \"all\"\n[gate]\n[admin]\n[mqtt]\n";
  toml += "[[expect]]\nfrom = \"192.0.2.1\"\nrefused = \"ip_denied\"\n";
  const auto was = toml.find(std::string{"\n"} + leaf_of(path) + " = ",
                             section.empty() ? 0 : toml.find(section.substr(0, section.find('[')) + "]"));
  if (section.empty()) {
    if (path == "schema") toml.erase(0, toml.find('\n') + 1);
    return assignment + toml;
  }
  const auto bare = section.substr(0, section.find('['));
  const auto header = bare.size() < section.size() ? "[[" + bare + "]]\n" : "[" + bare + "]\n";
  const auto at = toml.find(header);
  if (at == std::string::npos) return toml + header + assignment;
  const auto body = at + header.size();
  const auto next = std::min(toml.find("\n[", body - 1), toml.size());
  if (was != std::string::npos && was < next) toml.erase(was + 1, toml.find('\n', was + 1) - was);
  return toml.insert(body, assignment);
}

TEST(PolicyKeys, AreReadAsTheirDefaultsSay) {
  const auto base = dump(accepted(with_key("gate.workers", "0")));
  for (const auto& key : policy_keys()) {
    if (key.default_value == "required" || key.default_value == "unset" || key.path == "admission.allow") continue;
    if (find_not_enforced_key(key.path) != nullptr) continue;
    EXPECT_EQ(dump(accepted(with_key(key.path, key.default_value))), base) << key.path;
  }
}

TEST(PolicyKeys, DefaultToWhatThePolicyHoldsByItself) {
  auto plain = Policy{};
  auto read = accepted(std::string{minimal});
  plain.where = read.where;
  plain.upstream = read.upstream;
  plain.tls.key_pairs = read.tls.key_pairs;
  plain.listeners = read.listeners;
  plain.admission.prefixes = read.admission.prefixes;
  plain.authentication.password_file = read.authentication.password_file;
  EXPECT_EQ(dump(read), dump(plain));
  const auto upstream = UpstreamPolicy{};
  EXPECT_EQ(read.upstream.connect_timeout, upstream.connect_timeout);
  EXPECT_EQ(read.upstream.connack_timeout, upstream.connack_timeout);
  EXPECT_EQ(read.upstream.stall_timeout, upstream.stall_timeout);
  EXPECT_FALSE(read.listeners[0].plaintext_beyond_loopback);
}

void expect_located_complaint(const std::string& toml, std::string_view path) {
  const auto parsed = parse(toml);
  EXPECT_FALSE(parsed.policy) << toml;
  const auto names_it = [&](const Complaint& complaint) {
    return !complaint.warning && complaint.where.line > 0 && complaint.where.column > 0 &&
           (complaint.message.find(leaf_of(path)) != std::string::npos);
  };
  EXPECT_TRUE(std::any_of(parsed.complaints.begin(), parsed.complaints.end(), names_it))
      << path << ": " << testing::PrintToString(lines(parsed));
}

TEST(PolicyKeys, ComplainOfAnotherType) {
  for (const auto& key : policy_keys()) {
    expect_located_complaint(with_key(key.path, "1979-05-27"), key.path);
    if (key.kind.text != "boolean") expect_located_complaint(with_key(key.path, "true"), key.path);
    if (key.kind.text != "integer") expect_located_complaint(with_key(key.path, "7"), key.path);
    if (key.kind.text == "integer" || key.kind.text == "boolean")
      expect_located_complaint(with_key(key.path, "\"7\""), key.path);
    if (key.kind.text.find("list") == std::string_view::npos)
      expect_located_complaint(with_key(key.path, "[\"7\"]"), key.path);
    if (key.kind.text.find("list") != std::string_view::npos) expect_located_complaint(with_key(key.path, "[7]"), key.path);
  }
}

TEST(PolicyKeys, ComplainOfWhatIsOutOfRange) {
  std::size_t seen = 0;
  for (const auto& key : policy_keys()) {
    const auto middle = key.range.find(" .. ");
    if (key.kind.text == "word") {
      expect_located_complaint(with_key(key.path, "\"no-such-word\""), key.path);
    } else if (middle == std::string_view::npos || key.kind.text == "pattern") {
      continue;
    } else if (key.kind.text == "integer") {
      const auto max = std::stoll(std::string{key.range.substr(middle + 4)});
      expect_located_complaint(with_key(key.path, std::to_string(max + 1)), key.path);
      expect_located_complaint(with_key(key.path, std::to_string(std::stoll(std::string{key.range}) - 1)), key.path);
    } else {
      const auto max = std::string{key.range.substr(middle + 4)};
      const auto unit = max.substr(max.find_first_not_of("0123456789"));
      expect_located_complaint(with_key(key.path, '"' + std::to_string(std::stoll(max) + 1) + unit + '"'), key.path);
      if (key.range[0] != '0') {
        expect_located_complaint(with_key(key.path, key.kind.text == "size" ? "\"1B\"" : "\"0ms\""), key.path);
      }
    }
    ++seen;
  }
  EXPECT_GT(seen, 25u);
}

TEST(PolicyKeys, TakeBothEndsOfTheirRange) {
  for (const auto& key : policy_keys()) {
    const auto middle = key.range.find(" .. ");
    if (middle == std::string_view::npos ||
        (key.kind.text != "integer" && key.kind.text != "duration" && key.kind.text != "size"))
      continue;
    for (auto end : {std::string{key.range.substr(0, middle)}, std::string{key.range.substr(middle + 4)}}) {
      if (key.kind.text != "integer") end = '"' + end + '"';
      const auto parsed = parse(with_key(key.path, end));
      for (const auto& line : lines(parsed)) EXPECT_EQ(line.find("out of range"), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace bastion::policy_test
