// The table of keys, what is read from its texts, and the reference that shows it.
#include "policy/keys.hpp"

#include <algorithm>
#include <array>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

using Key = PolicyKey;
using Kind = PolicyKey::Kind;
using Type = PolicyKey::Type;

constexpr Kind integer{Type::integer, "integer"};
constexpr Kind boolean{Type::boolean, "boolean"};
constexpr Kind duration{Type::duration, "duration"};
constexpr Kind size{Type::size, "size"};
constexpr Kind word{Type::word, "word"};
constexpr Kind words{Type::words, "list of words"};
constexpr Kind string{Type::string, "string"};
constexpr Kind name{Type::path, "name"};
constexpr Kind path{Type::path, "path"};
constexpr Kind path_or_paths{Type::paths, "path, or list of paths"};
constexpr Kind address{Type::path, "address"};
constexpr Kind address_or_addresses{Type::paths, "address, or list of addresses"};
constexpr Kind pattern{Type::path, "pattern"};
constexpr Kind patterns{Type::strings, "list of patterns"};
constexpr Kind prefixes{Type::strings, "list of prefixes"};

constexpr std::string_view required = "required";
constexpr std::string_view unset = "unset";
constexpr std::string_view flag_range = "true, false";

Mode mode_of(const Value& value) {
  return value.text == "observe" ? Mode::observe : Mode::enforce;
}

