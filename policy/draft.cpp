// A policy while it is being read: setters that need more than an assignment, and the checks of everything together.
#include "policy/draft.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/quantity.hpp"
#include "policy/reason.hpp"

namespace bastion {
namespace {

constexpr std::size_t rule_file_bytes_max = std::size_t{64} << 20;
constexpr std::size_t listeners_max = 64;
constexpr std::size_t listener_addresses_max = 64;
constexpr std::size_t pattern_bytes_max = 256;
constexpr std::size_t expectations_max = 10'000;
/// sockaddr_un holds 108 bytes, the last of them NUL.
constexpr std::size_t unix_path_bytes_max = 107;

constexpr std::string_view address_form = R"(an IP address and a port, such as "127.0.0.1:1883" or "[::1]:1883")";

std::string hint_for_address(std::string_view text) {
  constexpr std::string_view local = "localhost:";
  if (text.substr(0, local.size()) == local)
    return "; write " + quoted("127.0.0.1:" + std::string{text.substr(local.size())});
  // "::1:8883" may well mean "[::1]:8883".
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto with_brackets = "[" + std::string{text.substr(0, colon)} + "]" + std::string{text.substr(colon)};
  return parse_socket_address(with_brackets) ? "; write " + quoted(with_brackets) : std::string{};
}

/// `else_allowed`: what the key takes beside addresses, as it goes on.
std::string not_an_address(const Value& value, std::string_view text, std::string_view else_allowed = {}) {
  return quoted(value.path) + ": " + quoted(text) + " is not " + std::string{address_form} + std::string{else_allowed} +
         hint_for_address(text);
}

std::string clause(const PrefixError& error) {
  return error.instead.empty() ? error.what : error.what + "; write " + quoted(error.instead);
}

bool overlap(const SocketAddress& a, const SocketAddress& b) {
  if (a.port != b.port || a.port == 0 || a.address.is_v4() != b.address.is_v4()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

std::string line_and_column(const Location& where) {
  return where.file + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
}

bool covers_every_client(const Role& role, bool user_names_required) {
  const auto is_star = [](const Pattern& pattern) { return pattern.text() == "*"; };
  const bool any_user =
      role.users.empty() || (user_names_required && std::any_of(role.users.begin(), role.users.end(), is_star));
  return any_user && role.networks.empty() && (!role.client_id || is_star(*role.client_id));
}

}  // namespace

Draft::Draft(std::string file, const ReadFile& read_file) : read_file_{read_file} {
  const auto slash = file.rfind('/');
  if (slash != std::string::npos) directory_ = file.substr(0, slash + 1);
  policy.where.file = file;
  policy.admission.rule_files.push_back(std::move(file));
}

void Draft::complain(Location where, std::string message) {
  failed_ = true;
  keep({std::move(where), std::move(message), false});
}

void Draft::warn(Location where, std::string message) {
  keep({std::move(where), std::move(message), true});
}

void Draft::keep(Complaint complaint) {
  // Many more are kept than shown, so that those that come first in the file are not lost to those that were found first.
  if (complaints_.size() < 50 * complaints_max) {
    complaints_.push_back(std::move(complaint));
  } else {
    ++left_out_;
  }
}

Location Draft::where(std::string_view path) const {
  const auto found = said_.find(path);
  return found != said_.end() ? found->second : at(1, 1);
}

Location Draft::where(const Rule& rule) const {
  return {policy.admission.rule_files[rule.file], rule.line, rule.column};
}

std::string Draft::joined(std::string_view path) const {
  return !path.empty() && path.front() == '/' ? std::string{path} : directory_ + std::string{path};
}

Located<std::string> Draft::path_of(const Value& value) const {
  return {joined(value.text), value.where};
}

void Draft::set_admin(const Value& value) {
  if (value.text == "off") {
    policy.admin.enabled = false;
    return;
  }
  const auto address = parse_socket_address(value.text);
  if (!address) {
    complain(value.where, not_an_address(value, value.text, ", nor \"off\""));
    return;
  }
  policy.admin.address = {*address, value.where};
  if (!address->address.is_loopback()) {
    warn(value.where, quoted(value.path) + " is not a loopback address: metrics are shown without a password");
  }
}

void Draft::set_admin_socket(const Value& value) {
  auto path = path_of(value);
  if (path.value.size() > unix_path_bytes_max) {
    complain(value.where,
             quoted(value.path) + ": the path of a Unix socket has 1 .. " + std::to_string(unix_path_bytes_max) + " bytes");
    return;
  }
  policy.admin.socket = std::move(path);
}

void Draft::set_upstream(const Value& value) {
  constexpr std::string_view unix_mark = "unix:";
  policy.upstream.where = value.where;
  if (value.text.compare(0, unix_mark.size(), unix_mark) == 0) {
    const auto path = value.text.substr(unix_mark.size());
    const auto whole = joined(path);
    if (path.empty() || whole.size() > unix_path_bytes_max) {
      complain(value.where, quoted(value.path) + ": the path of a Unix socket has 1 .. " +
                                std::to_string(unix_path_bytes_max) + " bytes");
      return;
    }
    policy.upstream.unix_path = whole;
    return;
  }
  const auto address = parse_socket_address(value.text);
  if (!address) {
    complain(value.where, not_an_address(value, value.text, R"(, nor a path such as "unix:/run/mosquitto.sock")"));
    return;
  }
  if (address->port == 0 || address->address.is_unspecified()) {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + " can't be dialled");
    return;
  }
  policy.upstream.tcp = address;
}

void Draft::set_credentials_file(const Value& value) {
  if (!policy.upstream.credentials) policy.upstream.credentials.emplace();
  policy.upstream.credentials->password_file = path_of(value);
}

void Draft::set_listener_name(const Value& value) {
  if (!is_name(value.text)) {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + " is not a name: [a-z0-9_-]{1,32}");
    return;
  }
  for (const auto& other : policy.listeners) {
    if (other.name == value.text) {
      complain(value.where,
               "the listener of " + line_and_column(other.where) + " is named " + quoted(value.text) + " already");
      return;
    }
  }
  policy.listeners.back().name = value.text;
}

void Draft::add_listener_addresses(const Value& value) {
  auto& addresses = policy.listeners.back().addresses;
  if (value.list.size() > listener_addresses_max) {
    complain(value.where, quoted(value.path) + " holds more than " + std::to_string(listener_addresses_max) + " addresses");
    return;
  }
  for (const auto& item : value.list) {
    const auto address = parse_socket_address(item.value);
    if (address) {
      addresses.push_back({*address, item.where});
    } else {
      complain(item.where, not_an_address(value, item.value));
    }
  }
}

void Draft::set_versions(const Value& value) {
  const auto holds = [&](std::string_view version) {
    return std::any_of(value.list.begin(), value.list.end(), [&](const auto& item) { return item.value == version; });
  };
  policy.mqtt.allow_v3_1 = holds("3.1");
  policy.mqtt.allow_v3_1_1 = holds("3.1.1");
  policy.mqtt.allow_v5_0 = holds("5.0");
  policy.mqtt.allow_bridge = holds("bridge");
}

void Draft::add_rules(const Value& value, bool allow) {
  allow_read_ = allow_read_ || allow;
  for (const auto& item : value.list) add_rule(item.value, allow, 0, item.where.line, item.where.column);
}

void Draft::add_rule(std::string_view text, bool allow, std::uint16_t file, std::uint32_t line, std::uint32_t column) {
  const Location where{policy.admission.rule_files[file], line, column};
  if (allow) ++allows_said_;
  const auto parsed = parse_prefix(text);
  if (const auto* error = std::get_if<PrefixError>(&parsed)) {
    complain(where, quoted(text) + ": " + clause(*error));
    return;
  }
  if (rules_.size() >= PrefixSet::rules_max) {
    if (!too_many_rules_) complain(where, "there are more than " + std::to_string(PrefixSet::rules_max) + " prefixes");
    too_many_rules_ = true;
    return;
  }
  rules_.push_back({std::get<Prefix>(parsed), allow, file, line, column});
  if (allow && (text == "::/0" || text == "0.0.0.0/0")) {
    warn(where, quoted(text) + " lets every " + (text == "::/0" ? "IPv6" : "IPv4") + " address in");
  }
}

void Draft::add_rule_file(const Value& value, bool allow) {
  const auto path = joined(value.text);
  const auto read = read_file_ ? read_file_(path) : std::variant<std::string, FileError>{FileError{"it can't be opened"}};
  if (const auto* error = std::get_if<FileError>(&read)) {
    complain(value.where, quoted(value.path) + ": can't read " + quoted(path) + ": " + error->what +
                              (error->is_missing ? "; it holds one prefix to a line" : ""));
    return;
  }
  const auto& content = std::get<std::string>(read);
  if (content.size() > rule_file_bytes_max) {
    complain(value.where, quoted(value.path) + ": " + quoted(path) + " is larger than 64MiB");
    return;
  }
  const auto before = allows_said_;
  policy.admission.rule_files.push_back(path);
  add_rules_of_file(content, allow, static_cast<std::uint16_t>(policy.admission.rule_files.size() - 1));
  if (allow && allows_said_ == before) {
    complain(value.where, quoted(value.path) + ": " + quoted(path) + " holds no prefix: nobody could enter");
  }
}

void Draft::add_rules_of_file(std::string_view content, bool allow, std::uint16_t file) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (content.substr(0, byte_order_mark.size()) == byte_order_mark) content.remove_prefix(byte_order_mark.size());
  for (std::uint32_t number = 1; !content.empty(); ++number) {
    const auto end = std::min(content.find('\n'), content.size());
    auto line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    line = line.substr(0, line.find('#'));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    const auto last = line.find_last_not_of(" \t\r");
    add_rule(line.substr(begin, last - begin + 1), allow, file, number, static_cast<std::uint32_t>(begin + 1));
  }
}

