// A server's side of TLS straight on the socket: OpenSSL reads from and writes to the worker's shared buffers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/stream.hpp"
#include "proxy/net/tls_context.hpp"

namespace bastion::net {

/// Why a handshake failed, as far as can be told from OpenSSL's error.
enum class TlsFailure : std::uint8_t { version, cipher, malformed, alpn, peer_alert, other };

/// What a client does to TLS after its handshake that no honest client does.
enum class TlsMisuse : std::uint8_t { renegotiation, key_update, bad_record, alert_flood };

enum class Handshake : std::uint8_t {
  done,
  waiting,  ///< wait for the socket to become readable, or writable if has_unsent()
  ended,    ///< the peer closed, or reset (`socket().last_error()` is not 0)
  failed,   ///< `failure()` says why; the alert has been sent as far as the socket took it
};

/// TLS over a socket. One receive brings all that waits, OpenSSL decrypts from the shared buffer, and one send carries all
/// records of a write; memory of its own is OpenSSL's state, and bytes only while they can't move on.
class TlsStream final : public Stream {
 public:
  TlsStream(IoContext& io, Waiter& owner, const TlsContext& context, Scratch& scratch);
  ~TlsStream() override;

  /// Bytes that were received before TLS took over: they are read first.
  void feed(std::span<const std::uint8_t> received);

  /// Tries to go on with the handshake.
  [[nodiscard]] Handshake handshake();
  [[nodiscard]] TlsFailure failure() const { return failure_; }
  /// The library's words for what went wrong; for the log.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// Whether the ClientHello was whole and answered.
  [[nodiscard]] bool answered() const { return answered_; }

  [[nodiscard]] bool may_read() const override;
  [[nodiscard]] Io read(std::span<std::uint8_t> into) override;
  [[nodiscard]] bool write(std::span<const std::uint8_t> bytes) override;
  /// close_notify, then the end of the TCP stream. Of the stream itself nothing may be asked afterwards; its socket may
  /// still be read, to see the peer's end.
  void close_write() override;

  /// Set where read() returned `reset` for what the client did rather than for the socket.
  [[nodiscard]] std::optional<TlsMisuse> misuse() const { return misuse_; }
  /// Wipes each decrypted byte inside OpenSSL once it was handed out (SSL_OP_CLEANSE_PLAINTEXT): on while credentials pass.
  void cleanse_plaintext(bool on);
  [[nodiscard]] std::string_view version() const;  ///< "TLSv1.3"
  [[nodiscard]] bool resumed() const;

 private:
  struct Bio;  // the BIO's functions
  static void on_message(int sent, int version, int content_type, const void* bytes, std::size_t length, ssl_st* ssl,
                         void* self);
  void count_message(int content_type, std::span<const std::uint8_t> bytes);
  [[nodiscard]] int take_received(std::uint8_t* into, int length);
  [[nodiscard]] bool receive();
  [[nodiscard]] bool has_more_to_decrypt() const;
  void begin();
  /// Ends one call into OpenSSL: sends what it wrote and keeps what it did not read. False: the connection is broken.
  [[nodiscard]] bool finish(bool hold_output);
  [[nodiscard]] Handshake handshake_failed(int ssl_error);

  ssl_st* ssl_;
  Scratch& scratch_;
  unsigned key_updates_max_;
  unsigned key_updates_ = 0;
  unsigned alerts_ = 0;
  std::size_t handshake_bytes_ = 0;  ///< that OpenSSL took before the handshake was done
  Clock::time_point counting_since_{};
  /// Received and not yet read by OpenSSL, within one call: a view of the shared buffer or of `held_back_`.
  std::span<const std::uint8_t> received_;
  /// Received and not yet read by OpenSSL, between calls: rare.
  std::vector<std::uint8_t> held_back_;
  std::string error_;
  std::optional<TlsMisuse> misuse_;
  TlsFailure failure_ = TlsFailure::other;
  IoStatus socket_status_ = IoStatus::would_block;  ///< what the last receive within this call said
  bool received_in_this_call_ = false;
  bool established_ = false;
  bool answered_ = false;
  bool end_untold_ = false;  ///< read() brought bytes and met an end behind them
};

}  // namespace bastion::net
