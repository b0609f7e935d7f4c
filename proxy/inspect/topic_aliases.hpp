// The topic aliases of one direction (OASIS 5.0 section 3.3.2.3.4), so that a topic can't hide from a rule behind one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bastion::inspect {

/// Bounded by `bytes_max` in all, whatever maximum the receiver has told.
class TopicAliases {
 public:
  static constexpr std::size_t bytes_max = 64u << 10;

  struct Topic {
    std::string name;
    bool told = false;  ///< the receiver knows it: the packet that set it went through
  };

  /// How many there may be, so that each has room for a name of this length.
  [[nodiscard]] static constexpr std::uint16_t count_within(std::size_t name_bytes_max) {
    constexpr std::size_t most = std::numeric_limits<std::uint16_t>::max();
    return static_cast<std::uint16_t>(std::min(most, bytes_max / (sizeof(Topic) + name_bytes_max)));
  }

  /// Null: this alias was never set.
  [[nodiscard]] const Topic* find(std::uint16_t alias) const;
  /// Sets it, or sets it anew. `alias` is not 0. False: there is no more room, and nothing is changed.
  [[nodiscard]] bool set(std::uint16_t alias, std::string_view name, bool told);

 private:
  std::vector<Topic> topics_;  ///< by alias, from 1
  std::size_t bytes_ = 0;
};

}  // namespace bastion::inspect
