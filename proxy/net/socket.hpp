// A non-blocking stream socket: try, then wait. Waiting wakes the owner's coroutine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "proxy/net/endpoint.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/unique_fd.hpp"
#include "proxy/net/waiter.hpp"

namespace bastion::net {

enum class IoStatus : std::uint8_t {
  done,         ///< `bytes` were moved
  would_block,  ///< nothing was moved; wait
  end,          ///< the peer has closed its direction
  reset,        ///< the connection is broken; `Socket::last_error` tells
};

struct Io {
  IoStatus status = IoStatus::would_block;
  std::size_t bytes = 0;
};

/// Where a non-blocking connect stands.
enum class Connecting : std::uint8_t { done, pending, failed };

/// Owns a connected or connecting stream socket, TCP or Unix. Readiness is remembered: after a receive that brought less
/// than there was room for, `may_read()` is false until the kernel says otherwise, so no receive is made that finds nothing.
class Socket {
 public:
  /// `owner` outlives the socket; whoever waits for it keeps it.
  Socket(IoContext& context, Waiter& owner) : poller_{Poller::of(context)}, owner_{owner} {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  /// Takes a non-blocking descriptor.
  void adopt(UniqueFd fd) { fd_ = std::move(fd); }
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  /// A connect() to `address` (a sockaddr of `length` bytes). `pending`: want_write(), and ask connect_result() once
  /// may_write().
  [[nodiscard]] Connecting connect(const void* address, std::uint32_t length);
  [[nodiscard]] Connecting connect_result();

  [[nodiscard]] bool may_read() const { return may_read_; }
  [[nodiscard]] bool may_write() const { return may_write_; }
  /// One receive.
  [[nodiscard]] Io receive(std::span<std::uint8_t> into);
  /// One send; fewer bytes than given means that the rest must wait.
  [[nodiscard]] Io send(std::span<const std::uint8_t> bytes);

  /// The next receive and send try, whatever is known of readiness: the kernel may have more to tell than the reactor has
  /// asked for yet.
  void look_again() { may_read_ = may_write_ = true; }

  /// Wakes the owner once the socket is readable, writable. The first of them throws boost::system::system_error where the
  /// kernel can't watch another descriptor.
  void want_read();
  void want_write();
  /// By the poller: what epoll has to say, EPOLLIN and so on.
  void happened(std::uint32_t events);

  /// The endpoint it is bound to.
  [[nodiscard]] Endpoint local();

  void shutdown_write();
  void close();
  [[nodiscard]] int last_error() const { return last_error_; }  ///< an errno

 private:
  [[nodiscard]] Io failed();
  void watch(bool writes);

  Poller& poller_;
  Waiter& owner_;
  UniqueFd fd_;
  int last_error_ = 0;
  bool is_watched_ = false;
  bool watches_writes_ = false;
  bool ends_ = false;  ///< the kernel has told of the peer's end, once: there is no need to wait for it
  bool may_read_ = false;
  bool may_write_ = true;
  bool waits_read_ = false;
  bool waits_write_ = false;
};

/// strerror() as a string, safe for threads.
[[nodiscard]] std::string error_text(int error_number);

}  // namespace bastion::net
