// A client that does what the test says, with TLS in its own hands.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"
#include "tests/support/peer.hpp"

namespace bastion::test {

using TlsSession = std::shared_ptr<SSL_SESSION>;

/// What a client offers. Certificates are not verified unless asked for, and then none is trusted.
struct TlsChoice {
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string ciphers{};     ///< of TLS 1.2, as OpenSSL names them; empty: its own
  std::string signatures{};  ///< signature algorithms, likewise
  std::vector<std::string> protocols{};
  bool verifies = false;
  TlsSession session{};  ///< to resume
};

class ScriptedClient final : public Peer {
 public:
  struct Options {
    std::string from{};          ///< source address, such as 127.0.0.2
    int receive_buffer_max = 0;  ///< SO_RCVBUF, before the connection is made
  };

  explicit ScriptedClient(const SocketAddress& to);
  ScriptedClient(const SocketAddress& to, const Options& options);
  ScriptedClient(ScriptedClient&& other) noexcept;
  ScriptedClient& operator=(ScriptedClient&&) = delete;
  ~ScriptedClient() override;

  /// The whole handshake; throws where it fails.
  void start_tls(const TlsChoice& choice = {});
  /// The same; false where it fails, and tls_error() tells why.
  [[nodiscard]] bool try_tls(const TlsChoice& choice = {});
  [[nodiscard]] const std::string& tls_error() const { return tls_error_; }
  /// A ClientHello as it would be sent; finish_tls() goes on from there once the test has sent it.
  [[nodiscard]] ByteVector begin_tls(const TlsChoice& choice = {});
  [[nodiscard]] bool finish_tls();
  /// The same, but the last flight of TLS 1.3 is returned for the test to send.
  [[nodiscard]] ByteVector finish_tls_unsent();

  [[nodiscard]] ByteVector encode(std::span<const std::uint8_t> bytes) override;
  /// close_notify where there is TLS, then the end of our direction.
  void close_write() override;

  // --- for those who misuse TLS ---

  /// A TLS 1.3 KeyUpdate; it goes out with the next send().
  void update_key();
  /// Begins a TLS 1.2 renegotiation, and sends its ClientHello.
  void renegotiate();

  [[nodiscard]] SSL* tls() const { return tls_; }
  [[nodiscard]] bool resumed() const { return SSL_session_reused(tls_) == 1; }
  /// The session with its ticket, once the server has sent one.
  [[nodiscard]] TlsSession session() const;
  /// The protocol that ALPN settled on; empty for none.
  [[nodiscard]] std::string protocol() const;
  /// EVP_PKEY_EC or EVP_PKEY_RSA: the kind of key in the server's certificate.
  [[nodiscard]] int certificate_kind() const;
  [[nodiscard]] long certificate_serial() const;

 private:
  bool receive(bool wait) override;
  bool shake_hands();
  bool flush();
  [[nodiscard]] ByteVector take_outgoing();
  void note_error();

  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
  BIO* incoming_ = nullptr;  ///< the SSL's
  BIO* outgoing_ = nullptr;
  ByteVector cipher_;  ///< received, on its way into OpenSSL
  std::string tls_error_;
};

}  // namespace bastion::test
