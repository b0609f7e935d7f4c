// A policy while it is being read: the shields that it switches off.
#include <algorithm>
#include <utility>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

/// `"a"`, `"a" and "b"`, `"a", "b" and "c"`.
std::string listed(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += quoted(names[i]);
  }
  return out;
}

}  // namespace

void Draft::set_shields_off(const Value& value) {
  for (const auto& item : value.list) {
    const auto* const shield = find_shield(item.value);
    if (shield == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& each : shields()) known.push_back(each.name);
      const auto near = nearest(item.value, known);
      complain(item.where, quoted(value.path) + ": there is no shield " + quoted(item.value) +
                               (near.empty() ? "; docs/shields.md lists them" : "; did you mean " + quoted(near) + '?'));
    } else if (const auto stays = info(shield->guard).stays; !stays.empty()) {
      complain(item.where,
               quoted(value.path) + ": " + quoted(shield->name) + " can't be switched off: " + std::string{stays});
    } else {
      shields_off_.push_back({shield, item.where});
    }
  }
}

/// Those that stand on one guard go down together, or not at all: nobody loses a shield without having named it.
void Draft::check_shields() {
  const auto is_off = [this](const Shield& shield) {
    return std::any_of(shields_off_.begin(), shields_off_.end(), [&](const auto& off) { return off.value == &shield; });
  };
  std::vector<Guard> seen;
  for (const auto& off : shields_off_) {
    const auto guard = off.value->guard;
    if (std::find(seen.begin(), seen.end(), guard) != seen.end()) continue;
    seen.push_back(guard);
    std::vector<std::string_view> up;
    for (const auto& shield : shields()) {
      if (shield.guard == guard && !is_off(shield)) up.push_back(shield.name);
    }
    if (!up.empty()) {
      complain(off.where,
               "what stops " + quoted(off.value->name) + " stops " + listed(up) + " too: name all of them, or none");
      continue;
    }
    const auto& about = info(guard);
    if (!about.key.empty() && was_said(about.key)) {
      complain(where(about.key), quoted(about.key) + " is a limit, and " + quoted(off.value->name) +
                                     R"(, which stands on it, is in "mqtt.shields_off": leave one of them out)");
      continue;
    }
    policy.mqtt.guards.take_down(guard);
    if (about.lift != nullptr) about.lift(policy.mqtt);
  }
}

}  // namespace bastion
