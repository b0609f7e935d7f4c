// OpenSSL on a socket through a BIO of our own.
#include "proxy/net/tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace bastion::net {
namespace {

constexpr auto counting_period = std::chrono::minutes{1};
/// Warning alerts after the handshake, in a counting period. OpenSSL itself stops at five in a row.
constexpr unsigned alerts_max = 8;
/// What a client may send before it is established, its hello twice where the first key share did not suit. OpenSSL alone
/// would hold 128 KiB of each hello in memory.
constexpr std::size_t handshake_bytes_max = 40u << 10;
/// Most that OpenSSL may make us owe a client that does not read while it makes us answer (KeyUpdate, alerts).
constexpr std::size_t unsent_answers_max = 256u << 10;

constexpr std::uint8_t handshake_key_update = 24;  // RFC 8446 section 4
constexpr std::uint8_t alert_close_notify = 0;

}  // namespace

struct TlsStream::Bio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int length) {
    BIO_clear_retry_flags(bio);
    const int taken = stream(bio).take_received(reinterpret_cast<std::uint8_t*>(into), length);
    if (taken < 0) BIO_set_retry_read(bio);
    return taken;
  }

  /// Never blocks: records gather in the shared buffer, and one send carries them all.
  static int write(BIO* bio, const char* bytes, int length) {
    BIO_clear_retry_flags(bio);
    auto& out = stream(bio).scratch_.out;
    out.insert(out.end(), bytes, bytes + length);
    return length;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker buffers");
      if (bio == nullptr) throw std::bad_alloc{};
      BIO_meth_set_read(bio, read);
      BIO_meth_set_write(bio, write);
      BIO_meth_set_ctrl(bio, control);
      return bio;
    }();
    return made;
  }
};

