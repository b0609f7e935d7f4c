// Entering the sandbox: all layers in their order, and which of them hold.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/sandbox/account.hpp"
#include "proxy/sandbox/landlock.hpp"

namespace bastion::sandbox {

/// What the process shuts itself in with, from the outside in.
enum class Layer : std::uint8_t { user, capabilities, no_new_privs, no_core, locked_memory, landlock, seccomp, count_ };
inline constexpr std::size_t layers_count = static_cast<std::size_t>(Layer::count_);
/// As logs and metrics have it.
[[nodiscard]] std::string_view label(Layer layer);

struct Plan {
  std::optional<Account> account;  ///< whom to become; nothing: it stays who it is
  bool confine = true;             ///< the last two layers
  Reach reach;
};

/// What came of it. A layer that does not hold has its reason; one that was not wanted has neither.
struct Sandbox {
  struct State {
    bool holds = false;
    std::string why_not;
  };
  std::array<State, layers_count> layers;
  int landlock_version = 0;  ///< 0: that layer does not hold

  [[nodiscard]] State& operator[](Layer layer) { return layers[static_cast<std::size_t>(layer)]; }
  [[nodiscard]] const State& operator[](Layer layer) const { return layers[static_cast<std::size_t>(layer)]; }
  /// `no_new_privs, landlock (version 7), seccomp`.
  [[nodiscard]] std::string text() const;
};

/// Shuts this process in, for good. It must have one thread yet: most layers hold for the calling thread and for those that
/// it starts from then on.
[[nodiscard]] Sandbox enter(const Plan& plan);

}  // namespace bastion::sandbox
