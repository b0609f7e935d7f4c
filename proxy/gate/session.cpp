// The life of a connection, in the order in which it happens.
#include "proxy/gate/session.hpp"

#include <algorithm>
#include <exception>

#include "policy/judge.hpp"
#include "proxy/gate/upstream.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/inspect/answer.hpp"
#include "proxy/inspect/foreign.hpp"

namespace bastion::gate {
namespace {

using account::Close;
using net::IoStatus;

/// How long, and for how many bytes, a client that was sent a last answer may go on sending before its connection is cut: a
/// close with unread bytes is a reset, which would overtake the answer (RFC 9293 section 3.10.4).
constexpr auto linger_max = std::chrono::seconds{1};
constexpr std::size_t linger_bytes_max = 64u << 10;
/// OpenSSL makes room for a whole ClientHello once its length is claimed. Real ones, post-quantum key shares among them,
/// take less than 4 KiB.
constexpr std::uint32_t client_hello_bytes_max = 16u << 10;
/// A verdict on a password comes within the wait in the queue and the hash itself; this is for the hash.
constexpr auto hash_max = std::chrono::seconds{30};
/// What a log line shows of a name.
constexpr std::size_t name_bytes_max = 64;
/// OASIS 5.0 section 3.14.2.1: DISCONNECT knows no "server unavailable", but "server busy".
constexpr std::uint8_t server_busy = 0x89;

net::Clock::time_point now() {
  return net::Clock::now();
}

Cause cause_of(net::TlsFailure failure) {
  switch (failure) {
    case net::TlsFailure::version:
      return Cause::version;
    case net::TlsFailure::cipher:
      return Cause::cipher;
    case net::TlsFailure::malformed:
      return Cause::malformed;
    case net::TlsFailure::sni:
      return Cause::sni;
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

std::string shown(std::string_view name) {
  return std::string{name.substr(0, name_bytes_max + 1)};
}

/// Appends without leaving a copy of a password behind in memory that the vector gives up.
void append_guarded(std::vector<std::uint8_t>& bytes, std::span<const std::uint8_t> more) {
  if (bytes.capacity() < bytes.size() + more.size()) {
    std::vector<std::uint8_t> larger;
    larger.reserve(std::max(bytes.size() + more.size(), 2 * bytes.capacity()));
    larger.assign(bytes.begin(), bytes.end());
    identity::wipe(bytes);
    bytes.swap(larger);
  }
  bytes.insert(bytes.end(), more.begin(), more.end());
}

}  // namespace

Session::Newcomer::~Newcomer() {
  identity::wipe(received);
}

Session::Session(Worker& worker, ListenerState& listener, const Origin& origin, std::uint64_t id, TimePoint accepted_at)
    : worker_{worker},
      listener_{listener},
      setup_{worker.setup()},
      newcomer_{std::make_unique<Newcomer>()},
      deadline_{worker.context(), *this},
      accepted_at_{accepted_at},
      id_{id} {
  ending_.origin = origin;
}

void Session::start(net::UniqueFd fd) {
  const boost::intrusive_ptr<Session> self{this};
  try {
    make_stream(std::move(fd));
  } catch (const std::exception& failure) {
    ending_.detail = failure.what();
    return finish(Close::fault);
  }
  static_cast<void>(live(self));
}

void Session::make_stream(net::UniqueFd fd) {
  if (listener_.transport == Transport::mqtt) {
    client_ = std::make_unique<net::PlainStream>(worker_.context(), *this);
  } else {
    auto tls = std::make_unique<net::TlsStream>(worker_.context(), *this, worker_.tls_context(), worker_.scratch());
    tls_ = tls.get();
    client_ = std::move(tls);
  }
  client_->socket().adopt(std::move(fd));
}

void Session::evict(Refusal refusal) {
  eviction_ = refusal;
  notify();
}

void Session::abort() {
  aborted_ = true;
  if (!eviction_) eviction_ = Refusal{Reason::evicted, Cause::shutdown};
  notify();
}

void Session::verified(identity::Verified verdict) {
  if (newcomer_) newcomer_->verified = verdict;
  notify();
}

net::Detached Session::live(boost::intrusive_ptr<Session> self) {
  End end = Close::fault;
  try {
    end = co_await self->journey();
  } catch (const std::exception& bug) {
    // A bug or no memory: this session ends, counted as such; the process and all other sessions live.
    self->ending_.detail = bug.what();
  }
  self->finish(end);
}

/// The whole life of a connection that was let in by its address.
net::Task<End> Session::journey() {
  auto opened = co_await open_stream();
  if (opened) co_return *opened;
  auto read = co_await read_connect();
  if (read) co_return *read;

  const auto verdict = judge(setup_->policy, newcomer_->connect->facts);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) co_return co_await refuse(*refusal);
  auto identified = co_await verify_identity();
  if (identified) co_return *identified;

  auto dialled = co_await dial();
  if (dialled) co_return *dialled;
  co_return co_await relay();
}

MaybeEnd Session::interrupted() const {
  if (eviction_) return *eviction_;
  return std::nullopt;
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
  worker_.handshake_done();
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
  for (;;) {
    if (socket.may_read()) {
      const std::span received{worker_.scratch().cipher.get(), net::Scratch::cipher_bytes};
      const auto io = socket.receive(received);
      if (io.status == IoStatus::end || io.status == IoStatus::reset) co_return end_of_hello(in_hand > 0);
      const auto kept = std::min(io.bytes, first.size() - in_hand);
      std::copy_n(received.begin(), kept, first.begin() + static_cast<std::ptrdiff_t>(in_hand));
      in_hand += kept;
      tls.feed(received.first(io.bytes));
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
    socket.want_read();
    co_await woken();
    if (auto end = interrupted()) co_return end;
    if (deadline_.passed(now())) co_return Refusal{Reason::tls_timeout, in_hand > 0 ? Cause::partial : Cause::no_data};
  }
}

net::Task<MaybeEnd> Session::shake_hands(net::TlsStream& tls) {
  for (;;) {
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
    tls.socket().want_read();
    if (tls.has_unsent()) tls.socket().want_write();
    co_await woken();
    if (auto end = interrupted()) co_return end;
    if (deadline_.passed(now())) co_return Refusal{Reason::tls_timeout, Cause::partial};
  }
}

// --- stage 5: CONNECT -----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::read_connect() {
  const auto& limits = setup_->policy.mqtt;
  auto& received = newcomer_->received;
  deadline_.set(now() + limits.connect_timeout);
  if (tls_ != nullptr) tls_->cleanse_plaintext(true);
  for (;;) {
    if (client_->may_read()) {
      const std::span into{worker_.scratch().plain.get(), limits.connect_size_max};
      const auto io = client_->read(into);
      if (io.status == IoStatus::done) {
        append_guarded(received, into.first(io.bytes));
        identity::wipe(into.first(io.bytes));
      } else if (io.status != IoStatus::would_block) {
        if (tls_ != nullptr && tls_->misuse()) co_return Refusal{Reason::tls_misuse, cause_of(*tls_->misuse())};
        if (!received.empty()) co_return inspect::connect_cut_short(received, false);
        if (tls_ == nullptr) co_return end_of_hello(false);
        co_return Refusal{Reason::closed_early, Cause::after_handshake};
      }
      auto step = inspect::read_connect(received, limits);
      if (const auto* refused = std::get_if<inspect::ConnectRefused>(&step)) {
        ending_.version = refused->version;
        co_return co_await refuse(refused->refusal, refused->v5_reason_code);
      }
      if (auto* connect = std::get_if<inspect::ReadConnect>(&step)) {
        keep_connect(*connect);
        co_return std::nullopt;
      }
      if (client_->may_read()) continue;
    }
    // The session ticket of TLS 1.3. Most clients leave Nagle's algorithm on: they send CONNECT only when their Finished has
    // been acknowledged, which the kernel delays by 40 ms when there is nothing to send along.
    if (client_->has_unsent() && client_->socket().may_write() && !client_->flush()) co_return end_of_hello(true);
    client_->socket().want_read();
    co_await woken();
    if (auto end = interrupted()) co_return end;
    if (deadline_.passed(now())) co_return inspect::connect_cut_short(received, true);
  }
}

void Session::keep_connect(const inspect::ReadConnect& connect) {
  auto& newcomer = *newcomer_;
  newcomer.connect = connect;
  newcomer.early.assign(newcomer.received.begin() + static_cast<std::ptrdiff_t>(connect.packet.size()),
                        newcomer.received.end());
  // What the log will say of this client.
  const auto& facts = connect.facts;
  ending_.version = facts.version;
  ending_.client_id = shown(facts.client_id);
  if (!facts.user_name) return;
  ending_.user_name = shown(*facts.user_name);
  ending_.user_is_known = setup_->passwords && setup_->passwords->knows(*facts.user_name);
}

/// While the client waits for others: hears it leave, and keeps what it sends meanwhile, one read of it.
MaybeEnd Session::hear_client() {
  if (!newcomer_->early.empty()) return std::nullopt;
  if (client_->may_read()) {
    const std::span into{worker_.scratch().plain.get(), setup_->policy.mqtt.connect_size_max};
    const auto io = client_->read(into);
    if (io.status == IoStatus::end || io.status == IoStatus::reset) return Refusal{Reason::closed_early, Cause::in_connect};
    newcomer_->early.assign(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(io.bytes));
  }
  if (newcomer_->early.empty()) client_->socket().want_read();
  return std::nullopt;
}

// --- stage 6: identity ----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::verify_identity() {
  const auto& policy = setup_->policy;
  const auto& connect = *newcomer_->connect;
  // Who names a user must prove to be it, also where nobody has to name one (CVE-2016-9877).
  if (setup_->passwords && connect.facts.user_name) {
    if (!connect.facts.has_password) co_return co_await refuse({Reason::anonymous, Cause::no_password});
    deadline_.set(now() + policy.authentication.hash_wait_max + hash_max);
    if (!worker_.verify(*this, setup_->passwords, *connect.facts.user_name, connect.password)) {
      co_return co_await refuse({Reason::auth_overloaded, Cause::queue_full});
    }
    while (!newcomer_->verified) {
      if (auto end = hear_client()) co_return end;
      co_await woken();
      if (auto end = interrupted()) co_return end;
      if (deadline_.passed(now())) newcomer_->verified = identity::Verified::timed_out;
    }
    if (newcomer_->verified != identity::Verified::right) co_return co_await refuse(refusal_of(*newcomer_->verified));
  }
  const auto verdict = judge_identity(policy, ending_.origin, connect.facts);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) co_return co_await refuse(*refusal);
  if (const auto* role = std::get<Admitted>(verdict).role) ending_.role = role->name;
  co_return std::nullopt;
}