TlsStream::TlsStream(IoContext& io, Waiter& owner, const TlsContext& context, Scratch& scratch)
    : Stream{io, owner}, ssl_{SSL_new(context.native())}, scratch_{scratch}, key_updates_max_{context.key_updates_max()} {
  if (ssl_ == nullptr) throw std::bad_alloc{};
  BIO* bio = BIO_new(Bio::method());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc{};
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
  SSL_set_msg_callback(ssl_, on_message);
  SSL_set_msg_callback_arg(ssl_, this);
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

void TlsStream::feed(std::span<const std::uint8_t> received) {
  held_back_.insert(held_back_.end(), received.begin(), received.end());
}

// A record may have been decrypted and handed out in part only: what is left of it is in no socket. (A record that is not
// whole yet does not count here: SSL_has_pending() would say yes to it, and reading would bring nothing.)
bool TlsStream::may_read() const {
  return socket_.may_read() || !held_back_.empty() || end_untold_ || (ssl_ != nullptr && SSL_pending(ssl_) > 0);
}

/// Sees every handshake message and alert that the client sends once it is established.
void TlsStream::on_message(int sent, int, int content_type, const void* bytes, std::size_t length, ssl_st*, void* self) {
  auto& stream = *static_cast<TlsStream*>(self);
  const std::span message{static_cast<const std::uint8_t*>(bytes), length};
  if (sent == 0) {
    if (stream.established_) stream.count_message(content_type, message);
  } else if (content_type == SSL3_RT_HANDSHAKE) {
    stream.answered_ = true;
  } else if (content_type == SSL3_RT_ALERT && message.size() > 1 && message[1] == SSL_AD_NO_RENEGOTIATION) {
    // OpenSSL refuses a TLS 1.2 client's second ClientHello before it is read, so its refusal is what tells of it.
    stream.misuse_ = TlsMisuse::renegotiation;
  }
}

void TlsStream::count_message(int content_type, std::span<const std::uint8_t> bytes) {
  if (content_type != SSL3_RT_HANDSHAKE && content_type != SSL3_RT_ALERT) return;
  if (const auto now = Clock::now(); now - counting_since_ > counting_period) {
    counting_since_ = now;
    key_updates_ = 0;
    alerts_ = 0;
  }
  if (content_type == SSL3_RT_ALERT) {
    if (bytes.size() > 1 && bytes[1] != alert_close_notify && ++alerts_ > alerts_max) misuse_ = TlsMisuse::alert_flood;
  } else if (!bytes.empty() && bytes[0] == handshake_key_update && ++key_updates_ > key_updates_max_) {
    misuse_ = TlsMisuse::key_update;
  }
}

/// What OpenSSL asks the BIO for: first what is in hand, then one receive, then "later".
int TlsStream::take_received(std::uint8_t* into, int length) {
  if (received_.empty() && !receive()) return socket_status_ == IoStatus::would_block ? -1 : 0;
  const auto bytes = std::min(received_.size(), static_cast<std::size_t>(length));
  std::memcpy(into, received_.data(), bytes);
  received_ = received_.subspan(bytes);
  if (!established_) handshake_bytes_ += bytes;
  return static_cast<int>(bytes);
}

bool TlsStream::receive() {
  if (received_in_this_call_ || !socket_.may_read()) return false;
  received_in_this_call_ = true;
  const auto got = socket_.receive(scratch_.cipher_room());
  socket_status_ = got.status;
  if (got.status != IoStatus::done) return false;
  // More may come later: from here on an empty buffer means "would block".
  socket_status_ = IoStatus::would_block;
  received_ = {scratch_.cipher.get(), got.bytes};
  return true;
}

/// Whether OpenSSL, asked again, would be given anything.
bool TlsStream::has_more_to_decrypt() const {
  return !received_.empty() || (!received_in_this_call_ && socket_.may_read());
}

void TlsStream::begin() {
  // Clearing a queue that is empty costs as much as decrypting a short record.
  if (ERR_peek_error() != 0) ERR_clear_error();
  scratch_.out.clear();
  received_ = held_back_;
  received_in_this_call_ = false;
  socket_status_ = IoStatus::would_block;
}

bool TlsStream::finish(bool hold_output) {
  if (received_.empty()) {
    if (!held_back_.empty()) std::vector<std::uint8_t>{}.swap(held_back_);
  } else {
    std::vector<std::uint8_t> rest{received_.begin(), received_.end()};
    held_back_.swap(rest);
  }
  received_ = {};
  if (hold_output) {
    unsent_.insert(unsent_.end(), scratch_.out.begin(), scratch_.out.end());
    return true;
  }
  return send_or_keep(scratch_.out);
}

Handshake TlsStream::handshake() {
  begin();
  const int result = SSL_do_handshake(ssl_);
  const int ssl_error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
  // A TLS 1.3 handshake ends with the client's Finished; what is left to send is a session ticket, which can go along with
  // the first answer and save a system call.
  const bool ticket_only = result == 1 && SSL_version(ssl_) == TLS1_3_VERSION;
  const bool sent = finish(ticket_only);
  if (result == 1) {
    established_ = true;
    counting_since_ = Clock::now();
    return sent ? Handshake::done : Handshake::ended;
  }
  if (ssl_error == SSL_ERROR_WANT_READ && handshake_bytes_ > handshake_bytes_max) {
    error_ = "a handshake of more than " + std::to_string(handshake_bytes_max) + " bytes";
    failure_ = TlsFailure::malformed;
    return Handshake::failed;
  }
  if (ssl_error == SSL_ERROR_WANT_READ) return sent ? Handshake::waiting : Handshake::ended;
  return handshake_failed(ssl_error);
}

Handshake TlsStream::handshake_failed(int ssl_error) {
  if (socket_status_ == IoStatus::end || socket_status_ == IoStatus::reset || ssl_error == SSL_ERROR_ZERO_RETURN) {
    ERR_clear_error();
    return Handshake::ended;
  }
  const auto error = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  error_ = take_tls_error();
  if (reason > SSL_AD_REASON_OFFSET) {
    failure_ = TlsFailure::peer_alert;
  } else {
    switch (reason) {
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_WRONG_SSL_VERSION:
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_VERSION_TOO_LOW:
      case SSL_R_VERSION_TOO_HIGH:
      case SSL_R_INAPPROPRIATE_FALLBACK:
        failure_ = TlsFailure::version;
        break;
      case SSL_R_NO_SHARED_CIPHER:
      case SSL_R_NO_SHARED_GROUPS:
      case SSL_R_NO_SUITABLE_GROUPS:
      case SSL_R_NO_SUITABLE_KEY_SHARE:
      case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        failure_ = TlsFailure::cipher;
        break;
      case SSL_R_NO_APPLICATION_PROTOCOL:
        failure_ = TlsFailure::alpn;
        break;
      case SSL_R_CALLBACK_FAILED:
        failure_ = TlsFailure::other;
        break;
      default:
        failure_ = error == 0 ? TlsFailure::other : TlsFailure::malformed;
        break;
    }
  }
  return Handshake::failed;
}

Io TlsStream::read(std::span<std::uint8_t> into) {
  begin();
  // OpenSSL would free its buffer behind each record and allocate it again for the next.
  SSL_clear_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
  std::size_t total = 0;
  int ssl_error = SSL_ERROR_NONE;
  do {
    std::size_t bytes = 0;
    if (SSL_read_ex(ssl_, into.data() + total, into.size() - total, &bytes) != 1) {
      ssl_error = SSL_get_error(ssl_, 0);
      break;
    }
    total += bytes;
  } while (total < into.size() && has_more_to_decrypt());
  SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
  SSL_free_buffers(ssl_);
  const auto socket_status = socket_status_;
  const bool answers = !scratch_.out.empty();
  const bool answers_sent = finish(!answers);
  if (misuse_) {
    error_ = "TLS misuse after the handshake";
    return {IoStatus::reset, 0};
  }
  if (!answers_sent || (answers && unsent_.size() > unsent_answers_max)) return {IoStatus::reset, 0};
  // What was decrypted before an end or a fault is good; the next call tells of it.
  end_untold_ = total > 0 && ssl_error != SSL_ERROR_NONE && ssl_error != SSL_ERROR_WANT_READ;
  if (total > 0) return {IoStatus::done, total};
  if (ssl_error == SSL_ERROR_WANT_READ) {
    if (socket_status == IoStatus::reset) return {IoStatus::reset, 0};
    return {IoStatus::would_block, 0};
  }
  if (ssl_error == SSL_ERROR_ZERO_RETURN || socket_status == IoStatus::end) return {IoStatus::end, 0};
  if (socket_status == IoStatus::reset) return {IoStatus::reset, 0};
  if (error_.empty()) error_ = take_tls_error();
  misuse_ = TlsMisuse::bad_record;
  return {IoStatus::reset, 0};
}

bool TlsStream::write(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return true;
  begin();
  std::size_t written = 0;
  const bool ok = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) == 1;
  if (!ok) error_ = take_tls_error();
  return finish(false) && ok;
}

void TlsStream::close_write() {
  begin();
  if (established_) SSL_shutdown(ssl_);
  ERR_clear_error();
  static_cast<void>(finish(false));
  socket_.shutdown_write();
  // Connections that linger, all of a drain's at once, need none of OpenSSL's 17 KiB for records any more.
  SSL_free(std::exchange(ssl_, nullptr));
}

void TlsStream::cleanse_plaintext(bool on) {
  if (on) {
    SSL_set_options(ssl_, SSL_OP_CLEANSE_PLAINTEXT);
  } else {
    SSL_clear_options(ssl_, SSL_OP_CLEANSE_PLAINTEXT);
  }
}

std::string_view TlsStream::version() const {
  return SSL_get_version(ssl_);
}

bool TlsStream::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

}  // namespace bastion::net
