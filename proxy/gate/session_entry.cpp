// Stages 3 and 5 of a session: from the first byte to a whole CONNECT.
#include <algorithm>
#include <array>

#include "proxy/gate/session.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/inspect/foreign.hpp"
#include "proxy/origin/first_bytes.hpp"

namespace bastion::gate {
namespace {

using net::IoStatus;

/// OpenSSL makes room for a whole ClientHello once its length is claimed. Real ones, post-quantum key shares among them,
/// take less than 4 KiB.
constexpr std::uint32_t client_hello_bytes_max = 16u << 10;

Cause cause_of(net::TlsFailure failure) {
  switch (failure) {
    case net::TlsFailure::version:
      return Cause::version;
    case net::TlsFailure::cipher:
      return Cause::cipher;
    case net::TlsFailure::malformed:
      return Cause::malformed;
    case net::TlsFailure::alpn:
      return Cause::alpn;
    case net::TlsFailure::peer_alert:
      return Cause::peer_alert;
    case net::TlsFailure::other:
      break;
  }
  return Cause::other;
}

Cause cause_of(net::TlsMisuse misuse) {
  switch (misuse) {
    case net::TlsMisuse::renegotiation:
      return Cause::renegotiation;
    case net::TlsMisuse::key_update:
      return Cause::key_update;
    case net::TlsMisuse::alert_flood:
      return Cause::alert_flood;
    case net::TlsMisuse::bad_record:
      break;
  }
  return Cause::bad_record;
}

}  // namespace

Refusal refusal_of(net::TlsMisuse misuse) {
  return {Reason::tls_misuse, cause_of(misuse)};
}

// --- stage 3: TLS ---------------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::open_stream() {
  deadline_.set(accepted_at_ + setup_->policy.tls.handshake_timeout);
  if (tls_ != nullptr) {
    auto foreign = co_await recognise_tls(*tls_);
    if (foreign) co_return foreign;
    auto failed = co_await shake_hands(*tls_);
    if (failed) co_return failed;
    ending_.tls_version = tls_->version();
    ++listener_.tally.tls_handshakes;
    if (tls_->resumed()) ++listener_.tally.tls_resumptions;
  }
  in_handshake_ = false;
  worker_.handshake_done(ending_.origin.address);
  co_return std::nullopt;
}

End Session::end_of_hello(bool any_byte) const {
  const bool reset = client_->socket().last_error() != 0;
  if (reset) return Refusal{Reason::closed_early, Cause::reset};
  if (!any_byte) return Refusal{Reason::closed_early, Cause::no_data};
  return Refusal{Reason::closed_early, tls_ != nullptr && tls_->answered() ? Cause::in_handshake : Cause::in_hello};
}

/// Looks at the first bytes before OpenSSL does, so that what is no TLS gets its name and no alert.
net::Task<MaybeEnd> Session::recognise_tls(net::TlsStream& tls) {
  auto& socket = tls.socket();
  std::array<std::uint8_t, origin::first_bytes_max> first{};
  std::size_t in_hand = 0;
  const auto early = std::move(newcomer_->received);  // behind a PROXY header
  newcomer_->received = {};
  std::span<const std::uint8_t> received = early;
  for (;;) {
    const bool late = is_late();
    if (received.empty() && socket.may_read()) {
      const auto room = worker_.scratch().cipher_room();
      const auto io = socket.receive(room);
      if (io.status == IoStatus::end || io.status == IoStatus::reset) co_return end_of_hello(in_hand > 0);
      received = room.first(io.bytes);
    }
    if (!received.empty()) {
      const auto kept = std::min(received.size(), first.size() - in_hand);
      std::copy_n(received.begin(), kept, first.begin() + static_cast<std::ptrdiff_t>(in_hand));
      in_hand += kept;
      tls.feed(received);
      received = {};
      const auto guess = origin::guess({first.data(), in_hand});
      if (guess == origin::Guess::tls) {
        const auto claimed = origin::client_hello_bytes({first.data(), in_hand});
        if (claimed && *claimed <= client_hello_bytes_max) co_return std::nullopt;
        if (claimed) {
          ending_.detail = "a ClientHello of " + std::to_string(*claimed) + " bytes";
          co_return Refusal{Reason::tls_handshake_failed, Cause::malformed};
        }
      } else if (guess != origin::Guess::need_more) {
        co_return Refusal{Reason::not_tls, inspect::cause_of(guess)};
      }
    }
    if (late) co_return Refusal{Reason::tls_timeout, in_hand > 0 ? Cause::partial : Cause::no_data};
    socket.want_read();
    co_await woken();
    if (auto end = interrupted()) co_return end;
  }
}