Refusal Session::refusal_of(identity::Verified verdict) const {
  switch (verdict) {
    case identity::Verified::unknown_user:
      return {Reason::bad_credentials, Cause::user};
    case identity::Verified::timed_out:
      return {Reason::auth_overloaded, Cause::queue_timeout};
    case identity::Verified::right:
    case identity::Verified::wrong_password:
      break;
  }
  return {Reason::bad_credentials, Cause::password};
}

// --- stage 7: upstream ----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::dial() {
  const auto& policy = setup_->policy.upstream;
  const auto address = upstream_address(policy);
  auto fd = upstream_socket(address);
  if (!fd) {
    ending_.detail = net::error_text(errno);
    co_return co_await refuse({Reason::upstream_unavailable, Cause::other});
  }
  upstream_ = std::make_unique<net::PlainStream>(worker_.context(), *this);
  upstream_->socket().adopt(std::move(fd));
  ++listener_.tally.upstream_connects;
  deadline_.set(now() + policy.connect_timeout);
  if (upstream_->socket().connect(&address.storage, address.length) == net::Connecting::pending) {
    auto failed = co_await connected();
    if (failed) co_return failed;
  }
  if (const int error = upstream_->socket().last_error(); error != 0) {
    ending_.detail = net::error_text(error);
    const bool refused = error == ECONNREFUSED || error == ENOENT || error == EAGAIN;
    const auto cause = refused               ? Cause::refused
                       : error == ETIMEDOUT  ? Cause::timeout
                       : error == ECONNRESET ? Cause::reset
                                             : Cause::other;
    co_return co_await refuse({Reason::upstream_unavailable, cause});
  }
  if (!forward_connect()) co_return co_await refuse({Reason::upstream_unavailable, Cause::reset});
  co_return std::nullopt;
}

