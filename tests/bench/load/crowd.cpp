// Having clients come, send, wait and leave.
#include "tests/bench/load/crowd.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/support/packets.hpp"

namespace bastion::bench {
namespace {

/// Half-open at a time; beyond it, clients wait for their turn.
constexpr std::uint32_t newcomers_max = 16;
constexpr std::uint16_t keep_alive_s = 600;
constexpr std::uint32_t filters_per_packet = 50;
/// TCP sends ten segments before it wants to hear of them, and is told 40 ms later where the receiver does not read.
constexpr std::chrono::milliseconds delivery_max{100};

std::string of(std::uint64_t count, std::uint64_t all, const char* what) {
  return std::to_string(count) + " of " + std::to_string(all) + ' ' + what;
}

}  // namespace

ByteVector connect_packet(std::uint32_t client, const Credentials* credentials) {
  test::ConnectOptions options;
  options.client_id = client_identifier(client);
  options.keep_alive_s = keep_alive_s;
  options.user.reset();
  options.password.reset();
  if (credentials != nullptr) {
    options.user = credentials->user_name;
    options.password = credentials->password;
  }
  return test::make_connect(options);
}

Crowd::Crowd(Loop& loop, StubBroker& broker, SSL_CTX* tls, Credentials credentials)
    : loop_{loop}, broker_{broker}, tls_{tls}, credentials_{std::move(credentials)} {}

std::unique_ptr<Client> Crowd::newcomer(std::uint16_t port, std::uint32_t number, const Credentials* credentials) {
  return std::make_unique<Client>(loop_, tls_, port, connect_packet(number, credentials));
}

// --- those that stay ------------------------------------------------------------------------------------------------------

void Crowd::open(std::uint16_t port, std::uint32_t clients, std::uint32_t subscriptions) {
  broker_had_ = broker_.packets();
  sent_ = taken_ = 0;
  members_.reserve(clients);  // members are known by their address
  const auto connections_before = broker_.connections();
  let_in(port, clients);
  expect_broker_saw(clients, connections_before);
  for (std::uint32_t number = 0; number < clients; ++number) {
    members_[number].client->on_packet([this, number](ByteView packet) { take(number, packet); });
  }
  subscribe(subscriptions);
}

/// To the topic of all messages first, then to others on which nothing comes.
void Crowd::subscribe(std::uint32_t filters) {
  std::uint16_t identifier = 0;
  for (std::uint32_t begun = 0; begun < filters;) {
    ByteVector body{static_cast<std::uint8_t>(++identifier >> 8), static_cast<std::uint8_t>(identifier)};
    for (const auto end = std::min(filters, begun + filters_per_packet); begun < end; ++begun) {
      const auto filter = begun == 0 ? std::string{topic} : "other/" + std::to_string(begun) + "/+";
      body.push_back(0);
      body.push_back(static_cast<std::uint8_t>(filter.size()));
      body.insert(body.end(), filter.begin(), filter.end());
      body.push_back(2);  // QoS
    }
    const auto packet = test::packet(0x82, body);
    sent_ += 2 * on_every([&](Member& member) {  // each has an answer
               member.client->send(packet);
               return 1U;
             });
    arrived();
  }
}

void Crowd::let_in(std::uint16_t port, std::uint32_t clients) {
  std::size_t admitted = 0;
  std::vector<const Client*> under_way;
  const auto all_in = [&] {
    std::erase_if(under_way, [&](const Client* client) {
      if (client->stage() == Client::Stage::gone) throw Void{"a client was not let in"};
      if (client->stage() != Client::Stage::admitted) return false;
      ++admitted;
      return true;
    });
    while (under_way.size() < newcomers_max && members_.size() < clients) {
      members_.push_back({newcomer(port, static_cast<std::uint32_t>(members_.size()), &credentials_)});
      under_way.push_back(members_.back().client.get());
    }
    return admitted == clients;
  };
  loop_.run_until(all_in, [&] { return of(admitted, clients, "clients were let in"); });
}

void Crowd::take(std::uint32_t number, ByteView packet) {
  ++taken_;
  auto& member = members_[number];
  switch (mqtt::packet_type(packet[0])) {
    case mqtt::PacketType::suback:
      return;
    case mqtt::PacketType::publish:
    case mqtt::PacketType::pubrel:
      return member.down.take(number, packet);
    default:
      return member.up.take(packet);
  }
}

template <class Make>
std::uint64_t Crowd::on_every(Make make) {
  std::uint64_t count = 0;
  for (auto& member : members_) count += make(member);
  static_cast<void>(loop_.run_at_most(delivery_max, [this] {
    return std::ranges::all_of(members_, [](const Member& member) { return member.client->sent_all(); });
  }));
  return count;
}

std::uint64_t Crowd::publish(Direction direction, std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos,
                             std::uint32_t at_once) {
  const auto by_client = [&](Member& member) {
    const auto number = static_cast<std::uint32_t>(&member - members_.data());
    for (std::uint32_t sent = 0; sent < messages;) {
      Packets record;
      for (; record.count < at_once && sent < messages; ++sent) member.up.publish(number, payload_bytes, qos, record);
      member.client->send(std::move(record.bytes));
    }
    return messages;
  };
  const auto count =
      direction == Direction::up ? on_every(by_client) : broker_.publish(messages, payload_bytes, qos, at_once);
  sent_ += count;
  return count;
}

void Crowd::go_on(Direction direction, Leg leg) {
  const bool is_clients_turn = (direction == Direction::up) == (leg == Leg::release);
  if (is_clients_turn) {
    sent_ += on_every([&](Member& member) {
      auto packets = leg == Leg::release  ? member.up.release()
                     : leg == Leg::answer ? member.down.answer()
                                          : member.down.complete();
      if (packets.count > 0) member.client->send(std::move(packets.bytes));
      return packets.count;
    });
  } else {
    sent_ += leg == Leg::release ? broker_.release() : leg == Leg::answer ? broker_.answer() : broker_.complete();
  }
}

void Crowd::arrived() {
  const auto here = [this] { return broker_.packets() - broker_had_ + taken_; };
  loop_.run_until([&] { return here() == sent_; }, [&] { return of(here(), sent_, "packets arrived"); });
}

void Crowd::close() {
  for (auto& member : members_) member.client->leave();
  const auto all_gone = [this] {
    return broker_.open() == 0 &&
           std::ranges::all_of(members_, [](const Member& member) { return member.client->stage() == Client::Stage::gone; });
  };
  loop_.run_until(all_gone, [this] { return of(broker_.open(), members_.size(), "connections were not closed"); });
  if (broker_.packets() - broker_had_ + taken_ != sent_) throw Void{"other packets came than were sent"};
  members_.clear();
}

// --- those that come and go -----------------------------------------------------------------------------------------------

/// `leave` is asked about each client under way: it may send it home, and says when all is over for it.
template <class Leave>
void Crowd::come_and_go(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time, const Credentials* credentials,
                        Leave leave) {
  std::uint32_t begun = 0;
  std::uint32_t done = 0;
  std::vector<std::unique_ptr<Client>> under_way;
  const auto all_done = [&] {
    done += static_cast<std::uint32_t>(std::erase_if(under_way, [&](const auto& client) { return leave(*client); }));
    while (under_way.size() < at_a_time && begun < clients) under_way.push_back(newcomer(port, begun++, credentials));
    return done == clients && broker_.open() == 0;
  };
  loop_.run_until(all_done, [&] { return of(done, clients, "clients came and went"); });
}

void Crowd::visit(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time) {
  const auto connections_before = broker_.connections();
  come_and_go(port, clients, at_a_time, &credentials_, [](Client& client) {
    if (client.stage() == Client::Stage::admitted) client.leave();
    if (client.stage() != Client::Stage::gone) return false;
    if (client.return_code() != 0) throw Void{"a client was not let in"};
    return true;
  });
  expect_broker_saw(clients, connections_before);
}

void Crowd::visit_as_strangers(std::uint16_t port, std::uint32_t clients, std::uint32_t at_a_time) {
  const auto connections_before = broker_.connections();
  come_and_go(port, clients, at_a_time, nullptr, [](Client& client) {
    if (client.stage() == Client::Stage::admitted) throw Void{"a client without credentials was let in"};
    return client.stage() == Client::Stage::gone;
  });
  expect_broker_saw(0, connections_before);
}

void Crowd::expect_broker_saw(std::uint64_t connections, std::uint64_t before) const {
  const auto seen = broker_.connections() - before;
  if (seen != connections) throw Void{of(seen, connections, "connections to the broker")};
}

// --- those that are turned away -------------------------------------------------------------------------------------------

/// Says nothing, and waits for the other side to close.
class Crowd::Knock final : public Watcher {
 public:
  Knock(Loop& loop, std::uint16_t port, const std::string& source) : loop_{loop}, fd_{connect_on_loopback(port, source)} {
    loop_.watch(fd_.get(), *this, EPOLLOUT);
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool closed() const { return !fd_; }

  void ready(std::uint32_t) override {
    if (!connected_) {
      connected_ = true;
      return loop_.change(fd_.get(), *this, EPOLLIN);
    }
    std::uint8_t byte = 0;
    const auto received = ::recv(fd_.get(), &byte, 1, 0);
    if (received > 0) throw Void{"who was to be turned away was answered"};
    if (received == 0 || errno != EAGAIN) fd_.reset();
  }

 private:
  Loop& loop_;
  net::UniqueFd fd_;
  bool connected_ = false;
};

Crowd::~Crowd() = default;

void Crowd::knock(std::uint16_t port, std::uint32_t count, const std::string& source) {
  connections_before_knocks_ = broker_.connections();
  for (std::uint32_t i = 0; i < count; ++i) knocks_.push_back(std::make_unique<Knock>(loop_, port, source));
  const auto all = [this] { return std::ranges::all_of(knocks_, [](const auto& knock) { return knock->connected(); }); };
  loop_.run_until(all, [] { return std::string{"connections from the address that is denied"}; });
}

void Crowd::turned_away() {
  const auto all = [this] { return std::ranges::all_of(knocks_, [](const auto& knock) { return knock->closed(); }); };
  loop_.run_until(all, [] { return std::string{"the end of connections from the address that is denied"}; });
  knocks_.clear();
  expect_broker_saw(0, connections_before_knocks_);
}

}  // namespace bastion::bench
