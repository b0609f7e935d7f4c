// A non-blocking stream socket that is told of its readiness by the poller.
#include "proxy/net/socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace bastion::net {

Connecting Socket::connect(const void* address, std::uint32_t length) {
  if (::connect(fd_.get(), static_cast<const sockaddr*>(address), length) == 0) return Connecting::done;
  last_error_ = errno;
  if (last_error_ != EINPROGRESS) return Connecting::failed;
  may_write_ = false;
  return Connecting::pending;
}

Connecting Socket::connect_result() {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  last_error_ = error;
  return error == 0 ? Connecting::done : Connecting::failed;
}

Io Socket::receive(std::span<std::uint8_t> into) {
  const auto received = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
  if (received > 0) {
    const auto bytes = static_cast<std::size_t>(received);
    if (bytes < into.size()) may_read_ = false;  // what comes from here on is told of: epoll(7), edge-triggered
    return {IoStatus::done, bytes};
  }
  may_read_ = false;
  if (received == 0) return {IoStatus::end, 0};
  return failed();
}

Io Socket::send(std::span<const std::uint8_t> bytes) {
  const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) {
    if (static_cast<std::size_t>(sent) < bytes.size()) may_write_ = false;
    return {IoStatus::done, static_cast<std::size_t>(sent)};
  }
  may_write_ = false;
  return failed();
}

Io Socket::failed() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoStatus::would_block, 0};
  last_error_ = errno;
  return {IoStatus::reset, 0};
}

Endpoint Socket::local() {
  return local_endpoint(fd_.get());
}

void Socket::watch(bool writes) {
  if (!poller_.watch(fd_.get(), *this, !is_watched_, writes)) {
    throw boost::system::system_error{errno, boost::system::system_category()};
  }
  is_watched_ = true;
  watches_writes_ = writes;
}

void Socket::want_read() {
  if (waits_read_ || may_read_ || !is_open()) return;
  if (ends_) {
    may_read_ = true;
    owner_.notify();
    return;
  }
  waits_read_ = true;
  if (!is_watched_) watch(false);
}

// A socket is watched for room only once it has lacked some: a Unix socket would tell of each message that its peer reads.
void Socket::want_write() {
  if (waits_write_ || may_write_ || !is_open()) return;
  waits_write_ = true;
  if (!watches_writes_) watch(true);
}

void Socket::happened(std::uint32_t events) {
  const bool ends = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool reads = ends || (events & EPOLLIN) != 0;
  const bool writes = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  ends_ = ends_ || ends;
  may_read_ = may_read_ || reads;
  may_write_ = may_write_ || writes;
  const bool is_waited_for = (waits_read_ && reads) || (waits_write_ && writes);
  // Should it not come off, room goes on being told of.
  if (!waits_write_ && writes && !reads) watches_writes_ = !poller_.watch(fd_.get(), *this, false, false);
  if (reads) waits_read_ = false;
  if (writes) waits_write_ = false;
  if (is_waited_for) owner_.notify();
}

void Socket::shutdown_write() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void Socket::close() {
  if (!is_open()) return;
  poller_.forget(*this);
  fd_.reset();  // and with it goes its registration
  is_watched_ = watches_writes_ = false;
}

std::string error_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace bastion::net
