// The table of keys itself, and what of the format this version does not enforce.
#include <array>

#include "policy/draft.hpp"
#include "policy/keys.hpp"

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
constexpr Kind filters{Type::strings, "list of topic filters"};
constexpr Kind shield_names{Type::strings, "list of names"};
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

    Key{"gate.workers", integer, "0 .. 256", "0", "Threads that carry connections; 0: one for each core. Takes effect at the next start.",
        [](Draft& d, const Value& v) { d.policy.gate.workers = v.count(); }},
    Key{"gate.state_dir", path, "any", unset,
        "The directory where the counters are kept, so that a restart does not forget them, for one gate only; left out: they are not. Takes effect at the next start.",
        [](Draft& d, const Value& v) { d.policy.gate.state_dir = d.path_of(v); }},
    Key{"gate.user", name, "an account, or \"root\"", R"("mqtt-bastion")",
        "Whom a gate that is started as root becomes once its listeners are open; one that is not started as root stays who it is. "
        "Takes effect at the next start.",
        [](Draft& d, const Value& v) { d.policy.gate.user = v.text; }},
    Key{"gate.sandbox", word, R"("on", "off", "required")", R"("on")",
        "Whether the gate has the kernel forbid it every file, port and system call that it has no use for (Landlock, seccomp), as "
        "far as the kernel can; `required`: where it can't do both, the gate does not start. Takes effect at the next start.",
        [](Draft& d, const Value& v) {
          d.policy.gate.sandbox = v.text == "off"        ? SandboxMode::off
                                  : v.text == "required" ? SandboxMode::required
                                                         : SandboxMode::on;
        }},
    Key{"gate.drain_timeout", duration, "0s .. 1h", R"("10s")", "After SIGTERM each session ends at the next end of a packet; this long is waited for those that come to none.",
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
        "Lines that one source may cause at each worker in a minute, of what was refused or denied, and as many of connections that "
        "closed; the rest is summed up.",
        [](Draft& d, const Value& v) { d.policy.gate.log_lines_per_source_max = v.count(); }},

    Key{"admin.address", address, R"(an IP address and a port, or "off")", R"("127.0.0.1:9883")",
        "Where metrics and health are served, without a password. Takes effect at the next start.", [](Draft& d, const Value& v) { d.set_admin(v); }},
    Key{"admin.socket", path, "any", unset,
        "The Unix socket by which `mqtt-bastion status` and `reload` reach the gate; left out: there is none. Takes effect at the next start.",
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

    Key{"authorization.acl_file", path, "any", unset,
        "Mosquitto's ACL file, read as Mosquitto reads it: who may publish and subscribe to what. With roles that name topics, "
        "both must allow.",
        [](Draft& d, const Value& v) { d.set_acl_file(v); }},

    Key{"mqtt.versions", words, R"("3.1", "3.1.1", "5.0", "bridge")", R"(["3.1.1", "5.0"])",
        "Protocol versions that may enter. `bridge`: also Mosquitto's bridges, which mark theirs; and where no rule names topics, "
        "clients may use, by a will and by PUBLISH, the topic on which bridges tell their state, "
        "`$SYS/broker/connection/CLIENT-ID/state`, each with its own identifier.",
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
    Key{"mqtt.user_properties_max", integer, "0 .. 1024", "32", "MQTT 5 user properties of a packet; in CONNECT and in its will, each.",
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
    Key{"mqtt.topic_length_max", integer, "1 .. 65535", "1024", "Bytes of a topic name or filter.",
        [](Draft& d, const Value& v) { d.policy.mqtt.topic_length_max = v.count(); }},
    Key{"mqtt.topic_levels_max", integer, "1 .. 200", "32", "Levels of a topic name or filter: one more than its slashes.",
        [](Draft& d, const Value& v) { d.policy.mqtt.topic_levels_max = v.count(); }},
    Key{"mqtt.filters_per_packet_max", integer, "1 .. 1024", "64", "Topic filters of a SUBSCRIBE or UNSUBSCRIBE.",
        [](Draft& d, const Value& v) { d.policy.mqtt.filters_per_packet_max = v.count(); }},
    Key{"mqtt.subscriptions_max", integer, "1 .. 65536", "256", "Topic filters that a session may be subscribed to.",
        [](Draft& d, const Value& v) { d.policy.mqtt.subscriptions_max = v.count(); }},
    Key{"mqtt.properties_size_max", size, "0B .. 64KiB", R"("16KiB")", "The properties of an MQTT 5 packet, all together.",
        [](Draft& d, const Value& v) { d.policy.mqtt.properties_size_max = v.count(); }},
    Key{"mqtt.in_flight_max", integer, "1 .. 65535", "256",
        "Messages of QoS 1 and 2 that a client may have under way; MQTT 5 clients are told by Receive Maximum.",
        [](Draft& d, const Value& v) { d.policy.mqtt.in_flight_max = v.count(); }},
    Key{"mqtt.retained_messages_max", integer, "0 .. 1000000", "1024", "Topics on which a session may leave a retained message.",
        [](Draft& d, const Value& v) { d.policy.mqtt.retained_messages_max = v.count(); }},
    Key{"mqtt.message_rate.burst", integer, "1 .. 10000000", "20000", "Messages that a client may send at once.",
        [](Draft& d, const Value& v) { d.policy.mqtt.message_rate.burst = v.amount(); }},
    Key{"mqtt.message_rate.per_second", integer, "1 .. 10000000", "10000",
        "After a burst. The gate reads on only when that is kept to.",
        [](Draft& d, const Value& v) { d.policy.mqtt.message_rate.per_second = v.amount(); }},
    Key{"mqtt.byte_rate.burst", size, "1KiB .. 1GiB", R"("64MiB")", "Bytes that a client may send at once.",
        [](Draft& d, const Value& v) { d.policy.mqtt.byte_rate.burst = v.amount(); }},
    Key{"mqtt.byte_rate.per_second", size, "1KiB .. 1GiB", R"("16MiB")", "After a burst, in the same way.",
        [](Draft& d, const Value& v) { d.policy.mqtt.byte_rate.per_second = v.amount(); }},
    Key{"mqtt.rate_patience", duration, "1s .. 24h", R"("1m")",
        "How long a client may go on wanting more than a rate before its session ends.",
        [](Draft& d, const Value& v) { d.policy.mqtt.rate_patience = v.duration(); }},
    Key{"mqtt.will_delay_max", duration, "0s .. 8760h", R"("1h")", "MQTT 5: how long a will may wait; CONNECT is lowered to it, and to the session's own end.",
        [](Draft& d, const Value& v) { d.policy.mqtt.will_delay_max = v.duration(); }},
    Key{"mqtt.session_expiry_max", duration, "0s .. 8760h", R"("168h")",
        "MQTT 5: how long the broker may keep a session without a connection; CONNECT is lowered to it, and the client told.",
        [](Draft& d, const Value& v) { d.policy.mqtt.session_expiry_max = v.duration(); }},
    Key{"mqtt.session_guard", boolean, flag_range, "true",
        "Whether a client identifier belongs to the user that came first with it, for as long as it is connected or the broker "
        "keeps its session: others are refused, who would take the session over or wipe it.",
        [](Draft& d, const Value& v) { d.policy.mqtt.session_guard = v.flag; }},
    Key{"mqtt.sessions_remembered_max", integer, "0 .. 1000000", "16384",
        "Sessions without a connection whose user the gate remembers; beyond it one is forgotten of the user that has most of them.",
        [](Draft& d, const Value& v) { d.policy.mqtt.sessions_remembered_max = v.count(); }},
    Key{"mqtt.qos_max", integer, "0 .. 2", "2", "The highest QoS; a role may set a lower one.",
        [](Draft& d, const Value& v) { d.policy.mqtt.qos_max = static_cast<std::uint8_t>(v.number); }},
    Key{"mqtt.retain", boolean, flag_range, "true", "Whether messages may be retained.",
        [](Draft& d, const Value& v) { d.policy.mqtt.retain = v.flag; }},
    Key{"mqtt.wildcard_subscriptions", boolean, flag_range, "true", "Whether filters may hold `+` and `#`.",
        [](Draft& d, const Value& v) { d.policy.mqtt.wildcard_subscriptions = v.flag; }},
    Key{"mqtt.shared_subscriptions", boolean, flag_range, "true", "Whether subscriptions may be shared (`$share`).",
        [](Draft& d, const Value& v) { d.policy.mqtt.shared_subscriptions = v.flag; }},
    Key{"mqtt.denied_publish", word, R"("acknowledge", "disconnect")", R"("acknowledge")",
        "What becomes of a PUBLISH that is denied: it is dropped, and acknowledged as its version and QoS ask; or the session "
        "ends.",
        [](Draft& d, const Value& v) {
          d.policy.mqtt.denied_publish = v.text == "disconnect" ? DeniedPublish::disconnect : DeniedPublish::acknowledge;
        }},
    Key{"mqtt.shields_off", shield_names, "names of docs/shields.md", "[]",
        "Shields against published flaws of brokers that are switched off. Those that stand on one guard must all be named.",
        [](Draft& d, const Value& v) { d.set_shields_off(v); }},

    Key{"role[].name", name, "[a-z0-9_-]{1,32}", required,
        "Its name in logs. The first role that fits is the client's; a client whom none fits is refused.",
        [](Draft& d, const Value& v) { d.set_role_name(v); }},
    Key{"role[].users", patterns, "patterns without %u", unset, "Whom it fits; left out: any user.",
        [](Draft& d, const Value& v) { d.add_role_users(v); }},
    Key{"role[].networks", prefixes, "prefixes", unset, "From where it fits; left out: anywhere.",
        [](Draft& d, const Value& v) { d.add_role_networks(v); }},
    Key{"role[].client_id", pattern, "1 .. 256 bytes", unset, "The client identifiers it fits; left out: any.",
        [](Draft& d, const Value& v) { d.set_role_client_id(v); }},
    Key{"role[].publish", filters, "topic filters", unset,
        "What it may publish to. `%u` and `%c` stand for the client's user name and identifier. A role that has this key or "
        "`subscribe` allows only what it names; one that has neither leaves topics to the ACL file or the broker.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::publish); }},
    Key{"role[].subscribe", filters, "topic filters", unset, "What it may subscribe to: all that lies within these.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::receive); }},
    Key{"role[].deny", filters, "topic filters", unset, "What of these it may neither publish to nor receive.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::deny_publish | TopicRight::deny_receive); }},
    Key{"role[].deny_publish", filters, "topic filters", unset, "What of `publish` it may not publish to.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::deny_publish); }},
    Key{"role[].deny_subscribe", filters, "topic filters", unset, "What of `subscribe` it may not receive.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::deny_receive); }},
    Key{"role[].retain", filters, "topic filters", unset,
        "Where its messages may be retained; left out: wherever it may publish.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::retain); }},
    Key{"role[].will", filters, "topic filters", unset, "Where its will may go; left out: wherever it may publish.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::will); }},
    Key{"role[].qos_max", integer, "0 .. 2", "2", "The highest QoS that it may use.",
        [](Draft& d, const Value& v) { d.set_role_qos_max(v); }},
    Key{"role[].qos_0_only", filters, "topic filters", unset, "Where it may use QoS 0 only.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::qos_0); }},
    Key{"role[].qos_1_max", filters, "topic filters", unset, "Where it may use QoS 0 and 1 only.",
        [](Draft& d, const Value& v) { d.add_role_topics(v, TopicRight::qos_1); }},

    Key{"expect[].from", address, "an IP address", required,
        "A test of the policy, run by `check` and before each start and reload: a client from here ...",
        [](Draft& d, const Value& v) { d.set_expected_from(v); }},
    Key{"expect[].listener", name, "[a-z0-9_-]{1,32}", unset, "... that comes to this listener; left out: the first ...",
        [](Draft& d, const Value& v) { d.policy.expectations.back().client.listener = v.text; }},
    Key{"expect[].version", word, R"("3.1", "3.1.1", "5.0", "bridge")", R"("3.1.1")",
        "... speaks this version; `bridge`: is one of Mosquitto's bridges, by 3.1.1 and with a will for its state ...",
        [](Draft& d, const Value& v) { d.policy.expectations.back().client.speak(v.text); }},
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
    Key{"expect[].will", string, "a topic name", unset, "... and this will; left out: none.",
        [](Draft& d, const Value& v) { d.set_expected_topic(v, TopicQuestion::Kind::will); }},
    Key{"expect[].will_qos", integer, "0 .. 2", "0", "The will's QoS.",
        [](Draft& d, const Value& v) { d.expected_will().qos = static_cast<std::uint8_t>(v.number); }},
    Key{"expect[].will_retain", boolean, flag_range, "false", "Whether the will is retained.",
        [](Draft& d, const Value& v) { d.expected_will().retain = v.flag; }},
    Key{"expect[].admitted", boolean, flag_range, "false", "... is let in. This, or the next, must be said.",
        [](Draft& d, const Value& v) { d.policy.expectations.back().admitted = v.flag; }},
    Key{"expect[].refused", string, "a reason, or reason/cause", unset, "... is refused for this reason.",
        [](Draft& d, const Value& v) { d.set_expected_refusal(v); }},
    Key{"expect[].publish", string, "a topic name", unset, "... is let in, and when it publishes to this topic, with the next two ...",
        [](Draft& d, const Value& v) { d.set_expected_topic(v, TopicQuestion::Kind::publish); }},
    Key{"expect[].qos", integer, "0 .. 2", "0", "... the QoS of `publish` ...",
        [](Draft& d, const Value& v) { d.expected_topic().qos = static_cast<std::uint8_t>(v.number); }},
    Key{"expect[].retain", boolean, flag_range, "false", "... and whether it is retained; neither goes with `subscribe` ...",
        [](Draft& d, const Value& v) { d.expected_topic().retain = v.flag; }},
    Key{"expect[].subscribe", string, "a topic filter", unset, "... or, in place of `publish`, when it subscribes to this filter ...",
        [](Draft& d, const Value& v) { d.set_expected_topic(v, TopicQuestion::Kind::subscribe); }},
    Key{"expect[].allowed", boolean, flag_range, unset, "... is allowed to, or not.",
        [](Draft& d, const Value& v) { d.policy.expectations.back().allowed = v.flag; }},
};

constexpr std::array not_enforced_key_table{
    NotEnforcedKey{"upstream.tls", ""},
    NotEnforcedKey{"tls.client_certificate", "none"},
    NotEnforcedKey{"tls.client_ca", ""},
    NotEnforcedKey{"tls.crl", ""},
    NotEnforcedKey{"listener[].path", ""},
    NotEnforcedKey{"listener[].origins", ""},
    NotEnforcedKey{"ban", ""},
};

constexpr std::array not_enforced_word_table{
    NotEnforcedWord{"listener[].transport", "ws"},
    NotEnforcedWord{"listener[].transport", "wss"},
};

}  // namespace

std::span<const PolicyKey> policy_keys() {
  return key_table;
}

std::span<const NotEnforcedKey> not_enforced_keys() {
  return not_enforced_key_table;
}

std::span<const NotEnforcedWord> not_enforced_words() {
  return not_enforced_word_table;
}

}  // namespace bastion
