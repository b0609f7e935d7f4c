// What encrypted and plain streams share: sending, and keeping what could not be sent.
#include "proxy/net/stream.hpp"

namespace bastion::net {

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
    std::vector<std::uint8_t>{}.swap(unsent_);  // an idle connection keeps no buffer
  } else {
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent.bytes));
  }
  return true;
}

}  // namespace bastion::net
