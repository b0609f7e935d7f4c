// The table of reasons and causes: the one place where each is described.
#include "policy/reason.hpp"

#include <array>

namespace bastion {
namespace {

constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::count_);
constexpr std::size_t cause_count = static_cast<std::size_t>(Cause::count_);

constexpr std::size_t at(Reason reason) {
  return static_cast<std::size_t>(reason);
}
constexpr std::size_t at(Cause cause) {
  return static_cast<std::size_t>(cause);
}

using Code = std::optional<std::uint8_t>;
constexpr Code silent = std::nullopt;

struct ReasonRow {
  Reason reason;
  ReasonInfo info;
};

// Nothing before stage `connect` is answered in MQTT: an answer would only help a scanner. MQTT 3 has no server DISCONNECT.
constexpr std::array reason_rows{
    ReasonRow{Reason::ip_denied, {"ip_denied", "address is not allowed", Stage::accept, silent, silent, false}},
    ReasonRow{Reason::rate_limited, {"rate_limited", "address connects too often", Stage::accept, silent, silent, false}},
    ReasonRow{Reason::too_many_connections,
              {"too_many_connections", "too many connections are open", Stage::accept, silent, silent, false}},

    ReasonRow{Reason::bad_proxy_header,
              {"bad_proxy_header", "balancer does not say whose connection it is", Stage::origin, silent, silent, false}},

    ReasonRow{Reason::not_tls, {"not_tls", "first bytes are not TLS", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::tls_timeout, {"tls_timeout", "TLS handshake was not done in time", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::closed_early,
              {"closed_early", "client left before it was admitted", Stage::tls, silent, silent, false}},
    ReasonRow{Reason::tls_handshake_failed,
              {"tls_handshake_failed", "TLS handshake failed", Stage::tls, silent, silent, true}},
    ReasonRow{Reason::tls_misuse, {"tls_misuse", "TLS was misused", Stage::tls, silent, silent, true}},

    ReasonRow{Reason::not_mqtt, {"not_mqtt", "first bytes are not MQTT", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::packet_before_connect,
              {"packet_before_connect", "first packet is no CONNECT", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_timeout,
              {"connect_timeout", "no whole CONNECT came in time", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_too_large,
              {"connect_too_large", "CONNECT is larger than allowed", Stage::preamble, silent, silent, true}},
    ReasonRow{Reason::connect_truncated,
              {"connect_truncated", "client left in the middle of its CONNECT", Stage::preamble, silent, silent, true}},

    ReasonRow{Reason::malformed_connect,
              {"malformed_connect", "CONNECT is malformed", Stage::connect, silent, Code{0x81}, true}},
    ReasonRow{Reason::unsupported_version,
              {"unsupported_version", "protocol version is not allowed", Stage::connect, Code{1}, Code{0x84}, true}},
    ReasonRow{Reason::client_id_denied,
              {"client_id_denied", "client identifier is not allowed", Stage::connect, Code{2}, Code{0x85}, true}},

    ReasonRow{Reason::anonymous, {"anonymous", "credentials are missing", Stage::auth, Code{5}, Code{0x87}, true}},
    ReasonRow{Reason::bad_credentials,
              {"bad_credentials", "user name or password is wrong", Stage::auth, Code{4}, Code{0x86}, true}},
    ReasonRow{Reason::auth_method_unsupported,
              {"auth_method_unsupported", "authentication method is not supported", Stage::auth, silent, Code{0x8c}, true}},
    ReasonRow{Reason::not_authorized,
              {"not_authorized", "user is not authorized here", Stage::auth, Code{5}, Code{0x87}, true}},
    ReasonRow{Reason::will_denied, {"will_denied", "will is not allowed", Stage::auth, Code{5}, Code{0x87}, false}},
    ReasonRow{Reason::session_denied,
              {"session_denied", "session is not allowed as asked for", Stage::auth, Code{5}, Code{0x97}, false}},
    ReasonRow{Reason::auth_overloaded,
              {"auth_overloaded", "too many passwords wait to be verified", Stage::auth, Code{3}, Code{0x89}, false}},

    ReasonRow{Reason::upstream_unavailable,
              {"upstream_unavailable", "broker can't be reached", Stage::upstream, Code{3}, Code{0x88}, false}},
    ReasonRow{Reason::upstream_refused,
              {"upstream_refused", "broker refused the client", Stage::upstream, silent, silent, false}},
    ReasonRow{Reason::upstream_malformed,
              {"upstream_malformed", "broker sent nonsense", Stage::upstream, silent, Code{0x80}, false}},

    ReasonRow{Reason::malformed_packet,
              {"malformed_packet", "packet is malformed", Stage::session, silent, Code{0x81}, true}},
    ReasonRow{Reason::protocol_error,
              {"protocol_error", "packet is not allowed by the protocol", Stage::session, silent, Code{0x82}, true}},
    ReasonRow{Reason::packet_too_large,
              {"packet_too_large", "packet is larger than allowed", Stage::session, silent, Code{0x95}, true}},
    ReasonRow{Reason::limit_exceeded,
              {"limit_exceeded", "packet is over a limit of the policy", Stage::session, silent, Code{0x97}, false}},
    ReasonRow{Reason::acl_denied, {"acl_denied", "topic is not allowed", Stage::session, silent, Code{0x87}, false}},
    ReasonRow{Reason::message_rate,
              {"message_rate", "client sends more than it may", Stage::session, silent, Code{0x96}, false}},
    ReasonRow{Reason::keepalive_timeout,
              {"keepalive_timeout", "no whole packet within the keep alive", Stage::session, silent, Code{0x8d}, false}},
    ReasonRow{Reason::slow_reader,
              {"slow_reader", "client does not read what it is sent", Stage::session, silent, Code{0x97}, false}},
    ReasonRow{Reason::evicted, {"evicted", "gate ended the session", Stage::session, silent, Code{0x8b}, false}},
};

struct CauseRow {
  Cause cause;
  std::string_view label;
};

constexpr std::array cause_rows{
    CauseRow{Cause::none, ""},
    CauseRow{Cause::not_allowed, "not_allowed"},
    CauseRow{Cause::denied, "denied"},
    CauseRow{Cause::per_ip, "per_ip"},
    CauseRow{Cause::total, "total"},
    CauseRow{Cause::handshakes, "handshakes"},
    CauseRow{Cause::descriptors, "descriptors"},
    CauseRow{Cause::missing, "missing"},
    CauseRow{Cause::no_address, "no_address"},
    CauseRow{Cause::mqtt, "mqtt"},
    CauseRow{Cause::http, "http"},
    CauseRow{Cause::http_connect, "http_connect"},
    CauseRow{Cause::websocket, "websocket"},
    CauseRow{Cause::tls, "tls"},
    CauseRow{Cause::ssh, "ssh"},
    CauseRow{Cause::rdp, "rdp"},
    CauseRow{Cause::smb, "smb"},
    CauseRow{Cause::socks, "socks"},
    CauseRow{Cause::redis, "redis"},
    CauseRow{Cause::telnet, "telnet"},
    CauseRow{Cause::adb, "adb"},
    CauseRow{Cause::sslv2, "sslv2"},
    CauseRow{Cause::proxy_header, "proxy_header"},
    CauseRow{Cause::binary, "binary"},
    CauseRow{Cause::text, "text"},
    CauseRow{Cause::no_data, "no_data"},
    CauseRow{Cause::partial, "partial"},
    CauseRow{Cause::in_hello, "in_hello"},
    CauseRow{Cause::in_handshake, "in_handshake"},
    CauseRow{Cause::after_handshake, "after_handshake"},
    CauseRow{Cause::in_connect, "in_connect"},
    CauseRow{Cause::reset, "reset"},
    CauseRow{Cause::version, "version"},
    CauseRow{Cause::cipher, "cipher"},
    CauseRow{Cause::malformed, "malformed"},
    CauseRow{Cause::alpn, "alpn"},
    CauseRow{Cause::peer_alert, "peer_alert"},
    CauseRow{Cause::other, "other"},
    CauseRow{Cause::renegotiation, "renegotiation"},
    CauseRow{Cause::key_update, "key_update"},
    CauseRow{Cause::bad_record, "bad_record"},
    CauseRow{Cause::alert_flood, "alert_flood"},
    CauseRow{Cause::type_reserved, "reserved"},
    CauseRow{Cause::type_connect, "connect"},
    CauseRow{Cause::type_connack, "connack"},
    CauseRow{Cause::type_publish, "publish"},
    CauseRow{Cause::type_puback, "puback"},
    CauseRow{Cause::type_pubrec, "pubrec"},
    CauseRow{Cause::type_pubrel, "pubrel"},
    CauseRow{Cause::type_pubcomp, "pubcomp"},
    CauseRow{Cause::type_subscribe, "subscribe"},
    CauseRow{Cause::type_suback, "suback"},
    CauseRow{Cause::type_unsubscribe, "unsubscribe"},
    CauseRow{Cause::type_unsuback, "unsuback"},
    CauseRow{Cause::type_pingreq, "pingreq"},
    CauseRow{Cause::type_pingresp, "pingresp"},
    CauseRow{Cause::type_disconnect, "disconnect"},
    CauseRow{Cause::type_auth, "auth"},
    CauseRow{Cause::header_flags, "header_flags"},
    CauseRow{Cause::length, "length"},
    CauseRow{Cause::protocol_name, "protocol_name"},
    CauseRow{Cause::flags, "flags"},
    CauseRow{Cause::utf8, "utf8"},
    CauseRow{Cause::will, "will"},
    CauseRow{Cause::property, "property"},
    CauseRow{Cause::trailing, "trailing"},
    CauseRow{Cause::mqtt31, "mqtt31"},
    CauseRow{Cause::mqtt311, "mqtt311"},
    CauseRow{Cause::mqtt5, "mqtt5"},
    CauseRow{Cause::bridge, "bridge"},
    CauseRow{Cause::unknown, "unknown"},
    CauseRow{Cause::empty, "empty"},
    CauseRow{Cause::characters, "characters"},
    CauseRow{Cause::pattern, "pattern"},
    CauseRow{Cause::in_use, "in_use"},
    CauseRow{Cause::no_user, "no_user"},
    CauseRow{Cause::no_password, "no_password"},
    CauseRow{Cause::user, "user"},
    CauseRow{Cause::password, "password"},
    CauseRow{Cause::source, "source"},
    CauseRow{Cause::role, "role"},
    CauseRow{Cause::topic, "topic"},
    CauseRow{Cause::retain, "retain"},
    CauseRow{Cause::qos, "qos"},
    CauseRow{Cause::keep_alive, "keep_alive"},
    CauseRow{Cause::queue_full, "queue_full"},
    CauseRow{Cause::queue_timeout, "queue_timeout"},
    CauseRow{Cause::refused, "refused"},
    CauseRow{Cause::timeout, "timeout"},
    CauseRow{Cause::stalled, "stalled"},
    CauseRow{Cause::code_version, "version"},
    CauseRow{Cause::code_client_id, "client_id"},
    CauseRow{Cause::code_unavailable, "unavailable"},
    CauseRow{Cause::code_credentials, "credentials"},
    CauseRow{Cause::code_not_authorized, "not_authorized"},
    CauseRow{Cause::code_other, "other"},
    CauseRow{Cause::connack, "connack"},
    CauseRow{Cause::packet, "packet"},
    CauseRow{Cause::second_connect, "second_connect"},
    CauseRow{Cause::direction, "direction"},
    CauseRow{Cause::after_disconnect, "after_disconnect"},
    CauseRow{Cause::packet_id, "packet_id"},
    CauseRow{Cause::alias, "alias"},
    CauseRow{Cause::receive_maximum, "receive_maximum"},
    CauseRow{Cause::not_available, "not_available"},
    CauseRow{Cause::auth, "auth"},
    CauseRow{Cause::topic_length, "topic_length"},
    CauseRow{Cause::topic_levels, "topic_levels"},
    CauseRow{Cause::filters, "filters"},
    CauseRow{Cause::subscriptions, "subscriptions"},
    CauseRow{Cause::properties, "properties"},
    CauseRow{Cause::in_flight, "in_flight"},
    CauseRow{Cause::retained, "retained"},
    CauseRow{Cause::expiry, "expiry"},
    CauseRow{Cause::receive, "receive"},
    CauseRow{Cause::silent, "silent"},
    CauseRow{Cause::shutdown, "shutdown"},
    CauseRow{Cause::reload, "reload"},
};

// Meanings that more than one pair has.
constexpr std::string_view from_http = "an HTTP request: a web scanner, or a health check that knows no MQTT";
constexpr std::string_view from_http_connect = "an HTTP CONNECT: somebody looks for an open proxy";
constexpr std::string_view from_websocket =
    "an HTTP request to upgrade to a WebSocket: a browser's MQTT client on the wrong port";
constexpr std::string_view from_ssh = "an SSH client: somebody looks for logins";
constexpr std::string_view from_rdp = "a remote desktop client: somebody looks for logins";
constexpr std::string_view from_smb = "a Windows file sharing client, or a worm that goes by it";
constexpr std::string_view from_socks = "a SOCKS client: somebody looks for an open proxy";
constexpr std::string_view from_redis = "a Redis command: somebody looks for open databases";
constexpr std::string_view from_telnet = "telnet options or shell commands: worms that look for devices";
constexpr std::string_view from_adb = "an Android debugger: worms that look for open devices";
constexpr std::string_view from_sslv2 = "an SSL 2.0 hello: a scanner, or a client of another age";
constexpr std::string_view from_proxy_header =
    "a PROXY header from an address that is not in the listener's `balancers`: add the balancer, or somebody pretends";
constexpr std::string_view from_binary = "bytes of no protocol known here";
constexpr std::string_view from_text = "a line of text of no protocol known here";
constexpr std::string_view from_server = "only a server sends it: another server, or a test of how the gate takes it";
constexpr std::string_view acknowledges_nothing = "an acknowledgement of nothing: random bytes look like it";
constexpr std::string_view bad_header = "flags or a length that this type can't have: an attack, or a broken library";

struct Pair {
  Refusal refusal;
  std::string_view meaning;  ///< what it means, and what usually brings it about
};

constexpr std::array pairs{
    Pair{{Reason::ip_denied, Cause::not_allowed},
         "no prefix of the allowlist holds the address: a stranger, or a device whose network is not in the policy"},
    Pair{{Reason::ip_denied, Cause::denied}, "the longest prefix that holds the address denies it"},

    Pair{{Reason::rate_limited, Cause::per_ip},
         "more connections than `admission.connect_rate_per_address` lets in: a scanner, or a device that reconnects in a "
         "loop"},

    Pair{{Reason::too_many_connections, Cause::per_ip},
         "the address, or IPv6 /64, has `admission.connections_per_address_max` open, or `handshakes_per_address_max` in "
         "their handshake: a flood, or many devices behind one NAT"},
    Pair{{Reason::too_many_connections, Cause::total},
         "`admission.connections_max` are open, or `admission.addresses_tracked_max` addresses are tracked"},
    Pair{{Reason::too_many_connections, Cause::handshakes},
         "`admission.handshakes_max` are in their handshake: a flood of half-open ones, or all clients coming back at once"},
    Pair{{Reason::too_many_connections, Cause::descriptors},
         "the system gave no descriptor: raise LimitNOFILE, or lower `admission.connections_max`"},

    Pair{{Reason::bad_proxy_header, Cause::missing},
         "the first bytes from an address in `balancers` are no PROXY header: switch it on there (HAProxy: "
         "`send-proxy-v2`), or "
         "somebody else connects from that address"},
    Pair{{Reason::bad_proxy_header, Cause::malformed}, "a PROXY header that breaks its own rules: a broken balancer"},
    Pair{{Reason::bad_proxy_header, Cause::no_address},
         "a PROXY header without a client's IP address (`UNKNOWN`, or a Unix socket): nobody could be judged by it"},
    Pair{{Reason::bad_proxy_header, Cause::no_data},
         "a balancer that connected and was silent until `tls.handshake_timeout`"},
    Pair{{Reason::bad_proxy_header, Cause::partial}, "half a PROXY header, and then nothing more or the end"},

    Pair{{Reason::not_tls, Cause::mqtt},
         "MQTT in the clear: a device without TLS switched on, or a scanner that tries both"},
    Pair{{Reason::not_tls, Cause::http}, from_http},
    Pair{{Reason::not_tls, Cause::http_connect}, from_http_connect},
    Pair{{Reason::not_tls, Cause::websocket}, from_websocket},
    Pair{{Reason::not_tls, Cause::ssh}, from_ssh},
    Pair{{Reason::not_tls, Cause::rdp}, from_rdp},
    Pair{{Reason::not_tls, Cause::smb}, from_smb},
    Pair{{Reason::not_tls, Cause::socks}, from_socks},
    Pair{{Reason::not_tls, Cause::redis}, from_redis},
    Pair{{Reason::not_tls, Cause::telnet}, from_telnet},
    Pair{{Reason::not_tls, Cause::adb}, from_adb},
    Pair{{Reason::not_tls, Cause::sslv2}, from_sslv2},
    Pair{{Reason::not_tls, Cause::proxy_header}, from_proxy_header},
    Pair{{Reason::not_tls, Cause::binary}, from_binary},
    Pair{{Reason::not_tls, Cause::text}, from_text},

    Pair{{Reason::tls_timeout, Cause::no_data},
         "connected and silent: a scanner that waits for a banner, or one that holds connections open"},
    Pair{{Reason::tls_timeout, Cause::partial},
         "a handshake that was begun and not ended: a very slow network, or one that holds connections open"},

    Pair{{Reason::closed_early, Cause::no_data}, "left without a byte: a port scan, or a balancer's health check"},
    Pair{{Reason::closed_early, Cause::in_hello},
         "left in the middle of its first message: a scanner, or a network that broke"},
    Pair{{Reason::closed_early, Cause::in_handshake},
         "left after the gate's part of the handshake: a scanner that collects certificates, or a client that does not "
         "trust this one and says nothing"},
    Pair{{Reason::closed_early, Cause::after_handshake},
         "left after the handshake without a byte of MQTT: a scanner that collects certificates"},
    Pair{{Reason::closed_early, Cause::in_connect},
         "left while its password was verified or the broker was asked: a client with little patience, or a network that "
         "broke"},
    Pair{{Reason::closed_early, Cause::reset},
         "reset the connection before its handshake was done: a port scan, or a network that broke"},

    Pair{{Reason::tls_handshake_failed, Cause::version},
         "no common version of TLS: an old client, or `tls.profile` is narrower than it"},
    Pair{{Reason::tls_handshake_failed, Cause::cipher},
         "no common cipher or group: an old client, or one that has no use for the certificate's kind of key"},
    Pair{{Reason::tls_handshake_failed, Cause::malformed},
         "no handshake that can be read, or a ClientHello larger than real ones: an attack, or broken software"},
    Pair{{Reason::tls_handshake_failed, Cause::alpn},
         "the client asks for other protocols by ALPN and not for `mqtt`: a web scanner"},
    Pair{{Reason::tls_handshake_failed, Cause::peer_alert},
         "the client broke it off with an alert: it does not trust the certificate, finds it expired, or made out for "
         "another name"},
    Pair{{Reason::tls_handshake_failed, Cause::other}, "another failure; the log line's `detail` has OpenSSL's words"},

    Pair{{Reason::tls_misuse, Cause::renegotiation},
         "the client asked to renegotiate, which is off: an attack, or very old software"},
    Pair{{Reason::tls_misuse, Cause::key_update}, "more KeyUpdate messages than `tls.key_updates_max`: an attack"},
    Pair{{Reason::tls_misuse, Cause::bad_record},
         "a record that is damaged or forged: an attack, or a network that broke data"},
    Pair{{Reason::tls_misuse, Cause::alert_flood}, "one alert after the other: an attack"},

    Pair{{Reason::not_mqtt, Cause::http}, from_http},
    Pair{{Reason::not_mqtt, Cause::http_connect}, from_http_connect},
    Pair{{Reason::not_mqtt, Cause::websocket}, from_websocket},
    Pair{{Reason::not_mqtt, Cause::tls},
         "TLS where it was not expected: a client with TLS on a listener of transport `mqtt`, or TLS inside TLS"},
    Pair{{Reason::not_mqtt, Cause::ssh}, from_ssh},
    Pair{{Reason::not_mqtt, Cause::rdp}, from_rdp},
    Pair{{Reason::not_mqtt, Cause::smb}, from_smb},
    Pair{{Reason::not_mqtt, Cause::socks}, from_socks},
    Pair{{Reason::not_mqtt, Cause::redis}, from_redis},
    Pair{{Reason::not_mqtt, Cause::telnet}, from_telnet},
    Pair{{Reason::not_mqtt, Cause::adb}, from_adb},
    Pair{{Reason::not_mqtt, Cause::sslv2}, from_sslv2},
    Pair{{Reason::not_mqtt, Cause::proxy_header}, from_proxy_header},
    Pair{{Reason::not_mqtt, Cause::text}, from_text},
    Pair{{Reason::not_mqtt, Cause::binary}, from_binary},

    Pair{{Reason::packet_before_connect, Cause::type_connack}, from_server},
    Pair{{Reason::packet_before_connect, Cause::type_publish},
         "a message before any login; a query of the directory protocol LDAP begins like it"},
    Pair{{Reason::packet_before_connect, Cause::type_puback}, acknowledges_nothing},
    Pair{{Reason::packet_before_connect, Cause::type_pubrec}, acknowledges_nothing},
    Pair{{Reason::packet_before_connect, Cause::type_pubrel}, acknowledges_nothing},
    Pair{{Reason::packet_before_connect, Cause::type_pubcomp}, acknowledges_nothing},
    Pair{{Reason::packet_before_connect, Cause::type_subscribe},
         "a subscription before any login: a scanner that tries it without"},
    Pair{{Reason::packet_before_connect, Cause::type_suback}, from_server},
    Pair{{Reason::packet_before_connect, Cause::type_unsubscribe},
         "a packet that makes no sense before a login: random bytes look like it"},
    Pair{{Reason::packet_before_connect, Cause::type_unsuback}, from_server},
    Pair{{Reason::packet_before_connect, Cause::type_pingreq},
         "a ping before any login: a scanner, or a client that takes up an old session wrongly"},
    Pair{{Reason::packet_before_connect, Cause::type_pingresp}, from_server},
    Pair{{Reason::packet_before_connect, Cause::type_disconnect},
         "a farewell before any login: a scanner, or broken software"},
    Pair{{Reason::packet_before_connect, Cause::type_auth},
         "MQTT 5's AUTH without a CONNECT: a test of how the gate takes it"},

    Pair{{Reason::connect_timeout, Cause::no_data},
         "a handshake and then silence: a scanner, or one that holds connections open"},
    Pair{{Reason::connect_timeout, Cause::partial},
         "a CONNECT that was begun and not ended within `mqtt.connect_timeout`: a very slow network, or one that holds "
         "connections open"},

    Pair{{Reason::connect_too_large, Cause::none},
         "it claims to be larger than `mqtt.connect_size_max`: an attack, or a client with a very large will"},

    Pair{{Reason::connect_truncated, Cause::none},
         "the client left in the middle of its CONNECT: a scanner, or a network that broke"},

    Pair{{Reason::malformed_connect, Cause::header_flags}, "the first byte's flags are not 0: random bytes, or a fuzzer"},
    Pair{{Reason::malformed_connect, Cause::length},
         "a length that is not the packet's, or a field that does not fit into it: an attack, or a broken library"},
    Pair{{Reason::malformed_connect, Cause::protocol_name}, "neither `MQTT` nor `MQIsdp`: other protocols, or a fuzzer"},
    Pair{{Reason::malformed_connect, Cause::flags},
         "a reserved flag is set, or a password comes without a user name before MQTT 5: a broken library"},
    Pair{{Reason::malformed_connect, Cause::utf8}, "a string that is not valid UTF-8: an attack, or binary data in a name"},
    Pair{{Reason::malformed_connect, Cause::will},
         "will flags that contradict each other, or a will topic that is none: a broken library"},
    Pair{{Reason::malformed_connect, Cause::property},
         "an MQTT 5 property that is unknown, comes twice, has a bad value, or comes more often than "
         "`mqtt.user_properties_max`"},
    Pair{{Reason::malformed_connect, Cause::trailing},
         "bytes behind the last field: the scanner impacket, or a broken library"},

    Pair{{Reason::unsupported_version, Cause::mqtt31},
         "MQTT 3.1, which `mqtt.versions` does not have: an old client, or the scanner metasploit"},
    Pair{{Reason::unsupported_version, Cause::mqtt311}, "MQTT 3.1.1, which `mqtt.versions` does not have"},
    Pair{{Reason::unsupported_version, Cause::mqtt5}, "MQTT 5.0, which `mqtt.versions` does not have"},
    Pair{{Reason::unsupported_version, Cause::bridge}, "one of Mosquitto's bridges, which `mqtt.versions` does not have"},
    Pair{{Reason::unsupported_version, Cause::unknown}, "a version that nobody has published: a fuzzer"},

    Pair{{Reason::client_id_denied, Cause::empty},
         "no client identifier, where the policy or the version of MQTT wants one"},
    Pair{{Reason::client_id_denied, Cause::length}, "longer than `mqtt.client_id_length_max`"},
    Pair{{Reason::client_id_denied, Cause::characters},
         "it holds characters other than letters, digits and `mqtt.client_id_characters`"},
    Pair{{Reason::client_id_denied, Cause::pattern},
         "it does not match `mqtt.client_id_pattern`, or the `client_id` of the user's role"},
    Pair{{Reason::client_id_denied, Cause::in_use},
         "another user is connected with it, or has a session with it at the broker (`mqtt.session_guard`)"},

    Pair{{Reason::anonymous, Cause::no_user},
         "no user name: by far the most common knock; scanners look for brokers that are open to all"},
    Pair{{Reason::anonymous, Cause::no_password},
         "a user name and no password: a scanner with blank passwords on, or a client whose password was lost"},

    // One counter: metrics must not tell an unknown user from a wrong password. See `log_only` below.
    Pair{{Reason::bad_credentials, Cause::none},
         "no such user, or a wrong password: guesses, or a device whose password was changed; only the log tells which"},

    Pair{{Reason::auth_method_unsupported, Cause::none}, "MQTT 5's extended authentication, which the gate does not speak"},

    Pair{{Reason::not_authorized, Cause::source},
         "a role fits the user, but not from this address: a stolen password, or a device that moved"},
    Pair{{Reason::not_authorized, Cause::role}, "no role fits the user"},

    Pair{{Reason::will_denied, Cause::topic},
         "a will on a topic to which the client may not publish, or that begins with `$` where no rule names it"},
    Pair{{Reason::will_denied, Cause::retain}, "a retained will where the client may not publish retained messages"},
    Pair{{Reason::will_denied, Cause::qos}, "a will with a higher QoS than the client may publish with"},

    Pair{{Reason::session_denied, Cause::keep_alive},
         "a keep alive of 0, or longer than `mqtt.keep_alive_max`; MQTT 5 clients are told a shorter one instead"},

    Pair{{Reason::auth_overloaded, Cause::queue_full},
         "`authentication.hash_queue_max` clients wait already: a flood of guesses, or all clients coming back at once"},
    Pair{{Reason::auth_overloaded, Cause::queue_timeout},
         "it waited longer than `authentication.hash_wait_max`: as above, or entries that are too costly for this machine"},

    Pair{{Reason::upstream_unavailable, Cause::refused},
         "the broker's address refuses connections: it is down, or listens elsewhere"},
    Pair{{Reason::upstream_unavailable, Cause::timeout},
         "the broker did not answer within `upstream.connect_timeout` or `upstream.connack_timeout`"},
    Pair{{Reason::upstream_unavailable, Cause::reset},
         "the broker closed the connection before its CONNACK: it does not like what it was sent, or is going down"},
    Pair{{Reason::upstream_unavailable, Cause::stalled},
         "the broker left unread what the gate wrote for `upstream.stall_timeout`"},
    Pair{{Reason::upstream_unavailable, Cause::other},
         "the connection to the broker could not be made; the log line's `detail` has the system's words"},

    Pair{{Reason::upstream_refused, Cause::code_version}, "the broker does not speak this version of MQTT"},
    Pair{{Reason::upstream_refused, Cause::code_client_id}, "the broker does not like the client identifier"},
    Pair{{Reason::upstream_refused, Cause::code_unavailable}, "the broker says that it is not available, or busy"},
    Pair{{Reason::upstream_refused, Cause::code_credentials},
         "the broker found the credentials wrong: its password file is not the gate's"},
    Pair{{Reason::upstream_refused, Cause::code_not_authorized},
         "the broker does not authorize the client: it has users or rules of its own"},
    Pair{{Reason::upstream_refused, Cause::code_other}, "the broker gave another reason"},

    Pair{{Reason::upstream_malformed, Cause::connack},
         "the broker's first packet is no CONNACK that MQTT allows: is it a broker at all?"},
    Pair{{Reason::upstream_malformed, Cause::packet},
         "the broker sent a packet that is malformed, larger than `mqtt.packet_size_max`, or not a server's to send"},

    Pair{{Reason::malformed_packet, Cause::type_reserved},
         "type 0, which is no packet: a broken library, or bytes out of step"},
    Pair{{Reason::malformed_packet, Cause::type_connect}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_connack}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_publish},
         "flags or a length that this type can't have, such as QoS 3: an attack, or a broken library"},
    Pair{{Reason::malformed_packet, Cause::type_puback}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_pubrec}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_pubrel}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_pubcomp}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_subscribe}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_suback}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_unsubscribe}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_unsuback}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_pingreq}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_pingresp}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_disconnect}, bad_header},
    Pair{{Reason::malformed_packet, Cause::type_auth}, "flags or a length that this type can't have, or AUTH before MQTT 5"},

    Pair{{Reason::protocol_error, Cause::second_connect},
         "a second CONNECT in one session: a broken library, or an attack on what reads it"},
    Pair{{Reason::protocol_error, Cause::direction}, "a packet that only a server sends: an attack, or another server"},
    Pair{{Reason::protocol_error, Cause::after_disconnect},
         "bytes behind its own DISCONNECT: a broken library, or an attack"},

    Pair{{Reason::protocol_error, Cause::packet_id},
         "a packet identifier that is in use already, or an acknowledgement of another kind than is due: a broken library"},
    Pair{
        {Reason::protocol_error, Cause::alias},
        "a topic alias that was never set, or above the maximum that CONNACK told: a broken library, or a way around rules"},
    Pair{{Reason::protocol_error, Cause::receive_maximum},
         "more messages in flight than the Receive Maximum that CONNACK told: a broken library, or an attack"},
    Pair{{Reason::protocol_error, Cause::not_available},
         "a QoS or a retained message that CONNACK said is not available: a library that does not look"},
    Pair{{Reason::protocol_error, Cause::auth}, "AUTH in a session without an authentication method"},
    Pair{{Reason::protocol_error, Cause::other}, "a value that MQTT calls a protocol error; the standard's section 4.13"},

    Pair{{Reason::packet_too_large, Cause::none},
         "it claims to be larger than `mqtt.packet_size_max`: an attack, or a device with large messages"},

    Pair{{Reason::limit_exceeded, Cause::topic_length}, "a topic or filter longer than `mqtt.topic_length_max`"},
    Pair{{Reason::limit_exceeded, Cause::topic_levels},
         "a topic or filter with more levels than `mqtt.topic_levels_max`: an attack on brokers that recurse, or a device "
         "with "
         "deep topics"},
    Pair{{Reason::limit_exceeded, Cause::filters}, "more filters in one packet than `mqtt.filters_per_packet_max`"},
    Pair{{Reason::limit_exceeded, Cause::subscriptions}, "more subscriptions than `mqtt.subscriptions_max`"},
    Pair{
        {Reason::limit_exceeded, Cause::properties},
        "more user properties than `mqtt.user_properties_max`, or properties without an end: an attack on what parses them"},
    Pair{{Reason::limit_exceeded, Cause::in_flight},
         "more unanswered packets than `mqtt.in_flight_max`: messages that are never released, or a broker that is stuck"},
    Pair{{Reason::limit_exceeded, Cause::retained},
         "retained messages on more topics than `mqtt.retained_messages_max`, in one session"},
    Pair{{Reason::limit_exceeded, Cause::alias}, "topic aliases that take more than 64 KiB in all"},
    Pair{{Reason::limit_exceeded, Cause::expiry},
         "a DISCONNECT that asks to keep the session longer than `mqtt.session_expiry_max`"},

    Pair{{Reason::acl_denied, Cause::type_publish},
         "a message to a topic that no rule allows, where `mqtt.denied_publish` is `disconnect`"},
    Pair{{Reason::acl_denied, Cause::type_subscribe},
         "a filter that no rule allows, from a client of MQTT 3.1, which has no code to be told so"},
    Pair{{Reason::acl_denied, Cause::receive},
         "only where the policy is observed: a message that the client would not have been sent"},

    Pair{
        {Reason::message_rate, Cause::none},
        "more messages or bytes than `mqtt.message_rate` or `mqtt.byte_rate` for all of `mqtt.rate_patience`: a device gone "
        "wild, or a flood"},

    Pair{{Reason::keepalive_timeout, Cause::silent},
         "nothing came for one and a half times the keep alive: the network broke, or the device was switched off"},
    Pair{{Reason::keepalive_timeout, Cause::partial},
         "a packet that was begun and not ended for one and a half times the keep alive: a very slow network, or an attack "
         "that feeds single bytes"},

    Pair{{Reason::slow_reader, Cause::none},
         "the client left unread what it was sent for `mqtt.slow_reader_timeout`: it is stuck, or subscribed to more than "
         "it can take"},

    Pair{{Reason::evicted, Cause::shutdown}, "the gate is going down"},
    Pair{{Reason::evicted, Cause::reload}, "the policy was reloaded, and the new one refuses the client"},
};

