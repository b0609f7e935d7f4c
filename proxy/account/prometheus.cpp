// The counters as Prometheus reads them: text exposition format 0.0.4.
#include <charconv>
#include <concepts>
#include <initializer_list>
#include <map>
#include <system_error>

#include "proxy/account/tally.hpp"

namespace bastion::account {
namespace {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

template <class Number>
std::string number(Number value) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} ? std::string(digits.data(), end) : std::string("NaN");
}

void append_value(std::string& to, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else {
      to += c;
    }
  }
}

/// Writes families of samples: all samples of a family stand together under its HELP and TYPE.
class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    for (const std::string_view part : {std::string_view{"# HELP "}, name, std::string_view{" "}, help}) text_ += part;
    for (const std::string_view part : {std::string_view{"\n# TYPE "}, name, std::string_view{" "}, type}) text_ += part;
    text_ += '\n';
  }
  template <class Number>
  void sample(Labels labels, Number value) {
    text_ += name_;
    char before = '{';
    for (const auto& [name, label_value] : labels) {
      text_ += before;
      text_ += name;
      text_ += "=\"";
      append_value(text_, label_value);
      text_ += '"';
      before = ',';
    }
    if (labels.size() != 0) text_ += '}';
    text_ += ' ';
    text_ += number(value);
    text_ += '\n';
  }
  template <class Number>
  void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample({}, value);
  }
  /// One sample for each listener.
  template <class Number>
  void per_listener(std::string_view name, std::string_view type, std::string_view help,
                    std::span<const ListenerTally> listeners, Number Tally::*value) {
    family(name, type, help);
    for (const ListenerTally& each : listeners) sample({{"listener", each.listener}}, each.tally.*value);
  }
  /// One sample for each listener and direction.
  void both_ways(std::string_view name, std::string_view help, std::span<const ListenerTally> listeners,
                 std::uint64_t Tally::*up, std::uint64_t Tally::*down) {
    family(name, "counter", help);
    for (const ListenerTally& each : listeners) {
      sample({{"listener", each.listener}, {"direction", "up"}}, each.tally.*up);
      sample({{"listener", each.listener}, {"direction", "down"}}, each.tally.*down);
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

void refusal(Page& page, std::string_view listener, Refusal pair, std::uint64_t times) {
  page.sample({{"listener", listener},
               {"stage", label(info(pair.reason).stage)},
               {"reason", label(pair.reason)},
               {"cause", counted_as(pair)}},
              times);
}

void observations(Page& page, std::span<const ListenerTally> listeners) {
  const auto pairs = refusals();
  page.family("mqtt_bastion_would_refuse_total", "counter",
              "Refusals that were only observed, by stage, reason and cause; a connection may have several.");
  for (const ListenerTally& each : listeners) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (can_be_observed(pairs[i])) refusal(page, each.listener, pairs[i], each.tally.would_refuse[i]);
    }
  }
  page.per_listener("mqtt_bastion_would_refuse_connections_total", "counter",
                    "Connections that were let through, and that enforcing would have refused.", listeners,
                    &Tally::would_refuse_connections);
}

void endings(Page& page, std::span<const ListenerTally> listeners) {
  page.family("mqtt_bastion_refusals_total", "counter", "Connections that were refused, by stage, reason and cause.");
  const auto pairs = refusals();
  for (const ListenerTally& each : listeners) {
    for (std::size_t i = 0; i < pairs.size(); ++i) refusal(page, each.listener, pairs[i], each.tally.refusals[i]);
  }
  page.family("mqtt_bastion_denied_total", "counter",
              "Messages and filters that topic rules kept from going through, in sessions that went on.");
  for (const auto& each : listeners) {
    for (std::size_t i = 0; i < each.tally.denied.size(); ++i) {
      page.sample({{"listener", each.listener}, {"what", label(static_cast<Denied>(i))}}, each.tally.denied[i]);
    }
  }
  page.family("mqtt_bastion_closes_total", "counter", "Connections that ended without a refusal, by how they ended.");
  for (const ListenerTally& each : listeners) {
    for (std::size_t i = 0; i < each.tally.closes.size(); ++i) {
      page.sample({{"listener", each.listener}, {"how", label(static_cast<Close>(i))}}, each.tally.closes[i]);
    }
  }
}

