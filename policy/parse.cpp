// The reader: walks the TOML tree by the table of keys.
#include "policy/parse.hpp"

// toml++ asserts, and with NDEBUG assumes, that "[$" can't be. It can, and the code behind the assertion answers it well: so
// that code must be neither stopped nor optimized away.
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <variant>

#include "policy/draft.hpp"
#include "policy/keys.hpp"
#include "policy/prescan.hpp"
#include "policy/quantity.hpp"
#include "policy/unquoted.hpp"

namespace bastion {
namespace {

constexpr std::size_t policy_bytes_max = std::size_t{4} << 20;

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

/// Walks the TOML tree by the table of keys.
class Reader {
 public:
  explicit Reader(Draft& draft) : draft_{draft} {}

  void read(const toml::table& root) {
    read_table(root, {}, draft_.at(1, 1));
    for (const auto& key : policy_keys()) {
      const auto section = section_of(key.path);
      const bool is_plain = !section.empty() && section.find_first_of(".[") == std::string_view::npos;
      if (is_plain && key.is_required() && !draft_.was_said(section)) {
        draft_.complain(draft_.at(1, 1), "missing [" + std::string{section} + "] with its key " + quoted(leaf_of(key.path)));
      }
    }
  }

 private:
  [[nodiscard]] Location at(const toml::source_region& source) const {
    // Tables that only their children name have no place of their own.
    return source.begin ? draft_.at(source.begin.line, source.begin.column) : draft_.at(1, 1);
  }

  void read_table(const toml::table& table, std::string_view section, const Location& where) {
    std::vector<std::string_view> meant;
    for (auto&& [key, node] : table) {
      if (read_entry(section, key.str(), node, at(key.source()))) continue;
      const bool is_section = node.is_table() || node.is_array_of_tables();
      const auto [complaint, near] = is_section ? unknown_section(section, key.str()) : unknown_key(section, key.str());
      draft_.complain(at(key.source()), complaint);
      const bool is_taken = table.contains(near) || std::find(meant.begin(), meant.end(), near) != meant.end();
      // Read as what was meant, it says what else is wrong with it, and is not missed as well.
      if (!near.empty() && !is_taken && read_entry(section, near, node, at(key.source()))) meant.push_back(near);
    }
    for (const auto& key : policy_keys()) {
      if (section_of(key.path) != section || !key.is_required()) continue;
      const auto leaf = leaf_of(key.path);
      if (table.contains(leaf) || std::find(meant.begin(), meant.end(), leaf) != meant.end()) continue;
      draft_.complain(where, "missing key " + quoted(leaf) + ' ' + place_name(section) +
                                 (key.path == "schema" ? "; write schema = 1" : ""));
    }
  }

  /// False where the table of keys does not have it.
  bool read_entry(std::string_view section, std::string_view leaf, const toml::node& node, const Location& where) {
    // A quoted key may hold dots and brackets, which mean something in paths.
    if (leaf.find_first_of(".[]") != std::string_view::npos) return false;
    const auto key_path = path_in(section, leaf);
    const auto* const later = find_not_enforced_key(key_path);
    if (const auto* key = find_policy_key(key_path)) {
      if (later != nullptr) refuse_not_enforced(*later, node, where);
      draft_.say(key->path, where);
      read_value(*key, node);
    } else if (is_section(key_path)) {
      read_section(key_path, node, where);
    } else if (is_section(key_path + "[]")) {
      read_sections(key_path, node, where);
    } else if (later != nullptr) {
      refuse_not_enforced(*later, node, where);
    } else {
      return false;
    }
    return true;
  }

  void refuse_not_enforced(const NotEnforcedKey& key, const toml::node& node, const Location& where) {
    const auto text = node.value<std::string_view>();
    if (!key.harmless.empty() && text == key.harmless) return;
    draft_.complain(where, quoted(key.path) + " is not enforced by this version; " +
                               (key.harmless.empty() ? "remove it" : "write " + quoted(key.harmless) + " or remove it"));
  }

  void read_section(const std::string& section, const toml::node& node, const Location& where) {
    draft_.say(section, where);
    if (const auto* table = node.as_table()) {
      read_table(*table, section, where);
    } else {
      draft_.complain(where, quoted(section) + " must be a table, not " + std::string{type_name(node)});
    }
  }

  void read_sections(const std::string& section, const toml::node& node, const Location& where) {
    draft_.say(section, where);
    const auto* array = node.as_array();
    if (array == nullptr) {
      draft_.complain(where, quoted(section) + " must be a list of tables, not " + std::string{type_name(node)} +
                                 "; write [[" + section + "]]");
      return;
    }
    for (const auto& item : *array) {
      const auto* table = item.as_table();
      const auto item_where = at(item.source());
      if (table == nullptr) {
        draft_.complain(item_where, quoted(section) + " must be a list of tables; write [[" + section + "]]");
        continue;
      }
      begin_item(section, item_where);
      read_table(*table, section + "[]", item_where);
    }
  }