/// Causes that stand in log lines only and are counted as their reason's first pair.
constexpr std::array log_only{Pair{{Reason::bad_credentials, Cause::user}, "no such user; only the log tells"},
                              Pair{{Reason::bad_credentials, Cause::password}, "a wrong password; only the log tells"}};

constexpr auto make_refusals() {
  std::array<Refusal, pairs.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = pairs[i].refusal;
  return out;
}
constexpr auto all_refusals = make_refusals();

template <class Rows, class Member>
constexpr bool stands_in_order(const Rows& rows, Member member) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (at(rows[i].*member) != i) return false;
  }
  return true;
}
static_assert(reason_rows.size() == reason_count && stands_in_order(reason_rows, &ReasonRow::reason));
static_assert(cause_rows.size() == cause_count && stands_in_order(cause_rows, &CauseRow::cause));

constexpr bool is_ordered_by_reason() {
  for (std::size_t i = 1; i < all_refusals.size(); ++i) {
    if (all_refusals[i].reason < all_refusals[i - 1].reason) return false;
  }
  return true;
}
static_assert(is_ordered_by_reason());

constexpr bool every_reason_has_a_pair() {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < all_refusals.size(); ++i) {
    if (i == 0 || all_refusals[i].reason != all_refusals[i - 1].reason) ++seen;
  }
  return seen == reason_count;
}
static_assert(every_reason_has_a_pair());

