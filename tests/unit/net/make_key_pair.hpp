// Key pairs made in memory for tests.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

namespace bastion::net::test {

struct Pem {
  std::string certificate;
  std::string key;
};

inline std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(bio, &bytes);
  std::string text{bytes, static_cast<std::size_t>(length)};
  BIO_free(bio);
  return text;
}

/// A self-signed pair, valid from now on for 30 days. `key` is consumed.
inline Pem self_signed(EVP_PKEY* key, const char* passphrase = nullptr, const EVP_MD* digest = EVP_sha256()) {
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_sign(certificate, key, digest);
  BIO* certificate_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  BIO* key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_bio, key, passphrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr, 0, nullptr,
                           const_cast<char*>(passphrase));
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_bio), text_of(key_bio)};
}

inline Pem ecdsa_pair(const char* curve = "P-256") {
  return self_signed(EVP_EC_gen(curve));
}
inline Pem rsa_pair(unsigned bits = 2048) {
  return self_signed(EVP_RSA_gen(bits));
}

}  // namespace bastion::net::test