void Draft::set_certificates(const Value& value) {
  for (const auto& item : value.list) certificates_.push_back({joined(item.value), item.where});
}

void Draft::set_keys(const Value& value) {
  for (const auto& item : value.list) keys_.push_back({joined(item.value), item.where});
}

void Draft::set_characters(const Value& value) {
  const auto is_printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (value.text.size() > 95 || !std::all_of(value.text.begin(), value.text.end(), is_printable)) {
    complain(value.where, quoted(value.path) + " may hold printable ASCII characters only, each once");
    return;
  }
  policy.mqtt.client_id_characters = value.text;
}

bool Draft::is_good_pattern(const Located<std::string>& text, bool user_name_known) {
  if (text.value.empty() || text.value.size() > pattern_bytes_max) {
    complain(text.where, "a pattern has 1 .. " + std::to_string(pattern_bytes_max) + " bytes");
    return false;
  }
  for (std::size_t i = text.value.find('%'); i != std::string::npos; i = text.value.find('%', i + 2)) {
    const char next = i + 1 < text.value.size() ? text.value[i + 1] : '\0';
    if (next == 'u' && !user_name_known) {
      complain(text.where, quoted(text.value) + ": %u is the user's own name and can't choose users; write * for any run");
      return false;
    }
    if (next != 'u' && next != '%') {
      complain(text.where, quoted(text.value) + ": only %u (the user name) and %% (a percent sign) have a meaning");
      return false;
    }
  }
  return true;
}

