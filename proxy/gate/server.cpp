// Starting, reloading, draining, and answering for the whole gate.
#include "proxy/gate/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "proxy/account/log.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/broker_probe.hpp"
#include "proxy/gate/census.hpp"
#include "proxy/gate/clock.hpp"
#include "proxy/gate/confine.hpp"
#include "proxy/gate/descriptors.hpp"
#include "proxy/gate/keeper.hpp"
#include "proxy/gate/openings.hpp"
#include "proxy/gate/reloader.hpp"
#include "proxy/gate/restart.hpp"
#include "proxy/gate/service.hpp"
#include "proxy/gate/setup.hpp"
#include "proxy/gate/signals.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/identity/verifier.hpp"

namespace bastion::gate {
namespace {

namespace fs = std::filesystem;

/// Lines that wait for a slow reader of the log; beyond it they are dropped and counted.
constexpr std::size_t log_bytes_max = 1u << 20;
constexpr std::size_t sources_shown = 20;

identity::VerifierLimits verifier_limits(const AuthenticationPolicy& policy) {
  return {policy.hash_threads, policy.hash_queue_max, policy.hash_wait_max, policy.argon2_memory_max};
}

}  // namespace

struct Server::State {
  using Setups = std::shared_ptr<const Setup>;

  State(std::string path, Setups loaded, Openings opened)
      : signals{context},
        policy_path{std::move(path)},
        setup{std::move(loaded)},
        started_with{setup},
        log{STDERR_FILENO, log_bytes_max, setup->policy.gate.log_format},
        verifier{std::in_place, verifier_limits(setup->policy.authentication)},
        commons{log, *verifier, account::Mask{}},
        ticket_timer{context},
        drain_timer{context},
        watchdog_timer{context},
        broker{context},
        census{context, workers},
        keeper{context, census, [this]() -> const Policy& { return setup->policy; },
               [this](LogLevel level, const std::string& message) { say(level, message); }},
        reloader{context, reload_steps()},
        openings{std::move(opened)} {
    keys.current = net::TicketKey::draw();
    keys.previous = net::TicketKey::draw();
    started_s = policy_loaded_s = unix_time_s();
  }

  ~State() {
    // Workers and the password pool post to each other's contexts: all threads end before the first context goes.
    for (auto& worker : workers) worker->stop();
    for (auto& worker : workers) worker->join();
    verifier.reset();
    // The first worker is the steward's home: it goes last.
    while (!workers.empty()) workers.pop_back();
  }

  // --- start ---

  std::optional<Complaint> bring_up(Openings::PerWorker opened) {
    if (auto complaint = keeper.load()) return complaint;
    workers.reserve(opened.size());
    for (std::size_t i = 0; i < opened.size(); ++i) {
      workers.push_back(std::make_unique<Worker>(commons, keys, setup, i == 0 ? nullptr : workers.front().get()));
    }
    hand_out(std::move(opened));
    for (const auto& unused : openings.give_up_inherited()) {
      say(LogLevel::warning, "a socket of the service manager's is no listener of the policy: " + unused.text());
    }
    for (auto& worker : workers) worker->start();
    signals.listen({[this] { stop(); }, [this] { reloader.ask({}); }});
    rotate_ticket_keys_later();
    keeper.look_later();
    feed_watchdog();
    return std::nullopt;
  }

  std::string summary() const {
    std::string text = std::to_string(workers.size()) + (workers.size() == 1 ? " worker" : " workers");
    for (const auto& entry : bound) text += ", " + entry.listener + " on " + entry.address.text();
    return text;
  }

  void be_in(const sandbox::Sandbox& entered) {
    sandbox = entered;
    say(LogLevel::info, "in its sandbox: " + entered.text());
    for (const auto& gap : gaps_of(entered)) say(gap.level, gap.text);
  }

  void warn_if_any(const std::string& warning) {
    if (!warning.empty()) say(LogLevel::warning, warning);
  }

  void hand_out(Openings::PerWorker added) {
    for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->apply(setup, std::move(added[i]));
    openings.forget_all_but(setup->policy);
    bound.clear();
    for (const auto& opening : openings.all()) bound.push_back({opening.listener, opening.local});
  }

  // --- what it tells ---

