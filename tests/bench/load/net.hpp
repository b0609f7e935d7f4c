// Sockets on loopback, and TLS as every client of the benchmark speaks it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/net/unique_fd.hpp"

namespace bastion::bench {

/// Never blocks; on 127.0.0.1, on a port that the kernel chooses.
struct Listening {
  net::UniqueFd fd;
  std::uint16_t port = 0;
};
[[nodiscard]] Listening listen_on_loopback();

/// A connection under way from `source` ("127.0.0.1") to that port of 127.0.0.1. Never blocks; without Nagle's algorithm.
[[nodiscard]] net::UniqueFd connect_on_loopback(std::uint16_t port, const std::string& source);

/// A connection of a listening socket; none where nobody waits.
[[nodiscard]] net::UniqueFd accept_from(int listening);

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;
using Tls = std::unique_ptr<SSL, FreeTls>;

/// TLS 1.3 with X25519 and AES-256-GCM, which two OpenSSLs agree on by themselves; full handshakes only; the certificate is
/// verified against `ca_file`.
[[nodiscard]] TlsContext client_tls(const std::string& ca_file);

}  // namespace bastion::bench