void Draft::set_pattern(const Value& value, std::optional<Pattern>& out) {
  if (is_good_pattern({value.text, value.where}, true)) out.emplace(value.text);
}

void Draft::set_role_name(const Value& value) {
  if (!is_name(value.text)) {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + " is not a name: [a-z0-9_-]{1,32}");
    return;
  }
  for (const auto& other : policy.roles) {
    if (other.name == value.text) {
      complain(value.where, "the role of " + line_and_column(other.where) + " is named " + quoted(value.text) + " already");
      return;
    }
  }
  policy.roles.back().name = value.text;
}

void Draft::add_role_users(const Value& value) {
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out to mean any user");
  for (const auto& item : value.list) {
    if (is_good_pattern(item, false)) policy.roles.back().users.emplace_back(item.value);
  }
}

void Draft::add_prefixes(const Value& value, std::vector<Prefix>& out) {
  for (const auto& item : value.list) {
    const auto parsed = parse_prefix(item.value);
    if (const auto* error = std::get_if<PrefixError>(&parsed)) {
      complain(item.where, quoted(item.value) + ": " + clause(*error));
    } else {
      out.push_back(std::get<Prefix>(parsed));
    }
  }
}

void Draft::add_role_networks(const Value& value) {
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out to mean any network");
  add_prefixes(value, policy.roles.back().networks);
}

