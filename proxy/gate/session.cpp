// The life of a connection, in the order in which it happens.
#include "proxy/gate/session.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "policy/judge.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/inspect/answer.hpp"

namespace bastion::gate {
namespace {

using account::Close;
using net::IoStatus;

/// How long, and for how many bytes, a client that was sent a last answer may go on sending before its connection is cut: a
/// close with unread bytes is a reset, which would overtake the answer (RFC 9293 section 3.10.4).
constexpr auto linger_max = std::chrono::seconds{1};
constexpr std::size_t linger_bytes_max = 64u << 10;
/// OASIS 5.0 section 3.14.2.1: DISCONNECT knows no "server unavailable", but "server busy".
constexpr std::uint8_t server_busy = 0x89;

}  // namespace

Session::Newcomer::~Newcomer() {
  identity::wipe(received);
  identity::wipe(early);  // it may begin with a CONNECT that has no business there
}

bool ListenerState::is_balancer(const Address& address) const {
  return std::any_of(balancers.begin(), balancers.end(), [&](const Prefix& prefix) { return prefix.contains(address); });
}

Session::Session(Worker& worker, ListenerState& listener, const account::Ending& so_far, std::uint64_t id,
                 TimePoint accepted_at, bool from_balancer)
    : worker_{worker},
      listener_{listener},
      setup_{worker.setup()},
      newcomer_{std::make_unique<Newcomer>()},
      deadline_{worker.context(), *this},
      ending_{so_far},
      accepted_at_{accepted_at},
      id_{id},
      mode_{listener.mode},
      place_at_balancer_{from_balancer} {
  if (from_balancer) ending_.via = ending_.origin.address;
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

void Session::place_moved(const Budget::Place& place) {
  if (newcomer_) newcomer_->moved = place;
  notify();
}

void Session::claimed(bool is_granted) {
  if (newcomer_) newcomer_->claimed = is_granted;
  notify();
}

void Session::observe(Refusal refusal, const TopicNote& about) {
  worker_.note(listener_, ending_, refusal, about);
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

/// The whole life of a connection that was let in by its address, or is a balancer's.
net::Task<End> Session::journey() {
  if (place_at_balancer_) {
    auto unknown = co_await learn_origin();
    if (unknown) co_return *unknown;
  }
  auto opened = co_await open_stream();
  if (opened) co_return *opened;
  auto read = co_await read_connect();
  if (read) co_return *read;

  auto judged = co_await judge_connect();
  if (judged) co_return *judged;
  auto identified = co_await verify_identity();
  if (identified) co_return *identified;

  auto claimed = co_await claim_client_id();
  if (claimed) co_return *claimed;
  auto dialled = co_await dial();
  if (dialled) co_return *dialled;
  co_return co_await relay();
}

MaybeEnd Session::interrupted() const {
  if (eviction_) return *eviction_;
  return std::nullopt;
}

/// Whether the deadline has passed; then there is one more look at what has come. On a worker that was busy, or a machine
/// that was held, what came in time may still wait in the kernel, and a deadline is the client's, not the gate's.
bool Session::is_late() {
  if (!deadline_.passed(now())) return false;
  client_->socket().look_again();
  if (upstream_) upstream_->socket().look_again();
  return true;
}

/// Whether a client that the policy refuses goes on all the same, since the policy is only observed. Where the gate has the
/// broker's credentials nobody else would ask for the client's own.
bool Session::goes_on(Refusal refusal, const TopicNote& about) {
  if (mode_ == Mode::enforce || !can_be_observed(refusal)) return false;
  if (setup_->policy.upstream.credentials && info(refusal.reason).stage == Stage::auth) return false;
  observe(refusal, about);
  return true;
}

// --- stage 8: relay -------------------------------------------------------------------------------------------------------

net::Task<End> Session::relay() {
  Relay relay{*client_, *upstream_, worker_.scratch(), listener_.tally, terms(), std::move(newcomer_->early), now()};
  newcomer_.reset();
  if (tls_ != nullptr) tls_->cleanse_plaintext(false);
  relaying_ = true;
  for (std::size_t noted = 0, denials = 0;;) {
    // Before anything else: the rights that the relay has borrow the policy of before.
    if (std::exchange(rights_changed_, false)) relay.use(rights(), rates(), now());
    if (eviction_) relay.evict(*eviction_, eviction_code_);
    static_cast<void>(is_late());  // the relay itself knows what is due
    auto end = relay.pump(now());
    if (relay.assigned_client_id() != assigned_client_id_) take_assigned_client_id(relay.assigned_client_id());
    for (; noted < relay.observed().size(); ++noted) {
      observe(relay.observed()[noted].refusal, relay.observed()[noted].about);
    }
    const auto& denied = relay.conversation().first_denials();
    for (; denials < denied.size(); ++denials) worker_.note(listener_, ending_, denied[denials]);
    if (aborted_ && !end) end = *eviction_;
    if (end) co_return co_await take_leave(relay, *end);
    deadline_.set(relay.deadline());
    if (relay.can_go_on()) worker_.take_turns(*this);
    co_await woken();
  }
}

/// What the client is told at the end of a session, and what the broker is: never DISCONNECT, so that a will is published.
net::Task<End> Session::take_leave(const Relay& relay, End end) {
  ending_.bytes_up = relay.bytes_up();
  ending_.bytes_down = relay.bytes_down();
  if (relay.admitted()) {
    kept_->is_answered = true;
    kept_->time = SessionOwners::Seconds{relay.conversation().session_expiry_s()};
  } else if (relay.answered()) {
    kept_.reset();  // the broker's refusal
  }
  upstream_->socket().close();
  give_up_claim();  // not only when the client has taken its leave as well
  if (tls_ != nullptr && tls_->misuse()) {
    ending_.detail = tls_->error();
    end = gate::refusal_of(*tls_->misuse());
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
      const auto io = socket.receive(worker_.scratch().cipher_room());
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
  give_up_claim();
  worker_.ended(*this, listener_, ending_, in_handshake_);
}

}  // namespace bastion::gate
