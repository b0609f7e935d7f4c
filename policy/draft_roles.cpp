// A policy while it is being read: roles, and which users they are for.
#include <algorithm>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t pattern_bytes_max = 256;

bool covers_every_client(const Role& role, bool user_names_required) {
  const auto is_star = [](const Pattern& pattern) { return pattern.text() == "*"; };
  const bool any_user =
      role.users.empty() || (user_names_required && std::any_of(role.users.begin(), role.users.end(), is_star));
  return any_user && role.networks.empty() && (!role.client_id || is_star(*role.client_id));
}

}  // namespace

bool Draft::is_good_pattern(const Located<std::string>& text, bool user_name_known) {
  if (text.value.empty() || text.value.size() > pattern_bytes_max) {
    complain(text.where, "a pattern has 1 .. " + std::to_string(pattern_bytes_max) + " bytes");
    return false;
  }
  for (std::size_t i = text.value.find('%'); i != std::string::npos; i = text.value.find('%', i + 2)) {
    const char next = i + 1 < text.value.size() ? text.value[i + 1] : '\0';
    if (next == 'u' && !user_name_known) {
      complain(text.where, quoted(text.value) + ": %u is the user's own name and can't choose users; write * for any run");
      return false;
    }
    if (next != 'u' && next != '%') {
      complain(text.where, quoted(text.value) + ": only %u (the user name) and %% (a percent sign) have a meaning");
      return false;
    }
  }
  return true;
}

void Draft::set_pattern(const Value& value, std::optional<Pattern>& out) {
  if (is_good_pattern({value.text, value.where}, true)) out.emplace(value.text);
}

void Draft::set_role_name(const Value& value) {
  if (!is_name(value.text)) {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + " is not a name: [a-z0-9_-]{1,32}");
    return;
  }
  for (const auto& other : policy.roles) {
    if (other.name == value.text) {
      complain(value.where, "the role of " + line_and_column(other.where) + " is named " + quoted(value.text) + " already");
      return;
    }
  }
  policy.roles.back().name = value.text;
}

/// The role that is being read, where something was wrong with whom it fits.
void Draft::note_misread_role(std::size_t complaints_before) {
  if (complaints_.size() != complaints_before) misread_roles_.push_back(policy.roles.size() - 1);
}

void Draft::add_role_users(const Value& value) {
  const auto before = complaints_.size();
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out to mean any user");
  for (const auto& item : value.list) {
    if (is_good_pattern(item, false)) policy.roles.back().users.emplace_back(item.value);
  }
  note_misread_role(before);
}

void Draft::set_role_client_id(const Value& value) {
  const auto before = complaints_.size();
  set_pattern(value, policy.roles.back().client_id);
  note_misread_role(before);
}

void Draft::add_role_networks(const Value& value) {
  const auto before = complaints_.size();
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out to mean any network");
  add_prefixes(value, policy.roles.back().networks);
  note_misread_role(before);
}

void Draft::check_roles() {
  for (std::size_t i = 0; i + 1 < policy.roles.size(); ++i) {
    const auto& role = policy.roles[i];
    // What follows from a role that could not be read would only mislead.
    if (!covers_every_client(role, policy.authentication.required) ||
        std::find(misread_roles_.begin(), misread_roles_.end(), i) != misread_roles_.end()) {
      continue;
    }
    complain(policy.roles[i + 1].where,
             "this role and all after it can never match: the one at " + line_and_column(role.where) + " fits every client");
    return;
  }
}

}  // namespace bastion
