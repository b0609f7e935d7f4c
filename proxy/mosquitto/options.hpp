// The options of mosquitto.conf(5), of Mosquitto 1.4 to 2.1: each by its name, where it holds, and what becomes of it behind
// the gate.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bastion::mosquitto {

/// What an option is said of.
enum class Scope : std::uint8_t {
  broker,    ///< all of it
  listener,  ///< the listener above it, or the default one
  security,  ///< as `listener` where `per_listener_settings` is true, otherwise as `broker`
  bridge,    ///< a connection that the broker itself makes
};

/// What becomes of an option where the gate stands before the broker.
enum class Fate : std::uint8_t {
  taken,     ///< the policy says it now; `text` is the key
  stays,     ///< with the broker, and holds as before
  unneeded,  ///< the gate does it, or does without; `text` says how
  missing,   ///< nothing in this version does it; `text` says what changes and what to do
};

struct Option {
  std::string_view name;
  Scope scope = Scope::broker;
  Fate fate = Fate::stays;
  std::string_view text{};
};

/// All of them, by name.
[[nodiscard]] std::span<const Option> options();
/// Knows `auth_opt_` and `plugin_opt_` with whatever follows; null for a word that is no option.
[[nodiscard]] const Option* find_option(std::string_view word);
/// The option that was probably meant, or empty.
[[nodiscard]] std::string_view nearest_option(std::string_view word);

}  // namespace bastion::mosquitto