  void begin_item(const std::string& section, const Location& where) {
    if (section == "listener") {
      draft_.policy.listeners.emplace_back().where = where;
    } else if (section == "role") {
      draft_.policy.roles.emplace_back().where = where;
    } else {
      draft_.policy.expectations.emplace_back().where = where;
    }
  }

  void read_value(const PolicyKey& key, const toml::node& node) {
    Value value;
    value.path = key.path;
    value.where = at(node.source());
    if (fill(key, node, value)) key.set(draft_, value);
  }

  bool fill(const PolicyKey& key, const toml::node& node, Value& value) {
    switch (key.kind.type) {
      case PolicyKey::Type::boolean:
        return fill_flag(key, node, value);
      case PolicyKey::Type::integer:
        return fill_integer(key, node, value);
      case PolicyKey::Type::duration:
        return fill_quantity(key, node, value, R"("10s")");
      case PolicyKey::Type::size:
        return fill_quantity(key, node, value, R"("16KiB")");
      case PolicyKey::Type::word:
        return fill_string(key, node, value) && is_known_word(key, value.text, value.where);
      case PolicyKey::Type::string:
        return fill_string(key, node, value);
      case PolicyKey::Type::path:
        return fill_string(key, node, value) && is_not_empty(key, value.text, value.where);
      case PolicyKey::Type::paths:
        return fill_one_or_more(key, node, value);
      case PolicyKey::Type::strings:
        return fill_list(key, node, value);
      case PolicyKey::Type::words:
        return fill_list(key, node, value) && are_known_words(key, value);
    }
    return false;
  }

  bool wrong_type(const PolicyKey& key, const toml::node& node, const std::string& wanted) {
    draft_.complain(at(node.source()), quoted(key.path) + " must be " + wanted + ", not " + std::string{type_name(node)});
    return false;
  }

  bool fill_flag(const PolicyKey& key, const toml::node& node, Value& value) {
    if (!node.is_boolean()) return wrong_type(key, node, "true or false");
    value.flag = node.as_boolean()->get();
    return true;
  }

  bool fill_integer(const PolicyKey& key, const toml::node& node, Value& value) {
    if (!node.is_integer()) return wrong_type(key, node, "an integer");
    value.number = node.as_integer()->get();
    return is_in_range(key, value, std::to_string(value.number));
  }

  bool fill_quantity(const PolicyKey& key, const toml::node& node, Value& value, std::string_view example) {
    const auto wanted = "a " + std::string{key.kind.text} + " such as " + std::string{example};
    if (!node.is_string()) return wrong_type(key, node, wanted);
    const auto& text = node.as_string()->get();
    const auto number = parse_number(key.kind.type, text);
    if (!number) {
      draft_.complain(value.where, quoted(key.path) + ": " + quoted(text) + " is not " + wanted);
      return false;
    }
    value.number = *number;
    return is_in_range(key, value, text);
  }

  bool is_in_range(const PolicyKey& key, const Value& value, const std::string& text) {
    const auto range = range_of(key);
    if (value.number >= range.min && value.number <= range.max) return true;
    if (key.path == "schema") {
      draft_.complain(value.where, "schema = " + text + " is not known to this version; it reads schema = 1");
    } else {
      draft_.complain(value.where, quoted(key.path) + " = " + text + " is out of range: " + std::string{key.range});
    }
    return false;
  }

  bool fill_string(const PolicyKey& key, const toml::node& node, Value& value) {
    if (!node.is_string()) return wrong_type(key, node, "a string");
    value.text = node.as_string()->get();
    return is_one_line(key, value.text, value.where);
  }

  /// Control characters mean nothing in any of these, and would reach the terminal of whoever reads a complaint.
  bool is_one_line(const PolicyKey& key, const std::string& text, const Location& where) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::none_of(text.begin(), text.end(), is_control)) return true;
    draft_.complain(where, quoted(key.path) + " must not hold control characters");
    return false;
  }

  bool is_not_empty(const PolicyKey& key, const std::string& text, const Location& where) {
    if (!text.empty()) return true;
    draft_.complain(where, quoted(key.path) + " must not be empty");
    return false;
  }

  bool fill_list(const PolicyKey& key, const toml::node& node, Value& value) {
    const auto* array = node.as_array();
    if (array == nullptr) return wrong_type(key, node, "a " + std::string{key.kind.text});
    bool good = true;
    for (const auto& item : *array) good = add_item(key, item, value) && good;
    return good;
  }

  bool add_item(const PolicyKey& key, const toml::node& item, Value& value) {
    const auto where = at(item.source());
    if (!item.is_string()) {
      draft_.complain(where, quoted(key.path) + " must hold strings, not " + std::string{type_name(item)});
      return false;
    }
    const auto& text = item.as_string()->get();
    if (!is_not_empty(key, text, where) || !is_one_line(key, text, where)) return false;
    value.list.push_back({text, where});
    return true;
  }

