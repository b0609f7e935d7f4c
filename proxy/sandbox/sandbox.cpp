// The layers, one after the other: each takes away what the next ones do not need any more.
#include "proxy/sandbox/sandbox.hpp"

#include <utility>

#include "proxy/sandbox/filter.hpp"
#include "proxy/sandbox/privileges.hpp"
#include "proxy/sandbox/secrecy.hpp"

namespace bastion::sandbox {

std::string_view label(Layer layer) {
  static constexpr std::array<std::string_view, layers_count> labels{
      "user", "capabilities", "no_new_privs", "no_core", "locked_memory", "landlock", "seccomp"};
  return labels[static_cast<std::size_t>(layer)];
}

std::string Sandbox::text() const {
  std::string text;
  for (std::size_t i = 0; i < layers_count; ++i) {
    if (!layers[i].holds) continue;
    const auto layer = static_cast<Layer>(i);
    text += (text.empty() ? "" : ", ") + std::string{label(layer)};
    if (layer == Layer::landlock) text += " (version " + std::to_string(landlock_version) + ')';
  }
  return text;
}

Sandbox enter(const Plan& plan) {
  Sandbox entered;
  const auto note = [&](Layer layer, std::string error) { entered[layer] = {error.empty(), std::move(error)}; };

  // What only root can.
  raise_limit_of_locked_memory();
  empty_the_bounding_set();
  if (plan.account) {
    note(Layer::user, become(*plan.account));
    // Neither one nor the other: nothing else may be built on that.
    if (!entered[Layer::user].holds) return entered;
  }
  note(Layer::capabilities, drop_capabilities());
  note(Layer::no_new_privs, allow_no_new_privileges());
  note(Layer::no_core, forbid_core_dumps());
  note(Layer::locked_memory, lock_memory());
  if (!plan.confine || !entered[Layer::no_new_privs].holds) return entered;

  const auto confined = confine_to(plan.reach);
  if (const auto* version = std::get_if<int>(&confined)) {
    entered.landlock_version = *version;
    note(Layer::landlock, {});
  } else {
    note(Layer::landlock, std::get<std::string>(confined));
  }
  note(Layer::seccomp, filter_system_calls());
  return entered;
}

}  // namespace bastion::sandbox
