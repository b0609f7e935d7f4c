// The counters as they are kept on disk, so that a restart does not forget them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/account/tally.hpp"

namespace bastion::account {

/// What a gate keeps of itself. Gauges are not kept: of the connections that are open when it is written, nothing is.
struct Counters {
  std::map<std::string, Tally> by_listener;
  std::int64_t saved_s = 0;  ///< Unix time
};

/// At most so many listeners are told apart, those of before among them. A policy has 64 at the most.
inline constexpr std::size_t listeners_kept_max = 256;
/// What those are counted under that no policy has any more, once there are too many: no listener can be called so.
inline constexpr std::string_view former_listeners = "(former)";

/// Where there are more than `listeners_kept_max`, adds up all that are not in the policy as `former_listeners`: names come
/// and go, and sums stay as they are. How many names went.
std::size_t put_former_together(std::map<std::string, Tally>& by_listener, std::span<const std::string> in_policy);

/// Text, one counter to a line by its labels, so that it can be read by a person and by versions with other reasons:
/// `devices refused ip_denied not_allowed 12`. The last line says that nothing is missing, with a checksum of all before it.
[[nodiscard]] std::string counters_text(const Counters& counters);

struct CountersFault {
  std::string what;  ///< one clause for the log
};
/// Reads it back, with former listeners put together as above where the file holds more than are kept. What this version has
/// no name for is left out; anything else that is odd is a fault, and nothing is taken.
[[nodiscard]] std::variant<Counters, CountersFault> read_counters(std::string_view text,
                                                                  std::span<const std::string> in_policy = {});

}  // namespace bastion::account
