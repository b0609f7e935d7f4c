// One end of a connection as a test plays it.
#include "tests/support/peer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <utility>

namespace bastion::test {

short await_events(int fd, short events, const char* what) {
  const auto until = Clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return entry.revents;
    if (ready == 0 || errno != EINTR) throw NeverHappened{std::string{"waited in vain for "} + what};
  }
}

Peer::Peer(net::UniqueFd fd) : fd_{std::move(fd)} {
  std::signal(SIGPIPE, SIG_IGN);
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

bool Peer::send(std::span<const std::uint8_t> bytes) {
  return send_raw(encode(bytes));
}

ByteVector Peer::encode(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

bool Peer::send_raw(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      static_cast<void>(await_events(fd_.get(), POLLOUT, "room to send"));
    } else {
      return false;
    }
  }
  return true;
}

bool Peer::send_split(std::span<const std::uint8_t> bytes, std::span<const std::size_t> sizes) {
  for (std::size_t i = 0; !bytes.empty(); ++i) {
    const auto size = std::min(bytes.size(), sizes[i % sizes.size()]);
    if (!send(bytes.first(size))) return false;
    bytes = bytes.subspan(size);
  }
  return true;
}

bool Peer::send_byte_by_byte(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::size_t, 1> one{1};
  return send_split(bytes, one);
}

void Peer::send_until_heard(std::span<const std::uint8_t> bytes) {
  if (send_repeatedly(bytes, std::numeric_limits<std::size_t>::max())) throw NeverHappened{"everything was taken"};
}

bool Peer::send_repeatedly(std::span<const std::uint8_t> bytes, std::size_t enough) {
  const auto until = Clock::now() + patience;
  for (std::size_t total = 0; total < enough; total += bytes.size()) {
    const auto encoded = encode(bytes);
    for (std::size_t sent = 0; sent < encoded.size();) {
      if (Clock::now() > until) throw NeverHappened{"the other side took it all and said nothing"};
      if (hears()) return false;
      static_cast<void>(await_events(fd_.get(), POLLIN | POLLOUT, "the other side"));
      const auto taken = ::send(fd_.get(), encoded.data() + sent, encoded.size() - sent, MSG_NOSIGNAL);
      if (taken < 0 && errno != EAGAIN) return false;
      if (taken > 0) sent += static_cast<std::size_t>(taken);
    }
  }
  return true;
}

std::size_t Peer::send_until_stuck(std::span<const std::uint8_t> bytes) {
  constexpr int a_while_ms = 200;
  const auto until = Clock::now() + patience;
  for (std::size_t times = 0;; ++times) {
    const auto encoded = encode(bytes);
    for (std::size_t sent = 0; sent < encoded.size();) {
      pollfd entry{fd_.get(), POLLOUT, 0};
      if (::poll(&entry, 1, a_while_ms) == 0) return times;
      if (Clock::now() > until) throw NeverHappened{"everything was taken"};
      const auto taken = ::send(fd_.get(), encoded.data() + sent, encoded.size() - sent, MSG_NOSIGNAL);
      if (taken < 0 && errno != EAGAIN) throw NeverHappened{"the connection broke"};
      if (taken > 0) sent += static_cast<std::size_t>(taken);
    }
  }
}

bool Peer::hears() {
  if (in_hand_.empty()) static_cast<void>(receive(false));
  return !in_hand_.empty() || ended_ != Ended::not_yet;
}

bool Peer::hears_within(std::chrono::milliseconds time) {
  const auto until = Clock::now() + time;
  while (!hears()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd entry{fd_.get(), POLLIN, 0};
    if (left < 0 || ::poll(&entry, 1, static_cast<int>(left) + 1) == 0) return false;
  }
  return true;
}

bool Peer::receive(bool wait) {
  return receive_raw(wait, in_hand_);
}

bool Peer::receive_raw(bool wait, ByteVector& behind) {
  if (ended_ != Ended::not_yet) return false;
  std::array<std::uint8_t, 16 * 1024> buffer{};
  for (;;) {
    const auto received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (received > 0) {
      behind.insert(behind.end(), buffer.begin(), buffer.begin() + received);
      return true;
    }
    if (received == 0) {
      ended_ = Ended::orderly;
      return false;
    }
    if (errno != EAGAIN) {
      ended_ = Ended::reset;
      return false;
    }
    if (!wait) return false;
    static_cast<void>(await_events(fd_.get(), POLLIN, "something to read"));
  }
}

ByteVector Peer::read(std::size_t size) {
  while (in_hand_.size() < size) {
    if (!receive(true) && ended_ != Ended::not_yet) {
      throw NeverHappened{"the connection ended after " + std::to_string(in_hand_.size()) + " of " + std::to_string(size) +
                          " bytes"};
    }
  }
  const auto end = in_hand_.begin() + static_cast<std::ptrdiff_t>(size);
  ByteVector taken{in_hand_.begin(), end};
  in_hand_.erase(in_hand_.begin(), end);
  return taken;
}

ByteVector Peer::read_packet() {
  auto packet = read(2);
  std::size_t length = packet[1] & 0x7fu;
  for (unsigned shift = 7; (packet.back() & 0x80u) != 0; shift += 7) {
    packet = packet + read(1);
    length |= std::size_t{packet.back() & 0x7fu} << shift;
  }
  return packet + read(length);
}

ByteVector Peer::read_to_end() {
  while (ended_ == Ended::not_yet) static_cast<void>(receive(true));
  return std::exchange(in_hand_, {});
}

ByteVector Peer::read_what_is_here() {
  while (receive(false)) {
  }
  return std::exchange(in_hand_, {});
}

bool Peer::skip_raw() {
  ByteVector dropped;
  return receive_raw(true, dropped);
}

void Peer::skip_raw_to_end() {
  while (skip_raw()) {
  }
}

void Peer::close_write() {
  ::shutdown(fd_.get(), SHUT_WR);
}

void Peer::close() {
  fd_.reset();
}

void Peer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

}  // namespace bastion::test
