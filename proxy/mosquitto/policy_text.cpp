// Each section of the policy from what mosquitto.conf says of it.
#include "proxy/mosquitto/policy_text.hpp"

#include <algorithm>
#include <string_view>

#include "policy/quantity.hpp"
#include "proxy/mosquitto/access_text.hpp"
#include "proxy/mosquitto/leftovers.hpp"
#include "proxy/mosquitto/limits_text.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::size_t shown_max = 200;

struct Pair {
  const Statement* certificate;
  const Statement* key;
};

class Writer {
 public:
  Writer(const Conf& conf, const Plan& plan, const ImportOptions& options) : conf_{conf}, plan_{plan}, options_{options} {}

  PolicyText write() {
    write_head();
    write_gate_and_admin();
    write_upstream();
    write_tls();
    for (const auto& listener : plan_.listeners) write_listener(listener);
    write_admission(out_, conf_, plan_, options_);
    write_authentication(out_, conf_, plan_, options_);
    write_authorization(out_, conf_, plan_, options_);
    write_mqtt(out_, conf_, plan_);
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

  [[nodiscard]] std::string path(const Statement& statement) const {
    return toml_string(policy_path(statement.value, options_));
  }

  const Conf& conf_;
  const Plan& plan_;
  const ImportOptions& options_;
  TomlText out_;
};

}  // namespace

PolicyText policy_text(const Conf& conf, const Plan& plan, const ImportOptions& options) {
  return Writer{conf, plan, options}.write();
}

}  // namespace bastion::mosquitto
