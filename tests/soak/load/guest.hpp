// One guest of the gate, from its connection to its end.
#pragma once

#include <optional>
#include <string>

#include "tests/soak/load/plan.hpp"
#include "tests/soak/load/talk.hpp"
#include "tests/soak/load/wire.hpp"

namespace bastion::soak {

/// What all guests share.
struct House {
  bench::Loop& loop;
  SSL_CTX* tls;
  std::uint16_t port = 0;
  std::chrono::seconds patience{30};  ///< how long a step may take before its guest counts as stuck
  bool closing = false;               ///< nobody begins anything new
  std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> ticket{nullptr, &SSL_SESSION_free};
};

class Guest final : public bench::Watcher {
 public:
  Guest(House& house, Plan plan);
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void ready(std::uint32_t events) override;
  void tick(Clock::time_point now);

  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool admitted() const { return code_ == 0; }
  /// One line for who keeps the account, see main.cpp; nothing for a connection that never was.
  [[nodiscard]] std::string report() const;

 private:
  void go_on();
  void next_step();
  [[nodiscard]] bool done(Step step);
  [[nodiscard]] bool talk_done();
  void begin_talk();
  void flood();
  void hear();
  void hear_connack(ByteView packet);
  void leave();
  void end(std::string how);

  House& house_;
  Plan plan_;
  Talk talk_{plan_};
  Wire wire_;
  bench::PacketCutter cutter_;
  std::size_t step_ = 0;
  bool begun_step_ = false;
  Clock::time_point now_;
  Clock::time_point begun_at_;
  Clock::time_point step_at_;
  Clock::time_point message_at_;
  std::string local_;
  std::string how_;
  std::string trouble_;
  std::optional<unsigned> code_;
  bool over_ = false;
};

}  // namespace bastion::soak
