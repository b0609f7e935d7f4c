// Each section of the policy from what mosquitto.conf says of it.
#include "proxy/mosquitto/policy_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/keys.hpp"
#include "policy/quantity.hpp"
#include "proxy/mosquitto/leftovers.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::size_t shown_max = 200;
/// A topic's length, the topic, a packet identifier, and the fixed header.
constexpr std::int64_t around_a_payload_max = 2 + 65'535 + 2 + 5;
constexpr std::int64_t addresses_tracked = 65'536;

struct Pair {
  const Statement* certificate;
  const Statement* key;
};

class Writer {
 public:
  Writer(const Conf& conf, const Plan& plan, const ImportOptions& options) : conf_{conf}, plan_{plan}, options_{options} {
    for (const auto& listener : plan.listeners) {
      if (std::find(sources_.begin(), sources_.end(), listener.of) == sources_.end()) sources_.push_back(listener.of);
    }
  }

  PolicyText write() {
    write_head();
    write_gate_and_admin();
    write_upstream();
    write_tls();
    for (const auto& listener : plan_.listeners) write_listener(listener);
    write_admission();
    write_authentication();
    write_mqtt();
    write_leftovers(out_, conf_, plan_);
    return {out_.text(), out_.decisions()};
  }

 private:
  void write_head() {
    out_.comment("The policy of mqtt-bastion that stands before the Mosquitto of " + one_line(conf_.file, shown_max) +
                 ", written by mqtt-bastion import. It is narrower than Mosquitto wherever the two differ. What follows "
                 "\"Decide:\" wants a look before the gate serves anybody.");
    out_.key("schema", "1");
    if (options_.observe) {
      out_.comment(
          "Who would be refused is counted, logged, and let in where the broker lets it in. Remove this line to enforce.");
      out_.key("mode", R"("observe")");
    } else {
      out_.comment("For the first days: count and log who would be refused, and let in whom the broker lets in.");
      out_.off(R"(mode = "observe")");
    }
  }

  void write_gate_and_admin() {
    if (options_.observe) {
      out_.section("[gate]");
      out_.decide(
          "the two directories below must be there and belong to the user that the gate runs as. Under systemd: "
          "StateDirectory=mqtt-bastion and RuntimeDirectory=mqtt-bastion. By hand, and the second after each start of the "
          "machine: install -d -m 0750 -o mqtt-bastion /var/lib/mqtt-bastion /run/mqtt-bastion");
      out_.key("state_dir", R"("/var/lib/mqtt-bastion")", "what was counted outlives a restart");
    }
    if (!options_.observe && plan_.admin_address.empty()) return;
    out_.section("[admin]");
    if (options_.observe) {
      out_.key("socket", R"("/run/mqtt-bastion/control.sock")", "mqtt-bastion status asks here who would be refused");
    }
    if (!plan_.admin_address.empty()) out_.key("address", toml_string(plan_.admin_address));
  }

  void write_upstream() {
    out_.section("[upstream]");
    if (conf_.is_local_only() && !plan_.is_new) {
      out_.comment("No line opens a port: Mosquitto 2 then listens on loopback, and takes anonymous clients from there.");
    } else if (!plan_.moved && !plan_.is_new) {
      out_.comment("Mosquitto listens here already.");
    } else {
      out_.comment("Where Mosquitto listens once the lines that import printed are changed.");
    }
    out_.key("address", toml_string(plan_.upstream));
    write_kept_tls();
    if (plan_.listeners.size() > 1 && conf_.per_listener && plan_.moved) {
      out_.decide(
          "security settings were each listener's own (per_listener_settings). The broker has one listener now, with those "
          "of " +
          place(conf_.statements[conf_.listeners[*plan_.moved].statement]) + ", for all clients.");
    }
  }

  /// A listener with TLS that is the broker's still, though it looks like a door of the gate's.
  void write_kept_tls() {
    for (std::size_t i = 0; i < conf_.listeners.size(); ++i) {
      const auto& listener = conf_.listeners[i];
      if (!listener.is_open || !conf_.is_local(i) || !conf_.has_certificate(i)) continue;
      out_.comment("The listener with TLS of " + place(conf_.statements[listener.statement]) +
                   " stays as it is, beside the gate: it is on loopback, where nobody comes from elsewhere. It can't be the "
                   "one that the gate dials, which speaks to its broker without TLS.");
    }
  }

