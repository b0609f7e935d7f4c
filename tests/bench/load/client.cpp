// A client's life, driven by epoll.
#include "tests/bench/load/client.hpp"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <new>

#include "proxy/mqtt/fixed_header.hpp"

namespace bastion::bench {

Client::Client(Loop& loop, SSL_CTX* tls, std::uint16_t port, ByteVector connect_packet)
    : loop_{loop},
      fd_{connect_on_loopback(port, "127.0.0.1")},
      ssl_{SSL_new(tls)},
      connect_packet_{std::move(connect_packet)} {
  if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), fd_.get()) != 1) throw std::bad_alloc{};
  SSL_set_connect_state(ssl_.get());
  loop_.watch(fd_.get(), *this, EPOLLOUT);
}

void Client::ready(std::uint32_t events) {
  ERR_clear_error();
  switch (stage_) {
    case Stage::connecting:
      stage_ = Stage::shaking_hands;
      loop_.change(fd_.get(), *this, EPOLLIN);
      return shake_hands();
    case Stage::shaking_hands:
      return shake_hands();
    case Stage::awaiting_connack:
    case Stage::admitted:
      if ((events & EPOLLOUT) != 0) flush();
      if ((events & ~std::uint32_t{EPOLLOUT}) != 0) read();
      return;
    case Stage::leaving:
      return discard();
    case Stage::gone:
      return;
  }
}

void Client::shake_hands() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return;
    throw Void{"a TLS handshake failed"};
  }
  stage_ = Stage::awaiting_connack;
  send(std::exchange(connect_packet_, {}));
}

void Client::read() {
  std::array<std::uint8_t, 16 << 10> buffer;
  std::size_t bytes = 0;
  while (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes) == 1) {
    cutter_.feed({buffer.data(), bytes}, [this](ByteView packet) { take(packet); });
  }
  if (SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_READ) end();
}

void Client::take(ByteView packet) {
  if (stage_ == Stage::admitted) {
    if (!on_packet_) throw Void{"a client was sent what it did not expect"};
    return on_packet_(packet);
  }
  if (mqtt::packet_type(packet[0]) != mqtt::PacketType::connack || packet.size() != 4) throw Void{"no CONNACK came"};
  return_code_ = packet[3];
  if (*return_code_ == 0) stage_ = Stage::admitted;
}

void Client::send(ByteVector bytes) {
  unsent_.push_back(std::move(bytes));
  if (unsent_.size() == 1) flush();
}

bool Client::sent_all() const {
  int not_sent = 0;
  return unsent_.empty() && ::ioctl(fd_.get(), SIOCOUTQNSD, &not_sent) == 0 && not_sent == 0;
}

void Client::flush() {
  while (!unsent_.empty()) {
    const auto& first = unsent_.front();
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), first.data() + sent_of_first_, first.size() - sent_of_first_, &written) != 1) {
      if (SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_WRITE) throw Void{"a client was cut off while it wrote"};
      break;
    }
    sent_of_first_ += written;
    if (sent_of_first_ < first.size()) continue;
    unsent_.pop_front();
    sent_of_first_ = 0;
  }
  if (waits_for_room_ == unsent_.empty()) {
    waits_for_room_ = !unsent_.empty();
    loop_.change(fd_.get(), *this, waits_for_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

void Client::leave() {
  if (stage_ == Stage::gone) return;
  stage_ = Stage::leaving;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ::shutdown(fd_.get(), SHUT_WR);
}

void Client::discard() {
  std::array<std::uint8_t, 4096> buffer;
  const auto received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (received > 0 || (received < 0 && errno == EAGAIN)) return;
  end();
}

void Client::end() {
  if (stage_ == Stage::admitted) throw Void{"a client that was let in was cut off"};
  stage_ = Stage::gone;
  fd_.reset();
  ssl_.reset();
}

}  // namespace bastion::bench
