// A client that does what the test says, with TLS in its own hands.
#include "tests/support/scripted_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bastion::test {
namespace {

struct SockAddr {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SockAddr to_sockaddr(const SocketAddress& from) {
  SockAddr result;
  const auto& bytes = from.address.bytes();
  if (from.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(from.port);
    std::memcpy(&v4.sin_addr, bytes.data() + 12, 4);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
  }
  return result;
}

net::UniqueFd connected_socket(const SocketAddress& to, const ScriptedClient::Options& options) {
  const auto address = to_sockaddr(to);
  net::UniqueFd fd{::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.receive_buffer_max > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_max, sizeof options.receive_buffer_max);
  }
  if (!options.from.empty()) {
    const auto source = Address::parse(options.from);
    if (!source) throw std::runtime_error{options.from + " is no address"};
    const auto from = to_sockaddr({*source, 0});
    if (::bind(fd.get(), from.get(), from.length) != 0) throw std::runtime_error{"can't bind to " + options.from};
  }
  if (::connect(fd.get(), address.get(), address.length) != 0) {
    throw std::runtime_error{"can't connect to " + to.text() + ": " + std::strerror(errno)};
  }
  return fd;
}

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error{std::string{"the client's TLS: "} + what};
}

SSL_CTX* make_context(const TlsChoice& choice) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  require(context != nullptr, "no context");
  // Old versions and weak ciphers are what some tests offer.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, choice.version_min);
  SSL_CTX_set_max_proto_version(context, choice.version_max);
  if (!choice.ciphers.empty()) require(SSL_CTX_set_cipher_list(context, choice.ciphers.c_str()) == 1, "ciphers");
  if (!choice.signatures.empty()) require(SSL_CTX_set1_sigalgs_list(context, choice.signatures.c_str()) == 1, "signatures");
  if (!choice.protocols.empty()) {
    std::string list;
    for (const auto& protocol : choice.protocols) list += static_cast<char>(protocol.size()) + protocol;
    const auto* bytes = reinterpret_cast<const unsigned char*>(list.data());
    require(SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned>(list.size())) == 0, "ALPN");
  }
  if (choice.verifies) SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace

ScriptedClient::ScriptedClient(const SocketAddress& to) : ScriptedClient{to, Options{}} {}
ScriptedClient::ScriptedClient(const SocketAddress& to, const Options& options) : Peer{connected_socket(to, options)} {}

ScriptedClient::ScriptedClient(ScriptedClient&& other) noexcept
    : Peer{std::move(other)},
      context_{std::exchange(other.context_, nullptr)},
      tls_{std::exchange(other.tls_, nullptr)},
      incoming_{std::exchange(other.incoming_, nullptr)},
      outgoing_{std::exchange(other.outgoing_, nullptr)},
      cipher_{std::move(other.cipher_)},
      tls_error_{std::move(other.tls_error_)} {}

ScriptedClient::~ScriptedClient() {
  // Otherwise OpenSSL takes the session for broken, and its ticket for no good (RFC 5246 section 7.2.1 did not ask for it).
  if (tls_ != nullptr) SSL_set_shutdown(tls_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(tls_);
  SSL_CTX_free(context_);
}

ByteVector ScriptedClient::begin_tls(const TlsChoice& choice) {
  context_ = make_context(choice);
  tls_ = SSL_new(context_);
  incoming_ = BIO_new(BIO_s_mem());
  outgoing_ = BIO_new(BIO_s_mem());
  require(tls_ != nullptr && incoming_ != nullptr && outgoing_ != nullptr, "no memory");
  BIO_set_mem_eof_return(incoming_, -1);
  SSL_set_bio(tls_, incoming_, outgoing_);
  SSL_set_connect_state(tls_);
  if (choice.session) SSL_set_session(tls_, choice.session.get());
  ERR_clear_error();
  static_cast<void>(SSL_do_handshake(tls_));
  return take_outgoing();
}

bool ScriptedClient::finish_tls() {
  return shake_hands() && flush();
}

ByteVector ScriptedClient::finish_tls_unsent() {
  require(shake_hands(), "the handshake failed");
  return take_outgoing();
}

/// Leaves what the last step wrote to be sent.
bool ScriptedClient::shake_hands() {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_);
    const int error = SSL_get_error(tls_, result);
    if (result == 1) return true;
    if (error != SSL_ERROR_WANT_READ) {
      note_error();
      static_cast<void>(flush());
      return false;
    }
    cipher_.clear();
    if (!flush() || !receive_raw(true, cipher_)) return false;
    BIO_write(incoming_, cipher_.data(), static_cast<int>(cipher_.size()));
  }
}

bool ScriptedClient::try_tls(const TlsChoice& choice) {
  const auto hello = begin_tls(choice);
  return send_raw(hello) && finish_tls();
}

void ScriptedClient::start_tls(const TlsChoice& choice) {
  if (!try_tls(choice)) throw std::runtime_error{"the TLS handshake failed: " + tls_error_};
}

void ScriptedClient::note_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  tls_error_ = reason != nullptr ? reason : "";
}

bool ScriptedClient::flush() {
  return send_raw(take_outgoing());
}

ByteVector ScriptedClient::take_outgoing() {
  ByteVector records(BIO_ctrl_pending(outgoing_));
  if (!records.empty()) static_cast<void>(BIO_read(outgoing_, records.data(), static_cast<int>(records.size())));
  return records;
}

ByteVector ScriptedClient::encode(std::span<const std::uint8_t> bytes) {
  if (tls_ == nullptr) return Peer::encode(bytes);
  ERR_clear_error();
  std::size_t written = 0;
  // With a memory BIO a write always finds room.
  require(SSL_write_ex(tls_, bytes.data(), bytes.size(), &written) == 1 && written == bytes.size(), "can't encrypt");
  return take_outgoing();
}

bool ScriptedClient::receive(bool wait) {
  if (tls_ == nullptr) return Peer::receive(wait);
  std::array<std::uint8_t, 16 * 1024> buffer{};
  for (;;) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const bool got = SSL_read_ex(tls_, buffer.data(), buffer.size(), &bytes) == 1;
    const int error = got ? SSL_ERROR_NONE : SSL_get_error(tls_, 0);
    if (BIO_ctrl_pending(outgoing_) > 0) static_cast<void>(flush());
    if (got) {
      in_hand_.insert(in_hand_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(bytes));
      return true;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
      ended_ = Ended::orderly;
      return false;
    }
    if (error != SSL_ERROR_WANT_READ) {
      note_error();
      ended_ = Ended::reset;
      return false;
    }
    cipher_.clear();
    if (!receive_raw(wait, cipher_)) return false;
    BIO_write(incoming_, cipher_.data(), static_cast<int>(cipher_.size()));
  }
}

void ScriptedClient::close_write() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    static_cast<void>(flush());
  }
  Peer::close_write();
}

void ScriptedClient::update_key() {
  require(SSL_key_update(tls_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1, "no key update");
  // Each is written at once, so that the next one may follow.
  require(SSL_do_handshake(tls_) == 1, "a key update was not written");
}

void ScriptedClient::renegotiate() {
  require(SSL_renegotiate(tls_) == 1, "no renegotiation");
  static_cast<void>(SSL_do_handshake(tls_));
  static_cast<void>(flush());
}

TlsSession ScriptedClient::session() const {
  return {SSL_get1_session(tls_), SSL_SESSION_free};
}

std::string ScriptedClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(tls_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

int ScriptedClient::certificate_kind() const {
  return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(tls_)));
}

long ScriptedClient::certificate_serial() const {
  return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(tls_)));
}

}  // namespace bastion::test
