// A byte stream to a peer, encrypted or not: reading brings what one receive brought, writing never blocks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proxy/net/socket.hpp"

namespace bastion::net {

/// Buffers that one worker's streams share: they hold bytes only within one call of one stream, so an idle connection has
/// none of its own.
struct Scratch {
  static constexpr std::size_t cipher_bytes = 64u << 10;
  /// Plaintext in hand: what was carried over, and all that one receive can decrypt to (what OpenSSL may have held back of a
  /// record included).
  static constexpr std::size_t plain_bytes = 128u << 10;

  std::unique_ptr<std::uint8_t[]> cipher = std::make_unique<std::uint8_t[]>(cipher_bytes);
  std::unique_ptr<std::uint8_t[]> plain = std::make_unique<std::uint8_t[]>(plain_bytes);
  std::vector<std::uint8_t> out;  ///< records on their way out; keeps its capacity

  /// Room for at most `bytes_max`, and never for more than there is.
  [[nodiscard]] std::span<std::uint8_t> plain_room(std::size_t bytes_max = plain_bytes) const {
    return {plain.get(), std::min(bytes_max, plain_bytes)};
  }
  [[nodiscard]] std::span<std::uint8_t> cipher_room() const { return {cipher.get(), cipher_bytes}; }
};

/// Owns its socket.
class Stream {
 public:
  Stream(IoContext& context, Waiter& owner) : socket_{context, owner} {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream();

  [[nodiscard]] Socket& socket() { return socket_; }

  /// Whether read() can bring something without waiting.
  [[nodiscard]] virtual bool may_read() const { return socket_.may_read(); }
  /// Reads what one receive brings. `end`: the peer has closed its direction in good order.
  [[nodiscard]] virtual Io read(std::span<std::uint8_t> into) = 0;

  /// Takes all bytes. What the kernel does not take now is kept, and nothing more may be written until flush() has sent it;
  /// so what is kept is bounded by the size of one write. False: the connection is broken.
  [[nodiscard]] virtual bool write(std::span<const std::uint8_t> bytes) = 0;
  /// Sends what is kept, as far as it goes. False: the connection is broken.
  [[nodiscard]] bool flush();
  [[nodiscard]] bool has_unsent() const { return !unsent_.empty(); }

  /// Tells the peer that nothing more will come. What is unsent is lost: flush first.
  virtual void close_write() = 0;

 protected:
  /// Sends, and keeps the rest.
  [[nodiscard]] bool send_or_keep(std::span<const std::uint8_t> bytes);

  void forget_unsent();

  Socket socket_;
  std::vector<std::uint8_t> unsent_;
  bool unsent_is_secret_ = false;  ///< it is wiped before its memory is given up
};

/// TCP or a Unix socket as it is.
class PlainStream final : public Stream {
 public:
  using Stream::Stream;
  [[nodiscard]] Io read(std::span<std::uint8_t> into) override { return socket_.receive(into); }
  [[nodiscard]] bool write(std::span<const std::uint8_t> bytes) override { return send_or_keep(bytes); }
  /// As write(), for bytes that hold credentials: what is kept of them is wiped once it is sent or given up. Only for the
  /// first write: what is unsent by then would be copied.
  [[nodiscard]] bool write_secret(std::span<const std::uint8_t> bytes);
  void close_write() override { socket_.shutdown_write(); }
};

}  // namespace bastion::net
