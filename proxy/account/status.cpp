// Lays out what the gate tells of itself.
#include "proxy/account/status.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

/// The gate ended these sessions for a reason of its own.
bool is_eviction(Refusal refusal) {
  return refusal.reason == Reason::evicted;
}
bool is_refusal(Refusal refusal) {
  return !is_eviction(refusal);
}
bool is_any(Refusal) {
  return true;
}

using Kind = bool (*)(Refusal);

std::uint64_t sum_of(const std::vector<std::uint64_t>& counters, Kind is_one) {
  const auto pairs = refusals();
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) out += is_one(pairs[i]) ? counters[i] : 0;
  return out;
}

std::string_view word(Transport transport) {
  return transport == Transport::mqtt ? "mqtt" : "mqtts";
}
std::string_view word(Mode mode) {
  return mode == Mode::observe ? "observe" : "enforce";
}

/// `3d 04:05:06`, `04:05:06`.
std::string duration_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto days = seconds / 86'400;
  return (days > 0 ? std::to_string(days) + "d " : std::string{}) + two(seconds / 3600 % 24) + ':' + two(seconds / 60 % 60) +
         ':' + two(seconds % 60);
}

/// `12.3/s`; one digit behind the point is all that a glance takes in.
std::string rate_text(std::uint64_t count, std::int64_t seconds) {
  const auto tenths = count * 10 / static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1));
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + "/s";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& each : words) out += (out.empty() ? "" : " ") + each;
  return out;
}

/// Rows of cells; columns as wide as their widest cell, numbers to the right.
class Table {
 public:
  explicit Table(std::string_view numeric_columns) : numeric_{numeric_columns} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  void append_to(std::string& out) const {
    std::vector<std::size_t> widths;
    for (const auto& cells : rows_) {
      widths.resize(std::max(widths.size(), cells.size()));
      for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    for (const auto& cells : rows_) {
      std::string line = "  ";
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string blanks(widths[i] - cells[i].size(), ' ');
        const bool is_number = i < numeric_.size() && numeric_[i] == 'n';
        line += (is_number ? blanks + cells[i] : cells[i] + blanks) + "  ";
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + '\n';
    }
  }

 private:
  std::string_view numeric_;  ///< 'n' for each column of numbers
  std::vector<std::vector<std::string>> rows_;
};

struct Counted {
  Refusal refusal;
  std::uint64_t times;
  std::uint64_t recently;
};

/// Of all listeners, those of this kind that are not zero, most first.
std::vector<Counted> counted(const Status& status, std::vector<std::uint64_t> Tally::*counters, Kind is_one) {
  const auto pairs = refusals();
  std::vector<Counted> out;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!is_one(pairs[i])) continue;
    std::uint64_t times = 0;
    for (const auto& listener : status.listeners) times += (listener.tally.*counters)[i];
    if (times > 0) out.push_back({pairs[i], times, (status.recent.*counters)[i]});
  }
  std::stable_sort(out.begin(), out.end(), [](const Counted& a, const Counted& b) { return a.times > b.times; });
  return out;
}

/// `sandbox: capabilities, no_new_privs; without user, seccomp`.
void append_sandbox(std::string& out, const GateFacts& gate) {
  if (gate.sandbox.empty()) return;
  std::string held;
  std::string missing;
  for (const auto& [layer, holds] : gate.sandbox) {
    auto& list = holds ? held : missing;
    list += (list.empty() ? "" : ", ") + std::string{layer};
  }
  out += "sandbox: " + (held.empty() ? "none" : held) + (missing.empty() ? "" : "; without " + missing) + '\n';
}

