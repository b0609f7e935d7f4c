// TOML as text.
#include "proxy/mosquitto/toml_text.hpp"

#include <algorithm>

namespace bastion::mosquitto {
namespace {

constexpr std::size_t width = 110;

/// Folds at blanks; a word that is longer than a line keeps its own.
void append_folded(std::string& out, std::string_view first, std::string_view rest, std::string_view text) {
  std::string line{first};
  bool is_empty = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!is_empty && line.size() + 1 + word.size() > width) {
      out += line + '\n';
      line = rest;
      is_empty = true;
    }
    if (!is_empty) line += ' ';
    line += word;
    is_empty = false;
  }
  out += line + '\n';
}

}  // namespace

void TomlText::line(std::string_view text) {
  text_ += std::string{text} + '\n';
}

void TomlText::blank() {
  text_ += '\n';
}

void TomlText::section(std::string_view header) {
  blank();
  line(header);
}

void TomlText::key(std::string_view name, std::string_view value, std::string_view note) {
  text_ +=
      std::string{name} + " = " + std::string{value} + (note.empty() ? std::string{} : "  # " + std::string{note}) + '\n';
}

void TomlText::comment(std::string_view text) {
  append_folded(text_, "# ", "# ", text);
}

void TomlText::off(std::string_view text) {
  text_ += "# " + std::string{text} + '\n';
}

void TomlText::decide(std::string_view text) {
  append_folded(text_, "# Decide: ", "#   ", text);
  decisions_.emplace_back(text);
}

std::string toml_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out{'"'};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 0xfU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_strings(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return toml_string(texts.front());
  std::string out{'['};
  for (const auto& text : texts) out += (out.size() == 1 ? "" : ", ") + toml_string(text);
  return out + ']';
}

}  // namespace bastion::mosquitto
