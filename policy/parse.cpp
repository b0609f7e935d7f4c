// The table of keys, the reader that goes by it, and the reference that shows it.
#include "policy/parse.hpp"

// toml++ asserts, and with NDEBUG assumes, that "[$" can't be. It can, and the code behind the assertion answers it well: so
// that code must be neither stopped nor optimized away.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t policy_bytes_max = std::size_t{4} << 20;

/// How a key is written, and so how it is read.
enum class Type : std::uint8_t { integer, boolean, duration, size, word, words, string, path, paths, strings };

struct Kind {
  Type type;
  std::string_view text;  ///< as the reference calls it
};

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

using Set = void (*)(Draft&, const Value&);

Mode mode_of(const Value& value) {
  return value.text == "observe" ? Mode::observe : Mode::enforce;
}

struct Key {
  std::string_view path;
  Kind kind;
  std::string_view range;  ///< the reader takes numbers' limits and the allowed words from here
  std::string_view default_value;
  std::string_view text;
  Set set;
};

constexpr std::string_view required = "required";
constexpr std::string_view unset = "unset";
constexpr std::string_view flag_range = "true, false";

constexpr std::array key_table{
    Key{"schema", integer, "1 .. 1", required, "The version of this format.", [](Draft&, const Value&) {}},
    Key{"mode", word, R"("enforce", "observe")", R"("enforce")",
        "`observe`: clients that the policy refuses are counted and logged, and let through where they can be.",
        [](Draft& d, const Value& v) { d.policy.mode = mode_of(v); }},

    Key{"gate.workers", integer, "0 .. 256", "0", "Threads that carry connections; 0: one for each core.",
        [](Draft& d, const Value& v) { d.policy.gate.workers = v.count(); }},
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

    Key{"upstream.address", address, R"(an IP address and a port, or "unix:" and a path)", required, "The broker.",
        [](Draft& d, const Value& v) { d.set_upstream(v); }},
    Key{"upstream.connect_timeout", duration, "10ms .. 5m", R"("3s")", "For the connection to the broker.",
        [](Draft& d, const Value& v) { d.policy.upstream.connect_timeout = v.duration(); }},
    Key{"upstream.connack_timeout", duration, "10ms .. 5m", R"("5s")", "For the broker's CONNACK.",
        [](Draft& d, const Value& v) { d.policy.upstream.connack_timeout = v.duration(); }},
    Key{"upstream.stall_timeout", duration, "10ms .. 1h", R"("30s")",
        "How long the broker may leave unread what the gate wrote.",
        [](Draft& d, const Value& v) { d.policy.upstream.stall_timeout = v.duration(); }},
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
};

/// What the format has, and this version does not enforce yet: never accepted in silence.
struct NotEnforced {
  std::string_view path;
  std::string_view harmless;  ///< the word that asks for nothing, or empty
};

constexpr std::array not_enforced_keys{
    NotEnforced{"gate.state_dir", ""},
    NotEnforced{"admin.socket", ""},
    NotEnforced{"upstream.proxy_protocol", "off"},
    NotEnforced{"upstream.tls", ""},
    NotEnforced{"tls.client_certificate", "none"},
    NotEnforced{"tls.client_ca", ""},
    NotEnforced{"tls.crl", ""},
    NotEnforced{"listener[].path", ""},
    NotEnforced{"listener[].origins", ""},
    NotEnforced{"mqtt.topic_levels_max", ""},
    NotEnforced{"mqtt.filters_per_packet_max", ""},
    NotEnforced{"role[].publish", ""},
    NotEnforced{"role[].subscribe", ""},
    NotEnforced{"ban", ""},
};

struct NotEnforcedWord {
  std::string_view path;
  std::string_view word;
};

constexpr std::array not_enforced_words{
    NotEnforcedWord{"listener[].transport", "ws"},
    NotEnforcedWord{"listener[].transport", "wss"},
};

constexpr auto make_infos() {
  std::array<KeyInfo, key_table.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto& key = key_table[i];
    out[i] = {key.path, key.kind.text, key.range, key.default_value, key.text};
  }
  return out;
}
constexpr auto key_infos = make_infos();

