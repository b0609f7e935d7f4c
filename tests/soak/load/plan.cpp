// Drawing what guests do.
#include "tests/soak/load/plan.hpp"

#include <random>

#include "tests/support/packets.hpp"

namespace bastion::soak {
namespace {

using enum Step;

constexpr std::array all_kinds{
    // Who is welcome.
    Kind{"talker", 45, {handshake, connect, connack, talk, disconnect}},
    Kind{"visitor", 10, {handshake, connect, connack, disconnect}},
    // Who dies, in each stage.
    Kind{"left_tcp", 3, {leave}},
    Kind{"left_in_hello", 3, {half_hello, leave}},
    Kind{"left_after_handshake", 3, {handshake, leave}},
    Kind{"left_in_connect", 3, {handshake, half_connect, leave}},
    Kind{"left_in_publish", 3, {handshake, connect, connack, half_publish, leave}},
    // Who is silent.
    Kind{"silent_tcp", 3, {stay}},
    Kind{"silent_in_hello", 3, {half_hello, stay}},
    Kind{"silent_after_handshake", 3, {handshake, stay}},
    Kind{"silent_session", 3, {handshake, connect, connack, stay}},
    Kind{"silent_in_packet", 3, {handshake, connect, connack, half_publish, stay}},
    // Who is slow.
    Kind{"slow_reader", 1, {handshake, connect, connack, flood, deaf, stay}},
    Kind{"slow_hello", 3, {trickle, handshake, stay}},
    Kind{"slow_connect", 3, {handshake, trickle, connect, stay}},
    Kind{"slow_packet", 3, {handshake, connect, connack, trickle, publish, stay}},
    // Who is not welcome.
    Kind{"wrong_password", 4, {handshake, connect, connack, stay}},
    Kind{"unknown_user", 3, {handshake, connect, connack, stay}},
    Kind{"anonymous", 4, {handshake, connect, connack, stay}},
    Kind{"denied_address", 4, {stay}},
    Kind{"unlisted_address", 3, {stay}},
    Kind{"http", 3, {http, stay}},
    Kind{"garbage", 3, {garbage, stay}},
    Kind{"early_publish", 3, {handshake, early_publish, stay}},
    Kind{"broken_connect", 3, {handshake, broken_connect, stay}},
    Kind{"broken_packet", 3, {handshake, connect, connack, broken_packet, stay}},
};

/// Sources of each sort, as many as are needed for none to run out of ports.
constexpr unsigned sources = 50;
/// 1.5 times that is how long a guest may be silent in its session.
constexpr std::uint16_t short_keep_alive_s = 2;

class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t number) {
    std::seed_seq mixed{seed >> 32, seed, number >> 32, number};
    engine_.seed(mixed);
  }
  /// Of 0 .. sides - 1. By hand, since distributions differ from library to library.
  unsigned roll(unsigned sides) { return static_cast<unsigned>(engine_() % sides); }
  bool one_in(unsigned sides) { return roll(sides) == 0; }

 private:
  std::mt19937_64 engine_;
};

const Kind& draw_kind(Dice& dice) {
  unsigned total = 0;
  for (const auto& kind : all_kinds) total += kind.weight;
  auto at = dice.roll(total);
  for (const auto& kind : all_kinds) {
    if (at < kind.weight) return kind;
    at -= kind.weight;
  }
  return all_kinds.front();
}

std::string network_of(const Plan& plan, bool fickle_by_address) {
  if (plan.kind->name == "denied_address") return "127.0.66.";
  if (plan.kind->name == "unlisted_address") return "127.9.9.";
  return fickle_by_address ? "127.0.7." : "127.0.1.";
}

}  // namespace

Plan plan_of(std::uint64_t seed, std::uint64_t number) {
  Dice dice{seed, number};
  Plan plan;
  plan.number = number;
  plan.kind = &draw_kind(dice);
  const auto name = plan.kind->name;
  const bool stranger = name == "wrong_password" || name == "unknown_user" || name == "anonymous";

  plan.fickle = (name == "talker" || name == "visitor") && dice.one_in(8);
  const bool by_address = plan.fickle && dice.one_in(2);
  plan.source = network_of(plan, by_address) + std::to_string(1 + dice.roll(sources));
  plan.client_id = (stranger ? "stranger-" : "guest-") + std::to_string(number);
  plan.user = plan.fickle && !by_address ? "fickle" : "steady";
  plan.password = plan.user + " password";
  if (name == "wrong_password") plan.password = "guessed";
  if (name == "unknown_user") plan.user = "nobody-here";

  plan.resets = dice.one_in(2);
  plan.tls12 = dice.one_in(4);
  plan.resumes = dice.one_in(3);
  plan.version = dice.one_in(2) ? test::v5_0 : test::v3_1_1;
  const bool ends_by_keep_alive = name == "silent_session" || name == "silent_in_packet" || name == "slow_packet";
  if (ends_by_keep_alive) plan.keep_alive_s = short_keep_alive_s;
  // At QoS 2 nothing comes to who does not read, since it has to answer first.
  plan.qos = static_cast<std::uint8_t>(dice.roll(name == "slow_reader" ? 2 : 3));
  // Some stay for minutes, through many reloads.
  plan.messages = 1 + dice.roll(dice.one_in(50) ? 60 : 12);
  plan.pause = std::chrono::milliseconds{2000 + dice.roll(6000)};
  return plan;
}

}  // namespace bastion::soak
