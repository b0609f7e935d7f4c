// Reading certificates and keys with OpenSSL.
#include "proxy/net/tls_material.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <optional>

namespace bastion::net {
namespace {

constexpr std::size_t chain_certificates_max = 16;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

BioPtr reader(std::string_view pem) {
  return BioPtr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

/// A gate has nobody to ask for a passphrase: having been asked is the error.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::int64_t unix_time(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts));
}

std::optional<KeyKind> kind_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      return KeyKind::ecdsa;
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return KeyKind::rsa;
    case EVP_PKEY_ED25519:
      return KeyKind::ed25519;
    default:
      return std::nullopt;
  }
}

std::string weakness(const EVP_PKEY* key, KeyKind kind) {
  if (kind == KeyKind::rsa && EVP_PKEY_get_bits(key) < 2048) {
    return "an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) + " bits; make one of at least 2048, or P-256";
  }
  if (kind == KeyKind::ecdsa) {
    char group[64] = {};
    std::size_t length = 0;
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length);
    const std::string_view name{group, length};
    if (name != "prime256v1" && name != "secp384r1" && name != "secp521r1") {
      return "an EC key on the curve \"" + std::string{name} + "\"; clients know P-256 (prime256v1) best";
    }
  }
  return {};
}

}  // namespace

void FreeX509::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void FreeKey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

std::variant<std::shared_ptr<const KeyPair>, KeyPairError> read_key_pair(std::string_view certificate_pem,
                                                                         std::string_view key_pem) {
  using In = KeyPairError::In;
  ERR_clear_error();
  auto pair = std::make_shared<KeyPair>();

  const auto certificates = reader(certificate_pem);
  while (X509* certificate = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    pair->chain.emplace_back(certificate);
    if (pair->chain.size() > chain_certificates_max)
      return KeyPairError{In::certificate, "more than 16 certificates in one chain"};
  }
  // The end of the file is an error of "no start line"; anything else is a certificate that could not be read.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end)
    return KeyPairError{In::certificate, "a certificate in it is damaged; it must be PEM, as `openssl x509 -text` reads it"};
  if (pair->chain.empty())
    return KeyPairError{In::certificate, "no certificate in it; it must be PEM with BEGIN CERTIFICATE"};

  bool asked_for_passphrase = false;
  pair->key.reset(PEM_read_bio_PrivateKey(reader(key_pem).get(), nullptr, no_passphrase, &asked_for_passphrase));
  ERR_clear_error();
  if (asked_for_passphrase)
    return KeyPairError{In::key, "the key has a passphrase; take it off (`openssl pkey`) and guard the file"};
  if (!pair->key) return KeyPairError{In::key, "no private key in it; it must be PEM with BEGIN PRIVATE KEY"};

  const auto kind = kind_of(pair->key.get());
  if (!kind) return KeyPairError{In::key, "a key that is neither ECDSA, RSA nor Ed25519"};
  pair->kind = *kind;
  if (auto weak = weakness(pair->key.get(), *kind); !weak.empty()) return KeyPairError{In::key, std::move(weak)};
  if (X509_check_private_key(pair->chain.front().get(), pair->key.get()) != 1) {
    ERR_clear_error();
    return KeyPairError{In::key, "the key does not belong to the certificate (the first one in its file)"};
  }
  pair->not_before_s = unix_time(X509_get0_notBefore(pair->chain.front().get()));
  pair->not_after_s = unix_time(X509_get0_notAfter(pair->chain.front().get()));
  return std::shared_ptr<const KeyPair>{std::move(pair)};
}

}  // namespace bastion::net
