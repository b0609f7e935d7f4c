// The broker behind every proxy: says yes to each CONNECT, counts each message and, where it is told to, answers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/load/loop.hpp"
#include "tests/bench/load/messages.hpp"
#include "tests/bench/load/net.hpp"

namespace bastion::bench {

/// The client identifier by which the broker knows whose messages must come.
[[nodiscard]] std::string client_identifier(std::uint32_t client);

/// Throws Void, out of the loop, at the first packet that is not the very next one of its client, unchanged.
class StubBroker final : public Watcher {
 public:
  explicit StubBroker(Loop& loop);
  StubBroker(const StubBroker&) = delete;
  StubBroker& operator=(const StubBroker&) = delete;
  ~StubBroker();

  [[nodiscard]] std::uint16_t port() const { return listening_.port; }

  // Since the beginning.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  [[nodiscard]] std::uint64_t packets() const { return packets_; }  ///< but for CONNECT
  [[nodiscard]] std::size_t open() const { return open_.size(); }

  /// Whether each message goes back to who sent it.
  void echo(bool on) { echoes_ = on; }
  /// Its part of a leg, on every connection; returns how many packets that were. Messages of a PUBLISH go out so many in one
  /// write, as far as the socket takes them.
  std::uint64_t publish(std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos, std::uint32_t per_write);
  std::uint64_t answer();
  std::uint64_t release();
  std::uint64_t complete();

  void ready(std::uint32_t events) override;

 private:
  class Connection;
  template <class Make>
  std::uint64_t on_every(Make make);

  Loop& loop_;
  Listening listening_;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> open_;
  std::uint64_t connections_ = 0;
  std::uint64_t packets_ = 0;
  bool echoes_ = false;
};

}  // namespace bastion::bench