constexpr bool every_cause_is_used() {
  std::array<bool, cause_count> used{};
  for (const auto& refusal : all_refusals) used[at(refusal.cause)] = true;
  for (const auto& pair : log_only) used[at(pair.refusal.cause)] = true;
  for (const bool is_used : used) {
    if (!is_used) return false;
  }
  return true;
}
static_assert(every_cause_is_used());

constexpr bool every_pair_has_a_label_of_its_own() {
  for (std::size_t i = 0; i < all_refusals.size(); ++i) {
    for (std::size_t j = i + 1; j < all_refusals.size() && all_refusals[j].reason == all_refusals[i].reason; ++j) {
      if (cause_rows[at(all_refusals[i].cause)].label == cause_rows[at(all_refusals[j].cause)].label) return false;
    }
  }
  return true;
}
static_assert(every_pair_has_a_label_of_its_own());

using Index = std::array<std::array<std::uint8_t, cause_count>, reason_count>;
static_assert(all_refusals.size() <= 255);

constexpr Index make_index() {
  Index index{};
  for (std::size_t i = all_refusals.size(); i-- > 0;) {
    // Walking backwards, the last to fill the row is the reason's first pair: the fallback.
    for (auto& cell : index[at(all_refusals[i].reason)]) cell = static_cast<std::uint8_t>(i);
  }
  for (std::size_t i = 0; i < all_refusals.size(); ++i)
    index[at(all_refusals[i].reason)][at(all_refusals[i].cause)] = static_cast<std::uint8_t>(i);
  return index;
}
constexpr Index pair_index = make_index();

}  // namespace