constexpr std::array key_table{
    Key{"schema", integer, "1 .. 1", required, "The version of this format.", [](Draft&, const Value&) {}},
    Key{"mode", word, R"("enforce", "observe")", R"("enforce")",
        "`observe`: clients that the policy refuses are counted and logged, and let through where they can be.",
        [](Draft& d, const Value& v) { d.policy.mode = mode_of(v); }},

    Key{"gate.workers", integer, "0 .. 256", "0", "Threads that carry connections; 0: one for each core.",
        [](Draft& d, const Value& v) { d.policy.gate.workers = v.count(); }},
    Key{"gate.state_dir", path, "any", unset,
        "The directory where the counters are kept, so that a restart does not forget them; left out: they are not.",
        [](Draft& d, const Value& v) { d.policy.gate.state_dir = d.path_of(v); }},
    Key{"gate.drain_timeout", duration, "0s .. 1h", R"("10s")", "How long sessions may last on after SIGTERM.",
        [](Draft& d, const Value& v) { d.policy.gate.drain_timeout = v.duration(); }},
    Key{"gate.log.format", word, R"("text", "json")", R"("text")", "How log lines are written.",
        [](Draft& d, const Value& v) { d.policy.gate.log_format = v.text == "json" ? LogFormat::json : LogFormat::text; }},
    Key{"gate.log.level", word, R"("error", "warning", "info", "debug")", R"("info")",
        "The least grave lines that are written.",
        [](Draft& d, const Value& v) {
          d.policy.gate.log_level = v.text == "error"     ? LogLevel::error
                                    : v.text == "warning" ? LogLevel::warning
                                    : v.text == "debug"   ? LogLevel::debug
                                                          : LogLevel::info;
        }},
    Key{"gate.log.lines_per_source_max", integer, "1 .. 100000", "20",
        "Lines that one source may cause at each worker in a minute; the rest is summed up.",
        [](Draft& d, const Value& v) { d.policy.gate.log_lines_per_source_max = v.count(); }},

    Key{"admin.address", address, R"(an IP address and a port, or "off")", R"("127.0.0.1:9883")",
        "Where metrics and health are served, without a password.", [](Draft& d, const Value& v) { d.set_admin(v); }},
    Key{"admin.socket", path, "any", unset,
        "The Unix socket by which `mqtt-bastion status` and `reload` reach the gate; left out: there is none.",
        [](Draft& d, const Value& v) { d.set_admin_socket(v); }},

    Key{"upstream.address", address, R"(an IP address and a port, or "unix:" and a path)", required, "The broker.",
        [](Draft& d, const Value& v) { d.set_upstream(v); }},
    Key{"upstream.connect_timeout", duration, "10ms .. 5m", R"("3s")", "For the connection to the broker.",
        [](Draft& d, const Value& v) { d.policy.upstream.connect_timeout = v.duration(); }},
    Key{"upstream.connack_timeout", duration, "10ms .. 5m", R"("5s")", "For the broker's CONNACK.",
        [](Draft& d, const Value& v) { d.policy.upstream.connack_timeout = v.duration(); }},
    Key{"upstream.stall_timeout", duration, "10ms .. 1h", R"("30s")",
        "How long the broker may leave unread what the gate wrote.",
        [](Draft& d, const Value& v) { d.policy.upstream.stall_timeout = v.duration(); }},
    Key{"upstream.proxy_protocol", word, R"("off", "v1", "v2")", R"("off")",
        "Hands the broker each client's own address by a PROXY header of this version. Mosquitto reads them from 2.1 on.",
        [](Draft& d, const Value& v) {
          d.policy.upstream.proxy_header = v.text == "v1"   ? UpstreamProxyHeader::v1
                                           : v.text == "v2" ? UpstreamProxyHeader::v2
                                                            : UpstreamProxyHeader::off;
        }},
    Key{"upstream.credentials.username", string, "any", required,
        "The user name that the broker sees instead of the client's.",
        [](Draft& d, const Value& v) {
          if (!d.policy.upstream.credentials) d.policy.upstream.credentials.emplace();
          d.policy.upstream.credentials->user_name = v.text;
        }},
    Key{"upstream.credentials.password_file", path, "any", required,
        "The file whose first line is the password that the broker sees instead of the client's.",
        [](Draft& d, const Value& v) { d.set_credentials_file(v); }},

    Key{"tls.certificate", path_or_paths, "1 or 2 paths", unset,
        "Certificate chains, PEM: one, or an ECDSA and an RSA one. Needed by listeners of transport `mqtts`.",
        [](Draft& d, const Value& v) { d.set_certificates(v); }},
    Key{"tls.key", path_or_paths, "as many as certificates", unset, "The certificates' keys, PEM, in the same order.",
        [](Draft& d, const Value& v) { d.set_keys(v); }},
    Key{"tls.profile", word, R"("modern", "intermediate")", R"("intermediate")",
        "Mozilla's profiles: `modern` is TLS 1.3 only, `intermediate` has 1.2 beside it.",
        [](Draft& d, const Value& v) {
          d.policy.tls.profile = v.text == "modern" ? TlsProfile::modern : TlsProfile::intermediate;
        }},
    Key{"tls.handshake_timeout", duration, "10ms .. 5m", R"("5s")", "For the whole handshake.",
        [](Draft& d, const Value& v) { d.policy.tls.handshake_timeout = v.duration(); }},
    Key{"tls.ticket_rotation", duration, "1m .. 84h", R"("12h")",
        "A session ticket's key is used for this long, and accepted for twice as long.",
        [](Draft& d, const Value& v) { d.policy.tls.ticket_rotation = v.duration(); }},
    Key{"tls.key_updates_max", integer, "0 .. 10000", "16", "TLS 1.3 KeyUpdate messages that a client may send in a minute.",
        [](Draft& d, const Value& v) { d.policy.tls.key_updates_max = v.count(); }},

    Key{"listener[].name", name, "[a-z0-9_-]{1,32}", required, "Its name in metrics and logs.",
        [](Draft& d, const Value& v) { d.set_listener_name(v); }},
    Key{"listener[].address", address_or_addresses, "IP addresses and ports", required,
        "Where it listens. IPv6 sockets take IPv6 only. Port 0: the kernel chooses.",
        [](Draft& d, const Value& v) { d.add_listener_addresses(v); }},
    Key{"listener[].transport", word, R"("mqtts", "mqtt")", R"("mqtts")", "With TLS, or plain TCP.",
        [](Draft& d, const Value& v) {
          d.policy.listeners.back().transport = v.text == "mqtt" ? Transport::mqtt : Transport::mqtts;
        }},
    Key{"listener[].mode", word, R"("enforce", "observe")", unset, "`mode` for this listener alone; left out: the policy's.",
        [](Draft& d, const Value& v) { d.policy.listeners.back().mode = mode_of(v); }},
    Key{"listener[].plaintext_beyond_loopback", boolean, flag_range, "false",
        "Lets a listener of transport `mqtt` have an address that is not loopback: passwords cross the network in the "
        "clear.",
        [](Draft& d, const Value& v) { d.policy.listeners.back().plaintext_beyond_loopback = v.flag; }},
    Key{"listener[].balancers", prefixes, "prefixes", unset,
        "Who must begin each connection with a PROXY header (version 1 or 2), and is believed whose it is: that address is "
        "then judged, limited and logged. No header is read from anyone else. Left out: from nobody.",
        [](Draft& d, const Value& v) { d.add_balancers(v); }},

    Key{"admission.allow", prefixes, "prefixes", "[]",
        "Who may connect. The longest prefix decides; nobody is allowed by default.",
        [](Draft& d, const Value& v) { d.add_rules(v, true); }},
    Key{"admission.deny", prefixes, "prefixes", "[]", "Who may not. Beats `allow` at equal length.",
        [](Draft& d, const Value& v) { d.add_rules(v, false); }},
    Key{"admission.allow_file", path, "any", unset, "More of `allow`: one prefix to a line, `#` begins a comment.",
        [](Draft& d, const Value& v) { d.add_rule_file(v, true); }},
    Key{"admission.deny_file", path, "any", unset, "More of `deny`, in the same form.",
        [](Draft& d, const Value& v) { d.add_rule_file(v, false); }},
    Key{"admission.connections_max", integer, "1 .. 1000000", "4096", "Connections in all.",
        [](Draft& d, const Value& v) { d.policy.admission.connections_max = v.count(); }},
    Key{"admission.connections_per_address_max", integer, "1 .. 1000000", "32",
        "Connections of one IPv4 address or one IPv6 /64.",
        [](Draft& d, const Value& v) { d.policy.admission.connections_per_address_max = v.count(); }},
    Key{"admission.handshakes_max", integer, "1 .. 1000000", "256",
        "Connections that have not done their TLS handshake yet.",
        [](Draft& d, const Value& v) { d.policy.admission.handshakes_max = v.count(); }},
    Key{"admission.handshakes_per_address_max", integer, "1 .. 1000000", "16",
        "Those of one IPv4 address or one IPv6 /64. More are wanted where many devices behind one address come back at once.",
        [](Draft& d, const Value& v) { d.policy.admission.handshakes_per_address_max = v.count(); }},
    Key{"admission.connect_rate_per_address.burst", integer, "1 .. 100000", "20",
        "Connections that an address, or IPv6 /64, may make at once.",
        [](Draft& d, const Value& v) { d.policy.admission.connect_rate_per_address.burst = v.count(); }},
    Key{"admission.connect_rate_per_address.every", duration, "1ms .. 1h", R"("1s")", "After a burst: one more each.",
        [](Draft& d, const Value& v) { d.policy.admission.connect_rate_per_address.every = v.duration(); }},
    Key{"admission.addresses_tracked_max", integer, "1 .. 4194304", "65536",
        "Addresses whose connections and rate are known at a time; strangers beyond are refused.",
        [](Draft& d, const Value& v) { d.policy.admission.addresses_tracked_max = v.count(); }},

    Key{"authentication.required", boolean, flag_range, "true", "Whether a client needs a user name and a password.",
        [](Draft& d, const Value& v) { d.policy.authentication.required = v.flag; }},
    Key{"authentication.password_file", path, "any", unset,
        "Mosquitto's password file. Needed where authentication is required.",
        [](Draft& d, const Value& v) { d.policy.authentication.password_file = d.path_of(v); }},
    Key{"authentication.hash_threads", integer, "1 .. 64", "1", "Threads that verify passwords.",
        [](Draft& d, const Value& v) { d.policy.authentication.hash_threads = v.count(); }},
    Key{"authentication.hash_queue_max", integer, "1 .. 100000", "128", "Clients that may wait for a verification.",
        [](Draft& d, const Value& v) { d.policy.authentication.hash_queue_max = v.count(); }},
    Key{"authentication.hash_wait_max", duration, "10ms .. 5m", R"("5s")",
        "How long a client may wait for its verification.",
        [](Draft& d, const Value& v) { d.policy.authentication.hash_wait_max = v.duration(); }},
    Key{"authentication.argon2_memory_max", size, "1MiB .. 4GiB", R"("64MiB")",
        "Memory for all argon2 verifications that run at a time.",
        [](Draft& d, const Value& v) { d.policy.authentication.argon2_memory_max = static_cast<std::uint64_t>(v.number); }},

    Key{"mqtt.versions", words, R"("3.1", "3.1.1", "5.0", "bridge")", R"(["3.1.1", "5.0"])",
        "Protocol versions that may enter; `bridge`: also Mosquitto's bridges, which mark theirs.",
        [](Draft& d, const Value& v) { d.set_versions(v); }},
    Key{"mqtt.connect_timeout", duration, "10ms .. 5m", R"("5s")", "For the whole CONNECT, from the end of the handshake.",
        [](Draft& d, const Value& v) { d.policy.mqtt.connect_timeout = v.duration(); }},
    Key{"mqtt.connect_size_max", size, "128B .. 1MiB", R"("16KiB")", "The whole CONNECT packet.",
        [](Draft& d, const Value& v) { d.policy.mqtt.connect_size_max = static_cast<std::uint32_t>(v.number); }},
    Key{"mqtt.packet_size_max", size, "128B .. 256MiB", R"("256KiB")", "Any later packet.",
        [](Draft& d, const Value& v) { d.policy.mqtt.packet_size_max = static_cast<std::uint32_t>(v.number); }},
    Key{"mqtt.keep_alive_max", duration, "1s .. 65535s", R"("20m")",
        "The longest keep alive. MQTT 5 clients are told this one instead of theirs; others are refused, as are those "
        "without.",
        [](Draft& d, const Value& v) { d.policy.mqtt.keep_alive_max = v.duration(); }},
    Key{"mqtt.slow_reader_timeout", duration, "10ms .. 1h", R"("30s")",
        "How long a client may leave unread what the gate wrote.",
        [](Draft& d, const Value& v) { d.policy.mqtt.slow_reader_timeout = v.duration(); }},
    Key{"mqtt.user_properties_max", integer, "0 .. 1024", "32", "MQTT 5 user properties in CONNECT and in its will, each.",
        [](Draft& d, const Value& v) { d.policy.mqtt.user_properties_max = v.count(); }},
    Key{"mqtt.client_id_empty", boolean, flag_range, "true", "Whether a client may leave its identifier to the broker.",
        [](Draft& d, const Value& v) { d.policy.mqtt.client_id_empty = v.flag; }},
    Key{"mqtt.client_id_length_max", integer, "1 .. 4096", "128", "Bytes of a client identifier.",
        [](Draft& d, const Value& v) { d.policy.mqtt.client_id_length_max = v.count(); }},
    Key{"mqtt.client_id_characters", string, "printable ASCII", R"("-_.:@")",
        "What a client identifier may hold beside the letters and digits of ASCII.",
        [](Draft& d, const Value& v) { d.set_characters(v); }},
    Key{"mqtt.client_id_pattern", pattern, "1 .. 256 bytes", unset, "What every client identifier must match.",
        [](Draft& d, const Value& v) { d.set_pattern(v, d.policy.mqtt.client_id_pattern); }},

    Key{"role[].name", name, "[a-z0-9_-]{1,32}", required,
        "Its name in logs. The first role that fits is the client's; a client whom none fits is refused.",
        [](Draft& d, const Value& v) { d.set_role_name(v); }},
    Key{"role[].users", patterns, "patterns without %u", unset, "Whom it fits; left out: any user.",
        [](Draft& d, const Value& v) { d.add_role_users(v); }},
    Key{"role[].networks", prefixes, "prefixes", unset, "From where it fits; left out: anywhere.",
        [](Draft& d, const Value& v) { d.add_role_networks(v); }},
    Key{"role[].client_id", pattern, "1 .. 256 bytes", unset, "The client identifiers it fits; left out: any.",
        [](Draft& d, const Value& v) { d.set_pattern(v, d.policy.roles.back().client_id); }},

    Key{"expect[].from", address, "an IP address", required,
        "A test of the policy, run by `check` and before each start and reload: a client from here ...",
        [](Draft& d, const Value& v) { d.set_expected_from(v); }},
    Key{"expect[].listener", name, "[a-z0-9_-]{1,32}", unset, "... that comes to this listener; left out: the first ...",
        [](Draft& d, const Value& v) { d.policy.expectations.back().client.listener = v.text; }},
    Key{"expect[].version", word, R"("3.1", "3.1.1", "5.0")", R"("3.1.1")", "... speaks this version ...",
        [](Draft& d, const Value& v) {
          d.policy.expectations.back().client.version = v.text == "3.1"   ? MqttVersion::v3_1
                                                        : v.text == "5.0" ? MqttVersion::v5_0
                                                                          : MqttVersion::v3_1_1;
        }},
    Key{"expect[].user", string, "any", unset, "... names this user; left out: none ...",
        [](Draft& d, const Value& v) { d.policy.expectations.back().client.user = v.text; }},
    Key{"expect[].password_is", word, R"("right", "wrong", "none")", R"("right")", "... with this password, if with a user ...",
        [](Draft& d, const Value& v) {
          using Password = DescribedClient::Password;
          d.policy.expectations.back().client.password = v.text == "none"    ? Password::none
                                                         : v.text == "wrong" ? Password::wrong
                                                                             : Password::right;
        }},
    Key{"expect[].client_id", string, "any", R"("client")", "... this client identifier ...",
        [](Draft& d, const Value& v) { d.policy.expectations.back().client.client_id = v.text; }},
    Key{"expect[].keep_alive", duration, "0s .. 65535s", R"("60s")", "... and this keep alive ...",
        [](Draft& d, const Value& v) {
          d.policy.expectations.back().client.keep_alive_s =
              static_cast<std::uint16_t>(std::chrono::duration_cast<std::chrono::seconds>(v.duration()).count());
        }},
    Key{"expect[].admitted", boolean, flag_range, "false", "... is let in. This, or the next, must be said.",
        [](Draft& d, const Value& v) { d.policy.expectations.back().admitted = v.flag; }},
    Key{"expect[].refused", string, "a reason, or reason/cause", unset, "... is refused for this reason.",
        [](Draft& d, const Value& v) { d.set_expected_refusal(v); }},
};

