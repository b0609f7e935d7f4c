// Bytes that must not outlive their use: wiped by OpenSSL, which the compiler can't optimize away.
#include "proxy/identity/secret.hpp"

#include <algorithm>

#include <openssl/crypto.h>

#include <utility>

namespace bastion::identity {

namespace {

void wipe_chars(std::vector<char>& bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace

Secret::Secret(std::string_view bytes) : bytes_(bytes.begin(), bytes.end()) {}

// Moving a vector hands its one buffer over, so no copy stays behind.
Secret::Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {
  other.bytes_.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe_chars(bytes_);
  bytes_ = std::move(other.bytes_);
  other.bytes_.clear();
  return *this;
}

Secret::~Secret() {
  wipe_chars(bytes_);
}

std::string_view Secret::view() const {
  return {bytes_.data(), bytes_.size()};
}

void wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

void append_secret(std::vector<std::uint8_t>& bytes, std::span<const std::uint8_t> more) {
  if (bytes.capacity() < bytes.size() + more.size()) {
    std::vector<std::uint8_t> larger;
    larger.reserve(std::max(bytes.size() + more.size(), 2 * bytes.capacity()));
    larger.assign(bytes.begin(), bytes.end());
    wipe(bytes);
    bytes.swap(larger);
  }
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace bastion::identity
