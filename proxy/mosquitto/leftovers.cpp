// The end of an imported policy: what stays with the broker, what is not needed, and what nothing does.
#include "proxy/mosquitto/leftovers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/quantity.hpp"
#include "proxy/mosquitto/bridges.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::size_t shown_max = 64;

struct Leftover {
  const Option* option;
  const Statement* first;
  std::size_t count;
};

/// A listener that stays as it is keeps all that is said of it.
bool holds_as_before(const Conf& conf, const Plan& plan, const Statement& statement) {
  if (statement.option->scope != Scope::listener || statement.holder == Statement::no_listener) return false;
  const auto is_of = [&](std::size_t i) { return i == statement.holder; };
  return !conf.listeners[statement.holder].is_open ||
         (plan.moved != statement.holder && std::none_of(plan.closed.begin(), plan.closed.end(), is_of));
}

/// What a listener says that the broker has no more.
bool goes_with_its_listener(const Plan& plan, const Statement& statement) {
  return std::find(plan.closed.begin(), plan.closed.end(), statement.holder) != plan.closed.end();
}

/// The value that asks for nothing.
bool is_harmless(const Statement& statement) {
  const auto word = first_word(statement.value);
  const auto name = statement.option->name;
  if (name == "protocol") return word == "mqtt";
  if (name == "tls_keyform") return word == "pem";
  return word == "false" || (word == "0" && name != "enable_proxy_protocol");
}

/// What is a doubt or a note of its listener already.
bool is_said_with_its_listener(std::string_view option) {
  constexpr std::array<std::string_view, 7> options{
      "bind_interface",           "enable_proxy_protocol",  "protocol", "psk_hint", "require_certificate",
      "use_identity_as_username", "use_subject_as_username"};
  return std::find(options.begin(), options.end(), option) != options.end();
}

std::vector<Leftover> leftovers(const Conf& conf, const Plan& plan, Fate fate, bool is_going = false) {
  std::vector<Leftover> out;
  for (const auto& statement : conf.statements) {
    const auto& option = *statement.option;
    const bool kept = holds_as_before(conf, plan, statement);
    const auto its_fate = kept ? Fate::stays : option.fate;
    if (its_fate != fate || option.scope == Scope::bridge) continue;
    if (kept && option.name == "listener") continue;
    if (fate == Fate::stays && goes_with_its_listener(plan, statement) != is_going) continue;
    if (fate == Fate::missing && (is_harmless(statement) || is_said_with_its_listener(option.name))) continue;
    const auto found = std::find_if(out.begin(), out.end(), [&](const Leftover& other) { return other.option == &option; });
    if (found == out.end()) {
      out.push_back({&option, &statement, 1});
    } else {
      ++found->count;
    }
  }
  return out;
}

std::string name_and_place(const Leftover& leftover) {
  auto out = one_line(leftover.first->word, shown_max) + " (" + place(*leftover.first);
  if (leftover.count > 1) out += " and " + std::to_string(leftover.count - 1) + " more";
  return out + ')';
}

}  // namespace

void write_leftovers(TomlText& out, const Conf& conf, const Plan& plan) {
  const auto missing = leftovers(conf, plan, Fate::missing);
  const auto unneeded = leftovers(conf, plan, Fate::unneeded);
  const auto stays = leftovers(conf, plan, Fate::stays);
  out.blank();
  out.comment("What else mosquitto.conf says.");
  for (const auto& leftover : missing) {
    out.decide(name_and_place(leftover) + " has no equivalent: " + std::string{leftover.option->text});
  }
  for (const auto& statement : conf.unknown) {
    out.decide(one_line(statement.word, shown_max) + " (" + place(statement) +
               ") is not known here; look up what it does, and whether it has to be done at the gate now.");
  }
  for (const auto& leftover : unneeded) {
    out.comment(name_and_place(leftover) + " is not needed: " + std::string{leftover.option->text});
  }
  std::string gone;
  for (const auto& leftover : leftovers(conf, plan, Fate::stays, true)) {
    gone += (gone.empty() ? "" : ", ") + name_and_place(leftover);
  }
  if (!gone.empty()) out.comment("Gone with the listeners that the broker has no more: " + gone + '.');
  std::string quiet;
  for (const auto& leftover : stays) {
    // What the table says of an option whose fate is another does not hold for a listener that stays.
    if (leftover.option->text.empty() || leftover.option->fate != Fate::stays) {
      quiet += (quiet.empty() ? "" : ", ") + name_and_place(leftover);
    } else {
      out.comment(name_and_place(leftover) + " stays with the broker: " + std::string{leftover.option->text});
    }
  }
  write_bridges(out, conf);
  if (!quiet.empty()) out.comment("Unchanged with the broker: " + quiet + '.');
}

}  // namespace bastion::mosquitto