net::Task<MaybeEnd> Session::shake_hands(net::TlsStream& tls) {
  for (;;) {
    const bool late = is_late();
    if (tls.has_unsent() && tls.socket().may_write() && !tls.flush()) co_return end_of_hello(true);
    switch (tls.handshake()) {
      case net::Handshake::done:
        co_return std::nullopt;
      case net::Handshake::ended:
        co_return end_of_hello(true);
      case net::Handshake::failed:
        ending_.detail = tls.error();
        co_return Refusal{Reason::tls_handshake_failed, cause_of(tls.failure())};
      case net::Handshake::waiting:
        break;
    }
    if (late) co_return Refusal{Reason::tls_timeout, Cause::partial};
    tls.socket().want_read();
    if (tls.has_unsent()) tls.socket().want_write();
    co_await woken();
    if (auto end = interrupted()) co_return end;
  }
}

// --- stage 5: CONNECT -----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::read_connect() {
  const auto& limits = setup_->policy.mqtt;
  auto& received = newcomer_->received;
  deadline_.set(now() + limits.connect_timeout);
  if (tls_ != nullptr) tls_->cleanse_plaintext(true);
  bool is_new = !received.empty();  // behind a PROXY header, without TLS
  for (;;) {
    const bool late = is_late();
    if (!is_new && client_->may_read()) {
      const auto into = worker_.scratch().plain_room(limits.connect_size_max);
      const auto io = client_->read(into);
      if (io.status == IoStatus::done) {
        identity::append_secret(received, into.first(io.bytes));
        identity::wipe(into.first(io.bytes));
        is_new = true;
      } else if (io.status != IoStatus::would_block) {
        if (tls_ != nullptr && tls_->misuse()) co_return gate::refusal_of(*tls_->misuse());
        if (!received.empty()) co_return inspect::connect_cut_short(received, false);
        if (tls_ == nullptr) co_return end_of_hello(false);
        co_return Refusal{Reason::closed_early, Cause::after_handshake};
      }
    }
    if (is_new) {
      is_new = false;
      auto step = inspect::read_connect(received, limits);
      if (const auto* refused = std::get_if<inspect::ConnectRefused>(&step)) {
        ending_.version = refused->version;
        co_return co_await refuse(refused->refusal, refused->v5_reason_code);
      }
      if (auto* connect = std::get_if<inspect::ReadConnect>(&step)) {
        keep_connect(*connect);
        co_return std::nullopt;
      }
      if (client_->may_read() && !late) continue;
    }
    if (late) co_return inspect::connect_cut_short(received, true);
    // The session ticket of TLS 1.3. Most clients leave Nagle's algorithm on: they send CONNECT only when their Finished has
    // been acknowledged, which the kernel delays by 40 ms when there is nothing to send along.
    if (client_->has_unsent() && client_->socket().may_write() && !client_->flush()) co_return end_of_hello(true);
    client_->socket().want_read();
    co_await woken();
    if (auto end = interrupted()) co_return end;
  }
}

void Session::keep_connect(const inspect::ReadConnect& connect) {
  auto& newcomer = *newcomer_;
  newcomer.connect = connect;
  newcomer.early.assign(newcomer.received.begin() + static_cast<std::ptrdiff_t>(connect.packet.size()),
                        newcomer.received.end());
  // What outlives the packet: for the log, and for judging this client again.
  const auto& facts = connect.facts;
  asked_.keep_alive_s = facts.keep_alive_s;
  asked_.bridge = facts.bridge;
  asked_.clean_start = facts.clean_start;
  asked_.has_user_name = facts.user_name.has_value();
  asked_.has_password = facts.has_password;
  if (facts.will) {
    asked_.will_topic = facts.will->topic;
    asked_.will_qos = facts.will->qos;
    asked_.will_retain = facts.will->retain;
  }
  ending_.version = facts.version;
  ending_.client_id = facts.client_id;
  if (!facts.user_name) return;
  ending_.user_name = *facts.user_name;
  ending_.user_is_known = setup_->passwords && setup_->passwords->knows(*facts.user_name);
}

}  // namespace bastion::gate
