// What one worker's TLS connections share: protocol settings, key pairs, session ticket keys.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "proxy/net/tls_material.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace bastion::net {

/// The keys of one period of session tickets (RFC 5077, RFC 8446 section 4.6.1). Made once for all workers, so that a client
/// may resume at any of them; wiped when dropped.
struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> aes{};   ///< AES-256-CBC
  std::array<std::uint8_t, 32> hmac{};  ///< HMAC-SHA256

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();
  /// From the library's random generator for secrets; throws std::runtime_error where it fails.
  [[nodiscard]] static TicketKey draw();
};

/// The key that seals, and the one before it, which still opens.
struct TicketKeys {
  TicketKey current;
  TicketKey previous;
};

/// Mozilla's server side TLS profiles, version 5.7, without finite-field Diffie-Hellman: CVE-2002-20001 makes a scanner's
/// handshake dearer for the gate than for itself, and no MQTT client needs it.
enum class Profile : std::uint8_t { modern, intermediate };

struct TlsSettings {
  Profile profile = Profile::intermediate;
  std::vector<std::shared_ptr<const KeyPair>> key_pairs;
  unsigned key_updates_max = 16;  ///< KeyUpdate messages of a client in a minute
};

/// A server's SSL_CTX: TLS 1.2 and 1.3 or 1.3 only; no compression, renegotiation, early data or session cache; ALPN `mqtt`
/// for clients that ask for a protocol. Belongs to one worker.
class TlsContext {
 public:
  /// `keys` outlives the context. Throws std::runtime_error where OpenSSL won't have the settings.
  TlsContext(const TlsSettings& settings, const TicketKeys& keys);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }
  [[nodiscard]] unsigned key_updates_max() const { return key_updates_max_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  unsigned key_updates_max_;
};

/// The newest error of this thread's OpenSSL error queue in words, and an empty queue.
[[nodiscard]] std::string take_tls_error();

}  // namespace bastion::net
