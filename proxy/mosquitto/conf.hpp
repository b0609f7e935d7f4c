// What a mosquitto.conf says, in the order in which Mosquitto reads it, and what that means for its listeners.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/mosquitto/options.hpp"

namespace bastion::mosquitto {

/// One line that says something.
struct Statement {
  static constexpr std::size_t no_listener = static_cast<std::size_t>(-1);

  const Option* option = nullptr;  ///< never null in a Conf
  std::string word;                ///< as written: `plugin_opt_x` where the option is `plugin_opt_`
  std::string value;               ///< the rest of the line, without blanks around it
  Location where;
  std::string line;                  ///< whole, without its newline
  bool ends_the_file = false;        ///< no newline follows
  std::size_t holder = no_listener;  ///< of Conf::listeners: whom it speaks of; nobody: the whole broker, or a bridge
  std::size_t below = 0;             ///< of Conf::listeners: under whose line it stands in its file
};

/// A listener as the file has it. The first of a Conf is the default listener, which no line begins.
struct ConfListener {
  std::uint16_t port = 0;
  std::string host;           ///< an address, a name, or empty: all addresses
  std::string unix_path;      ///< where it is a Unix socket; port and host then mean nothing
  bool is_open = true;        ///< false: nothing asks for it (the default listener only)
  std::size_t statement = 0;  ///< of Conf::statements: the line that begins it; the default listener's first one
};

struct Conf {
  std::string file;
  std::uint32_t lines = 0;  ///< of the main file
  std::string last_line;    ///< of the main file, where no newline ends it
  std::vector<Statement> statements;
  std::vector<ConfListener> listeners;
  std::vector<Statement> unknown;  ///< words that are no option; without `option`
  bool per_listener = false;       ///< security options are each listener's own

  /// No listener at all: Mosquitto 2 then takes connections from its own machine only, and anonymous ones.
  [[nodiscard]] bool is_local_only() const;

  /// The last statement of an option that belongs to this listener (security options: to the whole broker, unless
  /// `per_listener`); null where there is none.
  [[nodiscard]] const Statement* find(std::size_t listener, std::string_view option) const;
  /// The last statement of an option wherever it stands.
  [[nodiscard]] const Statement* find(std::string_view option) const;
  [[nodiscard]] bool is_true(std::size_t listener, std::string_view option) const;

  [[nodiscard]] bool has_certificate(std::size_t listener) const;
  [[nodiscard]] bool is_websockets(std::size_t listener) const;
  [[nodiscard]] bool is_http_api(std::size_t listener) const;
  /// Neither TLS, nor WebSocket, nor anything else but MQTT.
  [[nodiscard]] bool is_plain(std::size_t listener) const;
  /// Whether only this machine can reach it: a Unix socket, or a loopback address.
  [[nodiscard]] bool is_local(std::size_t listener) const;
};

/// The number that a value begins with, as atoi(3) finds it; nothing where Mosquitto would take it for 0 by mistake.
[[nodiscard]] std::optional<std::int64_t> leading_number(std::string_view text);
/// The first word of a value.
[[nodiscard]] std::string_view first_word(std::string_view text);
[[nodiscard]] bool is_loopback_host(std::string_view host);

}  // namespace bastion::mosquitto
