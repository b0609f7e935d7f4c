// TLS 1.2 records written by hand.
#include "tests/support/tls_records.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace bastion::test {
namespace {

constexpr std::size_t key_bytes = 16;
constexpr std::size_t salt_bytes = 4;
constexpr std::size_t tag_bytes = 16;

void require(bool ok) {
  if (!ok) throw std::runtime_error{"can't seal a TLS record"};
}

/// The key block: client key, server key, client salt, server salt (RFC 5246 section 6.3; GCM has no MAC keys).
ByteVector key_block(const ScriptedClient& client) {
  ByteVector secret(48);
  SSL_SESSION_get_master_key(SSL_get0_session(client.tls()), secret.data(), secret.size());
  ByteVector seed = bytes("'key expansion'");
  std::array<std::uint8_t, 32> random{};
  SSL_get_server_random(client.tls(), random.data(), random.size());
  seed.insert(seed.end(), random.begin(), random.end());
  SSL_get_client_random(client.tls(), random.data(), random.size());
  seed.insert(seed.end(), random.begin(), random.end());

  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf{EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr), EVP_KDF_free};
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free};
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
                               OSSL_PARAM_construct_end()};
  ByteVector block(2 * key_bytes + 2 * salt_bytes);
  require(EVP_KDF_derive(context.get(), block.data(), block.size(), params) == 1);
  return block;
}

void append(ByteVector& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(number >> shift));
}

}  // namespace

RecordSealer::RecordSealer(const ScriptedClient& client) {
  const auto block = key_block(client);
  const auto begin = block.begin();
  key_.assign(begin, begin + key_bytes);
  salt_.assign(begin + 2 * key_bytes, begin + 2 * key_bytes + salt_bytes);
}

ByteVector RecordSealer::seal(std::uint8_t content_type, std::span<const std::uint8_t> content) {
  ByteVector explicit_nonce;
  append(explicit_nonce, sequence_);
  const ByteVector nonce = salt_ + explicit_nonce;
  const auto length = content.size();
  const ByteVector additional = explicit_nonce + ByteVector{content_type, 3, 3, static_cast<std::uint8_t>(length >> 8),
                                                            static_cast<std::uint8_t>(length & 0xff)};
  ++sequence_;

  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> aead{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  ByteVector sealed(length);
  ByteVector tag(tag_bytes);
  int done = 0;
  require(EVP_EncryptInit_ex(aead.get(), EVP_aes_128_gcm(), nullptr, key_.data(), nonce.data()) == 1);
  require(EVP_EncryptUpdate(aead.get(), nullptr, &done, additional.data(), static_cast<int>(additional.size())) == 1);
  require(EVP_EncryptUpdate(aead.get(), sealed.data(), &done, content.data(), static_cast<int>(length)) == 1);
  require(EVP_EncryptFinal_ex(aead.get(), sealed.data() + done, &done) == 1);
  require(EVP_CIPHER_CTX_ctrl(aead.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_bytes), tag.data()) == 1);

  const auto record_length = explicit_nonce.size() + length + tag_bytes;
  return ByteVector{content_type, 3, 3, static_cast<std::uint8_t>(record_length >> 8),
                    static_cast<std::uint8_t>(record_length & 0xff)} +
         explicit_nonce + sealed + tag;
}

}  // namespace bastion::test
