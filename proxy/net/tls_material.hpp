// Certificates and keys in memory, read from PEM and checked against each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace bastion::net {

struct FreeX509 {
  void operator()(x509_st* certificate) const;
};
struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using X509Ptr = std::unique_ptr<x509_st, FreeX509>;
using KeyPtr = std::unique_ptr<evp_pkey_st, FreeKey>;

enum class KeyKind : std::uint8_t { ecdsa, rsa, ed25519 };

/// A certificate chain, leaf first, and its private key. Immutable once read; shared by all workers.
struct KeyPair {
  std::vector<X509Ptr> chain;
  KeyPtr key;
  KeyKind kind = KeyKind::ecdsa;
  std::int64_t not_before_s = 0;  ///< Unix time of the leaf
  std::int64_t not_after_s = 0;
};

/// What is wrong with PEM text, and in which of the two files.
struct KeyPairError {
  enum class In : std::uint8_t { certificate, key } in = In::certificate;
  std::string what;
};

/// Reads a chain and its key. Errors: no certificate, no key, a key with a passphrase, an RSA key under 2048 bits, an EC key
/// on a curve other than P-256, P-384 and P-521, a key that is not the leaf's.
[[nodiscard]] std::variant<std::shared_ptr<const KeyPair>, KeyPairError> read_key_pair(std::string_view certificate_pem,
                                                                                       std::string_view key_pem);

}  // namespace bastion::net
