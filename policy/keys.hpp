// The table of keys: every key of the policy file once, how it is written, what it does, and who takes its value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bastion {

class Draft;
struct Value;

/// One key of the policy. The reader goes by this table and the reference shows it, so the two can't drift apart.
struct PolicyKey {
  /// How it is written, and so how it is read.
  enum class Type : std::uint8_t { integer, boolean, duration, size, word, words, string, path, paths, strings };
  struct Kind {
    Type type;
    std::string_view text;  ///< as the reference calls it: `string`, `duration`, `list of prefixes` ...
  };

  std::string_view path;  ///< `admission.allow`, `listener[].name`
  Kind kind;
  std::string_view range;          ///< `1 .. 65536`, or the words allowed: the reader takes both from here
  std::string_view default_value;  ///< as TOML, `required`, or `unset`
  std::string_view text;           ///< what it does
  void (*set)(Draft&, const Value&);

  [[nodiscard]] bool is_required() const { return default_value == "required"; }
};

/// In the order of the reference.
[[nodiscard]] std::span<const PolicyKey> policy_keys();
[[nodiscard]] const PolicyKey* find_policy_key(std::string_view key_path);

/// What the format has, and this version does not enforce yet: never accepted in silence. Such a key may be in the table all
/// the same: then its value is read, so that all that is wrong with it is said, and refused.
struct NotEnforcedKey {
  std::string_view path;
  std::string_view harmless;  ///< the word that asks for nothing, or empty
};
struct NotEnforcedWord {
  std::string_view path;
  std::string_view word;
};
[[nodiscard]] std::span<const NotEnforcedKey> not_enforced_keys();
[[nodiscard]] std::span<const NotEnforcedWord> not_enforced_words();
[[nodiscard]] const NotEnforcedKey* find_not_enforced_key(std::string_view key_path);
[[nodiscard]] bool is_not_enforced_word(std::string_view key_path, std::string_view asked);

/// `admission.allow` lies in `admission`, `listener[].name` in `listener[]`, `schema` in the empty path.
[[nodiscard]] std::string_view section_of(std::string_view key_path);
[[nodiscard]] std::string_view leaf_of(std::string_view key_path);
[[nodiscard]] std::string path_in(std::string_view section, std::string_view leaf);
/// Whether any key lies in it, however deep.
[[nodiscard]] bool is_section(std::string_view section);
/// Whether any key or section has this name of its own: `address`, `log`.
[[nodiscard]] bool is_name_of_key(std::string_view leaf);
/// `[admission]`, `[[listener]]`.
[[nodiscard]] std::string header_of(std::string_view section);
/// `in [admission]`, `in [[listener]]`, `at the top level`.
[[nodiscard]] std::string place_name(std::string_view section);
/// What is to be said of a name that the table does not have in this section.
struct UnknownName {
  std::string complaint;
  std::string_view near;  ///< the name of this section that was probably meant, or empty
};
[[nodiscard]] UnknownName unknown_key(std::string_view section, std::string_view leaf);
[[nodiscard]] UnknownName unknown_section(std::string_view section, std::string_view leaf);

/// A whole number, duration or size, as a key of this type has it.
[[nodiscard]] std::optional<std::int64_t> parse_number(PolicyKey::Type type, std::string_view text);
struct NumberRange {
  std::int64_t min = 0;
  std::int64_t max = 0;
};
[[nodiscard]] NumberRange range_of(const PolicyKey& key);
/// The words of a range: `"modern", "intermediate"`.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view range);

/// The reference as Markdown, as `docs/policy-reference.md` holds it.
[[nodiscard]] std::string policy_reference();

}  // namespace bastion
