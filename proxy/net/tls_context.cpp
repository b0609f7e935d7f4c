// Setting up OpenSSL for a gate that faces the Internet.
#include "proxy/net/tls_context.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace bastion::net {
namespace {

constexpr const char* intermediate_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* groups = "X25519:P-256:P-384";

constexpr std::string_view alpn_mqtt = "\x04mqtt";

/// RFC 7301 section 3.2: a client that asks for other protocols only is told so. A client that asks for none is welcome.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in, unsigned in_length,
                void*) {
  unsigned char* selected = nullptr;
  const auto* mine = reinterpret_cast<const unsigned char*>(alpn_mqtt.data());
  if (SSL_select_next_proto(&selected, out_length, mine, static_cast<unsigned>(alpn_mqtt.size()), in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

/// Index of the pointer to TicketKeys among an SSL_CTX's own data.
int ticket_keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_hmac_key(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  // The interface takes pointers to mutable bytes, and only reads them.
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.hmac.data()), key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): seals with the current key; opens with it or the one before, then asks for
/// renewal.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  constexpr int failed = -1;
  constexpr int unknown = 0;
  constexpr int good = 1;
  constexpr int good_renew = 2;
  const auto* keys = static_cast<const TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ticket_keys_index()));
  if (sealing != 0) {
    const auto& key = keys->current;
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return failed;
    std::copy(key.name.begin(), key.name.end(), name);
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) != 1) return failed;
    return set_hmac_key(mac, key) ? good : failed;
  }
  const bool is_current = std::equal(keys->current.name.begin(), keys->current.name.end(), name);
  if (!is_current && !std::equal(keys->previous.name.begin(), keys->previous.name.end(), name)) return unknown;
  const auto& key = is_current ? keys->current : keys->previous;
  if (!set_hmac_key(mac, key)) return failed;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) != 1) return failed;
  // TLS 1.3 tickets are for one use (RFC 8446 appendix C.4), so a new one is asked for each time.
  return is_current && SSL_version(ssl) != TLS1_3_VERSION ? good : good_renew;
}

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error{std::string{what} + ": " + take_tls_error()};
}

void use_key_pair(SSL_CTX* context, const KeyPair& pair) {
  require(SSL_CTX_use_certificate(context, pair.chain.front().get()) == 1, "the certificate can't be used");
  require(SSL_CTX_use_PrivateKey(context, pair.key.get()) == 1, "the key can't be used");
  SSL_CTX_clear_chain_certs(context);
  for (std::size_t i = 1; i < pair.chain.size(); ++i) {
    require(SSL_CTX_add1_chain_cert(context, pair.chain[i].get()) == 1, "the certificate chain can't be used");
  }
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(aes.data(), aes.size());
  OPENSSL_cleanse(hmac.data(), hmac.size());
}

TicketKey TicketKey::draw() {
  TicketKey key;
  const auto fill = [](auto& bytes) { return RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1; };
  require(fill(key.name) && fill(key.aes) && fill(key.hmac), "no random bytes for session tickets");
  return key;
}

TlsContext::TlsContext(const TlsSettings& settings, const TicketKeys& keys)
    : context_{SSL_CTX_new(TLS_server_method())}, key_updates_max_{settings.key_updates_max} {
  SSL_CTX* const context = context_.get();
  require(context != nullptr, "no TLS context");
  const bool modern = settings.profile == Profile::modern;
  SSL_CTX_set_min_proto_version(context, modern ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_security_level(context, 2);
  require(SSL_CTX_set_cipher_list(context, intermediate_ciphers) == 1, "no TLS 1.2 ciphers");
  require(SSL_CTX_set1_groups_list(context, groups) == 1, "no key exchange groups");
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
  // The interface takes a pointer to mutable data; the call back reads it as const.
  SSL_CTX_set_ex_data(context, ticket_keys_index(), const_cast<TicketKeys*>(&keys));
  for (const auto& pair : settings.key_pairs) use_key_pair(context, *pair);
}

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

std::string take_tls_error() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  if (error == 0) return "no error recorded";
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace bastion::net
