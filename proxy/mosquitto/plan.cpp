// From the broker's listeners to the gate's, and to the one by which the gate reaches the broker.
#include "proxy/mosquitto/plan.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "policy/quantity.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::uint16_t mqtt_port = 1883;
constexpr std::uint16_t mqtts_port = 8883;
constexpr std::uint16_t admin_port = 9883;
constexpr std::size_t unix_path_bytes_max = 107;
constexpr std::size_t shown_max = 200;

bool overlap(const SocketAddress& a, const SocketAddress& b) {
  if (a.port != b.port || a.address.is_v4() != b.address.is_v4()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

class Planner {
 public:
  Planner(const Conf& conf, const ImportOptions& options) : conf_{conf}, options_{options} {}

  Plan make() {
    for (std::size_t i = 0; i < conf_.listeners.size(); ++i) {
      if (!conf_.listeners[i].is_open || conf_.is_local(i)) continue;
      if (conf_.is_http_api(i)) {
        // The default listener has no line of its own that could be changed.
        (i == 0 ? plan_.closed : plan_.to_loopback).push_back(i);
      } else {
        open_.push_back(i);
        plan_.listeners.push_back(gate_listener(i));
      }
    }
    part_what_overlaps();
    ensure_one_is_used();
    choose_upstream();
    choose_admin();
    return std::move(plan_);
  }

 private:
  GateListener gate_listener(std::size_t i) {
    GateListener out;
    out.of = i;
    const bool websockets = conf_.is_websockets(i);
    out.tls = conf_.has_certificate(i) || conf_.find(i, "psk_hint") != nullptr;
    out.transport = websockets ? (out.tls ? "wss" : "ws") : (out.tls ? "mqtts" : "mqtt");
    out.name = free_name(out.transport + '-' + std::to_string(conf_.listeners[i].port));
    set_addresses(out);

    const auto doubt = [&](std::string_view option, std::string_view why) {
      const auto* const said = conf_.find(i, option);
      if (said != nullptr) out.doubts.push_back(std::string{why} + " (" + place(*said) + ')');
    };
    if (websockets) doubt("protocol", "WebSocket is not spoken by this version, and its clients can't come in");
    if (!conf_.has_certificate(i)) {
      doubt("psk_hint",
            "TLS-PSK is not spoken by this version, and its clients need the server's certificate and a password");
    }
    if (!out.tls && !websockets) out.doubts.emplace_back("passwords would cross the network in the clear");
    if (conf_.is_true(i, "require_certificate")) {
      doubt("require_certificate", "client certificates are not checked by this version, and a password alone would do");
    }
    for (const std::string_view option : {"use_identity_as_username", "use_subject_as_username"}) {
      if (conf_.is_true(i, option)) {
        doubt(option, "user names came from client certificates, which this version does not ask for");
      }
    }
    doubt("enable_proxy_protocol",
          "its connections begin with a PROXY header, which is read from named balancers only; write their addresses");
    return out;
  }

  void set_addresses(GateListener& out) const {
    const auto& listener = conf_.listeners[out.of];
    const auto address = Address::parse(listener.host);
    // Where the gate can't listen as narrowly as the broker did, it listens where nobody comes by accident.
    const auto keep_in = [&](const std::string& note) {
      out.notes.push_back(note);
      out.addresses = {{Address::v4(127, 0, 0, 1), listener.port}};
    };
    if (const auto* const device = conf_.find(out.of, "bind_interface")) {
      keep_in("Mosquitto listened on the interface " + one_line(device->value, shown_max) + " alone (" + place(*device) +
              "); write the addresses of that interface here");
    } else if (address) {
      out.addresses = {{*address, listener.port}};
    } else if (!listener.host.empty()) {
      keep_in("Mosquitto listened on " + one_line(listener.host, shown_max) + "; write its IP address here");
    } else {
      const auto* const domain = conf_.find(out.of, "socket_domain");
      const auto word = domain == nullptr ? std::string_view{} : first_word(domain->value);
      if (word != "ipv6") out.addresses.push_back({Address::v4(0, 0, 0, 0), listener.port});
      if (word != "ipv4") out.addresses.push_back({Address{}, listener.port});
    }
  }

  [[nodiscard]] std::string free_name(const std::string& wanted) const {
    std::string name = wanted;
    const auto is_taken = [&](const GateListener& other) { return other.name == name; };
    for (int i = 2; std::any_of(plan_.listeners.begin(), plan_.listeners.end(), is_taken); ++i) {
      name = wanted + '-' + std::to_string(i);
    }
    return name;
  }

  /// Of two that can't both be, the first is used.
  void part_what_overlaps() {
    std::vector<SocketAddress> taken;
    for (auto& listener : plan_.listeners) {
      if (!listener.is_used()) continue;
      for (const auto& address : listener.addresses) {
        if (std::none_of(taken.begin(), taken.end(), [&](const auto& other) { return overlap(address, other); })) continue;
        listener.doubts.emplace_back("another listener has this address already");
        break;
      }
      if (listener.is_used()) taken.insert(taken.end(), listener.addresses.begin(), listener.addresses.end());
    }
  }

  void ensure_one_is_used() {
    const auto is_used = [](const GateListener& listener) { return listener.is_used(); };
    if (std::any_of(plan_.listeners.begin(), plan_.listeners.end(), is_used)) return;
    GateListener out;
    const auto port = free_port(mqtts_port);
    // Whoever came in the clear finds TLS at the same addresses.
    const auto plain = std::find_if(plan_.listeners.begin(), plan_.listeners.end(), [](const GateListener& listener) {
      return listener.transport == "mqtt" && listener.doubts.size() == 1;
    });
    if (plain != plan_.listeners.end()) {
      out.of = plain->of;
      out.addresses = plain->addresses;
      for (auto& address : out.addresses) address.port = port;
      out.notes = plain->notes;
      out.notes.push_back(
          "Mosquitto had no TLS here: clients have to be told of this port, and of who signed the certificate");
    } else {
      out.addresses = {{Address::v4(127, 0, 0, 1), port}};
      out.notes.emplace_back(R"(this machine alone can come here; write ["0.0.0.0:)" + std::to_string(port) +
                             R"(", "[::]:)" + std::to_string(port) + R"("] for all addresses)");
    }
    out.transport = "mqtts";
    out.name = free_name("mqtts-" + std::to_string(port));
    plan_.listeners.insert(plan_.listeners.begin(), std::move(out));
  }

  /// A port from `wanted` on that neither the gate nor another listener of the broker has.
  [[nodiscard]] std::uint16_t free_port(std::uint16_t wanted) const {
    const auto is_taken = [&](std::uint16_t port) {
      const auto is_at = [&](const SocketAddress& address) { return address.port == port; };
      const auto of_gate = [&](const GateListener& listener) {
        // Clients on this machine that know the broker by its port in the clear may go on so.
        const bool is_free = wanted == mqtt_port && !listener.is_used();
        return !is_free && std::any_of(listener.addresses.begin(), listener.addresses.end(), is_at);
      };
      const auto of_broker = [&](const ConfListener& listener) {
        return listener.is_open && listener.unix_path.empty() && listener.port == port;
      };
      if (std::any_of(plan_.listeners.begin(), plan_.listeners.end(), of_gate)) return true;
      for (std::size_t i = 0; i < conf_.listeners.size(); ++i) {
        if ((conf_.is_local(i) || conf_.is_http_api(i)) && of_broker(conf_.listeners[i])) return true;
      }
      return port == admin_port && wanted != admin_port;
    };
    while (is_taken(wanted)) ++wanted;
    return wanted;
  }

  void choose_upstream() {
    if (!options_.unix_socket.empty()) {
      plan_.broker_line = "listener 0 " + options_.unix_socket;
    } else {
      plan_.broker_line = "listener " + std::to_string(free_port(mqtt_port)) + " 127.0.0.1";
    }
    const auto moved = main_listener();
    if (options_.unix_socket.empty() && use_what_is_there(moved)) {
      plan_.closed.insert(plan_.closed.end(), open_.begin(), open_.end());
      return;
    }
    plan_.upstream =
        !options_.unix_socket.empty() ? "unix:" + options_.unix_socket : "127.0.0.1:" + std::to_string(free_port(mqtt_port));
    plan_.moved = moved;
    plan_.is_new = !moved;
    for (const auto i : open_) {
      if (i != moved) plan_.closed.push_back(i);
    }
  }

  /// The one whose clients' settings the broker goes on with: with TLS rather than without.
  [[nodiscard]] std::optional<std::size_t> main_listener() const {
    for (const auto& listener : plan_.listeners) {
      if (listener.is_used() && std::find(open_.begin(), open_.end(), listener.of) != open_.end()) return listener.of;
    }
    return open_.empty() ? std::nullopt : std::optional{open_.front()};
  }

  /// Whether a listener on loopback is there already that treats clients as the open ones do.
  bool use_what_is_there(std::optional<std::size_t> moved) {
    if (conf_.is_local_only()) {
      plan_.upstream = "127.0.0.1:1883";
      return true;
    }
    // Where nobody came from elsewhere, nobody is treated otherwise than before.
    const bool was_open = !open_.empty();
    if (was_open && moved && has_settings(*moved)) return false;
    for (std::size_t i = 0; i < conf_.listeners.size(); ++i) {
      const auto& listener = conf_.listeners[i];
      if (!listener.is_open || !conf_.is_local(i) || !conf_.is_plain(i) || (was_open && has_settings(i))) continue;
      if (!listener.unix_path.empty()) {
        if (listener.unix_path.front() != '/' || listener.unix_path.size() > unix_path_bytes_max) continue;
        plan_.upstream = "unix:" + listener.unix_path;
        return true;
      }
      if (listener_at(listener.port)) continue;
      const auto address = Address::parse(listener.host).value_or(Address::v4(127, 0, 0, 1));
      plan_.upstream = SocketAddress{address, listener.port}.text();
      return true;
    }
    return false;
  }

  [[nodiscard]] bool listener_at(std::uint16_t port) const {
    return std::any_of(plan_.listeners.begin(), plan_.listeners.end(), [&](const GateListener& listener) {
      return std::any_of(listener.addresses.begin(), listener.addresses.end(),
                         [&](const SocketAddress& address) { return address.port == port; });
    });
  }

  /// Settings of its own that clients would notice.
  [[nodiscard]] bool has_settings(std::size_t i) const {
    return std::any_of(conf_.statements.begin(), conf_.statements.end(), [&](const Statement& statement) {
      return statement.holder == i && statement.option->name != "listener" && !goes_with_the_door(statement);
    });
  }

  void choose_admin() {
    const auto port = free_port(admin_port);
    if (port != admin_port) plan_.admin_address = "127.0.0.1:" + std::to_string(port);
  }

  const Conf& conf_;
  const ImportOptions& options_;
  Plan plan_;
  std::vector<std::size_t> open_;  ///< of Conf::listeners: those that strangers can reach
};

}  // namespace