void traffic(Page& page, std::span<const ListenerTally> listeners) {
  page.per_listener("mqtt_bastion_connections_total", "counter", "Connections that were accepted from the kernel.",
                    listeners, &Tally::accepted);
  page.per_listener("mqtt_bastion_open_connections", "gauge", "Connections that are open now.", listeners,
                    &Tally::connections);
  page.per_listener("mqtt_bastion_admitted_total", "counter", "Sessions that the gate and the broker admitted.", listeners,
                    &Tally::admitted);
  page.per_listener("mqtt_bastion_sessions", "gauge", "Admitted sessions that are open now.", listeners, &Tally::sessions);
  page.per_listener("mqtt_bastion_upstream_connects_total", "counter", "Times the broker was dialled.", listeners,
                    &Tally::upstream_connects);
  page.family("mqtt_bastion_tls_handshakes_total", "counter", "TLS handshakes done, by whether a ticket resumed a session.");
  for (const ListenerTally& each : listeners) {
    const std::uint64_t resumed = each.tally.tls_resumptions;
    page.sample({{"listener", each.listener}, {"resumed", "true"}}, resumed);
    page.sample({{"listener", each.listener}, {"resumed", "false"}}, each.tally.tls_handshakes - resumed);
  }
  page.both_ways("mqtt_bastion_bytes_total", "MQTT bytes that passed; up is from client to broker.", listeners,
                 &Tally::bytes_up, &Tally::bytes_down);
  page.both_ways("mqtt_bastion_packets_total", "MQTT packets that passed; up is from client to broker.", listeners,
                 &Tally::packets_up, &Tally::packets_down);
}

void certificates(Page& page, const GateFacts& gate) {
  // Two directories may hold files of one name, and a series may stand only once: the one that ends first matters.
  std::map<std::string_view, double> ends;
  for (const auto& [file_name, not_after] : gate.certificates) {
    const auto [at, is_new] = ends.emplace(file_name, not_after);
    if (!is_new && not_after < at->second) at->second = not_after;
  }
  page.family("mqtt_bastion_certificate_not_after_seconds", "gauge", "When the certificate ends, as Unix time.");
  for (const auto& [file_name, not_after] : ends) page.sample({{"file", file_name}}, not_after);
}

void gate_itself(Page& page, const GateFacts& gate) {
  page.family("mqtt_bastion_build_info", "gauge", "Always 1; the label tells the version.");
  page.sample({{"version", gate.version}}, 1);
  page.single("mqtt_bastion_start_time_seconds", "gauge", "When the gate started, as Unix time.", gate.start_time_seconds);
  certificates(page, gate);
  page.single("mqtt_bastion_policy_last_reload_successful", "gauge", "Whether the policy was good when last read.",
              gate.policy_reload_ok ? 1 : 0);
  page.single("mqtt_bastion_policy_last_reload_timestamp_seconds", "gauge", "When the policy was last read, as Unix time.",
              gate.policy_reload_time_seconds);
  page.family("mqtt_bastion_policy_reloads_total", "counter", "Reloads of the policy, by result.");
  page.sample({{"result", "good"}}, gate.policy_reloads_ok);
  page.sample({{"result", "bad"}}, gate.policy_reloads_bad);
  page.single("mqtt_bastion_log_lines_dropped_total", "counter", "Log lines that found no room or could not be written.",
              gate.log_lines_dropped);
  page.single("mqtt_bastion_accept_errors_total", "counter", "Times that accepting a connection failed.",
              gate.accept_errors);
  page.single("mqtt_bastion_password_queue", "gauge", "Clients that wait for the verification of their password.",
              gate.password_queue);
  page.family("mqtt_bastion_sandbox_layer", "gauge", "Whether this layer of the gate's sandbox holds.");
  for (const auto& [layer, holds] : gate.sandbox) page.sample({{"layer", layer}}, holds ? 1 : 0);
  if (!gate.keeping) return;
  page.single("mqtt_bastion_state_last_save_successful", "gauge", "Whether the counters could be written to disk.",
              gate.keeping->ok ? 1 : 0);
  page.single("mqtt_bastion_state_last_save_timestamp_seconds", "gauge", "When they last were, as Unix time.",
              gate.keeping->saved_seconds);
  page.single("mqtt_bastion_state_save_failures_total", "counter", "Times that they could not be.", gate.keeping->failures);
}

}  // namespace

std::string prometheus_text(const GateFacts& gate, std::span<const ListenerTally> listeners) {
  Page page;
  gate_itself(page, gate);
  traffic(page, listeners);
  endings(page, listeners);
  observations(page, listeners);
  return page.take();
}

}  // namespace bastion::account