constexpr std::array not_enforced_keys{
    NotEnforcedKey{"upstream.tls", ""},
    NotEnforcedKey{"tls.client_certificate", "none"},
    NotEnforcedKey{"tls.client_ca", ""},
    NotEnforcedKey{"tls.crl", ""},
    NotEnforcedKey{"listener[].path", ""},
    NotEnforcedKey{"listener[].origins", ""},
    NotEnforcedKey{"mqtt.topic_levels_max", ""},
    NotEnforcedKey{"mqtt.filters_per_packet_max", ""},
    NotEnforcedKey{"role[].publish", ""},
    NotEnforcedKey{"role[].subscribe", ""},
    NotEnforcedKey{"ban", ""},
};

struct NotEnforcedWord {
  std::string_view path;
  std::string_view word;
};

constexpr std::array not_enforced_words{
    NotEnforcedWord{"listener[].transport", "ws"},
    NotEnforcedWord{"listener[].transport", "wss"},
};

/// The names that may stand directly in a section: keys, and sections within it.
std::vector<std::string_view> names_in(std::string_view section) {
  std::vector<std::string_view> out;
  for (const auto& key : key_table) {
    if (!section.empty() && (key.path.compare(0, section.size(), section) != 0 || key.path[section.size()] != '.')) continue;
    auto rest = key.path.substr(section.empty() ? 0 : section.size() + 1);
    rest = rest.substr(0, rest.find_first_of(".["));
    if (std::find(out.begin(), out.end(), rest) == out.end()) out.push_back(rest);
  }
  return out;
}

