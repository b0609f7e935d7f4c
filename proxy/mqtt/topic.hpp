// What MQTT calls a topic name, and what a topic filter (OASIS 3.1.1 and 5.0, section 4.7).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::mqtt {

/// A topic name is not empty [MQTT-4.7.3-1] and holds no wildcard [MQTT-4.7.1-1], in 5.0 [MQTT-4.7.0-1]. UTF-8 is not
/// checked.
[[nodiscard]] bool is_topic_name(std::string_view text);

/// Whether the text is not empty and holds nothing but plain ASCII without wildcards: is_topic_name() and is_valid_utf8() in
/// one walk, for the names that nearly all topics have. False says nothing.
[[nodiscard]] bool is_plain_topic_name(std::string_view text);

/// A topic filter is not empty [MQTT-4.7.3-1]; `#` is a level of its own and the last [MQTT-4.7.1-2], in 5.0
/// [MQTT-4.7.1-1]; `+` is a level of its own [MQTT-4.7.1-3], in 5.0 [MQTT-4.7.1-2]. In MQTT 5 one that begins with `$share/`
/// must be a shared subscription, see shared_subscription(); before, those are topic levels like others. UTF-8 is not
/// checked.
[[nodiscard]] bool is_topic_filter(Version version, std::string_view text);

/// The two parts of a shared subscription `$share/name/filter` (OASIS 5.0 section 4.8.2).
struct SharedSubscription {
  std::string_view name;
  std::string_view filter;
};

/// Whether the text claims to be one: it begins with `$share/`.
[[nodiscard]] bool is_shared(std::string_view filter);

/// The parts, or nothing if there is no name, a `+` or `#` in it, no `/` behind it, or no topic filter behind that:
/// [MQTT-4.8.2-1], [MQTT-4.8.2-2].
[[nodiscard]] std::optional<SharedSubscription> shared_subscription(std::string_view filter);

/// How many levels a topic name or filter has: one more than it has slashes.
[[nodiscard]] std::size_t levels_of(std::string_view topic);

/// Whether there is a `+` or a `#` in it.
[[nodiscard]] bool has_wildcard(std::string_view topic);

}  // namespace bastion::mqtt
