// Certificates made in memory for tests.
#include "tests/support/key_pairs.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <map>
#include <memory>
#include <stdexcept>

namespace bastion::test {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void require(bool ok) {
  if (!ok) throw std::runtime_error{"no certificate for the test"};
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

KeyPairPem self_signed(EVP_PKEY* made, long serial) {
  const Key key{made, EVP_PKEY_free};
  const Certificate certificate{X509_new(), X509_free};
  require(key != nullptr && certificate != nullptr);
  auto* const x509 = certificate.get();
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 30L * 24 * 3600);
  X509_set_pubkey(x509, key.get());
  const std::string name = "localhost";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  require(X509_sign(x509, key.get(), EVP_sha256()) > 0);
  const Bio certificate_text{BIO_new(BIO_s_mem()), BIO_free};
  const Bio key_text{BIO_new(BIO_s_mem()), BIO_free};
  require(PEM_write_bio_X509(certificate_text.get(), x509) == 1);
  require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(certificate_text.get()), text_of(key_text.get())};
}

}  // namespace

const KeyPairPem& ecdsa_pair(long serial) {
  static std::map<long, KeyPairPem> made;
  auto& pair = made[serial];
  if (pair.key.empty()) pair = self_signed(EVP_EC_gen("P-256"), serial);
  return pair;
}

const KeyPairPem& rsa_pair() {
  static const KeyPairPem made = self_signed(EVP_RSA_gen(2048), 1);
  return made;
}

}  // namespace bastion::test