const ReasonInfo& info(Reason reason) {
  return reason_rows[at(reason) < reason_count ? at(reason) : 0].info;
}

std::string_view label(Reason reason) {
  return info(reason).label;
}

std::string_view label(Cause cause) {
  return at(cause) < cause_count ? cause_rows[at(cause)].label : std::string_view{};
}

std::string_view label(Stage stage) {
  switch (stage) {
    case Stage::accept:
      return "accept";
    case Stage::origin:
      return "origin";
    case Stage::tls:
      return "tls";
    case Stage::preamble:
      return "preamble";
    case Stage::connect:
      return "connect";
    case Stage::auth:
      return "auth";
    case Stage::upstream:
      return "upstream";
    case Stage::session:
      return "session";
  }
  return {};
}

std::string_view label(Denied denied) {
  switch (denied) {
    case Denied::publish:
      return "publish";
    case Denied::subscribe:
      return "subscribe";
    case Denied::receive:
    case Denied::count_:
      break;
  }
  return "receive";
}

std::optional<Reason> reason_from_label(std::string_view label) {
  for (const auto& row : reason_rows) {
    if (row.info.label == label) return row.reason;
  }
  return std::nullopt;
}

std::string_view counted_as(Refusal refusal) {
  return refusal.reason == Reason::bad_credentials ? "credentials" : label(refusal.cause);
}