/// Waits until the connect that is under way has come to its end, good or bad.
net::Task<MaybeEnd> Session::connected() {
  auto& socket = upstream_->socket();
  while (!socket.may_write()) {
    if (auto end = hear_client()) co_return end;
    socket.want_write();
    co_await woken();
    if (auto end = interrupted()) co_return end;
    if (!socket.may_write() && deadline_.passed(now())) {
      co_return co_await refuse({Reason::upstream_unavailable, Cause::timeout});
    }
  }
  static_cast<void>(socket.connect_result());  // told by last_error()
  co_return std::nullopt;
}

bool Session::forward_connect() {
  const auto& connect = *newcomer_->connect;
  const auto& credentials = setup_->policy.upstream.credentials;
  if (!credentials) return upstream_->write(connect.packet);
  auto packet = inspect::with_credentials(connect, credentials->user_name, setup_->upstream_password.view());
  const bool sent = !packet.empty() && upstream_->write(packet);
  identity::wipe(packet);
  return sent;
}

// --- stage 8: relay -------------------------------------------------------------------------------------------------------

net::Task<End> Session::relay() {
  const auto& policy = setup_->policy;
  const auto& facts = newcomer_->connect->facts;
  RelayTerms terms;
  terms.version = facts.version;
  terms.keep_alive_s = facts.keep_alive_s;
  terms.server_keep_alive_s = server_keep_alive(policy, facts);
  terms.packet_size_max = policy.mqtt.packet_size_max;
  terms.connack_timeout = policy.upstream.connack_timeout;
  terms.stall_timeout = policy.upstream.stall_timeout;
  terms.slow_reader_timeout = policy.mqtt.slow_reader_timeout;
  Relay relay{*client_, *upstream_, worker_.scratch(), listener_.tally, terms, std::move(newcomer_->early), now()};
  newcomer_.reset();
  if (tls_ != nullptr) tls_->cleanse_plaintext(false);
  for (;;) {
    if (eviction_) relay.evict(*eviction_);
    auto end = relay.pump(now());
    if (aborted_ && !end) end = *eviction_;
    if (end) co_return co_await take_leave(relay, *end);
    deadline_.set(relay.deadline());
    if (relay.can_go_on()) worker_.take_turns(*this);
    co_await woken();
  }
}