std::vector<std::string_view> sections_in(std::string_view section) {
  auto out = names_in(section);
  const auto is_key = [&](std::string_view leaf) { return find_policy_key(path_in(section, leaf)) != nullptr; };
  out.erase(std::remove_if(out.begin(), out.end(), is_key), out.end());
  return out;
}

/// `listener` of `listener[]`; others as they are.
std::string_view without_list_mark(std::string_view section) {
  constexpr std::string_view mark = "[]";
  const bool has_mark = section.size() > mark.size() && section.substr(section.size() - mark.size()) == mark;
  return has_mark ? section.substr(0, section.size() - mark.size()) : section;
}

void append_section(std::string& out, std::string_view section) {
  out += "\n## " + (section.empty() ? std::string{"Top level"} : '`' + header_of(section) + '`') + "\n\n";
  out += "| key | type | range | default | |\n|---|---|---|---|---|\n";
  for (const auto& key : policy_keys()) {
    if (section_of(key.path) != section) continue;
    const bool is_word = key.is_required() || key.default_value == unset;
    const auto shown = is_word ? std::string{key.default_value} : '`' + std::string{key.default_value} + '`';
    out += "| `" + std::string{leaf_of(key.path)} + "` | " + std::string{key.kind.text} + " | " + std::string{key.range} +
           " | " + shown + " | " + std::string{key.text} + " |\n";
  }
}

