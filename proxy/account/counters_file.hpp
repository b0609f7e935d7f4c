// The counters as they are kept on disk, so that a restart does not forget them.
#pragma once

#include <cstdint>
#include <map>
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

/// Text, one counter to a line by its labels, so that it can be read by a person and by versions with other reasons:
/// `devices refused ip_denied not_allowed 12`. The last line says that nothing is missing, with a checksum of all before it.
[[nodiscard]] std::string counters_text(const Counters& counters);

struct CountersFault {
  std::string what;  ///< one clause for the log
};
/// Reads it back. What this version has no name for is left out; anything else that is odd is a fault, and nothing is taken.
[[nodiscard]] std::variant<Counters, CountersFault> read_counters(std::string_view text);

}  // namespace bastion::account
