// Questions to a mosquitto.conf that was read.
#include "proxy/mosquitto/conf.hpp"

#include <algorithm>
#include <charconv>

namespace bastion::mosquitto {

std::string_view first_word(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find(' '));
}

std::optional<std::int64_t> leading_number(std::string_view text) {
  text = first_word(text);
  if (text.substr(0, 1) == "+") text.remove_prefix(1);
  std::int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
  return number;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "ip6-localhost") return true;
  const auto address = Address::parse(host);
  return address && address->is_loopback();
}

bool Conf::is_local_only() const {
  return std::none_of(listeners.begin(), listeners.end(), [](const ConfListener& listener) { return listener.is_open; });
}

const Statement* Conf::find(std::size_t listener, std::string_view option) const {
  const auto* const known = find_option(option);
  const bool is_shared = known != nullptr && known->scope == Scope::security && !per_listener;
  const auto holder = is_shared ? Statement::no_listener : listener;
  const auto found = std::find_if(statements.rbegin(), statements.rend(), [&](const Statement& statement) {
    return statement.holder == holder && statement.option == known;
  });
  return found == statements.rend() ? nullptr : &*found;
}

const Statement* Conf::find(std::string_view option) const {
  const auto found = std::find_if(statements.rbegin(), statements.rend(),
                                  [&](const Statement& statement) { return statement.option->name == option; });
  return found == statements.rend() ? nullptr : &*found;
}

bool Conf::is_true(std::size_t listener, std::string_view option) const {
  const auto* const statement = find(listener, option);
  if (statement == nullptr) return false;
  const auto word = first_word(statement->value);
  return word == "true" || word == "1";
}

bool Conf::has_certificate(std::size_t listener) const {
  return find(listener, "certfile") != nullptr && find(listener, "keyfile") != nullptr;
}

bool Conf::is_websockets(std::size_t listener) const {
  const auto* const protocol = find(listener, "protocol");
  return protocol != nullptr && first_word(protocol->value) == "websockets";
}

bool Conf::is_http_api(std::size_t listener) const {
  const auto* const protocol = find(listener, "protocol");
  return protocol != nullptr && first_word(protocol->value) == "http_api";
}

bool Conf::is_plain(std::size_t listener) const {
  return !has_certificate(listener) && !is_websockets(listener) && !is_http_api(listener) &&
         find(listener, "psk_hint") == nullptr && find(listener, "enable_proxy_protocol") == nullptr;
}

bool Conf::is_local(std::size_t listener) const {
  const auto& it = listeners[listener];
  // Mosquitto 2.0 opens WebSocket listeners on all addresses, whatever it was told.
  return !it.unix_path.empty() || (is_loopback_host(it.host) && !is_websockets(listener));
}

}  // namespace bastion::mosquitto
