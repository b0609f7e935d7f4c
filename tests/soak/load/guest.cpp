// Doing what a plan says.
#include "tests/soak/load/guest.hpp"

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/support/packets.hpp"

namespace bastion::soak {
namespace {

constexpr std::size_t message_bytes = 200;
/// More than a socket on loopback holds (tcp_wmem: 4 MiB).
constexpr unsigned flood_messages = 96;
constexpr std::size_t flood_message_bytes = 64 << 10;
/// Longer than the policy's slow_reader_timeout, the gate's farewell, and the time that a flood takes.
constexpr std::chrono::seconds deaf_for{10};
/// So slow that neither a handshake nor a packet is whole in time.
constexpr std::chrono::milliseconds trickle_pace{200};

constexpr std::string_view http_request = "GET / HTTP/1.1\r\nHost: gate\r\n\r\n";
constexpr std::string_view no_protocol = "hello, is anybody there?\r\n";

ByteVector bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

ByteView first_half(const ByteVector& packet) {
  return ByteView{packet}.first(packet.size() / 2);
}

std::int64_t ms(Clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

}  // namespace

Guest::Guest(House& house, Plan plan)
    : house_{house},
      plan_{std::move(plan)},
      wire_{house.loop, *this, house.tls, house.port, plan_.source, plan_.tls12},
      now_{Clock::now()},
      begun_at_{now_},
      step_at_{now_} {
  if (plan_.resumes && house_.ticket) wire_.resume(house_.ticket.get());
}

void Guest::ready(std::uint32_t events) {
  now_ = Clock::now();
  wire_.ready(events);
  go_on();
}

void Guest::tick(Clock::time_point now) {
  now_ = now;
  wire_.tick(now);
  go_on();
}

void Guest::go_on() {
  if (over_) return;
  if (local_.empty()) {
    if (wire_.ended()) return end("refused");
    if (!wire_.connected()) {
      if (now_ > step_at_ + house_.patience) end("unanswered");
      return;
    }
    local_ = wire_.local();
  }
  try {
    hear();
    while (!over_ && done(plan_.kind->steps[step_])) next_step();
  } catch (const bench::Void& wrong) {
    trouble_ = wrong.what();
    return leave();
  }
  if (over_) return;
  if (wire_.ended()) return end("closed");
  if (now_ > step_at_ + house_.patience) {
    trouble_ = "stuck in step " + std::to_string(step_);
    leave();
  }
}

void Guest::next_step() {
  ++step_;
  begun_step_ = false;
  step_at_ = now_;
}

/// Goes on with a step; true once it is done.
bool Guest::done(Step step) {
  const bool begins = !std::exchange(begun_step_, true);
  const auto send_once = [&](ByteView packet) {
    if (begins) wire_.send(packet);
    return true;
  };
  switch (step) {
    case Step::half_hello:
      wire_.send_half_hello();
      return true;
    case Step::http:
      wire_.send_raw(bytes_of(http_request));
      return true;
    case Step::garbage:
      wire_.send_raw(bytes_of(no_protocol));
      return true;
    case Step::trickle:
      wire_.trickle(trickle_pace);
      return true;
    case Step::handshake:
      return wire_.shake_hands();
    case Step::half_connect:
      return send_once(first_half(talk_.connect()));
    case Step::broken_connect: {
      auto packet = talk_.connect();
      packet[6] = 'X';  // within the protocol's name, however long the packet
      return send_once(packet);
    }
    case Step::connect:
      return send_once(talk_.connect());
    case Step::connack:
      return code_ == 0;
    case Step::early_publish:
    case Step::publish:
      return send_once(talk_.message(message_bytes));
    case Step::half_publish:
      return send_once(first_half(talk_.message(message_bytes)));
    case Step::broken_packet:
      return send_once(test::bytes("00 00"));
    case Step::talk:
      if (begins) begin_talk();
      return talk_done();
    case Step::flood:
      if (begins) wire_.send(talk_.subscribe());
      if (talk_.subscribed()) flood();
      return talk_.subscribed();
    case Step::deaf:
      if (now_ < step_at_ + deaf_for) return false;
      wire_.read_again();
      return true;
    case Step::disconnect:
      if (begins) {
        wire_.send(test::disconnect());
        wire_.say_goodbye();
        wire_.finish();
        house_.ticket.reset(wire_.session());
      }
      return false;
    case Step::leave:
      if (!plan_.resets) {
        if (begins) wire_.finish();
        return false;
      }
      if (wire_.sent_all()) leave();
      return false;
    case Step::stay:
    case Step::none:
      return false;
  }
  return false;
}

void Guest::begin_talk() {
  wire_.send(talk_.subscribe());
  message_at_ = now_;
}

bool Guest::talk_done() {
  if (!talk_.subscribed()) return false;
  const bool more = talk_.sent() < plan_.messages && !house_.closing;
  if (more && now_ >= message_at_) {
    message_at_ = now_ + plan_.pause;
    step_at_ = now_;
    wire_.send(talk_.message(message_bytes));
  }
  return !more && talk_.settled();
}

void Guest::flood() {
  wire_.stop_reading();
  for (unsigned i = 0; i < flood_messages; ++i) wire_.send(talk_.message(flood_message_bytes));
}

void Guest::hear() {
  const auto plain = wire_.take();
  if (plain.empty()) return;
  cutter_.feed(plain, [this](ByteView packet) {
    if (!code_) return hear_connack(packet);
    const auto answer = talk_.take(packet);
    if (!answer.empty()) wire_.send(answer);
  });
}

void Guest::hear_connack(ByteView packet) {
  if (mqtt::packet_type(packet[0]) != mqtt::PacketType::connack || packet.size() < 4) throw bench::Void{"no CONNACK came"};
  code_ = packet[3];
}

void Guest::leave() {
  wire_.reset();
  end("left");
}

void Guest::end(std::string how) {
  how_ = std::move(how);
  over_ = true;
}

std::string Guest::report() const {
  if (local_.empty()) return {};
  const auto flags = std::string{plan_.fickle ? 'f' : '-'} + (plan_.resets ? 'r' : '-');
  return "end " + std::to_string(plan_.number) + ' ' + std::string{plan_.kind->name} + ' ' + local_ + ' ' + flags + ' ' +
         std::to_string(ms(begun_at_)) + ' ' + std::to_string(ms(now_)) + ' ' + how_ + ' ' +
         (code_ ? std::to_string(*code_) : std::string{'-'}) + ' ' + std::to_string(wire_.heard()) + ' ' +
         std::to_string(talk_.sent()) + ' ' + std::to_string(talk_.received()) + ' ' + trouble_;
}

}  // namespace bastion::soak
