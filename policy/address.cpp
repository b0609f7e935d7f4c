// IP addresses: reading, writing and the questions that the policy asks of them.
#include "policy/address.hpp"

#include <charconv>

namespace bastion {
namespace {

constexpr std::size_t v4_offset = 12;

/// Decimal without sign, without leading zeros ("010" is octal to some, decimal to others: refused), at most `max`.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::optional<std::array<std::uint8_t, 4>> parse_quad(std::string_view text) {
  std::array<std::uint8_t, 4> quad{};
  for (std::size_t i = 0; i < quad.size(); ++i) {
    const auto dot = i + 1 < quad.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto value = parse_decimal(text.substr(0, dot), 255);
    if (!value) return std::nullopt;
    quad[i] = static_cast<std::uint8_t>(*value);
    text.remove_prefix(i + 1 < quad.size() ? dot + 1 : dot);
  }
  return quad;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Groups between colons, at most 8 of them; the last may be a dotted quad where `quad_allowed`.
struct Groups {
  std::array<std::uint16_t, 8> value{};
  std::size_t count = 0;
};

bool push(Groups& groups, std::uint16_t value) {
  if (groups.count == groups.value.size()) return false;
  groups.value[groups.count++] = value;
  return true;
}

bool push_quad(Groups& groups, std::string_view text) {
  const auto quad = parse_quad(text);
  if (!quad) return false;
  const auto join = [](std::uint8_t high, std::uint8_t low) { return static_cast<std::uint16_t>((high << 8) | low); };
  return push(groups, join((*quad)[0], (*quad)[1])) && push(groups, join((*quad)[2], (*quad)[3]));
}

std::optional<Groups> parse_groups(std::string_view text, bool quad_allowed) {
  Groups groups;
  if (text.empty()) return groups;
  while (true) {
    const auto colon = text.find(':');
    const auto part = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && quad_allowed && part.find('.') != std::string_view::npos) {
      return push_quad(groups, part) ? std::optional{groups} : std::nullopt;
    }
    const auto group = parse_group(part);
    if (!group || !push(groups, *group)) return std::nullopt;
    if (last) return groups;
    text.remove_prefix(colon + 1);
  }
}

void put_group(Address::Bytes& bytes, std::size_t index, std::uint16_t value) {
  bytes[2 * index] = static_cast<std::uint8_t>(value >> 8);
  bytes[2 * index + 1] = static_cast<std::uint8_t>(value & 0xff);
}

std::optional<Address> parse_v6(std::string_view text) {
  const auto gap = text.find("::");
  Address::Bytes bytes{};
  if (gap == std::string_view::npos) {
    const auto groups = parse_groups(text, true);
    if (!groups || groups->count != 8) return std::nullopt;
    for (std::size_t i = 0; i < 8; ++i) put_group(bytes, i, groups->value[i]);
    return Address{bytes};
  }
  const auto head = parse_groups(text.substr(0, gap), false);
  const auto tail = parse_groups(text.substr(gap + 2), true);
  // "::" stands for one group of zeros at least.
  if (!head || !tail || head->count + tail->count > 7) return std::nullopt;
  for (std::size_t i = 0; i < head->count; ++i) put_group(bytes, i, head->value[i]);
  for (std::size_t i = 0; i < tail->count; ++i) put_group(bytes, 8 - tail->count + i, tail->value[i]);
  return Address{bytes};
}

/// The longest run of two or more zero groups, the first of equals (RFC 5952 section 4.2).
struct ZeroRun {
  std::size_t begin = 8;
  std::size_t length = 0;
};

ZeroRun longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
  ZeroRun best;
  for (std::size_t i = 0; i < groups.size();) {
    std::size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

std::string quad_text(const Address::Bytes& bytes) {
  std::string out;
  for (std::size_t i = v4_offset; i < bytes.size(); ++i) {
    if (i > v4_offset) out += '.';
    out += std::to_string(bytes[i]);
  }
  return out;
}

void append_hex(std::string& out, std::uint16_t value) {
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  const auto quad = parse_quad(text);
  if (!quad) return std::nullopt;
  return v4((*quad)[0], (*quad)[1], (*quad)[2], (*quad)[3]);
}

bool Address::is_loopback() const {
  if (is_v4()) return bytes_[v4_offset] == 127;
  return *this == Address{Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}

bool Address::is_unspecified() const {
  return *this == Address{} || *this == v4(0, 0, 0, 0);
}

std::string Address::text() const {
  if (is_v4()) return quad_text(bytes_);
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<std::uint16_t>((bytes_[2 * i] << 8) | bytes_[2 * i + 1]);
  }
  const auto run = longest_zero_run(groups);
  std::string out;
  for (std::size_t i = 0; i < groups.size();) {
    if (i == run.begin) {
      out += "::";
      i += run.length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, groups[i++]);
  }
  return out;
}

Address Address::counted_as() const {
  if (is_v4()) return *this;
  Bytes network{};
  for (std::size_t i = 0; i < 8; ++i) network[i] = bytes_[i];
  return Address{network};
}

bool Prefix::contains(const Address& address) const {
  // IPv4 is a space of its own: `::/0` doesn't hold it, although the mapped form lies inside.
  if ((base.is_v4() && length >= 96) != address.is_v4()) return false;
  const std::size_t whole = length / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    if (base.bytes()[i] != address.bytes()[i]) return false;
  }
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xff00u >> rest & 0xffu;
  return ((base.bytes()[whole] ^ address.bytes()[whole]) & mask) == 0;
}

std::string Prefix::text() const {
  if (length >= 128) return base.text();
  const unsigned shown = base.is_v4() && length >= 96 ? length - 96u : length;
  return base.text() + "/" + std::to_string(shown);
}

std::size_t KeyedAddressHash::operator()(const Address& address) const noexcept {
  const auto word = [&](std::size_t begin) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | address.bytes()[begin + i];
    return out;
  };
  // The key goes in before each multiplication, so that which addresses collide can't be told without it.
  const auto mix = [this](std::uint64_t x) {
    x = (x ^ key) * 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x = (x + (key << 32 | key >> 32)) * 0x9e3779b97f4a7c15u;
    return x ^ (x >> 29);
  };
  return static_cast<std::size_t>(mix(mix(word(0)) ^ word(8)));
}

}  // namespace bastion

std::size_t std::hash<bastion::Address>::operator()(const bastion::Address& address) const noexcept {
  // Two rounds of a 64-bit mixer: neighbouring addresses must not land in neighbouring buckets.
  const auto word = [&](std::size_t begin) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | address.bytes()[begin + i];
    return out;
  };
  const auto mix = [](std::uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
  };
  return static_cast<std::size_t>(mix(word(0) + 0x9e3779b97f4a7c15u * (mix(word(8)) | 1u)));
}
