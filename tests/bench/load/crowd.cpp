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

void Crowd::open(std::uint16_t port, std::uint32_t clients) {
  broker_had_ = broker_.messages();
  sent_ = acknowledged_ = 0;
  members_.reserve(clients);  // members are known by their address
  const auto connections_before = broker_.connections();
  let_in(port, clients);
  expect_broker_saw(clients, connections_before);
  for (auto& member : members_) member.client->on_packet([this, &member](ByteView packet) { take_ack(member, packet); });
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

void Crowd::take_ack(Member& member, ByteView packet) {
  const bool is_due = mqtt::packet_type(packet[0]) == mqtt::PacketType::puback && member.acknowledged < member.sent &&
                      std::ranges::equal(packet, test::puback(packet_identifier(member.acknowledged)));
  if (!is_due) throw Void{"a client was sent something else than the PUBACK that was due"};
  ++member.acknowledged;
  ++acknowledged_;
}

std::uint64_t Crowd::send(std::uint32_t messages, std::size_t payload_bytes, std::uint8_t qos,
                          std::uint32_t messages_per_record) {
  for (std::uint32_t number = 0; number < members_.size(); ++number) {
    auto& member = members_[number];
    for (const auto last = member.sent + messages; member.sent < last;) {
      ByteVector record;
      for (std::uint32_t i = 0; i < messages_per_record && member.sent < last; ++i, ++member.sent) {
        append(record, message({number, member.sent}, payload_bytes, qos));
      }
      member.client->send(std::move(record));
    }
  }
  const auto count = std::uint64_t{messages} * members_.size();
  sent_ += count;
  static_cast<void>(loop_.run_at_most(delivery_max, [this] {
    return std::ranges::all_of(members_, [](const Member& member) { return member.client->sent_all(); });
  }));
  return count;
}

void Crowd::arrived() {
  const auto here = [this] { return broker_.messages() - broker_had_; };
  loop_.run_until([&] { return here() == sent_; }, [&] { return of(here(), sent_, "messages arrived"); });
}

void Crowd::acknowledged() {
  loop_.run_until([&] { return acknowledged_ == sent_; }, [&] { return of(acknowledged_, sent_, "PUBACKs came"); });
}

void Crowd::close() {
  for (auto& member : members_) member.client->leave();
  const auto all_gone = [this] {
    return broker_.open() == 0 &&
           std::ranges::all_of(members_, [](const Member& member) { return member.client->stage() == Client::Stage::gone; });
  };
  loop_.run_until(all_gone, [this] { return of(broker_.open(), members_.size(), "connections were not closed"); });
  if (broker_.messages() - broker_had_ != sent_) throw Void{"the broker has other messages than were sent"};
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