const Key* find_key(std::string_view key_path) {
  const auto found = std::find_if(key_table.begin(), key_table.end(), [&](const Key& key) { return key.path == key_path; });
  return found != key_table.end() ? &*found : nullptr;
}

const NotEnforced* find_not_enforced(std::string_view key_path) {
  const auto found = std::find_if(not_enforced_keys.begin(), not_enforced_keys.end(),
                                  [&](const NotEnforced& key) { return key.path == key_path; });
  return found != not_enforced_keys.end() ? &*found : nullptr;
}

/// `admission.allow` lies in `admission`, `listener[].name` in `listener[]`, `schema` in the empty path.
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

/// `in [admission]`, `in [[listener]]`, `at the top level`.
std::string place_name(std::string_view section) {
  if (section.empty()) return "at the top level";
  constexpr std::string_view list_mark = "[]";
  if (section.size() > 2 && section.substr(section.size() - 2) == list_mark) {
    return "in [[" + std::string{section.substr(0, section.size() - 2)} + "]]";
  }
  return "in [" + std::string{section} + "]";
}

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

/// What to write instead of an unknown key.
std::string hint_for_key(std::string_view section, std::string_view leaf) {
  const auto siblings = names_in(section);
  const auto near = nearest(leaf, siblings);
  if (!near.empty()) return "; did you mean " + quoted(near) + "?";
  for (const auto& key : key_table) {
    if (leaf_of(key.path) == leaf) return "; did you mean it " + place_name(section_of(key.path)) + "?";
  }
  return {};
}

std::optional<std::int64_t> parse_number(Type type, std::string_view text) {
  switch (type) {
    case Type::duration:
      return parse_duration(text);
    case Type::size:
      return parse_size(text);
    default:
      return parse_whole_number(text);
  }
}

struct Range {
  std::int64_t min = 0;
  std::int64_t max = 0;
};

