// The PROXY protocol, versions 1 and 2: how a balancer tells whose connection it passes on, and how the gate tells a broker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "policy/address.hpp"

namespace bastion::origin {

/// An address and port, as a PROXY header carries them.
struct ProxyEndpoint {
  Address address;
  std::uint16_t port = 0;
  friend bool operator==(const ProxyEndpoint&, const ProxyEndpoint&) = default;
};

/// A header that is whole and valid.
struct ProxyHeader {
  std::size_t bytes = 0;  ///< that it takes; what follows is the client's own
  /// Whose connection it is. Nothing: the balancer's own (version 2 LOCAL), as its health checks are, or one of which it
  /// can't tell (`UNKNOWN`, an unspecified family, or a Unix socket).
  std::optional<ProxyEndpoint> source;
  bool is_local = false;  ///< the balancer says that it is its own
};

/// The bytes in hand may yet become a header.
struct ProxyHeaderCutShort {};

/// No further byte can make one of them.
enum class ProxyHeaderFault : std::uint8_t {
  missing,    ///< they do not begin as one does
  malformed,  ///< they do, and then break its rules
};

using ProxyHeaderResult = std::variant<ProxyHeader, ProxyHeaderCutShort, ProxyHeaderFault>;

/// A version 2 header may claim 64 KiB of extensions. Real ones, a client's certificate names among them, stay below this.
inline constexpr std::size_t proxy_header_bytes_max = 4096;

/// Reads the header at the start of `in_hand`, of either version. Pure. By HAProxy's doc/proxy-protocol.txt, strictly: of
/// version 1 no more than 107 bytes, numbers in their shortest form, and both addresses of the family that is named; of
/// version 2 known commands and families, addresses whole, extensions (TLVs) that fill the rest exactly, and a checksum
/// (PP2_TYPE_CRC32C) that is right where there is one. With more bytes only ProxyHeaderCutShort can change.
[[nodiscard]] ProxyHeaderResult read_proxy_header(std::span<const std::uint8_t> in_hand);

enum class ProxyVersion : std::uint8_t { v1 = 1, v2 = 2 };

/// The header that hands `source` on, on its way to `destination`. Where the two are of different families both are written
/// as IPv6.
[[nodiscard]] std::vector<std::uint8_t> proxy_header(ProxyVersion version, const ProxyEndpoint& source,
                                                     const ProxyEndpoint& destination);

}  // namespace bastion::origin