  void say(LogLevel level, const std::string& message) {
    const auto& gate = setup->policy.gate;
    if (level > gate.log_level) return;
    log.write(account::message_line(level, message, std::chrono::system_clock::now(), gate.log_format));
  }

  account::GateFacts facts(const Totals& totals) const {
    account::GateFacts result;
    result.version = BASTION_VERSION;
    result.start_time_seconds = static_cast<double>(started_s);
    result.policy_reload_ok = reload_ok;
    result.policy_reload_time_seconds = static_cast<double>(policy_loaded_s);
    result.policy_reloads_ok = reloads_ok;
    result.policy_reloads_bad = reloads_bad;
    result.log_lines_dropped = log.dropped();
    result.password_queue = verifier->waiting();
    result.accept_errors = totals.accept_errors;
    result.keeping = keeper.keeping();
    for (std::size_t i = 0; sandbox && i < sandbox::layers_count; ++i) {
      result.sandbox.push_back({sandbox::label(static_cast<sandbox::Layer>(i)), sandbox->layers[i].holds});
    }
    const auto& configured = setup->policy.tls.key_pairs;
    for (std::size_t i = 0; i < std::min(configured.size(), setup->tls.key_pairs.size()); ++i) {
      result.certificates.push_back({fs::path{configured[i].certificate.value}.filename().string(),
                                     static_cast<double>(setup->tls.key_pairs[i]->not_after_s)});
    }
    return result;
  }

  void metrics(std::function<void(std::string)> reply) {
    census.take([this, reply = std::move(reply)](const Totals& totals) {
      std::vector<account::ListenerTally> listeners;
      for (const auto& [name, tally] : totals.by_listener) listeners.push_back({name, tally});
      reply(account::prometheus_text(facts(totals), listeners));
    });
  }

  void status(std::function<void(account::Status)> reply) {
    census.take([this, reply = std::move(reply)](const Totals& totals) { reply(status_of(totals)); });
  }

  account::Status status_of(const Totals& totals) const {
    account::Status out;
    out.gate = facts(totals);
    out.now_s = unix_time_s();
    out.policy_path = policy_path;
    out.workers = static_cast<unsigned>(workers.size());
    out.draining = stopping;
    for (const auto& listener : setup->policy.listeners) out.listeners.push_back(status_of(listener, totals));
    for (const auto& [name, tally] : totals.by_listener) {
      const auto is_it = [&, &name = name](const auto& listener) { return listener.name == name; };
      if (std::any_of(out.listeners.begin(), out.listeners.end(), is_it)) continue;
      auto& closed = out.listeners.emplace_back();
      closed.name = name;
      closed.open = false;
      closed.tally = tally;
    }
    const auto recent = census.recent(totals.sum(), net::Clock::now());
    out.recent = recent.counted;
    out.recent_s = recent.time.count();
    out.sources = account::most_refused(totals.refused, sources_shown);
    out.observed_sources = account::most_refused(totals.observed, sources_shown);
    out.complaints = complaints;
    out.state_fault = keeper.fault();
    return out;
  }

  account::ListenerStatus status_of(const ListenerPolicy& listener, const Totals& totals) const {
    account::ListenerStatus out;
    out.name = listener.name;
    out.transport = listener.transport;
    out.mode = setup->policy.mode_of(listener);
    for (const auto& entry : bound) {
      if (entry.listener == listener.name) out.addresses.push_back(entry.address.text());
    }
    const auto found = totals.by_listener.find(listener.name);
    if (found != totals.by_listener.end()) out.tally = found->second;
    return out;
  }

  void readiness(std::function<void(Readiness)> reply) {
    if (stopping) return reply({false, "the gate is draining"});
    broker.ask(setup->policy.upstream, [reply = std::move(reply)](const std::string& trouble) {
      reply(trouble.empty() ? Readiness{true, "ready"} : Readiness{false, "the broker can't be reached: " + trouble});
    });
  }

  // --- reload ---

  Reloader::Steps reload_steps() {
    return {[] { notify_reloading(); }, [path = policy_path] { return load_setup(path, unix_time_s()); },
            [this](LoadedSetup loaded) {
              ReloadResult result;
              result.good = adopt(std::move(loaded));
              result.lines = complaints;
              result.lines.push_back(result.good ? "in force: " + summary() : "the last good policy stays in force");
              return result;
            }};
  }

