// From which networks clients may come, how many, and what MQTT they may speak.
#include "proxy/mosquitto/limits_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/keys.hpp"
#include "policy/quantity.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {
namespace {

/// A topic's length, the topic, a packet identifier, and the fixed header.
constexpr std::int64_t around_a_payload_max = 2 + 65'535 + 2 + 5;
constexpr std::int64_t addresses_tracked = 65'536;

/// `mqtt.packet_size_max = "256KiB"`
std::string default_of(std::string_view key) {
  return std::string{key} + " = " + std::string{find_policy_key(key)->default_value};
}

class Writer {
 public:
  Writer(TomlText& out, const Conf& conf, const Plan& plan) : out_{out}, conf_{conf}, plan_{plan} {}

  void write_admission(const std::vector<Prefix>& allow) {
    out_.section("[admission]");
    std::vector<std::string> allowed;
    for (const auto& prefix : allow) {
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

  void write_mqtt() {
    out_.section("[mqtt]");
    write_versions();
    write_keep_alive();
    write_packet_size();
    write_client_id();
    write_defaults();
  }

 private:
  void write_connections() {
    std::int64_t sum = 0;
    const Statement* from = nullptr;
    for (const auto i : used_sources(plan_)) {
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
      refused_ = R"(mqtt.versions without "bridge")";
    } else {
      out_.comment(
          R"(Mosquitto also took MQTT 3.1 and the mark of other Mosquittos' bridges; add "3.1" or "bridge" where such clients come.)");
      out_.key("versions", R"(["3.1.1", "5.0"])");
      refuses_beyond("mqtt.versions", R"( (without "3.1" and "bridge"))");
    }
  }

  void write_keep_alive() {
    const auto* const said = conf_.find("max_keepalive");
    const auto seconds = limit_of(said);
    if (seconds) {
      out_.key("keep_alive_max", '"' + std::to_string(std::min<std::int64_t>(*seconds, 65'535)) + "s\"", place(*said));
    } else {
      out_.comment("Mosquitto took any keep alive, and none; here the longest is keep_alive_max = \"20m\".");
      refuses_beyond("mqtt.keep_alive_max", " (of MQTT 3.1.1, whoever has a longer keep alive, or 0, which is none)");
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
      refuses_beyond("mqtt.packet_size_max");
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
    for (const auto i : used_sources(plan_)) {
      refused = conf_.find(i, "allow_zero_length_clientid");
      is_taken = is_taken || refused == nullptr || conf_.is_true(i, "allow_zero_length_clientid");
    }
    if (!is_taken && refused != nullptr) out_.key("client_id_empty", "false", place(*refused));
    out_.comment("A client identifier may hold letters, digits and client_id_characters = \"-_.:@\", 128 of them at most.");
  }

  /// What nothing in mosquitto.conf speaks of, and what may turn away a client that came in until now: in one place, since
  /// nobody reads twenty of them.
  void write_defaults() {
    refuses_beyond("mqtt.client_id_characters", " (beside letters and digits)");
    refuses_beyond("mqtt.client_id_length_max");
    refuses_beyond("mqtt.session_guard", " (another user's client identifier)");
    refuses_beyond("admission.connections_per_address_max");
    refuses_beyond("admission.connect_rate_per_address.burst", " (and then one connection more every second)");
    std::string bounds;
    for (const std::string_view key :
         {"mqtt.subscriptions_max", "mqtt.in_flight_max", "mqtt.retained_messages_max", "mqtt.filters_per_packet_max",
          "mqtt.topic_length_max", "mqtt.topic_levels_max", "mqtt.message_rate.per_second", "mqtt.byte_rate.per_second",
          "mqtt.session_expiry_max", "mqtt.will_delay_max"}) {
      bounds += (bounds.empty() ? "" : ", ") + default_of(key);
    }
    out_.decide(
        "mosquitto.conf has no word on these, and clients that do not keep to them came in until now. They are refused: " +
        refused_ + ". Their sessions are held to: " + bounds +
        ". Each is a key of the policy, and can be written wider; import --observe counts first who would be refused.");
  }

  /// For the summary at the end.
  void refuses_beyond(std::string_view key, std::string_view more = {}) {
    refused_ += (refused_.empty() ? "" : ", ") + default_of(key) + std::string{more};
  }

  [[nodiscard]] static std::int64_t within(std::string_view key, std::int64_t number) {
    const auto range = range_of(*find_policy_key(key));
    return std::clamp(number, range.min, range.max);
  }

  TomlText& out_;
  const Conf& conf_;
  const Plan& plan_;
  std::string refused_;  ///< the keys whose defaults refuse whom Mosquitto let in
};

}  // namespace

void write_admission(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options) {
  Writer{out, conf, plan}.write_admission(options.allow);
}

void write_mqtt(TomlText& out, const Conf& conf, const Plan& plan) {
  Writer{out, conf, plan}.write_mqtt();
}

}  // namespace bastion::mosquitto
