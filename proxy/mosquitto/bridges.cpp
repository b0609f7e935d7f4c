// What a mosquitto.conf's own bridges need where a gate comes before the broker that they lead to, as comments.
#include "proxy/mosquitto/bridges.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "policy/quantity.hpp"
#include "proxy/mosquitto/plan.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::size_t shown_max = 64;

/// A `connection` line, and what stands below it up to the next one.
class Bridge {
 public:
  explicit Bridge(const Statement& connection) : connection_{connection} {}

  void add(const Statement& statement) { statements_.push_back(&statement); }

  [[nodiscard]] std::string text() const {
    auto out = one_line(connection_.value, shown_max) + " (" + place(connection_) + "):";
    out += " its address is the gate's TLS listener;";
    if (says({"bridge_psk", "bridge_identity"})) {
      out += " bridge_cafile in place of its PSK, which the gate does not have;";
    } else if (!says({"bridge_cafile", "bridge_capath", "bridge_tls_use_os_certs"})) {
      out += " bridge_cafile;";
    }
    if (is("bridge_insecure", "true")) out += " bridge_insecure false, since it would take anybody for the gate;";
    if (!says({"remote_username", "username"}) || !says({"remote_password", "password"})) {
      out += " remote_username and remote_password;";
    }
    out.back() = '.';
    return out + needs_of_the_policy();
  }

 private:
  /// The last of the statements that have one of these names; null: there is none.
  [[nodiscard]] const Statement* find(std::initializer_list<std::string_view> names) const {
    const Statement* found = nullptr;
    for (const auto* statement : statements_) {
      if (std::find(names.begin(), names.end(), statement->option->name) != names.end()) found = statement;
    }
    return found;
  }
  [[nodiscard]] bool says(std::initializer_list<std::string_view> names) const { return find(names) != nullptr; }
  [[nodiscard]] bool is(std::string_view name, std::string_view value) const {
    const auto* const said = find({name});
    return said != nullptr && first_word(said->value) == value;
  }

  [[nodiscard]] std::string needs_of_the_policy() const {
    const bool is_v5 = is("bridge_protocol_version", "mqttv50");
    const bool is_v31 = is("bridge_protocol_version", "mqttv31");
    const bool tells_state = !is("notifications", "false") && !is("notifications_local_only", "true");
    std::string out = R"( There, mqtt.versions has ")" + std::string{is_v5 ? "5.0" : is_v31 ? "3.1" : "3.1.1"} + '"';
    const auto* const topic = find({"notification_topic"});
    const bool has_mark = !is_v5 && !is("try_private", "false");
    if (has_mark || (tells_state && topic == nullptr)) out += R"( and "bridge")";
    if (!tells_state) return out + '.';
    out += ", and rules that name topics let it publish to ";
    if (topic != nullptr) return out + one_line(topic->value, shown_max) + ", and leave its will there.";
    const auto* const id = find({"remote_clientid", "clientid"});
    return out + "$SYS/broker/connection/" +
           (id != nullptr ? one_line(id->value, shown_max) : "HOSTNAME." + one_line(connection_.value, shown_max)) +
           "/state, and leave its will there.";
  }

  const Statement& connection_;
  std::vector<const Statement*> statements_;
};

}  // namespace

void write_bridges(TomlText& out, const Conf& conf) {
  std::vector<Bridge> bridges;
  for (const auto& statement : conf.statements) {
    if (statement.option->name == "connection") {
      bridges.emplace_back(statement);
    } else if (statement.option->scope == Scope::bridge && !bridges.empty()) {
      bridges.back().add(statement);
    }
  }
  if (bridges.empty()) return;
  out.comment(
      "Bridges are connections that the broker makes itself: they do not come through this gate, and nothing changes for "
      "them. Where the broker at their other end has a gate before it, each has to say there what any client has to:");
  for (const auto& bridge : bridges) out.comment(bridge.text());
}

}  // namespace bastion::mosquitto
