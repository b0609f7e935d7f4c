// A policy while it is being read: setters that need more than an assignment, and the checks of everything together.
#include "policy/draft.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/quantity.hpp"

namespace bastion {
namespace {

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

}  // namespace

std::string not_an_address(const Value& value, std::string_view text, std::string_view else_allowed) {
  return quoted(value.path) + ": " + quoted(text) + " is not " + std::string{address_form} + std::string{else_allowed} +
         hint_for_address(text);
}

std::string clause(const PrefixError& error) {
  return error.instead.empty() ? error.what : error.what + "; write " + quoted(error.instead);
}

std::string line_and_column(const Location& where) {
  return where.file + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
}

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

void Draft::set_versions(const Value& value) {
  const auto holds = [&](std::string_view version) {
    return std::any_of(value.list.begin(), value.list.end(), [&](const auto& item) { return item.value == version; });
  };
  policy.mqtt.allow_v3_1 = holds("3.1");
  policy.mqtt.allow_v3_1_1 = holds("3.1.1");
  policy.mqtt.allow_v5_0 = holds("5.0");
  policy.mqtt.allow_bridge = holds("bridge");
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
    complain(where("mqtt.versions"), std::string{R"("mqtt.versions" allows no version: nobody could enter)"} +
                                         (mqtt.allow_bridge ? R"(; bridges speak "3.1.1", or what theirs are set to)" : ""));
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

ParsedPolicy Draft::finish() {
  check_rules();
  check_admission();
  check_tls();
  check_listeners();
  check_mode();
  check_authentication();
  check_mqtt();
  check_shields();
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
