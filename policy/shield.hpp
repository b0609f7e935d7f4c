// The shields: triggers of published flaws in brokers and clients which the gate keeps back, and what does so.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bastion {

struct MqttPolicy;

/// What keeps a trigger back. Several shields may stand on one.
enum class Guard : std::uint8_t {
  // What the standards forbid.
  framing,
  order,
  text,
  exchange,
  answers,
  // Limits of the policy.
  connect_size,
  packet_size,
  properties_size,
  user_properties,
  topic_levels,
  keep_alive,
  client_id_characters,
  key_updates,
  // Rules beyond both.
  credentials,
  dollar_publish,
  dollar_subscribe,
  dollar_will,
  name_wildcards,
  name_expressions,
  object_names,
  will_delay,
  mixed_shares,
  count_  // not a guard
};
inline constexpr std::size_t guard_count = static_cast<std::size_t>(Guard::count_);

struct GuardInfo {
  enum class Kind : std::uint8_t { standard, limit, rule };
  Guard guard{};
  Kind kind = Kind::standard;
  std::string_view text;                ///< what it does, as a clause
  std::string_view key{};               ///< of a limit
  std::string_view stays{};             ///< why it can't be switched off, as a clause; empty: it can
  void (*lift)(MqttPolicy&) = nullptr;  ///< of a limit that can: sets it to what the protocol itself allows
};

struct Shield {
  std::string_view name;     ///< CVE or GHSA number; where a flaw has none, the broker and what it is about
  std::string_view affects;  ///< whom, and which versions
  std::string_view trigger;  ///< what is kept back, as a clause
  Guard guard{};
};

/// Ordered as the documentation shows them: by product.
[[nodiscard]] std::span<const Shield> shields();
/// Null: there is none of this name.
[[nodiscard]] const Shield* find_shield(std::string_view name);
[[nodiscard]] const GuardInfo& info(Guard guard);
/// `standard`, `limit`, `rule`.
[[nodiscard]] std::string_view label(GuardInfo::Kind kind);

/// Which guards are up: all, but for those that the policy takes down.
class Guards {
 public:
  [[nodiscard]] bool has(Guard guard) const { return !down_.test(static_cast<std::size_t>(guard)); }
  void take_down(Guard guard) { down_.set(static_cast<std::size_t>(guard)); }

 private:
  std::bitset<guard_count> down_;
};

/// Whether a broker in JavaScript that keeps names as members of an object would find something there already
/// (`__proto__`, `constructor`).
[[nodiscard]] bool is_object_member(std::string_view name);
/// Whether a name that is put into a regular expression would be more than itself. Full stops are let through: names are
/// full of them, and theirs is one character only.
[[nodiscard]] bool holds_expression(std::string_view name);

/// Every shield as Markdown, as `docs/shields.md` holds it.
[[nodiscard]] std::string shield_reference();

}  // namespace bastion
