// The table of refusals: which causes go with which reason, and what each means. For reason.cpp, which tells others.
#pragma once

#include <array>
#include <string_view>

#include "policy/reason.hpp"

namespace bastion::refusal_table {

// Meanings that more than one pair has.
inline constexpr std::string_view from_http = "an HTTP request: a web scanner, or a health check that knows no MQTT";
inline constexpr std::string_view from_http_connect = "an HTTP CONNECT: somebody looks for an open proxy";
inline constexpr std::string_view from_websocket =
    "an HTTP request to upgrade to a WebSocket: a browser's MQTT client on the wrong port";
inline constexpr std::string_view from_ssh = "an SSH client: somebody looks for logins";
inline constexpr std::string_view from_rdp = "a remote desktop client: somebody looks for logins";
inline constexpr std::string_view from_smb = "a Windows file sharing client, or a worm that goes by it";
inline constexpr std::string_view from_socks = "a SOCKS client: somebody looks for an open proxy";
inline constexpr std::string_view from_redis = "a Redis command: somebody looks for open databases";
inline constexpr std::string_view from_telnet = "telnet options or shell commands: worms that look for devices";
inline constexpr std::string_view from_adb = "an Android debugger: worms that look for open devices";
inline constexpr std::string_view from_sslv2 = "an SSL 2.0 hello: a scanner, or a client of another age";
inline constexpr std::string_view from_proxy_header =
    "a PROXY header from an address that is not in the listener's `balancers`: add the balancer, or somebody pretends";
inline constexpr std::string_view from_binary = "bytes of no protocol known here";
inline constexpr std::string_view from_text = "a line of text of no protocol known here";
inline constexpr std::string_view from_server = "only a server sends it: another server, or a test of how the gate takes it";
inline constexpr std::string_view acknowledges_nothing = "an acknowledgement of nothing: random bytes look like it";
inline constexpr std::string_view bad_header = "flags or a length that this type can't have: an attack, or a broken library";

struct Pair {
  Refusal refusal;
  std::string_view meaning;  ///< what it means, and what usually brings it about
};

inline constexpr std::array pairs{
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
    Pair{{Reason::client_id_denied, Cause::shield},
         "some broker would take it for a pattern, or for a member of every object: see `docs/shields.md`"},
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
    Pair{{Reason::not_authorized, Cause::shield},
         "a user name that some broker would take for a pattern: see `docs/shields.md`"},

    Pair{{Reason::will_denied, Cause::topic},
         "a will on a topic to which the client may not publish, that begins with `$` where no rule names it, or that is "
         "longer "
         "or has more levels than `mqtt.topic_length_max` and `mqtt.topic_levels_max` allow"},
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
    Pair{{Reason::acl_denied, Cause::shield},
         "an UNSUBSCRIBE that some broker would stumble over; where the policy is observed, a SUBSCRIBE too: see "
         "`docs/shields.md`"},

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
inline constexpr std::array log_only{
    Pair{{Reason::bad_credentials, Cause::user}, "no such user; only the log tells"},
    Pair{{Reason::bad_credentials, Cause::password}, "a wrong password; only the log tells"}};

}  // namespace bastion::refusal_table
