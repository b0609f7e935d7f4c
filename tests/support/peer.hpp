// One end of a connection as a test plays it: blocking in effect, and every wait ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "proxy/net/unique_fd.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::test {

using Clock = std::chrono::steady_clock;

/// How long a test waits for what must happen. Nothing is proved by it: it is there so that a test that fails ends.
inline constexpr std::chrono::seconds patience{10};

/// Thrown where what must happen did not.
struct NeverHappened : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Waits for some of poll(2)'s `events` and returns those that came; throws NeverHappened, with `what`, after `patience`.
short await_events(int fd, short events, const char* what);

/// How the other side ended its direction.
enum class Ended : std::uint8_t { not_yet, orderly, reset };

/// A connected stream socket. Bytes that were received and not read yet are kept.
class Peer {
 public:
  explicit Peer(net::UniqueFd fd);
  Peer(Peer&&) = default;
  Peer& operator=(Peer&&) = default;
  virtual ~Peer() = default;

  /// Sends all of it. False: the connection broke on the way (which is what some tests are about).
  bool send(std::span<const std::uint8_t> bytes);
  /// Sends pieces of these sizes, in turn, until all is sent.
  bool send_split(std::span<const std::uint8_t> bytes, std::span<const std::size_t> sizes);
  bool send_byte_by_byte(std::span<const std::uint8_t> bytes);
  /// What send() puts into the socket.
  [[nodiscard]] virtual ByteVector encode(std::span<const std::uint8_t> bytes);
  /// Past any TLS, straight into the socket. Sends all of it.
  bool send_raw(std::span<const std::uint8_t> bytes);
  /// Sends `bytes` over and over, without reading, until the other side has something to say or has ended.
  void send_until_heard(std::span<const std::uint8_t> bytes);
  /// The same until `enough` bytes were sent. False: the other side was heard first.
  bool send_repeatedly(std::span<const std::uint8_t> bytes, std::size_t enough);

  /// Sends `bytes` over and over until the kernel has had no room for a while; how many times they were sent. The last of
  /// them may have been sent in part.
  std::size_t send_until_stuck(std::span<const std::uint8_t> bytes);

  /// Exactly as many bytes. Throws NeverHappened where the end comes first.
  [[nodiscard]] ByteVector read(std::size_t size);
  /// One MQTT packet.
  [[nodiscard]] ByteVector read_packet();
  /// All that comes until the other side has ended; ended() tells how.
  [[nodiscard]] ByteVector read_to_end();
  /// What is here now, without waiting.
  [[nodiscard]] ByteVector read_what_is_here();
  [[nodiscard]] Ended ended() const { return ended_; }
  /// Whether something is here to be read, or the end. A TLS session ticket is neither.
  [[nodiscard]] bool hears();
  /// Whether it comes within this time.
  [[nodiscard]] bool hears_within(std::chrono::milliseconds time);
  /// Drops what one receive from the socket itself brings, TLS or not. Waits for it; false at the end.
  bool skip_raw();
  void skip_raw_to_end();

  /// The end of our direction; the other may go on.
  virtual void close_write();
  /// Closes for good and in good order.
  void close();
  /// Closes with a reset.
  void reset();
  [[nodiscard]] int fd() const { return fd_.get(); }

 protected:
  /// Puts what one receive brings behind in_hand_. `wait`: until something comes. False: nothing came.
  virtual bool receive(bool wait);
  /// One receive from the socket itself.
  bool receive_raw(bool wait, ByteVector& behind);

  net::UniqueFd fd_;
  ByteVector in_hand_;
  Ended ended_ = Ended::not_yet;
};

}  // namespace bastion::test
