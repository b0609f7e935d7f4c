// A guest's end of a connection: TLS over memory, so that its bytes can be cut short, held back, or sent one by one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/bench/load/loop.hpp"
#include "tests/bench/load/messages.hpp"
#include "tests/bench/load/net.hpp"

namespace bastion::soak {

using bench::ByteVector;
using bench::ByteView;
using Clock = std::chrono::steady_clock;

class Wire {
 public:
  /// A connection under way. `loop`, `owner` and `tls` outlive it.
  Wire(bench::Loop& loop, bench::Watcher& owner, SSL_CTX* tls, std::uint16_t port, const std::string& source, bool tls12);

  /// What epoll told the owner.
  void ready(std::uint32_t events);
  void tick(Clock::time_point now);

  [[nodiscard]] bool connected() const { return connected_; }
  /// The other side has closed or reset, or there never was a connection.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool sent_all() const { return sent_ == unsent_.size(); }
  /// `127.0.1.1:40000`, once it is connected.
  [[nodiscard]] std::string local() const;
  /// Bytes that came, of whatever kind.
  [[nodiscard]] std::uint64_t heard() const { return heard_; }

  void send_raw(ByteView bytes);
  /// The first half of what a handshake begins with.
  void send_half_hello();
  /// Goes on with the handshake; true once it is done.
  [[nodiscard]] bool shake_hands();
  void send(ByteView plain);
  /// What has been decrypted since the last call.
  [[nodiscard]] ByteVector take() { return std::exchange(plain_, {}); }

  /// From here on a byte is sent this often.
  void trickle(std::chrono::milliseconds pace) { pace_ = pace; }
  void stop_reading();
  void read_again();
  void say_goodbye();  ///< close_notify
  void finish();       ///< the end of the stream, behind what is unsent
  void reset();

  void resume(SSL_SESSION* session) { SSL_set_session(ssl_.get(), session); }
  /// For another one to resume; null where there is none. The caller's own.
  [[nodiscard]] SSL_SESSION* session() { return SSL_get1_session(ssl_.get()); }

 private:
  void receive();
  void decrypt();
  void collect();
  void flush();
  void watch();

  bench::Loop& loop_;
  bench::Watcher& owner_;
  net::UniqueFd fd_;
  bench::Tls ssl_;
  BIO* from_gate_;  ///< the SSL's own
  BIO* to_gate_;
  ByteVector unsent_;
  std::size_t sent_ = 0;  ///< of `unsent_`
  ByteVector plain_;
  std::chrono::milliseconds pace_{0};
  Clock::time_point last_byte_at_;
  std::uint64_t heard_ = 0;
  std::uint32_t watched_ = 0;
  bool connected_ = false;
  bool ended_ = false;
  bool reading_ = true;
  bool speaks_tls_ = false;
  bool finishing_ = false;
};

}  // namespace bastion::soak