Plan make_plan(const Conf& conf, const ImportOptions& options) {
  return Planner{conf, options}.make();
}

std::vector<std::size_t> used_sources(const Plan& plan) {
  std::vector<std::size_t> out;
  for (const auto& listener : plan.listeners) {
    if (listener.is_used() && std::find(out.begin(), out.end(), listener.of) == out.end()) out.push_back(listener.of);
  }
  return out;
}

bool goes_with_the_door(const Statement& statement) {
  constexpr std::array<std::string_view, 26> of_the_door{"bind_address",
                                                         "bind_interface",
                                                         "cafile",
                                                         "capath",
                                                         "certfile",
                                                         "ciphers",
                                                         "ciphers_tls1.3",
                                                         "crlfile",
                                                         "dhparamfile",
                                                         "disable_client_cert_date_checks",
                                                         "enable_proxy_protocol",
                                                         "http_dir",
                                                         "keyfile",
                                                         "max_connections",
                                                         "port",
                                                         "protocol",
                                                         "proxy_protocol_v2_require_tls",
                                                         "psk_hint",
                                                         "require_certificate",
                                                         "socket_domain",
                                                         "tls_engine",
                                                         "tls_engine_kpass_sha1",
                                                         "tls_keyform",
                                                         "tls_version",
                                                         "use_identity_as_username",
                                                         "use_subject_as_username"};
  const auto name = statement.option->name;
  return name == "websockets_origin" || std::find(of_the_door.begin(), of_the_door.end(), name) != of_the_door.end();
}

std::string place(const Statement& statement) {
  return one_line(statement.where.file, shown_max) + ':' + std::to_string(statement.where.line);
}

std::string policy_path(const std::string& path, const ImportOptions& options) {
  // Who wrote a whole path means that file, wherever the policy may go.
  if (path.substr(0, 1) == "/") return path;
  const auto whole = options.directory + (options.directory == "/" ? "" : "/") + path;
  const auto home = options.policy_directory + '/';
  const bool is_below =
      !options.policy_directory.empty() && whole.size() > home.size() && whole.compare(0, home.size(), home) == 0;
  return is_below && whole[home.size()] != '/' ? whole.substr(home.size()) : whole;
}

}  // namespace bastion::mosquitto