Range range_of(const Key& key) {
  constexpr std::string_view between = " .. ";
  const auto middle = key.range.find(between);
  const auto min = parse_number(key.kind.type, key.range.substr(0, middle));
  const auto max = parse_number(key.kind.type, key.range.substr(middle + between.size()));
  // A bad range in the table must not open it.
  return min && max ? Range{*min, *max} : Range{1, 0};
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

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

/// Walks the TOML tree by the table of keys.
class Reader {
 public:
  explicit Reader(Draft& draft) : draft_{draft} {}

  void read(const toml::table& root) {
    read_table(root, {}, draft_.at(1, 1));
    for (const auto& key : key_table) {
      const auto section = section_of(key.path);
      const bool is_plain = !section.empty() && section.find_first_of(".[") == std::string_view::npos;
      if (is_plain && key.default_value == required && !draft_.was_said(section)) {
        draft_.complain(draft_.at(1, 1), "missing [" + std::string{section} + "] with its key " + quoted(leaf_of(key.path)));
      }
    }
  }

 private:
  [[nodiscard]] Location at(const toml::source_region& source) const {
    // Tables that only their children name have no place of their own.
    return source.begin ? draft_.at(source.begin.line, source.begin.column) : draft_.at(1, 1);
  }

  void read_table(const toml::table& table, std::string_view section, const Location& where) {
    for (auto&& [key, node] : table) read_entry(section, key, node);
    for (const auto& key : key_table) {
      if (section_of(key.path) != section || key.default_value != required) continue;
      if (table.get(leaf_of(key.path)) != nullptr) continue;
      draft_.complain(where, "missing key " + quoted(leaf_of(key.path)) + ' ' + place_name(section) +
                                 (key.path == "schema" ? "; write schema = 1" : ""));
    }
  }

  void read_entry(std::string_view section, const toml::key& toml_key, const toml::node& node) {
    const auto leaf = toml_key.str();
    const auto key_path = path_in(section, leaf);
    const auto where = at(toml_key.source());
    // A quoted key may hold dots and brackets, which mean something in paths.
    const bool is_plain = leaf.find_first_of(".[]") == std::string_view::npos;
    if (const auto* key = is_plain ? find_key(key_path) : nullptr) {
      draft_.say(key->path, where);
      read_value(*key, node);
    } else if (is_plain && is_section(key_path)) {
      read_section(key_path, node, where);
    } else if (is_plain && is_section(key_path + "[]")) {
      read_sections(key_path, node, where);
    } else if (const auto* later = is_plain ? find_not_enforced(key_path) : nullptr) {
      refuse_not_enforced(*later, node, where);
    } else {
      draft_.complain(where, "unknown key " + quoted(leaf) + ' ' + place_name(section) + hint_for_key(section, leaf));
    }
  }

  void refuse_not_enforced(const NotEnforced& key, const toml::node& node, const Location& where) {
    const auto text = node.value<std::string_view>();
    if (!key.harmless.empty() && text == key.harmless) return;
    draft_.complain(where, quoted(key.path) + " is not enforced by this version; " +
                               (key.harmless.empty() ? "remove it" : "write " + quoted(key.harmless) + " or remove it"));
  }

  void read_section(const std::string& section, const toml::node& node, const Location& where) {
    draft_.say(section, where);
    if (const auto* table = node.as_table()) {
      read_table(*table, section, where);
    } else {
      draft_.complain(where, quoted(section) + " must be a table, not " + std::string{type_name(node)});
    }
  }

  void read_sections(const std::string& section, const toml::node& node, const Location& where) {
    draft_.say(section, where);
    const auto* array = node.as_array();
    if (array == nullptr) {
      draft_.complain(where, quoted(section) + " must be a list of tables, not " + std::string{type_name(node)} +
                                 "; write [[" + section + "]]");
      return;
    }
    for (const auto& item : *array) {
      const auto* table = item.as_table();
      const auto item_where = at(item.source());
      if (table == nullptr) {
        draft_.complain(item_where, quoted(section) + " must be a list of tables; write [[" + section + "]]");
        continue;
      }
      if (section == "listener") {
        draft_.policy.listeners.emplace_back().where = item_where;
      } else {
        draft_.policy.roles.emplace_back().where = item_where;
      }
      read_table(*table, section + "[]", item_where);
    }
  }

  void read_value(const Key& key, const toml::node& node) {
    Value value;
    value.path = key.path;
    value.where = at(node.source());
    if (fill(key, node, value)) key.set(draft_, value);
  }

  bool fill(const Key& key, const toml::node& node, Value& value) {
    switch (key.kind.type) {
      case Type::boolean:
        return fill_flag(key, node, value);
      case Type::integer:
        return fill_integer(key, node, value);
      case Type::duration:
        return fill_quantity(key, node, value, R"("10s")");
      case Type::size:
        return fill_quantity(key, node, value, R"("16KiB")");
      case Type::word:
        return fill_string(key, node, value) && is_known_word(key, value.text, value.where);
      case Type::string:
        return fill_string(key, node, value);
      case Type::path:
        return fill_string(key, node, value) && is_not_empty(key, value.text, value.where);
      case Type::paths:
        return fill_one_or_more(key, node, value);
      case Type::strings:
        return fill_list(key, node, value);
      case Type::words:
        return fill_list(key, node, value) && are_known_words(key, value);
    }
    return false;
  }

  bool wrong_type(const Key& key, const toml::node& node, const std::string& wanted) {
    draft_.complain(at(node.source()), quoted(key.path) + " must be " + wanted + ", not " + std::string{type_name(node)});
    return false;
  }

  bool fill_flag(const Key& key, const toml::node& node, Value& value) {
    if (!node.is_boolean()) return wrong_type(key, node, "true or false");
    value.flag = node.as_boolean()->get();
    return true;
  }

  bool fill_integer(const Key& key, const toml::node& node, Value& value) {
    if (!node.is_integer()) return wrong_type(key, node, "an integer");
    value.number = node.as_integer()->get();
    return is_in_range(key, value, std::to_string(value.number));
  }

  bool fill_quantity(const Key& key, const toml::node& node, Value& value, std::string_view example) {
    const auto wanted = "a " + std::string{key.kind.text} + " such as " + std::string{example};
    if (!node.is_string()) return wrong_type(key, node, wanted);
    const auto& text = node.as_string()->get();
    const auto number = parse_number(key.kind.type, text);
    if (!number) {
      draft_.complain(value.where, quoted(key.path) + ": " + quoted(text) + " is not " + wanted);
      return false;
    }
    value.number = *number;
    return is_in_range(key, value, text);
  }

  bool is_in_range(const Key& key, const Value& value, const std::string& text) {
    const auto range = range_of(key);
    if (value.number >= range.min && value.number <= range.max) return true;
    if (key.path == "schema") {
      draft_.complain(value.where, "schema = " + text + " is not known to this version; it reads schema = 1");
    } else {
      draft_.complain(value.where, quoted(key.path) + " = " + text + " is out of range: " + std::string{key.range});
    }
    return false;
  }

  bool fill_string(const Key& key, const toml::node& node, Value& value) {
    if (!node.is_string()) return wrong_type(key, node, "a string");
    value.text = node.as_string()->get();
    return is_one_line(key, value.text, value.where);
  }

  /// Control characters mean nothing in any of these, and would reach the terminal of whoever reads a complaint.
  bool is_one_line(const Key& key, const std::string& text, const Location& where) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::none_of(text.begin(), text.end(), is_control)) return true;
    draft_.complain(where, quoted(key.path) + " must not hold control characters");
    return false;
  }

  bool is_not_empty(const Key& key, const std::string& text, const Location& where) {
    if (!text.empty()) return true;
    draft_.complain(where, quoted(key.path) + " must not be empty");
    return false;
  }

  bool fill_list(const Key& key, const toml::node& node, Value& value) {
    const auto* array = node.as_array();
    if (array == nullptr) return wrong_type(key, node, "a " + std::string{key.kind.text});
    bool good = true;
    for (const auto& item : *array) good = add_item(key, item, value) && good;
    return good;
  }

  bool add_item(const Key& key, const toml::node& item, Value& value) {
    const auto where = at(item.source());
    if (!item.is_string()) {
      draft_.complain(where, quoted(key.path) + " must hold strings, not " + std::string{type_name(item)});
      return false;
    }
    const auto& text = item.as_string()->get();
    if (!is_not_empty(key, text, where) || !is_one_line(key, text, where)) return false;
    value.list.push_back({text, where});
    return true;
  }

  bool fill_one_or_more(const Key& key, const toml::node& node, Value& value) {
    if (node.is_string()) return add_item(key, node, value);
    if (!node.is_array()) return wrong_type(key, node, "a string or a list of strings");
    if (!fill_list(key, node, value)) return false;
    if (!value.list.empty()) return true;
    draft_.complain(value.where, quoted(key.path) + " must not be empty");
    return false;
  }

  bool is_known_word(const Key& key, std::string_view text, const Location& where) {
    const auto known = words_of(key.range);
    if (std::find(known.begin(), known.end(), text) != known.end()) return true;
    const bool later = std::any_of(not_enforced_words.begin(), not_enforced_words.end(), [&](const NotEnforcedWord& entry) {
      return entry.path == key.path && entry.word == text;
    });
    const auto near = nearest(text, known);
    draft_.complain(where, quoted(key.path) + ": " + quoted(text) +
                               (later ? " is not enforced by this version; write one of: " : " is not one of: ") +
                               std::string{key.range} +
                               (later || near.empty() ? std::string{} : "; did you mean " + quoted(near) + "?"));
    return false;
  }

  bool are_known_words(const Key& key, const Value& value) {
    bool good = true;
    for (const auto& item : value.list) good = is_known_word(key, item.value, item.where) && good;
    return good;
  }

  Draft& draft_;
};

