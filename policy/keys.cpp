// What is read from the texts of the table of keys, and the reference that shows it.
#include "policy/keys.hpp"

#include <algorithm>

#include "policy/quantity.hpp"

namespace bastion {
namespace {

using Key = PolicyKey;

constexpr std::string_view unset = "unset";

/// The names that may stand directly in a section: keys, and sections within it.
std::vector<std::string_view> names_in(std::string_view section) {
  std::vector<std::string_view> out;
  for (const auto& key : policy_keys()) {
    if (!section.empty() && (key.path.compare(0, section.size(), section) != 0 || key.path[section.size()] != '.')) continue;
    auto rest = key.path.substr(section.empty() ? 0 : section.size() + 1);
    rest = rest.substr(0, rest.find_first_of(".["));
    if (std::find(out.begin(), out.end(), rest) == out.end()) out.push_back(rest);
  }
  return out;
}

std::vector<std::string_view> sections_in(std::string_view section) {
  auto out = names_in(section);
  const auto is_key = [&](std::string_view leaf) { return find_policy_key(path_in(section, leaf)) != nullptr; };
  out.erase(std::remove_if(out.begin(), out.end(), is_key), out.end());
  return out;
}

/// `listener` of `listener[]`; others as they are.
std::string_view without_list_mark(std::string_view section) {
  constexpr std::string_view mark = "[]";
  const bool has_mark = section.size() > mark.size() && section.substr(section.size() - mark.size()) == mark;
  return has_mark ? section.substr(0, section.size() - mark.size()) : section;
}

void append_section(std::string& out, std::string_view section) {
  out += "\n## " + (section.empty() ? std::string{"Top level"} : '`' + header_of(section) + '`') + "\n\n";
  out += "| key | type | range | default | |\n|---|---|---|---|---|\n";
  for (const auto& key : policy_keys()) {
    if (section_of(key.path) != section || find_not_enforced_key(key.path) != nullptr) continue;
    const bool is_word = key.is_required() || key.default_value == unset;
    const auto shown = is_word ? std::string{key.default_value} : '`' + std::string{key.default_value} + '`';
    out += "| `" + std::string{leaf_of(key.path)} + "` | " + std::string{key.kind.text} + " | " + std::string{key.range} +
           " | " + shown + " | " + std::string{key.text} + " |\n";
  }
}

constexpr std::string_view reference_head = R"(# The policy file: every key

Written by the program from the table that its parser reads by (`tests/unit/policy` holds the two together).

The file is TOML. Unknown keys, wrong types and values out of range are errors, and all are reported at once. Paths are
relative to the policy file.

- A **duration** is a whole number and a unit: `"500ms"`, `"10s"`, `"5m"`, `"1h"`.
- A **size** is a whole number and a unit: `"100B"`, `"16KiB"`, `"2MiB"`, `"1GiB"`.
- An **address** is an IP address and a port: `"192.0.2.1:8883"`, `"[2001:db8::1]:8883"`. Names are not resolved.
- A **prefix** is `"192.0.2.0/24"`, `"2001:db8::/32"` or a whole address. IPv4 and IPv6 are apart: `"::/0"` holds no IPv4
  address, and an IPv4-mapped IPv6 address is its IPv4 address.
- A **pattern** is a name in which `*` stands for any run of bytes, `?` for one byte, `%u` for the client's user name and `%%`
  for a percent sign.
- A **topic filter** is MQTT's, with `+` and `#`; `%u` and `%c` in it stand for the client's user name and client identifier,
  `%%` for a percent sign.
- A **word** is one of the strings listed.

A key whose default is *required* must be there, if its section is; *unset* means that leaving it out is a choice of its own.
)";

constexpr std::string_view reference_tail = R"(
## Not enforced by this version

These belong to the format, and this version refuses them rather than accept a rule that it would not enforce:

)";

}  // namespace

const PolicyKey* find_policy_key(std::string_view key_path) {
  const auto keys = policy_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == key_path; });
  return found != keys.end() ? &*found : nullptr;
}

const NotEnforcedKey* find_not_enforced_key(std::string_view key_path) {
  const auto keys = not_enforced_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const NotEnforcedKey& key) { return key.path == key_path; });
  return found != keys.end() ? &*found : nullptr;
}

bool is_not_enforced_word(std::string_view key_path, std::string_view asked) {
  const auto words = not_enforced_words();
  return std::any_of(words.begin(), words.end(),
                     [&](const NotEnforcedWord& entry) { return entry.path == key_path && entry.word == asked; });
}

