// Sending messages in time and timing their return.
#include "tests/bench/load/round_trips.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "tests/support/packets.hpp"

namespace bastion::bench {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as the timer

timespec to_timespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

class Traffic final : public Watcher {
 public:
  Traffic(Loop& loop, Client& client, const RoundTrips& wanted) : loop_{loop}, client_{client}, wanted_{wanted} {
    client_.on_packet([this](ByteView packet) { take(packet); });
  }

  void start() {
    first_due_ = Clock::now();
    if (wanted_.interval.count() == 0) return send(first_due_);
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    const itimerspec times{to_timespec(wanted_.interval), to_timespec(first_due_.time_since_epoch())};
    if (!timer_ || ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &times, nullptr) != 0) {
      throw std::system_error{errno, std::generic_category(), "timerfd"};
    }
    loop_.watch(timer_.get(), *this, EPOLLIN);
  }

  [[nodiscard]] bool done() const { return times_.size() == wanted_.count; }
  [[nodiscard]] const std::vector<std::chrono::nanoseconds>& times() const { return times_; }

  void ready(std::uint32_t) override {
    std::uint64_t ticks = 0;
    if (::read(timer_.get(), &ticks, sizeof ticks) != sizeof ticks) return;
    for (; ticks > 0 && due_.size() < wanted_.count; --ticks) send(first_due_ + wanted_.interval * due_.size());
  }

 private:
  void send(Clock::time_point due) {
    client_.send(message({0, static_cast<std::uint32_t>(due_.size())}, wanted_.payload_bytes, 0));
    due_.push_back(due);
  }

  void take(ByteView packet) {
    const auto number = times_.size();
    if (number >= due_.size() || read_message(packet).mark != Mark{0, static_cast<std::uint32_t>(number)}) {
      throw Void{"another message came back than was sent"};
    }
    const auto now = Clock::now();
    times_.push_back(now - due_[number]);
    if (wanted_.interval.count() == 0 && !done()) send(now);
  }

  Loop& loop_;
  Client& client_;
  RoundTrips wanted_;
  net::UniqueFd timer_;
  Clock::time_point first_due_{};
  std::vector<Clock::time_point> due_;
  std::vector<std::chrono::nanoseconds> times_;
};

}  // namespace

std::vector<std::chrono::nanoseconds> time_round_trips(Loop& loop, StubBroker& broker, SSL_CTX* tls,
                                                       const Credentials& credentials, std::uint16_t port,
                                                       const RoundTrips& wanted) {
  Client client{loop, tls, port, connect_packet(0, &credentials)};
  loop.run_until([&] { return client.stage() == Client::Stage::admitted; }, [] { return std::string{"a CONNACK"}; });
  broker.echo(true);
  Traffic traffic{loop, client, wanted};
  traffic.start();
  loop.run_until([&] { return traffic.done(); },
                 [&] { return std::to_string(traffic.times().size()) + " messages came back"; });
  broker.echo(false);
  client.leave();
  loop.run_until([&] { return client.stage() == Client::Stage::gone && broker.open() == 0; },
                 [] { return std::string{"the end of a connection"}; });
  return traffic.times();
}

}  // namespace bastion::bench