  /// Whether the policy is another now; what there was to say of it is in `complaints`.
  bool adopt(LoadedSetup loaded) {
    complaints.clear();
    for (const auto& complaint : loaded.complaints) {
      complaints.push_back(text(complaint));
      say(complaint.warning ? LogLevel::warning : LogLevel::error, text_without_level(complaint));
    }
    if (!loaded.setup) return reload_failed();
    const auto& next = loaded.setup->policy;
    if (const auto complaint = sandbox ? out_of_reach(*sandbox, started_with->policy, next) : std::nullopt) {
      return reload_failed(*complaint);
    }
    auto added = openings.open_new(next, workers.size());
    if (const auto* complaint = std::get_if<Complaint>(&added)) return reload_failed(*complaint);
    for (const auto& warning : wait_for_restart(started_with->policy, next, workers.size())) {
      complaints.push_back(text(warning));
      say(LogLevel::warning, text_without_level(warning));
    }
    warn_if_any(make_room_for(next));
    setup = std::move(loaded.setup);
    log.format(setup->policy.gate.log_format);
    verifier->limit(verifier_limits(setup->policy.authentication));
    hand_out(std::get<Openings::PerWorker>(std::move(added)));
    reload_ok = true;
    ++reloads_ok;
    policy_loaded_s = unix_time_s();
    say(LogLevel::info, "reloaded the policy: " + summary());
    notify_service("READY=1");
    return true;
  }

  bool reload_failed(const Complaint& complaint) {
    complaints.push_back(text(complaint));
    say(LogLevel::error, complaints.back());
    return reload_failed();
  }

  bool reload_failed() {
    reload_ok = false;
    ++reloads_bad;
    say(LogLevel::error, "the policy was not reloaded; the last good one stays in force");
    notify_service("READY=1");
    return false;
  }

  /// Answers once the workers have the policy that was read.
  void reload(std::function<void(ReloadResult)> reply) {
    reloader.ask([this, reply = std::move(reply)](const ReloadResult& result) {
      census.take([reply, result](const Totals&) { reply(result); });
    });
  }

  // --- timers ---

  /// The manager is told that all is well only where every worker has answered.
  void feed_watchdog() {
    const auto interval = watchdog_interval();
    if (!interval) return;
    watchdog_timer.expires_after(*interval / 3);
    watchdog_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      census.take([this](const Totals&) {
        notify_service("WATCHDOG=1");
        feed_watchdog();
      });
    });
  }

  void rotate_ticket_keys_later() {
    ticket_timer.expires_after(setup->policy.tls.ticket_rotation);
    ticket_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      keys.previous = keys.current;
      keys.current = net::TicketKey::draw();
      for (auto& worker : workers) worker->use_ticket_keys(keys);
      rotate_ticket_keys_later();
    });
  }

  // --- the end ---

  /// The first time: drain; the second time: stop at once.
  void stop() {
    if (std::exchange(stopping, true)) {
      say(LogLevel::warning, "stopping at once");
      return finish_now();
    }
    say(LogLevel::info, "draining: no new connections, sessions are told to go");
    notify_service("STOPPING=1");
    reloader.stop("the gate is draining");
    draining = workers.size();
    for (auto& worker : workers) {
      worker->drain([this] {
        boost::asio::post(context, [this] {
          if (--draining == 0) context.stop();
        });
      });
    }
    drain_timer.expires_after(setup->policy.gate.drain_timeout);
    drain_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      say(LogLevel::warning, "drain_timeout has passed: ending the sessions that are left");
      finish_now();
    });
  }

  /// Sessions end without a farewell; each is counted all the same, and then the workers report that they are empty.
  void finish_now() {
    for (auto& worker : workers) worker->abort();
  }

  void save_last() {
    for (auto& worker : workers) worker->stop();
    for (auto& worker : workers) worker->join();
    keeper.save_last();
  }

  net::IoContext context{1};
  Signals signals;  ///< before all that has threads
  std::string policy_path;
  Setups setup;
  Setups started_with;
  account::LogSink log;
  std::optional<identity::Verifier> verifier;  ///< nothing only while all is being taken down
  Commons commons;
  net::Timer ticket_timer;
  net::Timer drain_timer;
  net::Timer watchdog_timer;
  BrokerProbe broker;
  net::TicketKeys keys;
  Census::Workers workers;
  Census census;
  Keeper keeper;
  Reloader reloader;
  std::vector<std::string> complaints;  ///< of the last reload
  Openings openings;
  std::optional<sandbox::Sandbox> sandbox;  ///< nothing: the gate is in a program that has not asked for one
  std::vector<Bound> bound;
  std::int64_t started_s = 0;
  std::int64_t policy_loaded_s = 0;
  std::uint64_t reloads_ok = 0;
  std::uint64_t reloads_bad = 0;
  std::size_t draining = 0;
  bool reload_ok = true;
  bool stopping = false;
};