std::string_view meaning(Refusal refusal) {
  for (const auto& pair : log_only) {
    if (pair.refusal == refusal) return pair.meaning;
  }
  return pairs[index_of(refusal)].meaning;
}

std::optional<std::uint8_t> v5_code_of(Refusal refusal) {
  // Who names a user has tried to log in.
  constexpr std::uint8_t bad_user_name_or_password = 0x86;
  constexpr std::uint8_t retain_not_supported = 0x9a;
  constexpr std::uint8_t qos_not_supported = 0x9b;
  if (refusal == Refusal{Reason::anonymous, Cause::no_password}) return bad_user_name_or_password;
  if (refusal == Refusal{Reason::will_denied, Cause::retain}) return retain_not_supported;
  if (refusal == Refusal{Reason::will_denied, Cause::qos}) return qos_not_supported;
  return info(refusal.reason).v5_reason_code;
}

bool counts_towards_ban(Refusal refusal) {
  if (refusal == Refusal{Reason::tls_handshake_failed, Cause::peer_alert}) return false;
  if (refusal.reason == Reason::unsupported_version) return refusal.cause == Cause::unknown;
  return info(refusal.reason).counts_towards_ban;
}

bool can_be_observed(Refusal refusal) {
  switch (refusal.reason) {
    case Reason::ip_denied:
    case Reason::rate_limited:
    case Reason::client_id_denied:
    case Reason::anonymous:
    case Reason::bad_credentials:
    case Reason::not_authorized:
    case Reason::will_denied:
    case Reason::session_denied:
    case Reason::auth_overloaded:
    case Reason::packet_too_large:
    case Reason::keepalive_timeout:
    case Reason::slow_reader:
    case Reason::limit_exceeded:
    case Reason::acl_denied:
    case Reason::message_rate:
      return true;
    case Reason::too_many_connections:
      return refusal.cause == Cause::per_ip;
    case Reason::unsupported_version:
      return refusal.cause != Cause::unknown;
    case Reason::upstream_malformed:
      return refusal.cause == Cause::packet;  // one that is merely too large
    default:
      return false;
  }
}

std::span<const Refusal> refusals() {
  return all_refusals;
}

std::size_t index_of(Refusal refusal) {
  if (at(refusal.reason) >= reason_count || at(refusal.cause) >= cause_count) return 0;
  return pair_index[at(refusal.reason)][at(refusal.cause)];
}

}  // namespace bastion