constexpr std::string_view reference_head = R"(# The policy file: every key

Written by the program from the table that its parser reads by (`tests/unit/policy` holds the two together).

The file is TOML. Unknown keys, wrong types and values out of range are errors, and all are reported at once. Paths are
relative to the policy file.

- A **duration** is a whole number and a unit: `"500ms"`, `"10s"`, `"5m"`, `"1h"`.
- A **size** is a whole number and a unit: `"100B"`, `"16KiB"`, `"2MiB"`, `"1GiB"`.
- An **address** is an IP address and a port: `"192.0.2.1:8883"`, `"[2001:db8::1]:8883"`. Names are not resolved.
- A **prefix** is `"192.0.2.0/24"`, `"2001:db8::/32"` or a whole address. IPv4 and IPv6 are apart: `"::/0"` holds no IPv4
  address, and an IPv4-mapped IPv6 address is its IPv4 address.
- A **pattern** is a name in which `*` stands for any run of bytes, `?` for one byte, `%u` for the client's user name and `%%`
  for a percent sign.
- A **word** is one of the strings listed.

A key whose default is *required* must be there, if its section is; *unset* means that leaving it out is a choice of its own.
)";

constexpr std::string_view reference_tail = R"(
## Not enforced by this version

These belong to the format, and this version refuses them rather than accept a rule that it would not enforce:

)";

}  // namespace

