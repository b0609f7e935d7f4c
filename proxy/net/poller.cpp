// One epoll instance for all sockets of a worker.
#include "proxy/net/poller.hpp"

#include <cerrno>

#include "proxy/net/socket.hpp"

namespace bastion::net {

Poller::Poller(IoContext& context) : service{context}, epoll_{context} {
  UniqueFd made{::epoll_create1(EPOLL_CLOEXEC)};
  if (!made) throw boost::system::system_error{errno, boost::system::system_category()};
  epoll_.assign(made.get());
  static_cast<void>(made.release());
  wait();
}

void Poller::shutdown() {
  boost::system::error_code ignored;
  epoll_.close(ignored);
}

bool Poller::watch(int fd, Socket& socket, bool is_new, bool writes) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (writes ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.ptr = &socket;
  return ::epoll_ctl(epoll_.native_handle(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0;
}

void Poller::forget(const Socket& socket) {
  for (auto i = next_; i < fetched_; ++i) {
    if (events_[i].data.ptr == &socket) events_[i].data.ptr = nullptr;
  }
}

void Poller::wait() noexcept {
  epoll_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    tell();
    // Whatever is ready by now completes this at once, behind what else has waited meanwhile.
    wait();
  });
}

void Poller::tell() {
  const int ready = ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
  fetched_ = ready > 0 ? static_cast<std::size_t>(ready) : 0;
  for (next_ = 0; next_ < fetched_;) {
    const auto& event = events_[next_++];
    // Whom an event before this one has brought to its end is not there any more.
    if (auto* const socket = static_cast<Socket*>(event.data.ptr)) socket->happened(event.events);
  }
  next_ = fetched_ = 0;
}

}  // namespace bastion::net
