// The policy: one immutable value that says what is allowed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/acl_file.hpp"
#include "policy/address.hpp"
#include "policy/complaint.hpp"
#include "policy/facts.hpp"
#include "policy/pattern.hpp"
#include "policy/prefix_set.hpp"
#include "policy/rate.hpp"
#include "policy/shield.hpp"
#include "policy/topic_rules.hpp"

namespace bastion {

using Milliseconds = std::chrono::milliseconds;

/// A TCP address and port. Port 0 means: the kernel chooses.
struct SocketAddress {
  Address address;
  std::uint16_t port = 0;
  [[nodiscard]] std::string text() const;  ///< `192.0.2.1:8883`, `[::1]:8883`
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

/// What becomes of a client that the policy refuses.
enum class Mode : std::uint8_t {
  enforce,
  observe,  ///< it is counted as one that would be refused, and let through where it can be (`can_be_observed`)
};

enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

/// Whether the gate shuts itself in by what the kernel has for it; `required`: or does not start.
enum class SandboxMode : std::uint8_t { off, on, required };

struct GatePolicy {
  unsigned workers = 0;  ///< 0: one for each core; at most 256
  Milliseconds drain_timeout{10'000};
  LogFormat log_format = LogFormat::text;
  LogLevel log_level = LogLevel::info;
  std::optional<Located<std::string>> state_dir;  ///< where counters are kept; nothing: they are not
  unsigned log_lines_per_source_max = 20;         ///< lines a source may cause in one minute; the rest is summed up
  std::string user = "mqtt-bastion";              ///< whom a gate that is started as root becomes; `root`: nobody else
  SandboxMode sandbox = SandboxMode::on;
};

struct AdminPolicy {
  Located<SocketAddress> address{{Address::v4(127, 0, 0, 1), 9883}, {}};
  bool enabled = true;
  std::optional<Located<std::string>> socket;  ///< the control socket's path; nothing: there is none
};

struct UpstreamCredentials {
  std::string user_name;
  Located<std::string> password_file;  ///< absolute or relative to the working directory; the first line is the password
};

/// Whether the broker is told whose connection it gets, by a PROXY header, and by which version of it.
enum class UpstreamProxyHeader : std::uint8_t { off, v1, v2 };

struct UpstreamPolicy {
  /// Exactly one of the two: a TCP address, or the path of a Unix socket.
  std::optional<SocketAddress> tcp;
  std::string unix_path;
  Location where;
  Milliseconds connect_timeout{3'000};
  Milliseconds connack_timeout{5'000};
  Milliseconds stall_timeout{30'000};  ///< how long a broker may leave what the gate wrote unread
  UpstreamProxyHeader proxy_header = UpstreamProxyHeader::off;
  std::optional<UpstreamCredentials> credentials;
};

enum class TlsProfile : std::uint8_t { modern, intermediate };

/// A certificate chain and its key, PEM. Two pairs must differ in key type (ECDSA and RSA).
struct TlsKeyPair {
  Located<std::string> certificate;
  Located<std::string> key;
};

struct TlsPolicy {
  std::vector<TlsKeyPair> key_pairs;  ///< 1 or 2 when any listener is mqtts
  Location where;
  TlsProfile profile = TlsProfile::intermediate;
  Milliseconds handshake_timeout{5'000};
  Milliseconds ticket_rotation{12 * 3'600'000};  ///< a ticket key signs for one period and opens for two
  unsigned key_updates_max = 16;                 ///< TLS 1.3 KeyUpdate messages a client may send in one minute
};

enum class Transport : std::uint8_t { mqtt, mqtts };

struct ListenerPolicy {
  std::string name;  ///< a label: [a-z0-9_-]{1,32}
  std::vector<Located<SocketAddress>> addresses;
  Transport transport = Transport::mqtts;
  bool plaintext_beyond_loopback = false;
  /// Who is believed when it says by a PROXY header whose connection it passes on, and must say so. Nobody else is.
  std::vector<Prefix> balancers;
  std::optional<Mode> mode;  ///< its own; nothing: the policy's
  Location where;
};

/// A token bucket: `burst` at once, then one each `every`.
struct Rate {
  unsigned burst = 20;
  Milliseconds every{1'000};
};

struct AdmissionPolicy {
  PrefixSet prefixes;                   ///< allow and deny together; no match is a refusal
  std::vector<std::string> rule_files;  ///< what `PrefixRule::file` counts: the policy file first
  unsigned connections_max = 4096;
  unsigned connections_per_address_max = 32;
  unsigned handshakes_max = 256;
  unsigned handshakes_per_address_max = 16;
  Rate connect_rate_per_address;
  unsigned addresses_tracked_max = 65'536;  ///< entries of the per-address table
};

struct AuthenticationPolicy {
  bool required = true;
  std::optional<Located<std::string>> password_file;
  unsigned hash_threads = 1;      ///< threads that verify passwords
  unsigned hash_queue_max = 128;  ///< clients that may wait for one
  Milliseconds hash_wait_max{5'000};
  std::uint64_t argon2_memory_max = 64u << 20;  ///< bytes, for all verifications that run at one time
};

struct AuthorizationPolicy {
  std::optional<Located<std::string>> acl_file;  ///< Mosquitto's
  std::optional<AclFile> acl;                    ///< what it says; there where it was named and could be read
};

enum class DeniedPublish : std::uint8_t { acknowledge, disconnect };

struct MqttPolicy {
  /// As `keep_alive_max`: none is too long, nor is having none.
  static constexpr auto endless = Milliseconds::max();

  bool allow_v3_1 = false;
  bool allow_v3_1_1 = true;
  bool allow_v5_0 = true;
  bool allow_bridge = false;  ///< levels 0x83 and 0x84 of Mosquitto's bridges
  Milliseconds connect_timeout{5'000};
  std::uint32_t connect_size_max = 16u << 10;  ///< bytes of the whole CONNECT packet, fixed header included
  std::uint32_t packet_size_max = 256u << 10;  ///< bytes of any later packet, fixed header included
  Milliseconds keep_alive_max{20 * 60'000};    ///< at most 18 h 12 min 15 s; a keep alive of 0 counts as endless
  Milliseconds slow_reader_timeout{30'000};    ///< how long a client may leave what the gate wrote unread
  unsigned user_properties_max = 32;           ///< in CONNECT and in its will, each
  bool client_id_empty = true;                 ///< may a client leave its identifier to the broker
  unsigned client_id_length_max = 128;         ///< bytes
  std::string client_id_characters = "-_.:@";  ///< allowed beside letters and digits
  std::optional<Pattern> client_id_pattern;    ///< see Pattern

  std::uint32_t topic_length_max = 1024;  ///< bytes of a topic name or filter
  unsigned topic_levels_max = 32;
  unsigned filters_per_packet_max = 64;                 ///< of SUBSCRIBE and UNSUBSCRIBE
  unsigned subscriptions_max = 256;                     ///< of a session
  std::uint32_t properties_size_max = 16u << 10;        ///< bytes of all properties of a packet
  unsigned in_flight_max = 256;                         ///< messages of QoS 1 and 2 from the client
  unsigned retained_messages_max = 1024;                ///< topics on which a session may leave one
  PacedRate message_rate{20'000, 10'000};               ///< of what a client sends
  PacedRate byte_rate{64u << 20, 16u << 20};            ///< the same in bytes
  Milliseconds rate_patience{60'000};                   ///< see RateGuard
  Milliseconds will_delay_max{3'600'000};               ///< MQTT 5
  Milliseconds session_expiry_max{7 * 24 * 3'600'000};  ///< MQTT 5
  bool session_guard = true;                            ///< a client identifier belongs to whoever came first with it
  std::size_t sessions_remembered_max = 16'384;         ///< of those that the broker keeps, see SessionOwners
  std::uint8_t qos_max = 2;
  bool retain = true;
  bool wildcard_subscriptions = true;
  bool shared_subscriptions = true;
  DeniedPublish denied_publish = DeniedPublish::acknowledge;
  Guards guards;  ///< what the shields stand on
};

/// What a role allows with topics. All of it stands in `rules`; see Access.
struct RoleTopics {
  TopicRules rules;
  std::uint8_t qos_max = 2;
  Location qos_max_where{};  ///< line 0: the default
  /// Where they are listed, retained messages are allowed where a rule says so; else wherever it may publish.
  std::optional<Location> retain_list{};
  std::optional<Location> will_list{};  ///< the same for wills
};

/// Binds users to networks and client identifiers. The first role that fits is the client's; with roles in the policy,
/// a client that fits none is refused.
struct Role {
  std::string name;
  std::vector<Pattern> users;        ///< empty: any user
  std::vector<Prefix> networks;      ///< empty: any network
  std::optional<Pattern> client_id;  ///< nothing: any client identifier
  std::optional<RoleTopics> topics;  ///< nothing: it names no topic, and leaves them to the ACL file or the broker
  Location where;
};

/// What a described client wants to do with topics.
struct TopicQuestion {
  enum class Kind : std::uint8_t { publish, subscribe, will };
  Kind kind = Kind::publish;
  std::string text{};    ///< a topic name, or a filter
  std::uint8_t qos = 0;  ///< of what is published
  bool retain = false;   ///< of what is published
};

/// A client as somebody describes it: what it would show of itself.
struct DescribedClient {
  std::string listener;  ///< empty: the policy's first
  Address from;
  MqttVersion version = MqttVersion::v3_1_1;
  std::optional<std::string> user;
  enum class Password : std::uint8_t { none, right, wrong };
  Password password = Password::right;  ///< of a user; `right` of one who does not exist is wrong all the same
  std::string client_id = "client";
  std::uint16_t keep_alive_s = 60;
  std::optional<TopicQuestion> will{};
  /// One of Mosquitto's bridges as they are by default: its version marked, a session that is kept, and without another will
  /// one for the state that it tells, of QoS 1 and retained.
  bool bridge = false;

  /// `3.1`, `3.1.1`, `5.0`, or `bridge`.
  void speak(std::string_view words) {
    bridge = words == "bridge";
    version = words == "3.1" ? MqttVersion::v3_1 : words == "5.0" ? MqttVersion::v5_0 : MqttVersion::v3_1_1;
  }
};

/// A test that the policy holds of itself ([[expect]]).
struct Expectation {
  DescribedClient client;
  bool admitted = false;
  std::string refused;                   ///< where it is not: `reason` or `reason/cause`, by their labels
  std::optional<TopicQuestion> topic{};  ///< of one that is admitted; no will
  std::optional<bool> allowed{};         ///< the answer to that
  Location where;
};

/// What is allowed. Built by `parse_policy`, never changed afterwards.
struct Policy {
  Location where;  ///< the policy file itself
  /// Where each key and section was said (of those that may stand several times, the first), by paths such as
  /// `mqtt.versions`; defaults are not there.
  std::map<std::string, Location, std::less<>> said;
  Mode mode = Mode::enforce;
  GatePolicy gate;
  AdminPolicy admin;
  UpstreamPolicy upstream;
  TlsPolicy tls;
  std::vector<ListenerPolicy> listeners;
  AdmissionPolicy admission;
  AuthenticationPolicy authentication;
  AuthorizationPolicy authorization;
  MqttPolicy mqtt;
  std::vector<Role> roles;
  std::vector<Expectation> expectations;

  [[nodiscard]] Mode mode_of(const ListenerPolicy& listener) const { return listener.mode.value_or(mode); }
  /// Where a key was said; line 0 where it was not.
  [[nodiscard]] Location line_of(std::string_view key) const;
  /// The same; the policy file itself where it was not.
  [[nodiscard]] Location place_of(std::string_view key) const;
};

}  // namespace bastion
