// Words for strings, payloads and properties.
#include "tests/differ/reading.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <utility>

namespace bastion::differ {

namespace {

std::string hex(std::uint32_t value, int digits) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%0*x", digits, value);
  return text.data();
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      out += c;
    } else {
      out += "\\x" + hex(static_cast<std::uint8_t>(c), 2);
    }
  }
  return out + '"';
}

std::string fingerprint(Bytes bytes) {
  std::uint32_t hash = 0x811c9dc5u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x01000193u;
  return std::to_string(bytes.size()) + ':' + hex(hash, 8);
}

void PropertyWords::put(Entry entry) {
  const auto before = [](const Entry& a, const Entry& b) { return std::pair(a.id, a.name) < std::pair(b.id, b.name); };
  entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), entry, before), std::move(entry));
}

void PropertyWords::erase(unsigned id) {
  std::erase_if(entries_, [id](const Entry& entry) { return entry.id == id; });
}

void PropertyWords::add(unsigned id, std::uint32_t number) {
  put({id, {}, std::to_string(number), false});
}

void PropertyWords::add(unsigned id, std::string_view text) {
  put({id, {}, quoted(text), false});
}

void PropertyWords::add_pair(unsigned id, std::string_view name, std::string_view value) {
  put({id, std::string(name), quoted(name) + '=' + quoted(value), value.empty()});
}

void PropertyWords::set(unsigned id, std::optional<std::uint32_t> number) {
  erase(id);
  if (number) add(id, *number);
}

void PropertyWords::set(unsigned id, std::optional<std::string_view> text) {
  erase(id);
  if (text) add(id, *text);
}

void PropertyWords::forget_overwritten_pairs() {
  const auto is_same = [](const Entry& a, const Entry& b) { return a.id == b.id && a.name == b.name; };
  for (auto first = entries_.begin(); first != entries_.end();) {
    const auto next = std::next(first);
    if (first->is_empty_pair && next != entries_.end() && is_same(*first, *next)) {
      first = entries_.erase(first);
    } else {
      first =
          std::find_if_not(first, entries_.end(), [&, name = *first](const Entry& entry) { return is_same(entry, name); });
    }
  }
}

std::string PropertyWords::words() const {
  std::string out = "{";
  for (const Entry& entry : entries_) {
    if (out.size() > 1) out += ' ';
    out += std::to_string(entry.id) + '=' + entry.words;
  }
  return out + '}';
}

}  // namespace bastion::differ