void Draft::add_balancers(const Value& value) {
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out where there is no balancer");
  for (const auto& item : value.list) {
    if (item.value != "0.0.0.0/0" && item.value != "::/0") continue;
    complain(item.where, quoted(item.value) + " would believe every address whatever it says of itself: name the balancers");
  }
  add_prefixes(value, policy.listeners.back().balancers);
}

void Draft::check_rules() {
  // A list that could not be read at all has its own complaint.
  const bool is_unread = was_said("admission.allow") && !allow_read_;
  if (allows_said_ == 0 && !is_unread && !was_said("admission.allow_file")) {
    complain(
        where(was_said("admission.allow") ? "admission.allow" : "admission"),
        R"(no address is allowed and nobody could enter: name prefixes in "admission.allow" or "admission.allow_file")");
  }
  check_twins();
  std::vector<PrefixRule> out;
  out.reserve(rules_.size());
  for (const auto& rule : rules_) out.push_back({rule.prefix, rule.allow, rule.line, rule.file});
  policy.admission.prefixes = PrefixSet{std::move(out)};
}

void Draft::check_twins() {
  std::vector<const Rule*> sorted;
  sorted.reserve(rules_.size());
  for (const auto& rule : rules_) sorted.push_back(&rule);
  // Denies first: they win. Otherwise the first that was said.
  const auto place = [](const Rule* rule) { return std::tie(rule->prefix.base, rule->prefix.length); };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Rule* a, const Rule* b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return !a->allow && b->allow;
  });
  const Rule* winner = nullptr;
  for (const auto* rule : sorted) {
    if (winner == nullptr || winner->prefix != rule->prefix) {
      winner = rule;
      continue;
    }
    const auto* const how =
        winner->allow == rule->allow ? " is listed already, at " : " can never be allowed: it is denied at ";
    complain(where(*rule), quoted(rule->prefix.text()) + how + line_and_column(where(*winner)));
  }
}

void Draft::check_admission() {
  const auto& admission = policy.admission;
  const auto check_share = [&](std::string_view path, unsigned value, std::string_view of, unsigned whole) {
    if (!was_said(path) || value <= whole) return;
    complain(where(path),
             quoted(path) + " = " + std::to_string(value) + " is more than " + quoted(of) + " = " + std::to_string(whole));
  };
  const auto connections_max = admission.connections_max;
  check_share("admission.connections_per_address_max", admission.connections_per_address_max, "admission.connections_max",
              connections_max);
  check_share("admission.handshakes_max", admission.handshakes_max, "admission.connections_max", connections_max);
  check_share("admission.handshakes_per_address_max", admission.handshakes_per_address_max, "admission.handshakes_max",
              admission.handshakes_max);
  if (admission.addresses_tracked_max >= admission.connections_max) return;
  const auto* const path =
      was_said("admission.addresses_tracked_max") ? "admission.addresses_tracked_max" : "admission.connections_max";
  complain(where(path), R"("admission.addresses_tracked_max" = )" + std::to_string(admission.addresses_tracked_max) +
                            R"( is less than "admission.connections_max" = )" + std::to_string(admission.connections_max));
}

void Draft::check_tls() {
  policy.tls.where = where("tls");
  const bool is_unread = (was_said("tls.certificate") && certificates_.empty()) || (was_said("tls.key") && keys_.empty());
  if (is_unread) return;
  if (certificates_.size() != keys_.size()) {
    complain(where(was_said("tls.key") ? "tls.key" : "tls"),
             R"("tls.certificate" names )" + std::to_string(certificates_.size()) + R"( and "tls.key" )" +
                 std::to_string(keys_.size()) + ": each certificate needs its key, in the same order");
    return;
  }
  if (keys_.size() > 2) {
    complain(where("tls.certificate"), "at most two pairs of certificate and key: one ECDSA, one RSA");
    return;
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) policy.tls.key_pairs.push_back({certificates_[i], keys_[i]});
}