/// What the client is told at the end of a session, and what the broker is: never DISCONNECT, so that a will is published.
net::Task<End> Session::take_leave(const Relay& relay, End end) {
  if (relay.admitted()) --listener_.tally.sessions;
  ending_.bytes_up = relay.bytes_up();
  ending_.bytes_down = relay.bytes_down();
  upstream_->socket().close();
  if (tls_ != nullptr && tls_->misuse()) {
    ending_.detail = tls_->error();
    end = Refusal{Reason::tls_misuse, cause_of(*tls_->misuse())};
  } else if (!relay.admitted() && std::holds_alternative<Close>(end)) {
    end = Refusal{Reason::closed_early, Cause::in_connect};
  }
  if (const auto* refusal = std::get_if<Refusal>(&end)) {
    if (!relay.answered()) co_return co_await refuse(*refusal, relay.v5_reason_code());
    auto code = relay.v5_reason_code();
    if (refusal->reason == Reason::upstream_unavailable) code = server_busy;
    const auto answer = inspect::session_answer(*refusal, *ending_.version, code);
    // The broker's own CONNACK was the answer; and inside a packet nothing may be inserted.
    const bool answers = relay.admitted() && relay.may_insert_down() && !answer.empty();
    if (answers && !client_->write(answer.bytes())) co_return end;
    co_await close_gently();
  } else if (std::get<Close>(end) == Close::upstream_closed) {
    co_await close_gently();
  }
  co_return end;
}

// --- stage 9: end ---------------------------------------------------------------------------------------------------------

/// Answers as the reason says, before the client was admitted.
net::Task<End> Session::refuse(Refusal refusal, std::optional<std::uint8_t> v5_reason_code) {
  const auto answer = inspect::connect_answer(refusal, ending_.version, v5_reason_code);
  if (!answer.empty() && client_->write(answer.bytes())) co_await close_gently();
  co_return refusal;
}

/// Sends what is unsent, says goodbye, and waits a moment for the client to do the same.
net::Task<> Session::close_gently() {
  deadline_.set(now() + linger_max);
  const auto over = [this] { return aborted_ || deadline_.passed(now()); };
  while (client_->has_unsent()) {
    if (client_->socket().may_write() && !client_->flush()) co_return;
    if (!client_->has_unsent()) break;
    if (over()) co_return;
    client_->socket().want_write();
    co_await woken();
  }
  client_->close_write();
  std::size_t discarded = 0;
  while (discarded < linger_bytes_max && !over()) {
    auto& socket = client_->socket();
    if (socket.may_read()) {
      const auto io = socket.receive({worker_.scratch().cipher.get(), net::Scratch::cipher_bytes});
      if (io.status == IoStatus::end || io.status == IoStatus::reset) co_return;
      discarded += io.bytes;
      if (socket.may_read()) continue;
    }
    socket.want_read();
    co_await woken();
  }
}

void Session::finish(const End& end) {
  deadline_.stop();
  if (client_) client_->socket().close();
  if (upstream_) upstream_->socket().close();
  newcomer_.reset();
  if (const auto* refusal = std::get_if<Refusal>(&end)) {
    ending_.refusal = *refusal;
  } else {
    ending_.close = std::get<Close>(end);
  }
  ending_.duration_ms = std::chrono::duration_cast<Milliseconds>(now() - accepted_at_).count();
  worker_.ended(*this, listener_, ending_, in_handshake_);
}

}  // namespace bastion::gate
