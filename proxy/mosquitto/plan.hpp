// What the gate takes over from Mosquitto, and where Mosquitto listens afterwards.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/address.hpp"
#include "policy/policy.hpp"
#include "proxy/mosquitto/conf.hpp"

namespace bastion::mosquitto {

/// What mosquitto.conf can't know.
struct ImportOptions {
  std::vector<Prefix> allow;     ///< who may connect; empty: this machine only
  bool observe = false;          ///< `mode = "observe"`
  std::string unix_socket;       ///< where the broker shall listen; empty: on a loopback port
  std::string directory;         ///< absolute: relative paths of mosquitto.conf begin here
  std::string policy_directory;  ///< absolute: relative paths that lead below it begin there; empty: all become absolute
};

/// A listener of the gate.
struct GateListener {
  std::string name;
  std::vector<SocketAddress> addresses;
  bool tls = true;
  std::string transport;            ///< `mqtts`, `mqtt`, `wss` or `ws`
  std::size_t of = 0;               ///< of Conf::listeners: where it comes from
  std::vector<std::string> doubts;  ///< why it is written as a comment; empty: it is written to be used
  std::vector<std::string> notes;   ///< what differs; empty: nothing
  [[nodiscard]] bool is_used() const { return doubts.empty(); }
};

struct Plan {
  /// One for each listener that strangers can reach now, and at least one that is used.
  std::vector<GateListener> listeners;
  std::string upstream;  ///< as the policy writes it
  /// Of Conf::listeners: the one that becomes the loopback listener before which the gate stands; nothing: one that is there
  /// already is it, or there is no listener at all, or a new line is needed.
  std::optional<std::size_t> moved;
  std::vector<std::size_t> closed;       ///< of Conf::listeners: those that go
  std::vector<std::size_t> to_loopback;  ///< of Conf::listeners: no MQTT; they stay, on loopback
  bool is_new = false;                   ///< no listener can become the broker's: a line is added
  std::string broker_line;               ///< `listener 1883 127.0.0.1`
  std::string admin_address;             ///< empty: the default one is free
};

[[nodiscard]] Plan make_plan(const Conf& conf, const ImportOptions& options);

/// Of Conf::listeners, each once: where the gate's used listeners come from. What is left out takes no connections, and has
/// no say in what they may do.
[[nodiscard]] std::vector<std::size_t> used_sources(const Plan& plan);
/// Whether a setting of a listener loses its meaning once it only hears the gate.
[[nodiscard]] bool goes_with_the_door(const Statement& statement);
/// `mosquitto.conf:12`
[[nodiscard]] std::string place(const Statement& statement);
/// A path of mosquitto.conf as the policy has to write it: a whole one as it is, others relative to the policy where they
/// lie below it.
[[nodiscard]] std::string policy_path(const std::string& path, const ImportOptions& options);

}  // namespace bastion::mosquitto