void Draft::check_listeners() {
  if (policy.listeners.empty()) {
    complain(where("listener"), "there is no listener: add a [[listener]] with a name and an address");
    return;
  }
  if (policy.listeners.size() > listeners_max) {
    complain(policy.listeners[listeners_max].where, "there are more than " + std::to_string(listeners_max) + " listeners");
  }
  for (const auto& listener : policy.listeners) {
    if (listener.transport == Transport::mqtts && !was_said("tls.certificate")) {
      complain(listener.where, R"(a listener of transport "mqtts" needs "tls.certificate" and "tls.key")");
    }
    if (listener.transport != Transport::mqtt || listener.plaintext_beyond_loopback) continue;
    for (const auto& address : listener.addresses) {
      if (address.value.address.is_loopback()) continue;
      complain(address.where, quoted(address.value.text()) +
                                  R"( would take passwords in the clear: write transport = "mqtts", a loopback address, or )"
                                  "plaintext_beyond_loopback = true");
    }
  }
  check_overlaps();
}

void Draft::check_mode() {
  for (const auto& listener : policy.listeners) {
    if (policy.mode_of(listener) == Mode::enforce) continue;
    const auto whole = policy.mode == Mode::observe;
    warn(whole ? where("mode") : listener.where,
         (whole ? std::string{"the policy"} : "the listener " + quoted(listener.name)) +
             " is only observed: clients that it refuses come through to whatever the broker gives them");
    if (policy.upstream.credentials) {
      warn(where("upstream.credentials"),
           R"(who a client is stays enforced, since the broker sees "upstream.credentials" and can't ask)");
    }
    return;
  }
}

void Draft::check_overlaps() {
  std::vector<std::pair<Located<SocketAddress>, std::string>> taken;
  const auto take = [&](const Located<SocketAddress>& address, const std::string& by) {
    for (const auto& [other, owner] : taken) {
      if (!overlap(address.value, other.value)) continue;
      const auto at_line = other.where.line != 0 ? " at " + line_and_column(other.where) : std::string{};
      complain(address.where,
               quoted(address.value.text()) + " overlaps " + quoted(other.value.text()) + " of " + owner + at_line);
      return;
    }
    if (taken.size() < listeners_max * listener_addresses_max) taken.emplace_back(address, by);
  };
  if (policy.admin.enabled && policy.admin.address.where.line == 0) take(policy.admin.address, "[admin], by default");
  for (const auto& listener : policy.listeners) {
    for (const auto& address : listener.addresses) {
      take(address, "a listener");
      if (policy.upstream.tcp && overlap(address.value, *policy.upstream.tcp)) {
        complain(policy.upstream.where, R"("upstream.address" is the gate's own listener at )" +
                                            line_and_column(address.where) + ": it would dial itself");
      }
    }
  }
  if (policy.admin.enabled && policy.admin.address.where.line != 0) take(policy.admin.address, "[admin]");
}

void Draft::check_authentication() {
  const auto& authentication = policy.authentication;
  if (!authentication.required) {
    warn(where("authentication.required"), "clients without credentials are let in to whatever the broker gives them");
  } else if (!was_said("authentication.password_file")) {
    complain(where("authentication"),
             R"(authentication is required, and "authentication.password_file" is missing: nobody could enter)");
  }
}

void Draft::check_mqtt() {
  const auto& mqtt = policy.mqtt;
  if (!mqtt.allow_v3_1 && !mqtt.allow_v3_1_1 && !mqtt.allow_v5_0) {
    complain(where("mqtt.versions"), R"("mqtt.versions" allows no version: nobody could enter)");
  } else if (mqtt.allow_bridge && !mqtt.allow_v3_1 && !mqtt.allow_v3_1_1) {
    complain(where("mqtt.versions"), R"("bridge" can never match: bridges speak "3.1" or "3.1.1", which are not allowed)");
  }
}

void Draft::check_roles() {
  for (std::size_t i = 0; i + 1 < policy.roles.size(); ++i) {
    const auto& role = policy.roles[i];
    if (!covers_every_client(role, policy.authentication.required)) continue;
    complain(policy.roles[i + 1].where,
             "this role and all after it can never match: the one at " + line_and_column(role.where) + " fits every client");
    return;
  }
}

void Draft::check_credentials() {
  auto& credentials = policy.upstream.credentials;
  if (was_said("upstream.credentials") && !credentials) credentials.emplace();
  if (!credentials || !was_said("upstream.credentials.username")) return;
  if (credentials->user_name.size() > 65'535) {
    complain(where("upstream.credentials.username"), R"("upstream.credentials.username" is longer than MQTT can carry)");
  }
}