/// What toml++ 3.3 can't take: it builds and frees dotted keys by recursion, and runs into undefined behaviour where letters
/// beyond ASCII stand outside comments and strings of one line. So these are found before it sees the text.
class Prescan {
 public:
  explicit Prescan(std::string_view text) : text_{text} {}

  struct Finding {
    std::uint32_t line;
    std::uint32_t column;
    std::string_view what;
  };
  [[nodiscard]] std::optional<Finding> find() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        if (!may_precede_string(last_)) return finding("a string can't begin here");
        if (is_multi_line()) return finding("strings of several lines are not taken; use one line");
        skip_string();
      } else if (c == '#') {
        skip_comment();
        continue;
      } else if (static_cast<unsigned char>(c) > 0x7e && !is_byte_order_mark()) {
        return finding("only comments and strings may hold anything but ASCII");
      } else if (c == '.' && ++dots_ > dots_in_key_max) {
        return finding("a key with this many dots means nothing here");
      } else if (std::string_view{"\n=,{}[]"}.find(c) != std::string_view::npos) {
        dots_ = 0;
      }
      if (c != ' ' && c != '\t' && c != '\r' && !is_byte_order_mark()) last_ = c;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t dots_in_key_max = 16;

  static bool may_precede_string(char c) { return std::string_view{"\n=,{[."}.find(c) != std::string_view::npos; }

  [[nodiscard]] bool is_byte_order_mark() const { return at_ < 3 && text_.substr(0, 3) == "\xef\xbb\xbf"; }

  [[nodiscard]] bool is_multi_line() const {
    return at_ + 2 < text_.size() && text_[at_ + 1] == text_[at_] && text_[at_ + 2] == text_[at_];
  }

  [[nodiscard]] Finding finding(std::string_view what) const {
    const auto before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto newline = before.rfind('\n');
    const auto line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(at_ - line_begin + 1), what};
  }

  /// To the string's last byte. One that does not end is left to toml++.
  void skip_string() {
    const char mark = text_[at_];
    for (++at_; at_ < text_.size() && text_[at_] != mark && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\' && mark == '"') ++at_;
    }
  }

  /// To the byte before the newline.
  void skip_comment() { at_ = std::min(text_.find('\n', at_), text_.size()) - 1; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t dots_ = 0;
  char last_ = '\n';  ///< the last character that is no blank
};

