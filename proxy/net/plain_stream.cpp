// What encrypted and plain streams share: sending, and keeping what could not be sent.
#include "proxy/net/stream.hpp"

#include <openssl/crypto.h>

namespace bastion::net {

Stream::~Stream() {
  forget_unsent();
}

void Stream::forget_unsent() {
  if (unsent_is_secret_) OPENSSL_cleanse(unsent_.data(), unsent_.size());
  unsent_is_secret_ = false;
  std::vector<std::uint8_t>{}.swap(unsent_);  // an idle connection keeps no buffer
}

bool PlainStream::write_secret(std::span<const std::uint8_t> bytes) {
  const bool good = write(bytes);
  unsent_is_secret_ = has_unsent();
  return good;
}

bool Stream::send_or_keep(std::span<const std::uint8_t> bytes) {
  if (!unsent_.empty()) {
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
    return !socket_.may_write() || flush();
  }
  if (bytes.empty()) return true;
  const auto sent = socket_.send(bytes);
  if (sent.status == IoStatus::reset) return false;
  if (sent.bytes < bytes.size()) unsent_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(sent.bytes), bytes.end());
  return true;
}

bool Stream::flush() {
  if (unsent_.empty()) return true;
  const auto sent = socket_.send(unsent_);
  if (sent.status == IoStatus::reset) return false;
  if (sent.bytes == unsent_.size()) {
    forget_unsent();
  } else if (sent.bytes > 0) {
    const auto begin = unsent_.begin();
    std::copy(begin + static_cast<std::ptrdiff_t>(sent.bytes), unsent_.end(), begin);
    const auto left = unsent_.size() - sent.bytes;
    // What moved up has left a copy of its end behind.
    if (unsent_is_secret_) OPENSSL_cleanse(unsent_.data() + left, sent.bytes);
    unsent_.resize(left);
  }
  return true;
}

}  // namespace bastion::net
