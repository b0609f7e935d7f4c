// The table of Mosquitto's options.
#include "proxy/mosquitto/options.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "policy/quantity.hpp"

namespace bastion::mosquitto {
namespace {

/// Sorted by name. The two that end in `_` stand for all that begin with them.
constexpr std::array table{
    Option{"accept_protocol_versions", Scope::listener, Fate::taken, "mqtt.versions"},
    Option{"acl_file", Scope::security, Fate::stays,
           "the broker sees each client's own user name and client identifier, so its rules hold as before."},
    Option{"address", Scope::bridge},
    Option{"addresses", Scope::bridge},
    Option{"allow_anonymous", Scope::security, Fate::taken, "authentication.required"},
    Option{"allow_duplicate_messages"},
    Option{"allow_zero_length_clientid", Scope::security, Fate::taken, "mqtt.client_id_empty"},
    Option{"auth_opt_", Scope::security},
    Option{"auth_plugin", Scope::security},
    Option{"auth_plugin_deny_special_chars", Scope::security},
    Option{"auto_id_prefix", Scope::security},
    Option{"autosave_interval"},
    Option{"autosave_on_changes"},
    Option{"bind_address", Scope::listener, Fate::taken, "listener[].address"},
    Option{"bind_interface", Scope::listener, Fate::missing,
           "the gate listens on addresses, not on interfaces: write those of the interface into `address` of the listener."},
    Option{"bridge_alpn", Scope::bridge},
    Option{"bridge_attempt_unsubscribe", Scope::bridge},
    Option{"bridge_bind_address", Scope::bridge},
    Option{"bridge_cafile", Scope::bridge},
    Option{"bridge_capath", Scope::bridge},
    Option{"bridge_certfile", Scope::bridge},
    Option{"bridge_ciphers", Scope::bridge},
    Option{"bridge_ciphers_tls1.3", Scope::bridge},
    Option{"bridge_identity", Scope::bridge},
    Option{"bridge_insecure", Scope::bridge},
    Option{"bridge_keyfile", Scope::bridge},
    Option{"bridge_max_packet_size", Scope::bridge},
    Option{"bridge_max_topic_alias", Scope::bridge},
    Option{"bridge_outgoing_retain", Scope::bridge},
    Option{"bridge_protocol_version", Scope::bridge},
    Option{"bridge_psk", Scope::bridge},
    Option{"bridge_receive_maximum", Scope::bridge},
    Option{"bridge_reload_type", Scope::bridge},
    Option{"bridge_require_ocsp", Scope::bridge},
    Option{"bridge_session_expiry_interval", Scope::bridge},
    Option{"bridge_tcp_keepalive", Scope::bridge},
    Option{"bridge_tcp_user_timeout", Scope::bridge},
    Option{"bridge_tls_use_os_certs", Scope::bridge},
    Option{"bridge_tls_version", Scope::bridge},
    Option{"cafile", Scope::listener, Fate::unneeded,
           "it names who signs client certificates, which this version does not ask for."},
    Option{"capath", Scope::listener, Fate::unneeded,
           "it names who signs client certificates, which this version does not ask for."},
    Option{"certfile", Scope::listener, Fate::taken, "tls.certificate"},
    Option{"check_retain_source"},
    Option{"ciphers", Scope::listener, Fate::unneeded, "the gate has Mozilla's lists of ciphers (tls.profile)."},
    Option{"ciphers_tls1.3", Scope::listener, Fate::unneeded, "the gate has Mozilla's lists of ciphers (tls.profile)."},
    Option{"cleansession", Scope::bridge},
    Option{"clientid", Scope::bridge},
    Option{"clientid_prefixes", Scope::broker, Fate::stays,
           "mqtt.client_id_pattern can refuse others before the broker is dialled."},
    Option{"connection", Scope::bridge},
    Option{"connection_messages"},
    Option{"crlfile", Scope::listener, Fate::missing,
           "client certificates are not checked by this version, so none can be revoked."},
    Option{"dhparamfile", Scope::listener, Fate::unneeded, "the gate agrees on keys by elliptic curves only."},
    Option{"disable_client_cert_date_checks", Scope::listener, Fate::unneeded,
           "client certificates are not checked by this version."},
    Option{"enable_control_api"},
    Option{"enable_proxy_protocol", Scope::listener, Fate::missing,
           "PROXY headers are read from named balancers only (listener[].balancers)."},
    Option{"ffdc_output"},
    Option{"global_max_clients"},
    Option{"global_max_connections", Scope::broker, Fate::taken, "admission.connections_max"},
    Option{"global_plugin"},
    Option{"http_dir", Scope::listener, Fate::missing, "the gate serves no files: let a web server do it."},
    Option{"idle_timeout", Scope::bridge},
    Option{"include_dir"},
    Option{"keepalive_interval", Scope::bridge},
    Option{"keyfile", Scope::listener, Fate::taken, "tls.key"},
    Option{"listener", Scope::listener, Fate::taken, "listener"},
    Option{"listener_allow_anonymous", Scope::listener, Fate::taken, "authentication.required"},
    Option{"listener_auto_id_prefix", Scope::listener},
    Option{"local_cleansession", Scope::bridge},
    Option{"local_clientid", Scope::bridge},
    Option{"local_password", Scope::bridge},
    Option{"local_username", Scope::bridge},
    Option{"log_dest"},
    Option{"log_facility"},
    Option{"log_timestamp"},
    Option{"log_timestamp_format"},
    Option{"log_type"},
    Option{"max_connections", Scope::listener, Fate::taken, "admission.connections_max"},
    Option{"max_inflight_bytes"},
    Option{"max_inflight_messages"},
    Option{"max_keepalive", Scope::broker, Fate::taken, "mqtt.keep_alive_max"},
    Option{"max_log_entries"},
    Option{"max_packet_size", Scope::broker, Fate::taken, "mqtt.packet_size_max"},
    Option{"max_qos", Scope::listener},
    Option{"max_queued_bytes"},
    Option{"max_queued_messages"},
    Option{"max_topic_alias", Scope::listener},
    Option{"max_topic_alias_broker", Scope::listener},
    Option{"maximum_qos", Scope::listener},
    Option{"memory_limit"},
    Option{"message_size_limit", Scope::broker, Fate::taken, "mqtt.packet_size_max"},
    Option{"mount_point", Scope::listener},
    Option{"notification_topic", Scope::bridge},
    Option{"notifications", Scope::bridge},
    Option{"notifications_local_only", Scope::bridge},
    Option{"packet_buffer_size"},
    Option{"password", Scope::bridge},
    Option{"password_file", Scope::security, Fate::taken, "authentication.password_file"},
    Option{"per_listener_settings"},
    Option{"persistence"},
    Option{"persistence_file"},
    Option{"persistence_location"},
    Option{"persistent_client_expiration"},
    Option{"pid_file"},
    Option{"plugin", Scope::security},
    Option{"plugin_load"},
    Option{"plugin_opt_", Scope::security},
    Option{"plugin_opt_acl_file", Scope::security, Fate::stays,
           "the broker sees each client's own user name and client identifier, so its rules hold as before."},
    Option{"plugin_opt_password_file", Scope::security, Fate::taken, "authentication.password_file"},
    Option{"plugin_use", Scope::listener},
    Option{"port", Scope::listener, Fate::taken, "listener[].address"},
    Option{"protocol", Scope::listener, Fate::missing,
           "WebSocket is not spoken by this version: such clients can't come through the gate."},
    Option{"proxy_protocol_v2_require_tls", Scope::listener, Fate::unneeded,
           "the gate speaks TLS itself, behind the PROXY header."},
    Option{"psk_file", Scope::security, Fate::missing,
           "TLS-PSK is not spoken by this version: such clients need the server's certificate, a user name and a password."},
    Option{"psk_hint", Scope::listener, Fate::missing,
           "TLS-PSK is not spoken by this version: such clients need the server's certificate, a user name and a password."},
    Option{"queue_qos0_messages"},
    Option{"remote_clientid", Scope::bridge},
    Option{"remote_password", Scope::bridge},
    Option{"remote_username", Scope::bridge},
    Option{"require_certificate", Scope::listener, Fate::missing,
           "client certificates are not checked by this version: clients are known by user name and password."},
    Option{"restart_timeout", Scope::bridge},
    Option{"retain_available"},
    Option{"retain_expiry_interval"},
    Option{"retained_persistence"},
    Option{"retry_interval"},
    Option{"set_tcp_nodelay"},
    Option{"socket_domain", Scope::listener, Fate::taken, "listener[].address"},
    Option{"start_type", Scope::bridge},
    Option{"store_clean_interval"},
    Option{"sys_interval"},
    Option{"threshold", Scope::bridge},
    Option{"tls_engine", Scope::listener, Fate::missing,
           "keys are read from PEM files only: export the key, or leave TLS to the broker and the gate out."},
    Option{"tls_engine_kpass_sha1", Scope::listener, Fate::missing, "keys are read from PEM files without a password only."},
    Option{"tls_keyform", Scope::listener, Fate::missing, "keys are read from PEM files only."},
    Option{"tls_version", Scope::listener, Fate::taken, "tls.profile"},
    Option{"topic", Scope::bridge},
    Option{"trace_level"},
    Option{"trace_output"},
    Option{"try_private", Scope::bridge},
    Option{"upgrade_outgoing_qos"},
    Option{"use_identity_as_username", Scope::listener, Fate::missing,
           "client certificates are not checked by this version, and give no user name: clients need a user name and a "
           "password."},
    Option{"use_subject_as_username", Scope::listener, Fate::missing,
           "client certificates are not checked by this version, and give no user name: clients need a user name and a "
           "password."},
    Option{"use_username_as_clientid", Scope::listener, Fate::stays,
           "rules of the gate on client identifiers see the one that the client sent."},
    Option{"user"},
    Option{"username", Scope::bridge},
    Option{"websockets_headers_size"},
    Option{"websockets_log_level"},
    Option{"websockets_origin", Scope::listener, Fate::missing, "WebSocket is not spoken by this version."},
};

constexpr bool is_sorted() {
  for (std::size_t i = 1; i < table.size(); ++i) {
    if (!(table[i - 1].name < table[i].name)) return false;
  }
  return true;
}
static_assert(is_sorted(), "find_option searches by halves");

}  // namespace

std::span<const Option> options() {
  return table;
}

const Option* find_option(std::string_view word) {
  const auto* const found = std::lower_bound(table.begin(), table.end(), word,
                                             [](const Option& option, std::string_view name) { return option.name < name; });
  if (found != table.end() && found->name == word) return found;
  for (const std::string_view family : {"auth_opt_", "plugin_opt_"}) {
    if (word.size() > family.size() && word.substr(0, family.size()) == family) return find_option(family);
  }
  return nullptr;
}

std::string_view nearest_option(std::string_view word) {
  // Only names of about the same length can be near enough; each of the others would cost a comparison with every line.
  const auto difference_max = std::max<std::size_t>(1, word.size() / 3);
  std::vector<std::string_view> names;
  for (const auto& option : table) {
    const auto size = option.name.size();
    if (std::max(size, word.size()) - std::min(size, word.size()) <= difference_max) names.push_back(option.name);
  }
  return nearest(word, names);
}

}  // namespace bastion::mosquitto
