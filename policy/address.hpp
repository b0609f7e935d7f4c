// IP addresses as the policy sees them: one 128-bit space in which IPv4 lives as IPv4-mapped IPv6.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bastion {

/// An IP address. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) *is* its IPv4 address, so a client can't change
/// what it is allowed by the family of the socket it came through.
class Address {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  /// The unspecified address `::`.
  constexpr Address() = default;
  explicit constexpr Address(const Bytes& network_order) : bytes_{network_order} {}
  static constexpr Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return Address{Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }
  /// Dotted quad or RFC 4291 text, without zone or brackets; nothing for anything else.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const {
    for (std::size_t i = 0; i < 10; ++i) {
      if (bytes_[i] != 0) return false;
    }
    return bytes_[10] == 0xff && bytes_[11] == 0xff;
  }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;
  /// Network order; IPv4 as IPv4-mapped IPv6.
  [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
  /// RFC 5952 text; dotted quad for IPv4.
  [[nodiscard]] std::string text() const;
  /// What per-address limits count: an IPv6 address is its /64, an IPv4 address is itself.
  [[nodiscard]] Address counted_as() const;

  friend constexpr auto operator<=>(const Address&, const Address&) = default;
  friend constexpr bool operator==(const Address&, const Address&) = default;

 private:
  Bytes bytes_{};
};

/// Which addresses collide in a table can't be told without the key: draw it at random where clients choose addresses.
struct KeyedAddressHash {
  std::uint64_t key = 0;
  std::size_t operator()(const Address& address) const noexcept;
};

/// An address prefix. `length` counts bits of the 128-bit space: `10.0.0.0/8` has length 104.
struct Prefix {
  Address base;
  std::uint8_t length = 128;

  [[nodiscard]] bool contains(const Address& address) const;
  /// `192.0.2.0/24`; a whole address without its length.
  [[nodiscard]] std::string text() const;
  friend constexpr bool operator==(const Prefix&, const Prefix&) = default;
};

/// Why a text is no prefix.
struct PrefixError {
  std::string what;     ///< one clause, for a person: "host bits are set"
  std::string instead;  ///< what to write instead, or empty
};

}  // namespace bastion

template <>
struct std::hash<bastion::Address> {
  std::size_t operator()(const bastion::Address& address) const noexcept;
};
