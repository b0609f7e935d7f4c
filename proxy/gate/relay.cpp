// Moving packets between a client and its broker.
#include "proxy/gate/relay.hpp"

#include <algorithm>
#include <cstring>

namespace bastion::gate {
namespace {

using account::Close;

/// Read from the broker at a time; so a client that does not read costs this much at most.
constexpr std::size_t read_max = net::Scratch::cipher_bytes;
// What is carried over is less than this, and what one receive can decrypt to fits behind it.
static_assert(inspect::whole_packet_max <= net::Scratch::plain_bytes - net::Scratch::cipher_bytes - (17u << 10));

/// What may wait of the gate's own packets before their cause is no longer heard.
constexpr std::size_t own_packets_bytes_max = 16u << 10;

/// How long a broker may take to close once it was told of a DISCONNECT.
constexpr auto upstream_linger_max = std::chrono::seconds{5};

Relay::TimePoint after(Relay::TimePoint since, Milliseconds timeout) {
  return since == Relay::TimePoint::max() ? since : since + timeout;
}

}  // namespace

Relay::Relay(net::Stream& client, net::Stream& upstream, net::Scratch& scratch, account::Tally& tally,
             const RelayTerms& terms, std::vector<std::uint8_t> early, TimePoint now)
    : client_{client},
      upstream_{upstream},
      scratch_{scratch},
      tally_{tally},
      times_{terms.times},
      conversation_{terms.asked, terms.rights},
      rate_{terms.rates, now},
      up_carry_{std::move(early)},
      started_{now},
      fed_at_{now},
      up_blocked_since_{upstream.has_unsent() ? now : TimePoint::max()},
      early_{!up_carry_.empty()} {}

Relay::~Relay() {
  if (admitted_) --tally_.sessions;
}

MaybeEnd Relay::pump(TimePoint now) {
  if (paused_until_ != TimePoint::min() && now >= paused_until_) {
    paused_until_ = TimePoint::min();
    fed_at_ = now;  // the gate did not listen
  }
  if (auto end = pump_down(now)) return end;
  if (auto end = pump_up(now)) return end;
  send_own_packets(now);
  if (auto end = overdue(now)) return end;
  arm();
  return std::nullopt;
}

/// Puts what was carried over and what one read brings side by side in the shared buffer.
net::IoStatus Relay::take(net::Stream& from, const std::vector<std::uint8_t>& carry, std::size_t bytes_max,
                          std::span<const std::uint8_t>& in_hand) {
  const auto room = std::min(bytes_max, net::Scratch::plain_bytes - carry.size());
  const auto io = from.read({scratch_.plain.get() + carry.size(), room});
  if (io.status != net::IoStatus::done) return io.status;
  std::copy(carry.begin(), carry.end(), scratch_.plain.get());
  in_hand = {scratch_.plain.get(), carry.size() + io.bytes};
  return io.status;
}

/// Steps the inspector over what is in hand and writes what it lets through; the rest is carried over.
template <class Inspector>
Relay::Passed Relay::pass(Inspector& inspector, std::span<const std::uint8_t> in_hand, net::Stream& to,
                          std::vector<std::uint8_t>& carry) {
  Passed passed;
  std::size_t written = 0;
  std::size_t done = 0;
  const auto write_run = [&] {
    if (done > written && !passed.receiver_lost) passed.receiver_lost = !to.write(in_hand.subspan(written, done - written));
    passed.bytes += done - written;
    written = done;
  };
  while (done < in_hand.size()) {
    auto step = inspector.step(in_hand.subspan(done));
    if (const auto* forward = std::get_if<inspect::Forward>(&step)) {
      done += forward->bytes;
      passed.packets += forward->packets;
    } else if (auto* replace = std::get_if<inspect::Replace>(&step)) {
      write_run();
      if (!passed.receiver_lost && !replace->with.empty()) passed.receiver_lost = !to.write(replace->with);
      passed.bytes += replace->with.size();
      passed.packets += replace->packets;
      done += replace->bytes;
      written = done;
    } else if (auto* refuse = std::get_if<inspect::Refuse>(&step)) {
      passed.refuse = *refuse;
      break;
    } else {
      break;  // the start of a packet that is not whole enough yet
    }
  }
  write_run();
  passed.taken = done;
  if (passed.refuse || done == in_hand.size()) {
    if (!carry.empty()) std::vector<std::uint8_t>{}.swap(carry);  // an idle session keeps no buffer
  } else {
    carry.assign(in_hand.begin() + static_cast<std::ptrdiff_t>(done), in_hand.end());
  }
  return passed;
}

/// What the gate itself has to say, where the receiver is between two packets and has taken what came before.
void Relay::send_own_packets(TimePoint now) {
  auto& to_client = conversation_.to_client;
  if (client_broken_) to_client.clear();
  if (!to_client.empty() && !client_broken_ && !down_blocked() && down_.at_boundary()) {
    if (!client_.write(to_client)) client_lost();
    bytes_down_ += to_client.size();
    tally_.bytes_down += to_client.size();
    std::vector<std::uint8_t>{}.swap(to_client);
    if (client_.has_unsent() && !client_.socket().may_write() && !client_broken_) down_blocked_since_ = now;
  }
  auto& to_broker = conversation_.to_broker;
  if (!to_broker.empty() && !upstream_shut_ && !up_.disconnected() && !up_blocked() && up_.at_boundary()) {
    // A broker that is gone is noticed by the next read from it.
    if (upstream_.write(to_broker) && upstream_.has_unsent()) up_blocked_since_ = now;
    bytes_up_ += to_broker.size();
    tally_.bytes_up += to_broker.size();
    std::vector<std::uint8_t>{}.swap(to_broker);
  }
}

/// What the inspectors have observed, and kept from going through.
void Relay::take_notes() {
  for (const auto& observed : conversation_.observed()) observe(observed);
  const auto& denied = conversation_.denied();
  for (std::size_t i = 0; i < denied.size(); ++i) {
    tally_.denied[i] += denied[i] - denied_counted_[i];
  }
  denied_counted_ = denied;
}

void Relay::use(const inspect::Rights& rights, const RateGuard::Limits& rates, TimePoint now) {
  conversation_.use(rights);
  rate_.limit(rates, now);
}

/// A client over its rate is not heard for a while, and ended where it stays over it.
MaybeEnd Relay::hold_to_rate(std::uint64_t packets, std::uint64_t bytes, TimePoint now) {
  const auto verdict = rate_.take(packets, bytes, now);
  const Refusal too_fast{Reason::message_rate, Cause::none};
  if (conversation_.mode() == Mode::observe) {
    if (verdict.pause_until) observe({too_fast, {}});
    return std::nullopt;
  }
  if (verdict.is_exceeded) return too_fast;
  if (verdict.pause_until) paused_until_ = *verdict.pause_until;
  return std::nullopt;
}

std::string_view Relay::assigned_client_id() const {
  return down_.connack() ? std::string_view{down_.connack()->assigned_client_id} : std::string_view{};
}

MaybeEnd Relay::pump_down(TimePoint now) {
  if (client_broken_) return await_upstream_end();
  if (down_blocked()) {
    if (!client_.socket().may_write()) return std::nullopt;
    if (!client_.flush()) {
      client_lost();
      return std::nullopt;
    }
    if (client_.has_unsent()) return std::nullopt;
    down_blocked_since_ = TimePoint::max();
  }
  if (eviction_ && down_.at_boundary()) return *eviction_;
  if (!upstream_.may_read()) return std::nullopt;

  std::span<const std::uint8_t> in_hand;
  const auto bytes_max = eviction_ ? std::min<std::size_t>(down_.body_left(), read_max) : read_max;
  switch (take(upstream_, down_carry_, bytes_max, in_hand)) {
    case net::IoStatus::done:
      return pass_down(in_hand, now);
    case net::IoStatus::would_block:
      return std::nullopt;
    case net::IoStatus::end:
    case net::IoStatus::reset:
      break;
  }
  return upstream_ended();
}

/// Nobody hears the broker any more, and yet it is heard out once it has been told of a DISCONNECT: closing with its bytes
/// unread would be a reset, which may overtake the DISCONNECT and publish a will that must not be [MQTT-3.14.4-3].
MaybeEnd Relay::await_upstream_end() {
  while (upstream_shut_ && upstream_.may_read()) {
    const auto io = upstream_.read(scratch_.plain_room());
    if (io.status == net::IoStatus::end || io.status == net::IoStatus::reset) return upstream_ended();
  }
  return std::nullopt;
}

MaybeEnd Relay::pass_down(std::span<const std::uint8_t> in_hand, TimePoint now) {
  const auto passed = pass(down_, in_hand, client_, down_carry_);
  bytes_down_ += passed.bytes;
  tally_.bytes_down += passed.bytes;
  tally_.packets_down += passed.packets;
  if (passed.receiver_lost) client_lost();
  take_notes();
  // What is unsent though there is room is a session ticket that goes along with the next write: nobody is slow.
  if (client_.has_unsent() && !client_.socket().may_write() && !client_broken_) down_blocked_since_ = now;
  if (passed.refuse) {
    v5_reason_code_ = passed.refuse->v5_reason_code;
    return passed.refuse->refusal;
  }
  if (!admitted_) return judge_connack(now);
  if (eviction_ && !down_blocked() && down_.at_boundary()) return *eviction_;
  return std::nullopt;
}

MaybeEnd Relay::judge_connack(TimePoint now) {
  const auto& connack = down_.connack();
  if (!connack) return std::nullopt;
  if (auto refusal = inspect::upstream_refusal(conversation_.version(), connack->code)) return *refusal;
  admitted_ = true;
  ++tally_.admitted;
  ++tally_.sessions;
  fed_at_ = now;
  if (connack->server_keep_alive_s) times_.keep_alive_s = *connack->server_keep_alive_s;
  return std::nullopt;
}

End Relay::upstream_ended() const {
  if (!admitted_) return Refusal{Reason::upstream_unavailable, Cause::reset};
  if (client_ended_at_ != TimePoint::max() || up_.disconnected()) return client_close();
  return Close::upstream_closed;
}

MaybeEnd Relay::pump_up(TimePoint now) {
  if (hears_newcomer() && client_.may_read()) {
    if (auto end = hear_newcomer()) return end;
  }
  if (up_blocked()) {
    if (!upstream_.socket().may_write()) return std::nullopt;
    if (!upstream_.flush()) return upstream_ended();
    if (upstream_.has_unsent()) return std::nullopt;
    up_blocked_since_ = TimePoint::max();
    fed_at_ = now;  // the broker was slow, not the client
    if (up_.disconnected()) disconnected_at_ = now;
  }
  if (!admitted_ || eviction_) {
    // A client that is gone is noticed all the same, by a write that failed.
    if (client_broken_) return client_close();
    return std::nullopt;
  }
  if (early_) {
    early_ = false;
    const auto early = std::move(up_carry_);
    up_carry_ = {};
    return pass_up(early, now);
  }
  if (hears_client() && client_.may_read()) {
    std::span<const std::uint8_t> in_hand;
    const auto status = take(client_, up_carry_, net::Scratch::plain_bytes, in_hand);
    if (status == net::IoStatus::done) return pass_up(in_hand, now);
    if (status == net::IoStatus::would_block) return std::nullopt;
    if (status == net::IoStatus::reset) client_lost();
    client_ended_at_ = now;
  }
  if (client_ended_at_ == TimePoint::max()) return std::nullopt;
  if (client_broken_ && !up_.disconnected()) return client_close();
  if (!upstream_shut_) {
    upstream_.close_write();  // half-close: the broker may still have something to say
    upstream_shut_ = true;
  }
  return std::nullopt;
}

MaybeEnd Relay::pass_up(std::span<const std::uint8_t> in_hand, TimePoint now) {
  const auto passed = pass(up_, in_hand, upstream_, up_carry_);
  bytes_up_ += passed.bytes;
  tally_.bytes_up += passed.bytes;
  tally_.packets_up += passed.packets;
  if (passed.packets > 0) fed_at_ = now;
  take_notes();
  if (passed.refuse) {
    v5_reason_code_ = passed.refuse->v5_reason_code;
    return passed.refuse->refusal;
  }
  if (passed.receiver_lost) return upstream_ended();
  if (upstream_.has_unsent()) up_blocked_since_ = now;
  if (up_.disconnected() && !up_blocked()) disconnected_at_ = now;
  return hold_to_rate(passed.packets, passed.taken, now);
}

/// Nothing goes on before CONNACK; but a client that leaves meanwhile is not worth the broker's answer. One that has sent
/// more by then is heard again only behind that.
MaybeEnd Relay::hear_newcomer() {
  const auto into = scratch_.plain_room(read_max);
  const auto io = client_.read(into);
  if (io.status == net::IoStatus::end || io.status == net::IoStatus::reset) return client_close();
  up_carry_.assign(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(io.bytes));
  early_ = !up_carry_.empty();
  return std::nullopt;
}

/// Nothing can be sent to the client; what it had sent before may still be read, a DISCONNECT among it.
void Relay::client_lost() {
  client_broken_ = true;
  down_blocked_since_ = TimePoint::max();
  std::vector<std::uint8_t>{}.swap(conversation_.to_client);
}

account::Close Relay::client_close() const {
  return up_.disconnected() ? Close::client_disconnect : Close::client_gone;
}

bool Relay::keeps_alive() const {
  return admitted_ && times_.keep_alive_s != 0 && client_ended_at_ == TimePoint::max() && !up_blocked() &&
         !up_.disconnected() && paused_until_ == TimePoint::min() && !has_observed(Reason::keepalive_timeout);
}

Relay::TimePoint Relay::slow_reader_due() const {
  return has_observed(Reason::slow_reader) ? TimePoint::max() : after(down_blocked_since_, times_.slow_reader_timeout);
}

MaybeEnd Relay::end_or_observe(Refusal refusal) {
  if (conversation_.mode() == Mode::enforce) return refusal;
  observe({refusal, {}});
  return std::nullopt;
}

bool Relay::has_observed(Reason reason) const {
  return std::any_of(observed_.begin(), observed_.end(),
                     [&](const inspect::Observed& known) { return known.refusal.reason == reason; });
}

void Relay::observe(const inspect::Observed& observed) {
  const auto is_it = [&](const inspect::Observed& known) { return known.refusal == observed.refusal; };
  if (std::none_of(observed_.begin(), observed_.end(), is_it)) observed_.push_back(observed);
}

/// When the broker is not waited for any longer, for a client that has left.
Relay::TimePoint Relay::farewell_due() const {
  const auto stall = times_.stall_timeout;
  return std::min(after(client_ended_at_, stall),
                  after(disconnected_at_, std::min<Milliseconds>(stall, upstream_linger_max)));
}

Relay::TimePoint Relay::deadline() const {
  auto first = std::min({slow_reader_due(), after(up_blocked_since_, times_.stall_timeout), farewell_due()});
  if (paused_until_ != TimePoint::min()) first = std::min(first, paused_until_);
  if (!admitted_) first = std::min(first, started_ + times_.connack_timeout);
  // One and a half times the keep alive [MQTT-3.1.2-24], [MQTT-3.1.2-22 in 5.0].
  if (keeps_alive()) first = std::min(first, fed_at_ + std::chrono::milliseconds{1500} * times_.keep_alive_s);
  return first;
}

MaybeEnd Relay::overdue(TimePoint now) {
  if (now < deadline()) return std::nullopt;
  if (!admitted_ && now >= started_ + times_.connack_timeout) return Refusal{Reason::upstream_unavailable, Cause::timeout};
  if (now >= slow_reader_due()) return end_or_observe({Reason::slow_reader, Cause::none});
  if (now >= after(up_blocked_since_, times_.stall_timeout)) return Refusal{Reason::upstream_unavailable, Cause::stalled};
  if (now >= farewell_due()) return client_close();
  // Nothing but the end of a pause, which the next pump() sees.
  if (!keeps_alive() || now < fed_at_ + std::chrono::milliseconds{1500} * times_.keep_alive_s) return std::nullopt;
  const bool inside_packet = up_.is_inside_packet() || !up_carry_.empty();
  return end_or_observe({Reason::keepalive_timeout, inside_packet ? Cause::partial : Cause::silent});
}

bool Relay::can_go_on() const {
  const bool up = admitted_ && !eviction_ && !up_blocked() && (early_ || (hears_client() && client_.may_read()));
  const bool newcomer = hears_newcomer() && client_.may_read();
  const bool down = hears_upstream() && upstream_.may_read();
  return up || newcomer || down;
}

/// Not while it makes the gate say more than the other side takes.
bool Relay::hears_client() const {
  return client_ended_at_ == TimePoint::max() && paused_until_ == TimePoint::min() &&
         conversation_.to_client.size() < own_packets_bytes_max;
}

bool Relay::hears_upstream() const {
  return !down_blocked() && (!client_broken_ || upstream_shut_) && conversation_.to_broker.size() < own_packets_bytes_max;
}

void Relay::arm() {
  const bool hears = admitted_ && !up_blocked() && hears_client();
  if (hears || hears_newcomer()) client_.socket().want_read();
  if (hears_upstream()) upstream_.socket().want_read();
  if (down_blocked()) client_.socket().want_write();
  if (up_blocked()) upstream_.socket().want_write();
}

}  // namespace bastion::gate