std::span<const PolicyKey> policy_keys() {
  return key_table;
}

const PolicyKey* find_policy_key(std::string_view key_path) {
  const auto found = std::find_if(key_table.begin(), key_table.end(), [&](const Key& key) { return key.path == key_path; });
  return found != key_table.end() ? &*found : nullptr;
}

const NotEnforcedKey* find_not_enforced_key(std::string_view key_path) {
  const auto found = std::find_if(not_enforced_keys.begin(), not_enforced_keys.end(),
                                  [&](const NotEnforcedKey& key) { return key.path == key_path; });
  return found != not_enforced_keys.end() ? &*found : nullptr;
}

bool is_not_enforced_word(std::string_view key_path, std::string_view asked) {
  return std::any_of(not_enforced_words.begin(), not_enforced_words.end(),
                     [&](const NotEnforcedWord& entry) { return entry.path == key_path && entry.word == asked; });
}

std::string_view section_of(std::string_view key_path) {
  const auto dot = key_path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key_path.substr(0, dot);
}

std::string_view leaf_of(std::string_view key_path) {
  return key_path.substr(key_path.rfind('.') + 1);
}

bool is_section(std::string_view section) {
  return std::any_of(key_table.begin(), key_table.end(), [&](const Key& key) {
    return key.path.size() > section.size() && key.path[section.size()] == '.' &&
           key.path.compare(0, section.size(), section) == 0;
  });
}

