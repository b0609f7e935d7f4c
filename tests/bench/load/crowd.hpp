// Many clients at once: those that stay and send, those that come and go, and those that are turned away.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load/client.hpp"
#include "tests/bench/load/flow.hpp"
#include "tests/bench/load/stub_broker.hpp"

namespace bastion::bench {

/// What clients say of themselves.
struct Credentials {
  std::string user_name;
  std::string password;
};

/// CONNECT of MQTT 3.1.1; null: without user name and password.
[[nodiscard]] ByteVector connect_packet(std::uint32_t client, const Credentials* credentials);

/// Every member function throws Void where not all went as it should have gone.
class Crowd {
 public:
  Crowd(Loop& loop, StubBroker& broker, SSL_CTX* tls, Credentials credentials);
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd();

  // --- those that stay ---

  /// So many clients are let in, subscribe to so many filters each, and stay.
  void open(std::uint16_t port, std::uint32_t clients, std::uint32_t subscriptions);
  enum class Direction : std::uint8_t { up, down };
  /// Each client sends `messages`, or the broker sends them to each; so many to a TLS record, or to a write. Returns how
  /// many there were in all; they wait at the proxy then, as far as it had room.
  std::uint64_t publish(Direction direction, std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos,
                        std::uint32_t at_once);
  /// Another leg for all messages of that direction that wait for it.
  void go_on(Direction direction, Leg leg);
  /// Waits until all that was sent has come to the other side.
  void arrived();
  /// All leave; the broker has heard of it, and of nothing more than was sent.
  void close();

  // --- those that come and go, at most `at_a_time` of them at a time ---

  /// A full handshake, CONNECT, CONNACK, and goodbye.
  void visit(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time);
  /// A full handshake and a CONNECT without credentials, which is refused, before the broker hears of it.
  void visit_as_strangers(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time);

  // --- those that are turned away by their address ---

  /// So many TCP connections from that address; returns when the kernel has completed them.
  void knock(std::uint16_t port, std::uint32_t count, const std::string& source);
  /// Waits until they have all been closed.
  void turned_away();

 private:
  struct Member {
    std::unique_ptr<Client> client;
    Publisher up{};
    Receiver down{};
  };
  class Knock;

  [[nodiscard]] std::unique_ptr<Client> newcomer(std::uint16_t port, std::uint32_t number, const Credentials* credentials);
  void let_in(std::uint16_t port, std::uint32_t clients);
  template <class Leave>
  void come_and_go(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time, const Credentials* credentials,
                   Leave leave);
  void subscribe(std::uint32_t filters);
  void take(std::uint32_t number, ByteView packet);
  template <class Make>
  std::uint64_t on_every(Make make);
  void expect_broker_saw(std::uint64_t connections, std::uint64_t before) const;

  Loop& loop_;
  StubBroker& broker_;
  SSL_CTX* tls_;
  Credentials credentials_;
  std::vector<Member> members_;
  std::vector<std::unique_ptr<Knock>> knocks_;
  std::uint64_t connections_before_knocks_ = 0;
  // Packets, since these clients came.
  std::uint64_t sent_ = 0;        ///< by both sides
  std::uint64_t taken_ = 0;       ///< by clients
  std::uint64_t broker_had_ = 0;  ///< before
};

}  // namespace bastion::bench
