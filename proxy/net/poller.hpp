// Readiness of all connections of a worker: each is registered once, and Asio waits for them together.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "proxy/net/asio.hpp"
#include "proxy/net/unique_fd.hpp"

namespace bastion::net {

class Socket;

/// An epoll instance of the connections alone, edge-triggered, below the one of an io_context. Asio arms a descriptor anew
/// with each wait, which is a system call for each message; here a wait costs a flag. One for each io_context, made when
/// its first socket asks (`of()`); it belongs to the thread that runs the io_context, and goes with it.
class Poller : public boost::asio::execution_context::service {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): Asio looks for this name.
  inline static boost::asio::execution_context::id id;

  /// Throws boost::system::system_error where the system has no room for it.
  explicit Poller(IoContext& context);
  static Poller& of(IoContext& context) { return boost::asio::use_service<Poller>(context); }

  /// From now on the socket is told what happens to `fd`, for as long as that is open: its end, and what it can be read
  /// for; with `writes` also when it can be written again. Called again it changes `writes`. False, and errno, where the
  /// kernel can't watch it.
  [[nodiscard]] bool watch(int fd, Socket& socket, bool is_new, bool writes);
  /// The socket is gone, or its descriptor is: it is told nothing of what was already fetched.
  void forget(const Socket& socket);

 private:
  static constexpr std::size_t events_max = 128;  ///< that are told before others of the io_context have their turn

  void shutdown() override;
  /// Where there is no memory for it the process ends: nobody would hear of any connection any more.
  void wait() noexcept;
  void tell();

  Descriptor epoll_;
  std::array<epoll_event, events_max> events_{};
  std::size_t next_ = 0;
  std::size_t fetched_ = 0;
};

}  // namespace bastion::net