  bool fill_one_or_more(const PolicyKey& key, const toml::node& node, Value& value) {
    if (node.is_string()) return add_item(key, node, value);
    if (!node.is_array()) return wrong_type(key, node, "a string or a list of strings");
    if (!fill_list(key, node, value)) return false;
    if (!value.list.empty()) return true;
    draft_.complain(value.where, quoted(key.path) + " must not be empty");
    return false;
  }

  bool is_known_word(const PolicyKey& key, std::string_view text, const Location& where) {
    const auto known = words_of(key.range);
    if (std::find(known.begin(), known.end(), text) != known.end()) return true;
    const bool later = is_not_enforced_word(key.path, text);
    const auto near = nearest(text, known);
    draft_.complain(where, quoted(key.path) + ": " + quoted(text) +
                               (later ? " is not enforced by this version; write one of: " : " is not one of: ") +
                               std::string{key.range} +
                               (later || near.empty() ? std::string{} : "; did you mean " + quoted(near) + "?"));
    return false;
  }

  bool are_known_words(const PolicyKey& key, const Value& value) {
    bool good = true;
    for (const auto& item : value.list) good = is_known_word(key, item.value, item.where) && good;
    return good;
  }

  Draft& draft_;
};

ParsedPolicy fail(Location where, std::string message) {
  ParsedPolicy out;
  out.complaints.push_back({std::move(where), std::move(message), false});
  return out;
}

/// Where a text is no TOML, or none that toml++ can take.
struct Fault {
  std::uint32_t line;
  std::uint32_t column;
  std::string what;
};

std::variant<toml::table, Fault> parse_toml(std::string_view text) {
  if (const auto found = prescan(text)) return Fault{found->line, found->column, std::string{found->what}};
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    constexpr std::size_t shown_max = 256;
    const auto& begin = error.source().begin;
    return Fault{begin.line, begin.column, "not TOML: " + one_line(error.description(), shown_max)};
  }
}

bool is_toml_value(std::string_view text) {
  return std::holds_alternative<toml::table>(parse_toml("x = " + std::string{text}));
}

/// Whether the text has no fault up to the end of this line.
bool is_toml_through(std::string_view text, std::uint32_t line) {
  const auto parsed = parse_toml(text);
  const auto* fault = std::get_if<Fault>(&parsed);
  return fault == nullptr || fault->line > line;
}

/// The text's size where it has fewer lines.
std::size_t begin_of_line(std::string_view text, std::uint32_t number) {
  std::size_t begin = 0;
  for (std::uint32_t i = 1; i < number; ++i) begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  return begin;
}

/// Secrets have no key here, but somebody may have made one up: only lines of known keys are shown. Nor are those that would
/// have to be escaped, and then could not be copied.
bool may_be_shown(const MendedLine& line) {
  const auto is_printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  return std::all_of(line.text.begin(), line.text.end(), is_printable) &&
         std::all_of(line.keys.begin(), line.keys.end(), [](std::string_view key) { return is_name_of_key(leaf_of(key)); });
}

/// How the faulty line reads with its strings in quotes, where their lack is all that is wrong with it.
std::string hint_for_quotes(std::string_view text, std::uint32_t number) {
  constexpr std::size_t line_bytes_max = 1024;
  constexpr std::size_t shown_max = 128;
  const auto begin = begin_of_line(text, number);
  const auto end = std::min(text.find('\n', begin), text.size());
  if (end - begin > line_bytes_max) return {};
  const auto mended = with_quotes(text.substr(begin, end - begin), is_toml_value);
  if (!mended) return {};
  const auto whole = std::string{text.substr(0, begin)} + mended->text + std::string{text.substr(end)};
  if (!is_toml_through(whole, number)) return {};
  return "; strings are written in quotes: " +
         (may_be_shown(*mended) ? one_line(mended->text, shown_max) : R"(key = "...")");
}

}  // namespace

ParsedPolicy parse_policy(std::string_view toml, const std::string& file, const ReadFile& read_file) {
  if (toml.size() > policy_bytes_max) return fail({file, 0, 0}, "the policy is larger than 4MiB");
  try {
    const auto parsed = parse_toml(toml);
    if (const auto* fault = std::get_if<Fault>(&parsed)) {
      return fail({file, fault->line, fault->column}, fault->what + hint_for_quotes(toml, fault->line));
    }
    Draft draft{file, read_file};
    Reader{draft}.read(std::get<toml::table>(parsed));
    return draft.finish();
  } catch (const std::exception& error) {
    constexpr std::size_t shown_max = 256;
    return fail({file, 0, 0}, "the policy can't be read: " + one_line(error.what(), shown_max));
  }
}

}  // namespace bastion