void Draft::set_expected_from(const Value& value) {
  const auto address = Address::parse(value.text);
  if (address) {
    policy.expectations.back().client.from = *address;
  } else {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + R"( is not an IP address such as "192.0.2.1")");
  }
}

void Draft::set_expected_refusal(const Value& value) {
  policy.expectations.back().refused = value.text;
  const std::string_view text{value.text};
  const auto slash = text.find('/');
  const auto reason = reason_from_label(text.substr(0, slash));
  if (!reason) {
    std::vector<std::string_view> known;
    for (const auto& refusal : refusals()) known.push_back(label(refusal.reason));
    const auto near = nearest(text.substr(0, slash), known);
    complain(value.where, quoted(value.path) + ": " + quoted(text.substr(0, slash)) + " is no reason for refusal" +
                              (near.empty() ? std::string{} : "; did you mean " + quoted(near) + "?"));
    return;
  }
  if (slash == std::string_view::npos) return;
  std::vector<Refusal> pairs{refusals().begin(), refusals().end()};
  // These two are told apart in logs, and here.
  pairs.push_back({Reason::bad_credentials, Cause::user});
  pairs.push_back({Reason::bad_credentials, Cause::password});
  std::string known;
  for (const auto& refusal : pairs) {
    if (refusal.reason != *reason) continue;
    if (label(refusal.cause) == text.substr(slash + 1)) return;
    if (refusal.cause != Cause::none) known += (known.empty() ? "" : ", ") + std::string{label(refusal.cause)};
  }
  complain(value.where, quoted(value.path) + ": " + quoted(text.substr(slash + 1)) + " is no cause of " +
                            std::string{label(*reason)} + (known.empty() ? "; it has none" : "; it has " + known));
}

void Draft::check_expectations() {
  if (policy.expectations.size() > expectations_max) {
    complain(policy.expectations[expectations_max].where,
             "there are more than " + std::to_string(expectations_max) + " [[expect]]");
  }
  for (const auto& expectation : policy.expectations) {
    if (expectation.topic.has_value() != expectation.allowed.has_value()) {
      complain(expectation.where, R"("allowed" goes with "publish" or "subscribe", which go with it)");
    } else if (expectation.topic && !expectation.refused.empty()) {
      complain(expectation.where, R"("refused" can't be expected of a client that is let in)");
    } else if (!expectation.admitted && expectation.refused.empty() && !expectation.topic) {
      complain(expectation.where, R"(nothing is expected: write admitted = true, or refused = "REASON")");
    } else if (expectation.admitted && !expectation.refused.empty()) {
      complain(expectation.where, R"("admitted" and "refused" can't both be expected)");
    }
    const auto& wanted = expectation.client.listener;
    const auto is_it = [&](const ListenerPolicy& listener) { return listener.name == wanted; };
    if (!wanted.empty() && std::none_of(policy.listeners.begin(), policy.listeners.end(), is_it)) {
      complain(expectation.where, "there is no listener " + quoted(wanted));
    }
  }
}

ParsedPolicy Draft::finish() {
  check_rules();
  check_admission();
  check_tls();
  check_listeners();
  check_mode();
  check_authentication();
  check_mqtt();
  check_roles();
  check_role_topics();
  check_credentials();
  check_expectations();

  const auto& files = policy.admission.rule_files;
  const auto place = [&](const Complaint& complaint) {
    const auto file = std::find(files.begin(), files.end(), complaint.where.file) - files.begin();
    return std::tuple{file, complaint.where.line, complaint.where.column};
  };
  std::stable_sort(complaints_.begin(), complaints_.end(),
                   [&](const Complaint& a, const Complaint& b) { return place(a) < place(b); });
  ParsedPolicy out;
  if (complaints_.size() > complaints_max) {
    left_out_ += complaints_.size() - complaints_max;
    complaints_.resize(complaints_max);
  }
  if (left_out_ > 0) {
    complaints_.push_back({{policy.where.file, 0, 0}, "and " + std::to_string(left_out_) + " more", !failed_});
  }
  out.complaints = std::move(complaints_);
  policy.said = std::move(said_);
  (failed_ ? out.unusable : out.policy) = std::move(policy);
  return out;
}

}  // namespace bastion
