// Moving a guest's bytes between its TLS and its socket.
#include "tests/soak/load/wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <new>

namespace bastion::soak {
namespace {

constexpr std::size_t records_max = 16;

int error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Wire::Wire(bench::Loop& loop, bench::Watcher& owner, SSL_CTX* tls, std::uint16_t port, const std::string& source, bool tls12)
    : loop_{loop},
      owner_{owner},
      fd_{bench::connect_on_loopback(port, source)},
      ssl_{SSL_new(tls)},
      from_gate_{BIO_new(BIO_s_mem())},
      to_gate_{BIO_new(BIO_s_mem())},
      watched_{EPOLLOUT} {
  if (ssl_ == nullptr || from_gate_ == nullptr || to_gate_ == nullptr) throw std::bad_alloc{};
  SSL_set_bio(ssl_.get(), from_gate_, to_gate_);
  SSL_set_connect_state(ssl_.get());
  if (tls12) {
    SSL_set_min_proto_version(ssl_.get(), TLS1_2_VERSION);
    SSL_set_max_proto_version(ssl_.get(), TLS1_2_VERSION);
    SSL_set1_groups_list(ssl_.get(), "X25519:P-256");  // the curve of the certificate is one of them there
  }
  loop_.watch(fd_.get(), owner_, watched_);
}

void Wire::ready(std::uint32_t events) {
  if (ended_) return;
  if (!connected_) {
    ended_ = error_of(fd_.get()) != 0;
    connected_ = !ended_;
    if (ended_) fd_.reset();
    return watch();
  }
  if ((events & EPOLLOUT) != 0) flush();
  const std::uint32_t heard = reading_ ? ~std::uint32_t{EPOLLOUT} : std::uint32_t{EPOLLERR | EPOLLHUP};
  if ((events & heard) != 0) receive();
  watch();
}

void Wire::tick(Clock::time_point now) {
  if (pace_.count() == 0 || sent_all() || ended_ || now < last_byte_at_ + pace_) return;
  last_byte_at_ = now;
  if (::send(fd_.get(), unsent_.data() + sent_, 1, MSG_NOSIGNAL) == 1) ++sent_;
}

std::string Wire::local() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  std::array<char, INET_ADDRSTRLEN> text{};
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return std::string{text.data()} + ':' + std::to_string(ntohs(address.sin_port));
}

void Wire::send_raw(ByteView bytes) {
  bench::append(unsent_, bytes);
  flush();
  watch();
}

void Wire::send_half_hello() {
  SSL_do_handshake(ssl_.get());
  std::array<std::uint8_t, 4096> hello;
  const int size = BIO_read(to_gate_, hello.data(), hello.size());
  send_raw({hello.data(), static_cast<std::size_t>(size) / 2});
}

bool Wire::shake_hands() {
  speaks_tls_ = true;
  ERR_clear_error();
  SSL_do_handshake(ssl_.get());
  collect();
  return SSL_is_init_finished(ssl_.get()) != 0;
}

void Wire::send(ByteView plain) {
  ERR_clear_error();
  // Memory takes all there is, in one go for each record.
  while (!plain.empty()) {
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written) != 1) break;
    plain = plain.subspan(written);
  }
  collect();
}

void Wire::stop_reading() {
  reading_ = false;
  watch();
}

void Wire::read_again() {
  reading_ = true;
  if (ended_) return;
  receive();
  watch();
}

void Wire::say_goodbye() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  collect();
}

void Wire::finish() {
  finishing_ = true;
  flush();
  watch();
}

void Wire::reset() {
  const linger at_once{1, 0};
  static_cast<void>(::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  fd_.reset();
  ended_ = true;
}

void Wire::receive() {
  std::array<std::uint8_t, 16 << 10> buffer;
  for (std::size_t i = 0; i < records_max; ++i) {
    const auto received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (received <= 0) {
      ended_ = true;
      break;
    }
    heard_ += static_cast<std::uint64_t>(received);
    if (speaks_tls_) BIO_write(from_gate_, buffer.data(), static_cast<int>(received));
  }
  if (speaks_tls_) decrypt();
  if (ended_) fd_.reset();
}

void Wire::decrypt() {
  ERR_clear_error();
  std::array<std::uint8_t, 16 << 10> buffer;
  std::size_t bytes = 0;
  while (SSL_is_init_finished(ssl_.get()) != 0 && SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes) == 1) {
    bench::append(plain_, {buffer.data(), bytes});
  }
  collect();
}

/// What TLS has to say goes behind what is unsent.
void Wire::collect() {
  std::array<std::uint8_t, 16 << 10> buffer;
  for (int size = 0; (size = BIO_read(to_gate_, buffer.data(), buffer.size())) > 0;) {
    bench::append(unsent_, {buffer.data(), static_cast<std::size_t>(size)});
  }
  flush();
  watch();
}

void Wire::flush() {
  if (ended_ || !connected_) return;
  while (pace_.count() == 0 && !sent_all()) {
    const auto sent = ::send(fd_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) break;  // an error is told by the next recv()
    sent_ += static_cast<std::size_t>(sent);
  }
  if (!sent_all()) return;
  ByteVector{}.swap(unsent_);
  sent_ = 0;
  if (finishing_) ::shutdown(fd_.get(), SHUT_WR);
}

void Wire::watch() {
  if (ended_ || !connected_) return;
  const bool waits_for_room = !sent_all() && pace_.count() == 0;
  const std::uint32_t events = (reading_ ? std::uint32_t{EPOLLIN} : 0U) | (waits_for_room ? std::uint32_t{EPOLLOUT} : 0U);
  if (events != watched_) loop_.change(fd_.get(), owner_, events);
  watched_ = events;
}

}  // namespace bastion::soak
