// One client of a proxy: TCP, TLS, CONNECT, and messages in records as they are asked for.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "tests/bench/load/loop.hpp"
#include "tests/bench/load/messages.hpp"
#include "tests/bench/load/net.hpp"

namespace bastion::bench {

class Client final : public Watcher {
 public:
  enum class Stage : std::uint8_t {
    connecting,
    shaking_hands,
    awaiting_connack,
    admitted,
    leaving,  ///< has said goodbye and waits for the other side to close
    gone,
  };
  using OnPacket = std::function<void(ByteView)>;

  /// `tls` and `loop` outlive the client.
  Client(Loop& loop, SSL_CTX* tls, std::uint16_t port, ByteVector connect_packet);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Stage stage() const { return stage_; }
  /// What the CONNACK said; nothing while none has come.
  [[nodiscard]] std::optional<std::uint8_t> return_code() const { return return_code_; }
  /// Who is told of what comes once the client is admitted.
  void on_packet(OnPacket on_packet) { on_packet_ = std::move(on_packet); }

  /// Sends these bytes, up to 16 KiB of them in one record, by a system call of its own. What the kernel does not take is
  /// sent when it does.
  void send(ByteVector bytes);
  /// Whether nothing that was sent is still on this side of the connection.
  [[nodiscard]] bool sent_all() const;
  /// close_notify and the end of the stream.
  void leave();

  void ready(std::uint32_t events) override;

 private:
  void shake_hands();
  void read();
  void take(ByteView packet);
  void flush();
  void discard();
  void end();

  Loop& loop_;
  net::UniqueFd fd_;
  Tls ssl_;
  ByteVector connect_packet_;
  std::deque<ByteVector> unsent_;
  std::size_t sent_of_first_ = 0;
  bool waits_for_room_ = false;
  PacketCutter cutter_;
  OnPacket on_packet_;
  std::optional<std::uint8_t> return_code_;
  Stage stage_ = Stage::connecting;
};

}  // namespace bastion::bench