Server::Server(std::unique_ptr<State> state) : state_{std::move(state)} {}
Server::~Server() = default;

std::variant<std::unique_ptr<Server>, StartFailure> Server::start(const std::string& policy_path,
                                                                  const Confinement* confinement) {
  auto loaded = load_setup(policy_path, unix_time_s());
  if (!loaded.setup) return StartFailure{std::move(loaded.complaints), true};
  const auto& policy = loaded.setup->policy;
  const auto fail = [&](std::vector<Complaint> complaints, bool bad_policy) {
    complaints.insert(complaints.begin(), loaded.complaints.begin(), loaded.complaints.end());
    return StartFailure{std::move(complaints), bad_policy};
  };
  // What takes root comes first. Then the sandbox, before there is any thread.
  const auto no_room = make_room_for(policy);
  Openings openings;
  auto opened = openings.open_new(policy, worker_count(policy));
  if (const auto* complaint = std::get_if<Complaint>(&opened)) return fail({*complaint}, false);
  std::optional<sandbox::Sandbox> entered;
  if (confinement != nullptr) {
    auto confined = confine(policy, *confinement);
    if (auto* not_confined = std::get_if<NotConfined>(&confined)) {
      return fail(std::move(not_confined->complaints), not_confined->bad_policy);
    }
    entered = std::get<sandbox::Sandbox>(std::move(confined));
  }

  try {
    auto state = std::make_unique<State>(policy_path, loaded.setup, std::move(openings));
    for (const auto& warning : loaded.complaints) state->say(LogLevel::warning, text_without_level(warning));
    state->warn_if_any(no_room);
    if (entered) state->be_in(*entered);
    if (auto complaint = state->bring_up(std::get<Openings::PerWorker>(std::move(opened)))) {
      return StartFailure{{std::move(*complaint)}, false};
    }
    return std::unique_ptr<Server>{new Server{std::move(state)}};
  } catch (const boost::system::system_error& error) {
    const auto why = error.code().message() + (no_room.empty() ? "" : "; " + no_room);  // a worker's reactor, most likely
    return fail({{policy.where, "can't start: " + why, false}}, false);
  }
}

int Server::run() {
  state_->say(LogLevel::info, "the gate is up: " + state_->summary());
  notify_service("READY=1\nSTATUS=" + state_->summary());
  state_->context.run();
  state_->save_last();
  state_->say(LogLevel::info, "stopped");
  return 0;
}

void Server::reload() {
  boost::asio::post(state_->context, [state = state_.get()] { state->reloader.ask({}); });
}

void Server::reload(std::function<void(ReloadResult)> reply) {
  state_->reload(std::move(reply));
}

void Server::stop() {
  boost::asio::post(state_->context, [state = state_.get()] { state->stop(); });
}

boost::asio::io_context& Server::context() {
  return state_->context;
}
const Policy& Server::policy() const {
  return state_->setup->policy;
}
const std::vector<Server::Bound>& Server::bound() const {
  return state_->bound;
}
void Server::metrics(std::function<void(std::string)> reply) {
  state_->metrics(std::move(reply));
}
void Server::status(std::function<void(account::Status)> reply) {
  state_->status(std::move(reply));
}
void Server::readiness(std::function<void(Readiness)> reply) {
  state_->readiness(std::move(reply));
}

}  // namespace bastion::gate
