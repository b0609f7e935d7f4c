// Guests of the gate by the thousand, well-behaved and not: takes commands by the line, and tells how each guest fared.
//
//   soak_load CA_FILE SEED PATIENCE_S
//
//   go PORT CLIENTS PER_SECOND   so many clients at a time come and go; at most so many new ones in a second
//   halt                         nobody comes any more, and who is there goes as soon as its plan allows
//
// It prints, by the line:
//   end NUMBER KIND CLIENT FLAGS BEGUN_MS ENDED_MS HOW CODE HEARD SENT RECEIVED [TROUBLE]
//                                a connection's end: FLAGS f (fickle) and r (resets); times of CLOCK_MONOTONIC; HOW is
//                                `closed` by the gate or `left`; CODE of CONNACK or `-`; HEARD, bytes of any kind; SENT and
//                                RECEIVED, messages; TROUBLE, what went wrong from its own point of view
//   live CLIENTS SESSIONS        once a second
//   lapse BEGUN_MS ENDED_MS      it did nothing in between, for want of a processor: its guests were late
//   quiet                        after `halt`: the last guest is gone
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "tests/soak/load/guest.hpp"

namespace bastion::soak {
namespace {

constexpr std::chrono::milliseconds tick_period{20};
constexpr std::chrono::milliseconds lapse_min{500};

std::string ms(Clock::time_point at) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count());
}

class Hotel final : public bench::Watcher {
 public:
  Hotel(const std::string& ca_file, std::uint64_t seed, std::chrono::seconds patience)
      : loop_{patience}, tls_{bench::client_tls(ca_file)}, house_{loop_, tls_.get()}, seed_{seed} {
    house_.patience = patience;
    SSL_CTX_set_session_cache_mode(tls_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    loop_.watch(STDIN_FILENO, *this, EPOLLIN);
  }

  void run() {
    while (!gone_) {
      static_cast<void>(loop_.run_at_most(tick_period, [this] { return gone_; }));
      const auto now = Clock::now();
      if (now > looked_at_ + lapse_min) tell("lapse " + ms(looked_at_) + ' ' + ms(now));
      looked_at_ = now;
      for (const auto& guest : guests_) guest->tick(now);
      std::erase_if(guests_, [](const auto& guest) { return guest->over() && tell(guest->report()); });
      if (!house_.closing) let_in(now);
      tell_now_and_then(now);
      std::cout << std::flush;
    }
  }

  /// A line on the standard input.
  void ready(std::uint32_t) override {
    std::array<char, 512> bytes;
    const auto size = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    gone_ = size <= 0;
    if (gone_) return;
    input_.append(bytes.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1)) {
      obey(input_.substr(0, end));
    }
  }

 private:
  static bool tell(const std::string& line) {
    if (!line.empty()) std::cout << line << '\n';
    return true;
  }

  void obey(const std::string& line) {
    std::istringstream words{line};
    std::string name;
    words >> name;
    house_.closing = name != "go";
    told_quiet_ = false;
    if (!house_.closing) words >> house_.port >> clients_ >> per_second_;
    last_in_at_ = Clock::now();
  }

  /// As many as the time that has passed allows.
  void let_in(Clock::time_point now) {
    const auto period = std::chrono::nanoseconds{std::chrono::seconds{1}} / std::max(per_second_, 1U);
    while (last_in_at_ + period <= now) {
      last_in_at_ += period;
      if (guests_.size() < clients_) guests_.push_back(std::make_unique<Guest>(house_, plan_of(seed_, next_number_++)));
    }
  }

  void tell_now_and_then(Clock::time_point now) {
    if (house_.closing && guests_.empty() && !std::exchange(told_quiet_, true)) tell("quiet");
    if (now < told_at_ + std::chrono::seconds{1}) return;
    told_at_ = now;
    const auto sessions = std::count_if(guests_.begin(), guests_.end(), [](const auto& guest) { return guest->admitted(); });
    tell("live " + std::to_string(guests_.size()) + ' ' + std::to_string(sessions));
  }

  bench::Loop loop_;
  bench::TlsContext tls_;
  House house_;
  std::uint64_t seed_;
  std::uint64_t next_number_ = 0;
  std::vector<std::unique_ptr<Guest>> guests_;
  std::string input_;
  std::size_t clients_ = 0;
  unsigned per_second_ = 0;
  Clock::time_point last_in_at_;
  Clock::time_point told_at_;
  Clock::time_point looked_at_ = Clock::now();
  bool told_quiet_ = true;
  bool gone_ = false;
};

}  // namespace
}  // namespace bastion::soak

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: soak_load CA_FILE SEED PATIENCE_S\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    bastion::soak::Hotel{argv[1], std::stoull(argv[2]), std::chrono::seconds{std::stoi(argv[3])}}.run();
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "soak_load: %s\n", failure.what());
    return 1;
  }
}