  // --- TLS
  // ------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::vector<Pair> pairs() const {
    std::vector<Pair> out;
    const auto add = [&](std::size_t i) {
      if (!conf_.has_certificate(i)) return;
      const Pair pair{conf_.find(i, "certfile"), conf_.find(i, "keyfile")};
      const auto is_it = [&](const Pair& other) {
        return other.certificate->value == pair.certificate->value && other.key->value == pair.key->value;
      };
      if (std::none_of(out.begin(), out.end(), is_it)) out.push_back(pair);
    };
    for (const bool used : {true, false}) {
      for (const auto& listener : plan_.listeners) {
        if (listener.is_used() == used) add(listener.of);
      }
    }
    for (std::size_t i = 0; i < conf_.listeners.size() && out.empty(); ++i) add(i);
    return out;
  }

  void write_tls() {
    out_.section("[tls]");
    const auto found = pairs();
    if (found.empty()) {
      out_.decide("Mosquitto had no certificate: put one here, with the names by which clients know this machine.");
      out_.key("certificate", R"("server.crt")");
      out_.key("key", R"("server.key")");
    } else {
      out_.comment("The gate has to be able to read both.");
      out_.key("certificate", path(*found.front().certificate), place(*found.front().certificate));
      out_.key("key", path(*found.front().key), place(*found.front().key));
      for (std::size_t i = 1; i < found.size(); ++i) {
        out_.decide("the gate shows the same certificates on all listeners. Another one was at " +
                    place(*found[i].certificate) + "; where it is of the other kind (ECDSA and RSA), name both as lists.");
      }
    }
    write_profile();
  }

  void write_profile() {
    bool is_modern = true;
    bool is_any = false;
    for (const auto& listener : plan_.listeners) {
      if (!listener.is_used() || !conf_.has_certificate(listener.of)) continue;
      const auto* const version = conf_.find(listener.of, "tls_version");
      is_any = true;
      is_modern = is_modern && version != nullptr && version->value == "tlsv1.3";
      if (version == nullptr || version->value == "tlsv1.2" || version->value == "tlsv1.3") continue;
      out_.comment(one_line(version->value, shown_max) + " of " + place(*version) + " is spoken no more: TLS 1.2 or 1.3.");
    }
    if (is_any && is_modern) out_.key("profile", R"("modern")", "tls_version tlsv1.3");
  }

  // --- listeners
  // ------------------------------------------------------------------------------------------------------------

  void write_listener(const GateListener& listener) {
    std::vector<std::string> addresses;
    for (const auto& address : listener.addresses) addresses.push_back(address.text());
    const bool has_line = conf_.listeners[listener.of].is_open;
    const auto from =
        has_line ? "From " + place(conf_.statements[conf_.listeners[listener.of].statement]) + '.' : std::string{};
    out_.blank();
    if (!from.empty()) out_.comment(from);
    for (const auto& note : listener.notes) out_.decide(listener.name + ": " + note + '.');
    if (listener.is_used()) {
      out_.line("[[listener]]");
      out_.key("name", toml_string(listener.name));
      out_.key("address", toml_strings(addresses));
      out_.key("transport", toml_string(listener.transport));
      return;
    }
    for (const auto& doubt : listener.doubts) out_.decide(listener.name + " is left out: " + doubt + '.');
    out_.off("[[listener]]");
    out_.off("name = " + toml_string(listener.name));
    out_.off("address = " + toml_strings(addresses));
    out_.off("transport = " + toml_string(listener.transport));
    if (conf_.find(listener.of, "enable_proxy_protocol") != nullptr) out_.off(R"(balancers = ["192.0.2.1"])");
    if (listener.transport == "mqtt") out_.off("plaintext_beyond_loopback = true");
  }

  // --- admission
  // ------------------------------------------------------------------------------------------------------------

  void write_admission() {
    out_.section("[admission]");
    std::vector<std::string> allowed;
    for (const auto& prefix : options_.allow) {
      if (std::find(allowed.begin(), allowed.end(), prefix.text()) == allowed.end()) allowed.push_back(prefix.text());
    }
    if (allowed.empty()) {
      out_.decide(
          "Mosquitto let every address in; this allows your own machine alone. Name the networks that your clients come "
          "from, such as \"192.168.1.0/24\" (or import again with --allow).");
      allowed = {"127.0.0.1", "::1"};
    }
    const auto list = toml_strings(allowed);
    out_.key("allow", allowed.size() == 1 ? '[' + list + ']' : list);
    write_connections();
    out_.comment(
        "One address (IPv6: one /64) may have 32 connections and make one each second; more are wanted where many "
        "clients come from behind one: connections_per_address_max, connect_rate_per_address.");
  }

  /// Of Conf::listeners, each once. What is left out takes no connections, and has no say in how many there may be.
  [[nodiscard]] std::vector<std::size_t> used_sources() const {
    std::vector<std::size_t> out;
    for (const auto& listener : plan_.listeners) {
      if (listener.is_used() && std::find(out.begin(), out.end(), listener.of) == out.end()) out.push_back(listener.of);
    }
    return out;
  }

  void write_connections() {
    std::int64_t sum = 0;
    const Statement* from = nullptr;
    for (const auto i : used_sources()) {
      const auto* const said = conf_.find(i, "max_connections");
      const auto number = said == nullptr ? std::nullopt : leading_number(said->value);
      if (!number || *number < 0 || sum < 0) {
        sum = -1;  // one has no limit
      } else {
        sum += *number;
        from = said;
      }
    }
    const auto* const global = conf_.find("global_max_connections");
    const auto whole = global == nullptr ? std::nullopt : leading_number(global->value);
    if (whole && *whole > 0 && (sum < 0 || *whole < sum)) {
      sum = *whole;
      from = global;
    }
    if (sum < 0 || from == nullptr) {
      out_.comment("No limit of Mosquitto's holds for all listeners above; here it is connections_max = 4096.");
      if (const auto* const said = conf_.find(0, "max_connections"); said != nullptr && conf_.listeners.size() > 1) {
        out_.comment(place(*said) +
                     " stands above every \"listener\": to Mosquitto it is for its default listener alone, which it opens.");
      }
      return;
    }
    sum = within("admission.connections_max", sum);
    out_.key("connections_max", std::to_string(sum), place(*from));
    if (sum > addresses_tracked) out_.key("addresses_tracked_max", std::to_string(sum));
  }

  // --- authentication
  // -------------------------------------------------------------------------------------------------------

  void write_authentication() {
    out_.section("[authentication]");
    const bool is_anonymous = write_anonymous();
    out_.key("required", "true");
    std::vector<const Statement*> files;
    for (const auto i : sources_) add_password_files(files, i);
    if (files.empty()) {
      // What Mosquitto has for others is still what its users are known by.
      for (std::size_t i = 0; i < conf_.listeners.size(); ++i) add_password_files(files, i);
    }
    const auto other = other_authentication();
    if (files.empty()) {
      out_.decide(other == nullptr
                      ? "Mosquitto had no password file. Make one: mqtt-bastion passwd --create passwd USER"
                      : "users are known to a plugin (" + place(*other) +
                            "), which the gate can't ask. Either make a password file, or write required = false and no "
                            "password_file: then the broker alone asks for passwords, and its refusals are counted here.");
      out_.key("password_file", R"("passwd")");
      if (other == nullptr && !is_anonymous && (plan_.moved || plan_.is_new || !conf_.is_local_only())) {
        out_.decide(
            "with a line that opens a listener, and neither passwords nor anonymous clients, Mosquitto 2 itself refuses "
            "everybody: give it the same password_file, or allow_anonymous true, now that only this machine reaches it.");
      }
      return;
    }
    out_.comment("The broker's own file, as it is; the gate has to be able to read it.");
    out_.key("password_file", path(*files.front()), place(*files.front()));
    for (std::size_t i = 1; i < files.size(); ++i) {
      out_.decide("the gate reads one password file. The users of " + place(*files[i]) +
                  " are not known to it: put all into one file.");
    }
    if (other != nullptr) {
      out_.decide("users that only the plugin of " + place(*other) +
                  " knows are refused here: the gate can't ask it. Put them into the password file too.");
    }
  }

  void add_password_files(std::vector<const Statement*>& out, std::size_t listener) const {
    for (const std::string_view option : {"password_file", "plugin_opt_password_file"}) {
      const auto* said = conf_.find(listener, option);
      // A plugin that is loaded for all has its options outside of any listener.
      if (said == nullptr && option != "password_file") said = conf_.find(option);
      const auto is_it = [&](const Statement* other) { return other->value == said->value; };
      if (said != nullptr && std::none_of(out.begin(), out.end(), is_it)) out.push_back(said);
    }
  }

  /// A plugin that may know users of its own; null where there is none.
  [[nodiscard]] const Statement* other_authentication() const {
    constexpr std::array<std::string_view, 4> plugins{"auth_plugin", "plugin", "global_plugin", "plugin_load"};
    constexpr std::array<std::string_view, 4> harmless{"mosquitto_password_file", "mosquitto_acl_file", "mosquitto_persist",
                                                       "mosquitto_sparkplug"};
    for (const auto& statement : conf_.statements) {
      if (std::find(plugins.begin(), plugins.end(), statement.option->name) == plugins.end()) continue;
      const auto is_in = [&](std::string_view name) { return statement.value.find(name) != std::string::npos; };
      if (std::none_of(harmless.begin(), harmless.end(), is_in)) return &statement;
    }
    return nullptr;
  }

  /// Whether clients without a user name came in.
  bool write_anonymous() {
    for (const auto i : sources_) {
      const auto* const own = conf_.find(i, "listener_allow_anonymous");
      const auto* const said = own != nullptr ? own : conf_.find(i, "allow_anonymous");
      if (said == nullptr || !conf_.is_true(i, said->option->name)) continue;
      out_.decide("clients without a user name came in until now (" + place(*said) +
                  "), and are refused from now on. Only where they must come in: required = false.");
      return true;
    }
    return false;
  }

  // --- MQTT
  // -----------------------------------------------------------------------------------------------------------------

  void write_mqtt() {
    out_.section("[mqtt]");
    write_versions();
    write_keep_alive();
    write_packet_size();
    write_client_id();
  }

  void write_versions() {
    constexpr std::array<std::array<std::string_view, 2>, 3> names{{{"3", "3.1"}, {"4", "3.1.1"}, {"5", "5.0"}}};
    std::array<bool, 3> allowed{};
    const Statement* from = nullptr;
    bool is_all = false;
    for (const auto& listener : plan_.listeners) {
      if (!listener.is_used()) continue;
      const auto* const said = conf_.find(listener.of, "accept_protocol_versions");
      is_all = is_all || said == nullptr;
      if (said == nullptr) continue;
      from = said;
      for (std::size_t i = 0; i < names.size(); ++i) {
        allowed[i] = allowed[i] || said->value.find(names[i][0]) != std::string::npos;
      }
    }
    std::vector<std::string> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (allowed[i]) out.emplace_back(names[i][1]);
    }
    if (from != nullptr && !is_all && !out.empty()) {
      out_.key("versions", out.size() == 1 ? '[' + toml_strings(out) + ']' : toml_strings(out), place(*from));
    } else {
      out_.comment(
          R"(Mosquitto also took MQTT 3.1 and the mark of other Mosquittos' bridges; add "3.1" or "bridge" where such clients come.)");
      out_.key("versions", R"(["3.1.1", "5.0"])");
    }
  }

  void write_keep_alive() {
    const auto* const said = conf_.find("max_keepalive");
    const auto seconds = said == nullptr ? std::nullopt : leading_number(said->value);
    if (seconds && *seconds > 0) {
      out_.key("keep_alive_max", '"' + std::to_string(std::min<std::int64_t>(*seconds, 65'535)) + "s\"", place(*said));
    } else {
      out_.comment("Mosquitto took any keep alive, and none; here the longest is keep_alive_max = \"20m\".");
    }
  }

  void write_packet_size() {
    const auto* const of_packet = conf_.find("max_packet_size");
    const auto* const of_payload = conf_.find("message_size_limit");
    const auto packet = limit_of(of_packet);
    auto payload = limit_of(of_payload);
    if (payload) payload = std::min<std::int64_t>(*payload, 1 << 30) + around_a_payload_max;
    if (!packet && !payload) {
      out_.comment("Mosquitto took packets of up to 256 MiB; here the largest is packet_size_max = \"256KiB\".");
      return;
    }
    const bool is_payload = payload && (!packet || *payload < *packet);
    if (packet && payload) {
      out_.comment("The narrower of max_packet_size (" + place(*of_packet) + ") and message_size_limit (" +
                   place(*of_payload) + "), which speaks of the payload alone: around it there is room for any topic.");
    }
    const auto bytes = within("mqtt.packet_size_max", is_payload ? *payload : *packet);
    out_.key("packet_size_max", '"' + std::to_string(bytes) + "B\"", place(is_payload ? *of_payload : *of_packet));
  }

  /// 0 is no limit.
  [[nodiscard]] static std::optional<std::int64_t> limit_of(const Statement* statement) {
    const auto said = statement == nullptr ? std::nullopt : leading_number(statement->value);
    return said && *said > 0 ? said : std::nullopt;
  }

  void write_client_id() {
    const Statement* refused = nullptr;
    bool is_taken = false;
    for (const auto i : sources_) {
      refused = conf_.find(i, "allow_zero_length_clientid");
      is_taken = is_taken || refused == nullptr || conf_.is_true(i, "allow_zero_length_clientid");
    }
    if (!is_taken && refused != nullptr) out_.key("client_id_empty", "false", place(*refused));
    out_.comment("A client identifier may hold letters, digits and client_id_characters = \"-_.:@\", 128 of them at most.");
  }

  // --- small things
  // ---------------------------------------------------------------------------------------------------------

  [[nodiscard]] static std::int64_t within(std::string_view key, std::int64_t number) {
    const auto range = range_of(*find_policy_key(key));
    return std::clamp(number, range.min, range.max);
  }

  [[nodiscard]] std::string path(const Statement& statement) const {
    return toml_string(policy_path(statement.value, options_));
  }

  const Conf& conf_;
  const Plan& plan_;
  const ImportOptions& options_;
  std::vector<std::size_t> sources_;  ///< of Conf::listeners: those that the gate's come from
  TomlText out_;
};

}  // namespace

PolicyText policy_text(const Conf& conf, const Plan& plan, const ImportOptions& options) {
  return Writer{conf, plan, options}.write();
}

}  // namespace bastion::mosquitto
