// A non-blocking stream socket over Asio's reactor.
#include "proxy/net/socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace bastion::net {

void Socket::adopt(UniqueFd fd) {
  descriptor_.assign(fd.get());
  static_cast<void>(fd.release());
}

Connecting Socket::connect(const void* address, std::uint32_t length) {
  if (::connect(descriptor_.native_handle(), static_cast<const sockaddr*>(address), length) == 0) return Connecting::done;
  last_error_ = errno;
  if (last_error_ != EINPROGRESS) return Connecting::failed;
  may_write_ = false;
  return Connecting::pending;
}

Connecting Socket::connect_result() {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  last_error_ = error;
  return error == 0 ? Connecting::done : Connecting::failed;
}

Io Socket::receive(std::span<std::uint8_t> into) {
  const auto received = ::recv(descriptor_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  if (received > 0) {
    const auto bytes = static_cast<std::size_t>(received);
    if (bytes < into.size()) may_read_ = false;
    return {IoStatus::done, bytes};
  }
  may_read_ = false;
  if (received == 0) return {IoStatus::end, 0};
  return failed();
}

Io Socket::send(std::span<const std::uint8_t> bytes) {
  const auto sent = ::send(descriptor_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
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
  return local_endpoint(descriptor_.native_handle());
}

void Socket::want_read() {
  if (waits_read_ || may_read_ || !descriptor_.is_open()) return;
  waits_read_ = true;
  // The reference keeps this socket's owner, and so the socket, until the handler has run.
  descriptor_.async_wait(Descriptor::wait_read, [this, owner = WaiterRef{&owner_}](const boost::system::error_code& error) {
    waits_read_ = false;
    if (error) return;
    may_read_ = true;
    owner->notify();
  });
}

void Socket::want_write() {
  if (waits_write_ || may_write_ || !descriptor_.is_open()) return;
  waits_write_ = true;
  descriptor_.async_wait(Descriptor::wait_write, [this, owner = WaiterRef{&owner_}](const boost::system::error_code& error) {
    waits_write_ = false;
    if (error) return;
    may_write_ = true;
    owner->notify();
  });
}

void Socket::shutdown_write() {
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
}

void Socket::close() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

std::string error_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace bastion::net