std::string path_in(std::string_view section, std::string_view leaf) {
  return section.empty() ? std::string{leaf} : std::string{section} + '.' + std::string{leaf};
}

bool is_name_of_key(std::string_view leaf) {
  return std::any_of(key_table.begin(), key_table.end(),
                     [&](const Key& key) { return leaf_of(key.path) == leaf || leaf_of(section_of(key.path)) == leaf; });
}

std::string header_of(std::string_view section) {
  if (const auto bare = without_list_mark(section); bare != section) return "[[" + std::string{bare} + "]]";
  return '[' + std::string{section} + ']';
}

std::string place_name(std::string_view section) {
  return section.empty() ? "at the top level" : "in " + header_of(section);
}

UnknownName unknown_key(std::string_view section, std::string_view leaf) {
  const auto complaint = "unknown key " + quoted(leaf) + ' ' + place_name(section);
  if (const auto near = nearest(leaf, names_in(section)); !near.empty()) {
    return {complaint + "; did you mean " + quoted(near) + '?', near};
  }
  for (const auto& key : key_table) {
    if (leaf_of(key.path) == leaf) return {complaint + "; did you mean it " + place_name(section_of(key.path)) + '?', {}};
  }
  return {complaint, {}};
}

UnknownName unknown_section(std::string_view section, std::string_view leaf) {
  const auto complaint = "unknown section " + quoted(path_in(section, leaf));
  const auto asked = [&](std::string_view other) { return complaint + "; did you mean " + header_of(other) + '?'; };
  if (const auto near = nearest(leaf, sections_in(section)); !near.empty()) {
    const auto other = path_in(section, near);
    return {asked(is_section(other) ? other : other + "[]"), near};
  }
  for (const auto& key : key_table) {
    const auto other = section_of(key.path);
    if (leaf_of(without_list_mark(other)) == leaf) return {asked(other), {}};
  }
  return {complaint, {}};
}

std::optional<std::int64_t> parse_number(PolicyKey::Type type, std::string_view text) {
  switch (type) {
    case PolicyKey::Type::duration:
      return parse_duration(text);
    case PolicyKey::Type::size:
      return parse_size(text);
    default:
      return parse_whole_number(text);
  }
}

NumberRange range_of(const PolicyKey& key) {
  constexpr std::string_view between = " .. ";
  const auto middle = key.range.find(between);
  const auto min = parse_number(key.kind.type, key.range.substr(0, middle));
  const auto max = parse_number(key.kind.type, key.range.substr(middle + between.size()));
  // A bad range in the table must not open it.
  return min && max ? NumberRange{*min, *max} : NumberRange{1, 0};
}

std::vector<std::string_view> words_of(std::string_view range) {
  std::vector<std::string_view> out;
  while (true) {
    const auto begin = range.find('"');
    if (begin == std::string_view::npos) return out;
    const auto end = range.find('"', begin + 1);
    out.push_back(range.substr(begin + 1, end - begin - 1));
    range.remove_prefix(end + 1);
  }
}

std::string policy_reference() {
  std::string out{reference_head};
  std::vector<std::string_view> sections;
  for (const auto& key : policy_keys()) {
    const auto section = section_of(key.path);
    if (std::find(sections.begin(), sections.end(), section) != sections.end()) continue;
    sections.push_back(section);
    append_section(out, section);
  }
  out += reference_tail;
  for (const auto& key : not_enforced_keys) {
    out += "- `" + std::string{key.path} + "`";
    if (!key.harmless.empty()) out += " (but for `\"" + std::string{key.harmless} + "\"`)";
    out += '\n';
  }
  for (const auto& entry : not_enforced_words) {
    out += "- `" + std::string{entry.path} + " = \"" + std::string{entry.word} + "\"`\n";
  }
  return out;
}

}  // namespace bastion
