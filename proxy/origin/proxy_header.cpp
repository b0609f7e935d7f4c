// Reading and writing PROXY headers.
#include "proxy/origin/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "proxy/wire/cursor.hpp"

namespace bastion::origin {
namespace {

using namespace std::literals;
using wire::Bytes;

constexpr std::string_view v1_mark = "PROXY "sv;
constexpr std::string_view v2_mark = "\r\n\r\n\0\r\nQUIT\n"sv;
/// "PROXY TCP6 " with the longest addresses and ports, CRLF included: section 2.1.
constexpr std::size_t v1_bytes_max = 107;
/// The mark, version and command, family, and the length of what follows.
constexpr std::size_t v2_fixed_bytes = 16;

enum Family : std::uint8_t { unspecified = 0, inet = 1, inet6 = 2, unix_socket = 3 };
constexpr std::size_t inet_bytes = 2 * 4 + 2 * 2;
constexpr std::size_t inet6_bytes = 2 * 16 + 2 * 2;
constexpr std::size_t unix_bytes = std::size_t{2} * 108;
constexpr std::uint8_t tlv_crc32c = 0x03;
constexpr std::uint8_t v2_proxy = 0x21;
constexpr std::uint8_t stream = 1;

bool begins_like(Bytes in_hand, std::string_view mark) {
  const auto common = std::min(in_hand.size(), mark.size());
  return wire::as_text(in_hand).substr(0, common) == mark.substr(0, common);
}

// --- version 1 ------------------------------------------------------------------------------------------------------------

std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool shortest = text.size() == 1 || (!text.empty() && text[0] != '0');
  if (error != std::errc{} || end != text.data() + text.size() || !shortest) return std::nullopt;
  return port;
}

/// `text` without CRLF.
ProxyHeaderResult read_v1_line(std::string_view text, std::size_t bytes) {
  auto rest = text.substr(v1_mark.size());
  const auto words = 1 + std::count(rest.begin(), rest.end(), ' ');
  const auto family = take_word(rest);
  // Whatever follows UNKNOWN is to be ignored: section 2.1.
  if (family == "UNKNOWN"sv) return ProxyHeader{bytes, std::nullopt, false};
  if ((family != "TCP4"sv && family != "TCP6"sv) || words != 5) return ProxyHeaderFault::malformed;
  const bool wants_v6 = family == "TCP6"sv;
  const auto address_of = [&](std::string_view word) -> std::optional<Address> {
    // By its text: an IPv4-mapped IPv6 address is one of TCP6.
    const bool is_v6 = word.find(':') != std::string_view::npos;
    return is_v6 == wants_v6 ? Address::parse(word) : std::nullopt;
  };
  const auto source = address_of(take_word(rest));
  const auto destination = address_of(take_word(rest));
  const auto source_port = port_of(take_word(rest));
  const auto destination_port = port_of(take_word(rest));
  if (!source || !destination || !source_port || !destination_port) return ProxyHeaderFault::malformed;
  return ProxyHeader{bytes, ProxyEndpoint{*source, *source_port}, false};
}

ProxyHeaderResult read_v1(Bytes in_hand) {
  const auto text = wire::as_text(in_hand).substr(0, v1_bytes_max);
  const auto end = text.find('\n');
  if (end == std::string_view::npos) {
    // A carriage return ends the line, or nothing does.
    const auto cr = text.find('\r');
    const bool hopeless = text.size() == v1_bytes_max || (cr != std::string_view::npos && cr + 1 != text.size());
    if (hopeless) return ProxyHeaderFault::malformed;
    return ProxyHeaderCutShort{};
  }
  if (end < v1_mark.size() || text[end - 1] != '\r') return ProxyHeaderFault::malformed;
  const auto line = text.substr(0, end - 1);
  if (line.find('\r') != std::string_view::npos) return ProxyHeaderFault::malformed;
  return read_v1_line(line, end + 1);
}

// --- version 2 ------------------------------------------------------------------------------------------------------------

Address v4_of(Bytes bytes) {
  return Address::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

Address v6_of(Bytes bytes) {
  Address::Bytes whole{};
  std::copy_n(bytes.begin(), whole.size(), whole.begin());
  return Address{whole};
}

/// Castagnoli's CRC, reflected (RFC 3309 appendix). Headers are short and rare: no table.
std::uint32_t crc32c(Bytes bytes, std::size_t zero_from, std::size_t zero_bytes) {
  constexpr std::uint32_t polynomial = 0x82f63b78u;
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    crc ^= i >= zero_from && i < zero_from + zero_bytes ? 0u : bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? polynomial : 0u);
  }
  return ~crc;
}

/// Section 2.2: TLVs fill what follows the addresses. `at`: where they begin in the header.
bool are_good_extensions(Bytes header, std::size_t at) {
  wire::Cursor cursor{header.subspan(at)};
  while (cursor.left() > 0) {
    const auto type = cursor.u8();
    const auto value = cursor.binary();
    if (!type || !value) return false;
    if (*type != tlv_crc32c) continue;
    if (value->size() != 4) return false;
    const auto value_at = at + cursor.position() - value->size();
    if (wire::Cursor{*value}.u32() != crc32c(header, value_at, value->size())) return false;
  }
  return true;
}