ParsedPolicy fail(Location where, std::string message) {
  ParsedPolicy out;
  out.complaints.push_back({std::move(where), std::move(message), false});
  return out;
}

/// Printable ASCII, for messages that are not ours.
std::string printable(std::string_view text) {
  std::string out{text.substr(0, 256)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

// ---- the reference

void append_section(std::string& out, std::string_view section) {
  const auto place = place_name(section);
  out += "\n## " + (section.empty() ? std::string{"Top level"} : "`" + place.substr(3) + "`") + "\n\n";
  out += "| key | type | range | default | |\n|---|---|---|---|---|\n";
  for (const auto& key : policy_keys()) {
    if (section_of(key.path) != section) continue;
    const bool is_word = key.default_value == required || key.default_value == unset;
    const auto shown = is_word ? std::string{key.default_value} : '`' + std::string{key.default_value} + '`';
    out += "| `" + std::string{leaf_of(key.path)} + "` | " + std::string{key.type} + " | " + std::string{key.range} + " | " +
           shown + " | " + std::string{key.text} + " |\n";
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

ParsedPolicy parse_policy(std::string_view toml, const std::string& file, const ReadFile& read_file) {
  if (toml.size() > policy_bytes_max) return fail({file, 0, 0}, "the policy is larger than 4MiB");
  if (const auto found = Prescan{toml}.find()) return fail({file, found->line, found->column}, std::string{found->what});
  try {
    const auto root = toml::parse(toml);
    Draft draft{file, read_file};
    Reader{draft}.read(root);
    return draft.finish();
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    return fail({file, begin.line, begin.column}, "not TOML: " + printable(error.description()));
  } catch (const std::exception& error) {
    return fail({file, 0, 0}, "the policy can't be read: " + printable(error.what()));
  }
}

std::span<const KeyInfo> policy_keys() {
  return key_infos;
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
