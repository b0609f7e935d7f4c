// Accepting proxies' connections, checking what they bring, and answering.
#include "tests/bench/load/stub_broker.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "proxy/mqtt/connect.hpp"
#include "proxy/mqtt/subscribe.hpp"
#include "tests/bench/load/flow.hpp"
#include "tests/support/packets.hpp"

namespace bastion::bench {
namespace {

constexpr std::string_view identifier_prefix = "bench-";

std::uint32_t client_of(ByteView connect_packet) {
  const auto parsed = mqtt::parse_connect(connect_packet, 0);
  const auto* const connect = std::get_if<mqtt::Connect>(&parsed);
  if (connect == nullptr || !connect->client_id.starts_with(identifier_prefix)) throw Void{"a CONNECT that was never sent"};
  const auto digits = connect->client_id.substr(identifier_prefix.size());
  std::uint32_t client = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), client);
  return client;
}

}  // namespace

std::string client_identifier(std::uint32_t client) {
  return std::string{identifier_prefix} + std::to_string(client);
}

class StubBroker::Connection final : public Watcher {
 public:
  Connection(StubBroker& broker, net::UniqueFd fd) : broker_{broker}, fd_{std::move(fd)} {
    broker_.loop_.watch(fd_.get(), *this, EPOLLIN);
  }

  void ready(std::uint32_t) override {
    static std::array<std::uint8_t, 256 << 10> buffer;
    const auto received = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) {
      broker_.open_.erase(this);
      return;
    }
    cutter_.feed({buffer.data(), static_cast<std::size_t>(received)}, [this](ByteView packet) { take(packet); });
  }

  std::uint64_t send(const Packets& packets) const {
    if (packets.count > 0) write(packets.bytes);
    return packets.count;
  }
  std::uint64_t publish(std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos, std::uint32_t per_write) {
    for (std::uint32_t sent = 0; sent < messages;) {
      Packets some;
      for (; some.count < per_write && sent < messages; ++sent) down_.publish(client_, payload_bytes, qos, some);
      send(some);
    }
    return messages;
  }
  [[nodiscard]] Publisher& down() { return down_; }
  [[nodiscard]] Receiver& up() { return up_; }

 private:
  void take(ByteView packet) {
    const auto type = mqtt::packet_type(packet[0]);
    if (type == mqtt::PacketType::connect) {
      client_ = client_of(packet);
      return write(test::connack(test::v3_1_1));
    }
    ++broker_.packets_;
    switch (type) {
      case mqtt::PacketType::subscribe:
        return write(suback_for(packet));
      case mqtt::PacketType::publish:
      case mqtt::PacketType::pubrel:
        up_.take(client_, packet);
        if (broker_.echoes_) write(packet);
        return;
      default:
        return down_.take(packet);
    }
  }

  /// All that is asked for, with QoS 2.
  static ByteVector suback_for(ByteView packet) {
    const auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
    const auto read = mqtt::read_subscribe(mqtt::Version::v3_1_1, packet.subspan(header.size));
    const auto* const subscribe = std::get_if<mqtt::Subscribe>(&read);
    if (subscribe == nullptr) throw Void{"a SUBSCRIBE that was never sent"};
    ByteVector out{0x90, static_cast<std::uint8_t>(2 + subscribe->filters),
                   static_cast<std::uint8_t>(subscribe->packet_id >> 8), static_cast<std::uint8_t>(subscribe->packet_id)};
    out.insert(out.end(), subscribe->filters, std::uint8_t{2});
    return out;
  }

  /// Answers are few and short enough for the socket's buffer.
  void write(ByteView bytes) const {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(bytes.size())) throw Void{"the broker's answers were not taken"};
  }

  StubBroker& broker_;
  net::UniqueFd fd_;
  PacketCutter cutter_;
  std::uint32_t client_ = 0;
  Receiver up_;
  Publisher down_;
};

StubBroker::StubBroker(Loop& loop) : loop_{loop}, listening_{listen_on_loopback()} {
  loop_.watch(listening_.fd.get(), *this, EPOLLIN);
}

StubBroker::~StubBroker() = default;

void StubBroker::ready(std::uint32_t) {
  while (auto fd = accept_from(listening_.fd.get())) {
    auto connection = std::make_unique<Connection>(*this, std::move(fd));
    const auto* const key = connection.get();
    open_.emplace(key, std::move(connection));
    ++connections_;
  }
}

template <class Make>
std::uint64_t StubBroker::on_every(Make make) {
  std::uint64_t count = 0;
  for (const auto& [key, connection] : open_) count += make(*connection);
  return count;
}

std::uint64_t StubBroker::publish(std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos,
                                  std::uint32_t per_write) {
  return on_every([&](Connection& each) { return each.publish(messages, payload_bytes, qos, per_write); });
}

std::uint64_t StubBroker::answer() {
  return on_every([](Connection& each) { return each.send(each.up().answer()); });
}

std::uint64_t StubBroker::release() {
  return on_every([](Connection& each) { return each.send(each.down().release()); });
}

std::uint64_t StubBroker::complete() {
  return on_every([](Connection& each) { return each.send(each.up().complete()); });
}

}  // namespace bastion::bench