std::optional<std::size_t> address_bytes(std::uint8_t family) {
  switch (family) {
    case unspecified:
      return 0;
    case inet:
      return inet_bytes;
    case inet6:
      return inet6_bytes;
    case unix_socket:
      return unix_bytes;
    default:
      return std::nullopt;
  }
}

ProxyHeaderResult read_v2(Bytes in_hand) {
  if (in_hand.size() > 12) {
    const auto version = in_hand[12] >> 4;
    const auto command = in_hand[12] & 0x0fu;
    if (version != 2 || command > 1) return ProxyHeaderFault::malformed;
  }
  if (in_hand.size() > 13) {
    const bool known = (in_hand[13] >> 4) <= unix_socket && (in_hand[13] & 0x0fu) <= 2;
    if (!known) return ProxyHeaderFault::malformed;
  }
  if (in_hand.size() < v2_fixed_bytes) return ProxyHeaderCutShort{};
  const bool is_local = (in_hand[12] & 0x0fu) == 0;
  const auto family = static_cast<std::uint8_t>(in_hand[13] >> 4);
  const std::size_t length = std::size_t{in_hand[14]} << 8 | in_hand[15];
  const auto bytes = v2_fixed_bytes + length;
  const auto addresses = address_bytes(family);
  if (bytes > proxy_header_bytes_max || !addresses || length < *addresses) return ProxyHeaderFault::malformed;
  if (in_hand.size() < bytes) return ProxyHeaderCutShort{};

  const auto header = in_hand.first(bytes);
  // Of a local connection all that follows is to be ignored, the family too: section 2.2.
  if (is_local) return ProxyHeader{bytes, std::nullopt, true};
  if (!are_good_extensions(header, v2_fixed_bytes + *addresses)) return ProxyHeaderFault::malformed;
  ProxyHeader out{bytes, std::nullopt, false};
  const auto body = header.subspan(v2_fixed_bytes);
  // A datagram's addresses are nobody's connection.
  if ((in_hand[13] & 0x0fu) != stream) return out;
  const auto port_at = [&](std::size_t at) { return static_cast<std::uint16_t>(body[at] << 8 | body[at + 1]); };
  if (family == inet) out.source = ProxyEndpoint{v4_of(body), port_at(8)};
  if (family == inet6) out.source = ProxyEndpoint{v6_of(body), port_at(32)};
  return out;
}

// --- writing --------------------------------------------------------------------------------------------------------------

std::vector<std::uint8_t> v1_header(const ProxyEndpoint& source, const ProxyEndpoint& destination, bool both_v4) {
  const auto text_of = [&](const Address& address) {
    return (both_v4 || !address.is_v4() ? "" : "::ffff:") + address.text();
  };
  const auto line = "PROXY " + std::string{both_v4 ? "TCP4 " : "TCP6 "} + text_of(source.address) + ' ' +
                    text_of(destination.address) + ' ' + std::to_string(source.port) + ' ' +
                    std::to_string(destination.port) + "\r\n";
  return {line.begin(), line.end()};
}

std::vector<std::uint8_t> v2_header(const ProxyEndpoint& source, const ProxyEndpoint& destination, bool both_v4) {
  std::vector<std::uint8_t> out{v2_mark.begin(), v2_mark.end()};
  const auto length = static_cast<std::uint8_t>(both_v4 ? inet_bytes : inet6_bytes);
  out.insert(out.end(), {v2_proxy, static_cast<std::uint8_t>((both_v4 ? inet : inet6) << 4 | stream), 0, length});
  for (const auto* endpoint : {&source, &destination}) {
    const auto& bytes = endpoint->address.bytes();
    out.insert(out.end(), bytes.begin() + (both_v4 ? 12 : 0), bytes.end());
  }
  for (const auto port : {source.port, destination.port}) {
    out.push_back(static_cast<std::uint8_t>(port >> 8));
    out.push_back(static_cast<std::uint8_t>(port & 0xff));
  }
  return out;
}

}  // namespace

ProxyHeaderResult read_proxy_header(Bytes in_hand) {
  if (in_hand.empty()) return ProxyHeaderCutShort{};
  const bool v1 = begins_like(in_hand, v1_mark);
  const bool v2 = begins_like(in_hand, v2_mark);
  if (!v1 && !v2) return ProxyHeaderFault::missing;
  if (v1) return in_hand.size() < v1_mark.size() ? ProxyHeaderResult{ProxyHeaderCutShort{}} : read_v1(in_hand);
  return in_hand.size() < v2_mark.size() ? ProxyHeaderResult{ProxyHeaderCutShort{}} : read_v2(in_hand);
}

std::vector<std::uint8_t> proxy_header(ProxyVersion version, const ProxyEndpoint& source, const ProxyEndpoint& destination) {
  const bool both_v4 = source.address.is_v4() && destination.address.is_v4();
  return version == ProxyVersion::v1 ? v1_header(source, destination, both_v4) : v2_header(source, destination, both_v4);
}

}  // namespace bastion::origin
