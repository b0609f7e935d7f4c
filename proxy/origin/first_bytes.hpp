// Naming what is not MQTT and not TLS by its first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace bastion::origin {

/// At most this many bytes are ever looked at.
inline constexpr std::size_t first_bytes_max = 64;

enum class Guess : std::uint8_t {
  tls,        ///< a TLS record that may hold a ClientHello: `16 03 0x`
  need_more,  ///< can't be told yet, could still be TLS
  mqtt,
  http,
  http_connect,
  websocket,
  ssh,
  rdp,
  smb,
  socks,
  redis,
  telnet,
  adb,
  sslv2,
  proxy_header,
  binary,  ///< none of these, and not printable
  text,    ///< none of these, printable
};

/// What speaks with these first bytes. Pure. The verdict "is not TLS" never changes with more bytes; its name may.
/// `websocket` is an HTTP request that asks for an upgrade in the bytes in hand.
[[nodiscard]] Guess guess(std::span<const std::uint8_t> in_hand);

/// Whether a TLS ClientHello can start like this: true while undecided.
[[nodiscard]] bool may_be_tls(std::span<const std::uint8_t> in_hand);

/// The length that a TLS ClientHello claims for itself, bytes (RFC 8446 sections 4 and 5.1), told from the first nine bytes
/// of what may be TLS; nothing while they are not in hand. A first record that is too short to say it claims all there can
/// be: only who means harm cuts a hello that small.
[[nodiscard]] std::optional<std::uint32_t> client_hello_bytes(std::span<const std::uint8_t> in_hand);

}  // namespace bastion::origin