void append_head(std::string& out, const Status& status) {
  const auto& gate = status.gate;
  const auto started = static_cast<std::int64_t>(gate.start_time_seconds);
  out += "mqtt-bastion " + gate.version + ", up " + duration_text(status.now_s - started) + ", " +
         std::to_string(status.workers) + (status.workers == 1 ? " worker" : " workers") +
         (status.draining ? ", DRAINING" : "") + '\n';
  const auto loaded = static_cast<std::int64_t>(gate.policy_reload_time_seconds);
  out += "policy " + status.policy_path + ", loaded " + duration_text(status.now_s - loaded) +
         " ago; reloads: " + std::to_string(gate.policy_reloads_ok) + " good, " + std::to_string(gate.policy_reloads_bad) +
         " bad\n";
  if (!gate.policy_reload_ok) {
    out += "THE LAST RELOAD FAILED; the policy before it stays in force:\n";
    for (const auto& complaint : status.complaints) out += "  " + complaint + '\n';
  }
  append_sandbox(out, gate);
  if (!status.state_fault.empty()) out += "COUNTERS ARE NOT KEPT: " + status.state_fault + '\n';
  if (gate.log_lines_dropped > 0) out += std::to_string(gate.log_lines_dropped) + " log lines were dropped\n";
  for (const auto& certificate : gate.certificates) {
    const auto left = static_cast<std::int64_t>(certificate.not_after_seconds) - status.now_s;
    out += "certificate " + certificate.file_name +
           (left >= 0 ? ": " + std::to_string(left / 86'400) + " days left\n" : std::string{": EXPIRED\n"});
  }
}

void append_listeners(std::string& out, const Status& status) {
  Table table{"lllnnnnnnl"};
  table.row({"listener", "mode", "transport", "open", "sessions", "accepted", "admitted", "refused", "evicted", "at"});
  for (const auto& each : status.listeners) {
    const auto& tally = each.tally;
    table.row({each.name, std::string{word(each.mode)}, std::string{word(each.transport)}, std::to_string(tally.connections),
               std::to_string(tally.sessions), std::to_string(tally.accepted), std::to_string(tally.admitted),
               std::to_string(sum_of(tally.refusals, is_refusal)), std::to_string(sum_of(tally.refusals, is_eviction)),
               each.open ? joined(each.addresses) : "(closed)"});
  }
  out += '\n';
  table.append_to(out);
}

void append_rates(std::string& out, const Status& status) {
  if (status.recent_s == 0) return;
  const auto rate = [&](std::uint64_t count) { return rate_text(count, status.recent_s); };
  const auto& recent = status.recent;
  Table table{"lnnnnn"};
  table.row({"last " + std::to_string(status.recent_s) + "s", "accepted", "admitted", "refused", "packets up", "down"});
  table.row({"", rate(recent.accepted), rate(recent.admitted), rate(sum_of(recent.refusals, is_refusal)),
             rate(recent.packets_up), rate(recent.packets_down)});
  out += '\n';
  table.append_to(out);
}

void append_refusals(std::string& out, const Status& status, const std::string& title,
                     std::vector<std::uint64_t> Tally::*counters, Kind is_one = is_refusal) {
  const auto rows = counted(status, counters, is_one);
  if (rows.empty()) return;
  Table table{"lllnn"};
  table.row({title, "stage", "cause", "times",
             status.recent_s > 0 ? "last " + std::to_string(status.recent_s) + "s" : std::string{}});
  for (const auto& row : rows) {
    table.row({std::string{label(row.refusal.reason)}, std::string{label(info(row.refusal.reason).stage)},
               std::string{counted_as(row.refusal)}, std::to_string(row.times),
               status.recent_s > 0 ? std::to_string(row.recently) : std::string{}});
  }
  out += '\n';
  table.append_to(out);
}

void append_denied(std::string& out, const Status& status) {
  Table table{"ln"};
  table.row({"kept back by topic rules", "times"});
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < denied_count; ++i) {
    std::uint64_t times = 0;
    for (const auto& listener : status.listeners) times += listener.tally.denied[i];
    if (times > 0) table.row({std::string{label(static_cast<Denied>(i))}, std::to_string(times)});
    all += times;
  }
  if (all == 0) return;
  out += '\n';
  table.append_to(out);
}

void append_sources(std::string& out, const Status& status, const std::string& title, std::span<const Source> sources) {
  if (sources.empty()) return;
  Table table{"lnll"};
  table.row({title, "times", "last for", "ago"});
  for (const auto& source : sources) {
    table.row({source.address.text(), (source.overcount > 0 ? ">=" : "") + std::to_string(source.certain()),
               std::string{label(source.last.reason)}, duration_text(status.now_s - source.last_s)});
  }
  out += '\n';
  table.append_to(out);
}

// ---- JSON

/// Writes members and elements with the commas that belong between them.
class Json {
 public:
  void open(std::string_view key, char bracket) {
    begin(key);
    text_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    text_ += bracket;
    first_ = false;
  }
  void string(std::string_view key, std::string_view value) {
    begin(key);
    text_ += '"' + escaped(value, LogFormat::json, 4096) + '"';
  }
  template <class Number>
  void number(std::string_view key, Number value) {
    begin(key);
    text_ += std::to_string(value);
  }
  void flag(std::string_view key, bool value) {
    begin(key);
    text_ += value ? "true" : "false";
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view key) {
    if (!first_) text_ += ',';
    first_ = false;
    if (!key.empty()) text_ += '"' + std::string{key} + "\":";
  }

  std::string text_;
  bool first_ = true;
};

void append_tally(Json& json, const Tally& tally) {
  json.number("connections_total", tally.accepted);
  json.number("admitted_total", tally.admitted);
  json.number("refusals_total", sum_of(tally.refusals, is_any));
  json.number("would_refuse_connections_total", tally.would_refuse_connections);
  json.number("tls_handshakes_total", tally.tls_handshakes);
  json.number("upstream_connects_total", tally.upstream_connects);
  json.number("packets_up_total", tally.packets_up);
  json.number("packets_down_total", tally.packets_down);
  json.number("bytes_up_total", tally.bytes_up);
  json.number("bytes_down_total", tally.bytes_down);
  for (std::size_t i = 0; i < denied_count; ++i) {
    json.number("denied_" + std::string{label(static_cast<Denied>(i))} + "_total", tally.denied[i]);
  }
}

void append_refusals(Json& json, std::string_view key, const Status& status, std::vector<std::uint64_t> Tally::*counters) {
  json.open(key, '[');
  for (const auto& row : counted(status, counters, is_any)) {
    json.open({}, '{');
    json.string("stage", label(info(row.refusal.reason).stage));
    json.string("reason", label(row.refusal.reason));
    json.string("cause", counted_as(row.refusal));
    json.number("times", row.times);
    json.number("recently", row.recently);
    json.close('}');
  }
  json.close(']');
}

void append_sources(Json& json, std::string_view key, std::span<const Source> sources) {
  json.open(key, '[');
  for (const auto& source : sources) {
    json.open({}, '{');
    json.string("address", source.address.text());
    json.number("refusals", source.certain());
    json.number("refusals_max", source.refusals);
    json.string("last_reason", label(source.last.reason));
    json.string("last_cause", counted_as(source.last));
    json.number("last_seconds", source.last_s);
    json.close('}');
  }
  json.close(']');
}

void append_listener(Json& json, const ListenerStatus& listener) {
  json.open({}, '{');
  json.string("name", listener.name);
  json.string("mode", word(listener.mode));
  json.string("transport", word(listener.transport));
  json.flag("open", listener.open);
  json.open("addresses", '[');
  for (const auto& address : listener.addresses) json.string({}, address);
  json.close(']');
  json.number("open_connections", listener.tally.connections);
  json.number("sessions", listener.tally.sessions);
  append_tally(json, listener.tally);
  json.close('}');
}

void append_gate(Json& json, const Status& status) {
  const auto& gate = status.gate;
  json.string("version", gate.version);
  json.number("time_seconds", status.now_s);
  json.number("uptime_seconds", status.now_s - static_cast<std::int64_t>(gate.start_time_seconds));
  json.number("workers", status.workers);
  json.flag("draining", status.draining);
  json.open("policy", '{');
  json.string("path", status.policy_path);
  json.number("loaded_seconds", static_cast<std::int64_t>(gate.policy_reload_time_seconds));
  json.flag("last_reload_successful", gate.policy_reload_ok);
  json.number("reloads_good", gate.policy_reloads_ok);
  json.number("reloads_bad", gate.policy_reloads_bad);
  json.open("complaints", '[');
  for (const auto& complaint : status.complaints) json.string({}, complaint);
  json.close(']');
  json.close('}');
  json.string("state_fault", status.state_fault);
  json.number("log_lines_dropped_total", gate.log_lines_dropped);
  json.number("accept_errors_total", gate.accept_errors);
  json.number("password_queue", gate.password_queue);
  json.open("sandbox", '{');
  for (const auto& [layer, holds] : gate.sandbox) json.flag(layer, holds);
  json.close('}');
  json.open("certificates", '[');
  for (const auto& certificate : gate.certificates) {
    json.open({}, '{');
    json.string("file", certificate.file_name);
    json.number("not_after_seconds", static_cast<std::int64_t>(certificate.not_after_seconds));
    json.close('}');
  }
  json.close(']');
}

}  // namespace

std::string status_text(const Status& status) {
  std::string out;
  append_head(out, status);
  append_listeners(out, status);
  append_rates(out, status);
  append_refusals(out, status, "refused for", &Tally::refusals);
  append_refusals(out, status, "sessions ended by the gate", &Tally::refusals, is_eviction);
  append_refusals(out, status, "would be refused for (observed only)", &Tally::would_refuse);
  append_denied(out, status);
  append_sources(out, status, "most refused", status.sources);
  append_sources(out, status, "most would be refused", status.observed_sources);
  return out;
}

std::string status_json(const Status& status) {
  Json json;
  json.open({}, '{');
  append_gate(json, status);
  json.open("listeners", '[');
  for (const auto& listener : status.listeners) append_listener(json, listener);
  json.close(']');
  json.open("recent", '{');
  json.number("seconds", status.recent_s);
  append_tally(json, status.recent);
  json.close('}');
  append_refusals(json, "refusals", status, &Tally::refusals);
  append_refusals(json, "would_refuse", status, &Tally::would_refuse);
  append_sources(json, "sources", status.sources);
  append_sources(json, "observed_sources", status.observed_sources);
  json.close('}');
  return json.take() + '\n';
}

}  // namespace bastion::account