std::string_view section_of(std::string_view key_path) {
  const auto dot = key_path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key_path.substr(0, dot);
}

std::string_view leaf_of(std::string_view key_path) {
  return key_path.substr(key_path.rfind('.') + 1);
}

bool is_section(std::string_view section) {
  const auto keys = policy_keys();
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    return key.path.size() > section.size() && key.path[section.size()] == '.' &&
           key.path.compare(0, section.size(), section) == 0;
  });
}

std::string path_in(std::string_view section, std::string_view leaf) {
  return section.empty() ? std::string{leaf} : std::string{section} + '.' + std::string{leaf};
}

bool is_name_of_key(std::string_view leaf) {
  const auto keys = policy_keys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key& key) { return leaf_of(key.path) == leaf || leaf_of(section_of(key.path)) == leaf; });
}

std::string header_of(std::string_view section) {
  if (const auto bare = without_list_mark(section); bare != section) return "[[" + std::string{bare} + "]]";
  return '[' + std::string{section} + ']';
}

std::string place_name(std::string_view section) {
  return section.empty() ? "at the top level" : "in " + header_of(section);
}

UnknownName unknown_key(std::string_view section, std::string_view leaf) {
  const auto complaint = "unknown key " + quoted(leaf) + ' ' + place_name(section);
  if (const auto near = nearest(leaf, names_in(section)); !near.empty()) {
    return {complaint + "; did you mean " + quoted(near) + '?', near};
  }
  for (const auto& key : policy_keys()) {
    if (leaf_of(key.path) == leaf) return {complaint + "; did you mean it " + place_name(section_of(key.path)) + '?', {}};
  }
  return {complaint, {}};
}

UnknownName unknown_section(std::string_view section, std::string_view leaf) {
  const auto complaint = "unknown section " + quoted(path_in(section, leaf));
  const auto asked = [&](std::string_view other) { return complaint + "; did you mean " + header_of(other) + '?'; };
  if (const auto near = nearest(leaf, sections_in(section)); !near.empty()) {
    const auto other = path_in(section, near);
    return {asked(is_section(other) ? other : other + "[]"), near};
  }
  for (const auto& key : policy_keys()) {
    const auto other = section_of(key.path);
    if (leaf_of(without_list_mark(other)) == leaf) return {asked(other), {}};
  }
  return {complaint, {}};
}

std::optional<std::int64_t> parse_number(PolicyKey::Type type, std::string_view text) {
  switch (type) {
    case PolicyKey::Type::duration:
      return parse_duration(text);
    case PolicyKey::Type::size:
      return parse_size(text);
    default:
      return parse_whole_number(text);
  }
}

NumberRange range_of(const PolicyKey& key) {
  constexpr std::string_view between = " .. ";
  const auto middle = key.range.find(between);
  const auto min = parse_number(key.kind.type, key.range.substr(0, middle));
  const auto max = parse_number(key.kind.type, key.range.substr(middle + between.size()));
  // A bad range in the table must not open it.
  return min && max ? NumberRange{*min, *max} : NumberRange{1, 0};
}

std::vector<std::string_view> words_of(std::string_view range) {
  std::vector<std::string_view> out;
  while (true) {
    const auto begin = range.find('"');
    if (begin == std::string_view::npos) return out;
    const auto end = range.find('"', begin + 1);
    out.push_back(range.substr(begin + 1, end - begin - 1));
    range.remove_prefix(end + 1);
  }
}

std::string policy_reference() {
  std::string out{reference_head};
  std::vector<std::string_view> sections;
  for (const auto& key : policy_keys()) {
    const auto section = section_of(key.path);
    if (find_not_enforced_key(key.path) != nullptr) continue;
    if (std::find(sections.begin(), sections.end(), section) != sections.end()) continue;
    sections.push_back(section);
    append_section(out, section);
  }
  out += reference_tail;
  for (const auto& key : not_enforced_keys()) {
    out += "- `" + std::string{key.path} + "`";
    if (!key.harmless.empty()) out += " (but for `\"" + std::string{key.harmless} + "\"`)";
    out += '\n';
  }
  for (const auto& entry : not_enforced_words()) {
    out += "- `" + std::string{entry.path} + " = \"" + std::string{entry.word} + "\"`\n";
  }
  return out;
}

}  // namespace bastion
