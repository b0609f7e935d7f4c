// Accepting proxies' connections, checking what they bring, and answering.
#include "tests/bench/load/stub_broker.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "proxy/mqtt/connect.hpp"
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

  std::uint64_t acknowledge() {
    ByteVector acks;
    const std::uint64_t due = next_ - acknowledged_;
    for (; acknowledged_ < next_; ++acknowledged_) append(acks, test::puback(packet_identifier(acknowledged_)));
    if (!acks.empty()) write(acks);
    return due;
  }

 private:
  void take(ByteView packet) {
    switch (mqtt::packet_type(packet[0])) {
      case mqtt::PacketType::connect:
        client_ = client_of(packet);
        return write(test::connack(test::v3_1_1));
      case mqtt::PacketType::publish:
        return take_message(packet);
      default:
        throw Void{"a packet that was never sent"};
    }
  }

  void take_message(ByteView packet) {
    const auto read = read_message(packet);
    if (const Mark due{client_, next_}; read.mark != due) {
      throw Void{"message " + std::to_string(read.mark.number) + " of client " + std::to_string(read.mark.client) +
                 " came where message " + std::to_string(due.number) + " of client " + std::to_string(due.client) +
                 " was due"};
    }
    ++next_;
    if (read.qos == 0) acknowledged_ = next_;
    ++broker_.messages_;
    if (broker_.echoes_) write(packet);
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
  std::uint32_t next_ = 0;          ///< the number of the message that is due
  std::uint32_t acknowledged_ = 0;  ///< how many need no answer any more
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

std::uint64_t StubBroker::acknowledge() {
  std::uint64_t count = 0;
  for (const auto& [key, connection] : open_) count += connection->acknowledge();
  return count;
}

}  // namespace bastion::bench
