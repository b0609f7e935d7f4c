// Accepting, admitting by address, and keeping the list of sessions.
#include "proxy/gate/worker.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <csignal>
#include <random>

#include "policy/judge.hpp"
#include "proxy/gate/clock.hpp"

namespace bastion::gate {
namespace {

/// Connections that wait for the steward's answer; beyond it, newcomers wait in the kernel's backlog.
constexpr unsigned awaiting_steward_max = 256;
constexpr auto sweep_period = std::chrono::seconds{5};

Origin origin_of(const net::Endpoint& peer) {
  return {Address{peer.address}, peer.port};
}

std::uint64_t random_key() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

/// Whether a refusal says anything about who was refused.
bool is_the_clients(Refusal refusal) {
  return info(refusal.reason).stage != Stage::upstream && refusal.reason != Reason::evicted;
}

/// Signals are the main thread's.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

// One thread runs the context, so its reactor needs no locks; posting from other threads keeps its own.
Worker::Worker(Commons& commons, const net::TicketKeys& keys, std::shared_ptr<const Setup> setup, Worker* steward_home)
    : commons_{commons},
      context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO},
      work_{context_.get_executor()},
      steward_home_{steward_home},
      ticket_keys_{keys},
      hash_key_{random_key(), random_key()},
      refusal_lines_{setup->policy.gate.log_lines_per_source_max},
      closing_lines_{setup->policy.gate.log_lines_per_source_max},
      refused_{random_key()},
      observed_{random_key()},
      sweep_timer_{context_} {
  net::Poller::of(context_);  // now, so that no connection meets a system without room for it
  if (steward_home_ == nullptr) steward_ = std::make_unique<Steward>(context_, setup->policy, random_key());
  use(std::move(setup));
}

Worker::~Worker() {
  stop();
  join();
  // Sessions that still stand (a stop without a drain) hold themselves: let their coroutines come to an end.
  for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->abort();
  open_.clear();
}

void Worker::start() {
  thread_ = std::thread{[this] { run(); }};
}

void Worker::run() {
  block_signals();
  sweep_log();
  while (!context_.stopped()) {
    try {
      context_.run();
    } catch (const std::exception& bug) {
      // Sessions catch their own. What comes here met a connection before it had a session: no memory, most likely.
      commons_.log.write(account::message_line(LogLevel::error, std::string{"a bug, or no memory: "} + bug.what(),
                                               std::chrono::system_clock::now(), setup_->policy.gate.log_format));
    }
  }
}

void Worker::stop() {
  boost::asio::post(context_, [this] {
    for (auto& open : open_) open.listener->stop();
    sweep_timer_.cancel();
    log_all_left_out(net::Clock::time_point::max());
    work_.reset();
    context_.stop();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

// --- policy ---------------------------------------------------------------------------------------------------------------

void Worker::apply(std::shared_ptr<const Setup> setup, std::vector<BoundListener> added) {
  boost::asio::post(context_, [this, setup = std::move(setup), added = std::move(added)]() mutable {
    use(std::move(setup));
    close_removed();
    for (auto& bound : added) open(std::move(bound));
    for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->policy_changed();
  });
}

/// What can fail comes first: then either all of the new policy is in force, or none of it.
void Worker::use(std::shared_ptr<const Setup> setup) {
  std::unique_ptr<net::TlsContext> tls_context;
  if (!setup->tls.key_pairs.empty()) tls_context = std::make_unique<net::TlsContext>(setup->tls, ticket_keys_);
  for (const auto& listener : setup->policy.listeners) static_cast<void>(state_of(listener.name));

  setup_ = std::move(setup);
  // Without mqtts listeners the old one stays, for connections that were accepted before.
  if (tls_context) tls_context_ = std::move(tls_context);
  for (const auto& listener : setup_->policy.listeners) {
    auto& state = state_of(listener.name);
    state.transport = listener.transport;
    state.mode = setup_->policy.mode_of(listener);
    state.balancers = listener.balancers;
  }
  for (auto* const lines : {&refusal_lines_, &closing_lines_}) lines->limit(setup_->policy.gate.log_lines_per_source_max);
  if (steward_) steward_->limit(setup_->policy);
}

ListenerState& Worker::state_of(const std::string& name) {
  auto& state = states_[name];
  state.name = name;
  return state;
}

void Worker::open(BoundListener bound) {
  auto& state = state_of(bound.name);
  auto listener = std::make_unique<net::Listener>(
      context_, std::move(bound.fd), [this, &state](net::Accepted peer) { accepted(state, std::move(peer)); },
      [this, &state](const net::Accepted& peer) {
        ++state.tally.accepted;
        ++state.tally.connections;
        refuse_at_accept(state, origin_of(peer.peer), {Reason::too_many_connections, Cause::descriptors});
      },
      [this](int) { ++accept_errors_; });
  listener->start();
  open_.push_back({bound.configured, &state, std::move(listener)});
}

void Worker::close_removed() {
  const auto is_in_policy = [this](const Open& open) {
    for (const auto& listener : setup_->policy.listeners) {
      if (listener.name != open.state->name) continue;
      for (const auto& address : listener.addresses) {
        if (address.value == open.configured) return true;
      }
    }
    return false;
  };
  std::erase_if(open_, [&](Open& open) {
    if (is_in_policy(open)) return false;
    open.listener->stop();
    // Its last handlers are queued already: it goes behind them.
    boost::asio::post(context_, [closed = std::move(open.listener)] {});
    return true;
  });
}

void Worker::use_ticket_keys(const net::TicketKeys& keys) {
  boost::asio::post(context_, [this, keys] { ticket_keys_ = keys; });
}

// --- accept ---------------------------------------------------------------------------------------------------------------

/// Stage 1: nothing but a descriptor has been spent on this peer yet.
void Worker::accepted(ListenerState& listener, net::Accepted accepted) {
  ++listener.tally.accepted;
  ++listener.tally.connections;
  account::Ending so_far;
  so_far.origin = origin_of(accepted.peer);
  const auto address = so_far.origin.address;
  // A balancer is not judged itself: whose connection it is comes with the first bytes.
  const bool from_balancer = listener.is_balancer(address);
  const auto verdict = from_balancer ? Verdict{Admitted{}} : judge(setup_->policy, so_far.origin);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) {
    if (listener.mode == Mode::enforce) return refuse_at_accept(listener, so_far.origin, *refusal);
    note(listener, so_far, *refusal);
  }
  const auto take = [address, from_balancer, mode = listener.mode](Budget& budget, net::Clock::time_point now) {
    return from_balancer ? budget.take_for_balancer(address, now) : budget.take(address, now, mode);
  };
  if (steward_) return admit(std::move(accepted.fd), listener, so_far, steward_->ask(take), from_balancer);

  // A message there and one back. The descriptor is shared because std::function wants to be copied.
  auto fd = std::make_shared<net::UniqueFd>(std::move(accepted.fd));
  if (++awaiting_steward_ == awaiting_steward_max) pause_listeners();
  steward().ask(context_, take, [this, &listener, so_far, fd, from_balancer](const Budget::Place& place) {
    if (awaiting_steward_-- == awaiting_steward_max) pause_listeners();
    admit(std::move(*fd), listener, so_far, place, from_balancer);
  });
}

void Worker::pause_listeners() {
  for (auto& open : open_) open.listener->pause(awaiting_steward_ >= awaiting_steward_max);
}

void Worker::admit(net::UniqueFd fd, ListenerState& listener, const account::Ending& so_far, const Budget::Place& place,
                   bool from_balancer) {
  if (!place.taken) return refuse_at_accept(listener, so_far.origin, *place.refusal);
  const boost::intrusive_ptr<Session> session{
      new Session{*this, listener, so_far, ++next_id_, net::Clock::now(), from_balancer}};
  if (place.refusal) session->observe(*place.refusal);
  sessions_.push_back(*session);
  session->start(std::move(fd));
  if (drained_) session->evict({Reason::evicted, Cause::shutdown});
}

void Worker::refuse_at_accept(ListenerState& listener, const Origin& origin, Refusal refusal) {
  account::Ending ending;
  ending.refusal = refusal;
  ending.origin = origin;
  account_for(listener, ending);
}

// --- sessions -------------------------------------------------------------------------------------------------------------

bool Worker::verify(Session& session, const std::shared_ptr<const identity::PasswordFile>& passwords,
                    std::string_view user_name, std::string_view password) {
  const auto id = session.id();
  const bool taken = commons_.verifier.submit(passwords, std::string{user_name}, identity::Secret{password},
                                              [this, id](identity::Verified verdict) {
                                                boost::asio::post(context_, [this, id, verdict] {
                                                  if (const auto asking = take_awaiting(id, Awaited::password))
                                                    asking->verified(verdict);
                                                });
                                              });
  if (taken) await(session, Awaited::password);
  return taken;
}

void Worker::move_place(Session& session, const Address& from, const Address& to) {
  const auto move = [from, to, mode = session.mode()](Budget& budget, net::Clock::time_point now) {
    return budget.move(from, to, now, mode);
  };
  if (steward_) return session.place_moved(steward_->ask(move));
  await(session, Awaited::steward);
  // No answer is lost but at the very end of the process: until it comes, a session ends for nothing less.
  steward().ask(context_, move, [this, id = session.id()](const Budget::Place& place) {
    if (const auto asking = take_awaiting(id, Awaited::steward)) asking->place_moved(place);
  });
}

void Worker::claim(Session& session, Claim claim) {
  if (steward_) return session.claimed(steward_->claim(claim));
  await(session, Awaited::steward);
  // As with a place: the answer tells what there is to give back.
  steward().claim(context_, std::move(claim), [this, id = session.id()](bool is_granted) {
    if (const auto asking = take_awaiting(id, Awaited::steward)) asking->claimed(is_granted);
  });
}

/// The session that waits under this id; null where it has ended.
boost::intrusive_ptr<Session> Worker::take_awaiting(std::uint64_t id, Awaited what) {
  const auto found = awaiting_.find({id, what});
  if (found == awaiting_.end()) return nullptr;
  const boost::intrusive_ptr<Session> session{found->second};
  awaiting_.erase(found);
  return session;
}

void Worker::take_turns(Session& session) {
  boost::asio::post(context_, [ref = net::WaiterRef{&session}] { ref->notify(); });
}

void Worker::ended(Session& session, ListenerState& listener, const account::Ending& ending, bool in_handshake) {
  for (const auto what : {Awaited::password, Awaited::steward}) awaiting_.erase({session.id(), what});
  session.unlink();
  account_for(listener, ending);
  steward().give_back(session.place(), in_handshake);
  if (drained_ && sessions_.empty()) std::exchange(drained_, nullptr)();
}

void Worker::drain(std::function<void()> done) {
  boost::asio::post(context_, [this, done = std::move(done)]() mutable {
    for (auto& open : open_) open.listener->stop();
    if (sessions_.empty()) return done();
    drained_ = std::move(done);
    for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->evict({Reason::evicted, Cause::shutdown});
  });
}

void Worker::abort() {
  boost::asio::post(context_, [this] {
    for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->abort();
  });
}

// --- account --------------------------------------------------------------------------------------------------------------

void Worker::count(std::function<void(WorkerCounts)> reply) {
  boost::asio::post(context_, [this, reply = std::move(reply)] { reply(counts()); });
}

WorkerCounts Worker::counts() const {
  WorkerCounts counts;
  for (const auto& [name, state] : states_) counts.listeners.push_back({name, state.tally});
  counts.refused.assign(refused_.all().begin(), refused_.all().end());
  counts.observed.assign(observed_.all().begin(), observed_.all().end());
  counts.accept_errors = accept_errors_;
  return counts;
}

void Worker::account_for(ListenerState& listener, const account::Ending& ending) {
  listener.tally.count(ending);
  if (ending.refusal && is_the_clients(*ending.refusal)) {
    refused_.add(ending.origin.address, *ending.refusal, unix_time_s());
  }
  log(listener, ending);
}

void Worker::log(const ListenerState& listener, const account::Ending& ending) {
  const auto& gate = setup_->policy.gate;
  const bool is_fault = !ending.refusal && ending.close == account::Close::fault;
  const auto kind = ending.refusal || is_fault ? account::Lines::refusals : account::Lines::closings;
  if ((is_fault ? LogLevel::error : LogLevel::info) > gate.log_level || !may_log(ending.origin.address, kind)) return;
  commons_.log.write(
      account::ending_line(ending, listener.name, std::chrono::system_clock::now(), gate.log_format, commons_.mask));
}

account::LinesPerSource& Worker::lines_of(account::Lines kind) {
  return kind == account::Lines::refusals ? refusal_lines_ : closing_lines_;
}

bool Worker::may_log(const Address& source, account::Lines kind) {
  const auto decision = lines_of(kind).decide(source, net::Clock::now());
  if (decision.write && decision.repeated > 0) log_left_out({source, decision.repeated}, kind);
  return decision.write;
}

void Worker::note(ListenerState& listener, account::Ending& so_far, Refusal refusal, const TopicNote& about) {
  listener.tally.note(refusal, !so_far.would_refuse);
  if (!so_far.would_refuse) {
    so_far.would_refuse = refusal;
    observed_.add(so_far.origin.address, refusal, unix_time_s());
  }
  const auto& gate = setup_->policy.gate;
  if (gate.log_level < LogLevel::info || !may_log(so_far.origin.address, account::Lines::refusals)) return;
  commons_.log.write(account::observation_line(so_far, refusal, about, listener.name, std::chrono::system_clock::now(),
                                               gate.log_format, commons_.mask));
}

void Worker::note(const ListenerState& listener, const account::Ending& so_far, const inspect::Denial& denial) {
  const auto& gate = setup_->policy.gate;
  if (gate.log_level < LogLevel::info || !may_log(so_far.origin.address, account::Lines::refusals)) return;
  commons_.log.write(account::denial_line(so_far, denial.what, denial.about, listener.name, std::chrono::system_clock::now(),
                                          gate.log_format, commons_.mask));
}

void Worker::log_left_out(const account::LinesPerSource::LeftOut& left_out, account::Lines kind) {
  commons_.log.write(account::message_line(LogLevel::info, text(left_out, kind), std::chrono::system_clock::now(),
                                           setup_->policy.gate.log_format));
}

/// Sources that had more to say than they may, and whose minute is over `now`: one line for all that was left out.
void Worker::log_all_left_out(net::Clock::time_point now) {
  for (const auto kind : {account::Lines::refusals, account::Lines::closings}) {
    for (const auto& left_out : lines_of(kind).sweep(now)) log_left_out(left_out, kind);
  }
}

void Worker::sweep_log() {
  log_all_left_out(net::Clock::now());
  sweep_timer_.expires_after(sweep_period);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) sweep_log();
  });
}

}  // namespace bastion::gate
