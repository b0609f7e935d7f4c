// Starting, reloading, draining, and answering for the whole gate.
#include "proxy/gate/server.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <map>
#include <optional>
#include <utility>

#include "proxy/account/log.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/broker_probe.hpp"
#include "proxy/gate/setup.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/identity/verifier.hpp"
#include "proxy/net/listen.hpp"

namespace bastion::gate {
namespace {

constexpr unsigned workers_max = 256;
/// Lines that wait for a slow reader of the log; beyond it they are dropped and counted.
constexpr std::size_t log_bytes_max = 1u << 20;
/// Descriptors beside those of connections: log, reactors, listeners, admin, files of a reload.
constexpr rlim_t descriptors_spare = 256;

std::int64_t unix_time_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

unsigned worker_count(const Policy& policy) {
  if (policy.gate.workers != 0) return policy.gate.workers;
  return std::clamp(std::thread::hardware_concurrency(), 1U, workers_max);
}

identity::VerifierLimits verifier_limits(const AuthenticationPolicy& policy) {
  return {policy.hash_threads, policy.hash_queue_max, policy.hash_wait_max, policy.argon2_memory_max};
}

net::Endpoint endpoint_of(const SocketAddress& address) {
  return {address.address.bytes(), address.port};
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// A listener's place in the policy.
struct Wanted {
  const ListenerPolicy& listener;
  const Located<SocketAddress>& address;
};

std::vector<Wanted> wanted_by(const Policy& policy) {
  std::vector<Wanted> wanted;
  for (const auto& listener : policy.listeners) {
    for (const auto& address : listener.addresses) wanted.push_back({listener, address});
  }
  return wanted;
}

}  // namespace

struct Server::State {
  using Setups = std::shared_ptr<const Setup>;

  State(std::string path, Setups loaded)
      : policy_path{std::move(path)},
        setup{std::move(loaded)},
        log{STDERR_FILENO, log_bytes_max, setup->policy.gate.log_format},
        verifier{std::in_place, verifier_limits(setup->policy.authentication)},
        commons{log, *verifier, account::Mask{}},
        signals{context, SIGHUP, SIGTERM, SIGINT},
        ticket_timer{context},
        drain_timer{context},
        broker{context} {
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

  std::optional<Complaint> bring_up() {
    raise_descriptor_limit(setup->policy);
    const auto count = worker_count(setup->policy);
    workers.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<Worker>(commons, keys, setup, i == 0 ? nullptr : workers.front().get()));
    }
    auto added = bind_new(setup->policy);
    if (auto* complaint = std::get_if<Complaint>(&added)) return *complaint;
    hand_out(std::get<PerWorker>(std::move(added)));
    for (auto& worker : workers) worker->start();
    wait_for_signal();
    rotate_ticket_keys_later();
    return std::nullopt;
  }

  std::string summary() const {
    std::string text = std::to_string(workers.size()) + (workers.size() == 1 ? " worker" : " workers");
    for (const auto& entry : bound) text += ", " + entry.listener + " on " + entry.address.text();
    return text;
  }

  /// Two descriptors for each connection. What the system won't give is said now rather than found out under load.
  void raise_descriptor_limit(const Policy& policy) {
    rlimit limit{};
    const rlim_t needed = 2 * rlim_t{policy.admission.connections_max} + descriptors_spare;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    const rlimit raised{std::min(std::max(needed, limit.rlim_cur), std::max(limit.rlim_max, needed)),
                        std::max(limit.rlim_max, needed)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
    const auto given = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    say(LogLevel::warning, "connections_max = " + std::to_string(policy.admission.connections_max) + " needs " +
                               std::to_string(needed) + " descriptors, and the system allows " + std::to_string(given) +
                               ": raise LimitNOFILE, or lower connections_max");
  }

  using PerWorker = std::vector<std::vector<BoundListener>>;

  bool is_bound(const Wanted& wanted) const {
    return std::any_of(open.begin(), open.end(), [&](const auto& entry) {
      return entry.name == wanted.listener.name && entry.configured == wanted.address.value;
    });
  }

  /// Sockets for all addresses of the policy that have none yet, or a complaint and no change.
  std::variant<PerWorker, Complaint> bind_new(const Policy& policy) {
    PerWorker per_worker(workers.size());
    std::vector<Opened> fresh;
    for (const auto& wanted : wanted_by(policy)) {
      if (is_bound(wanted)) continue;
      auto sockets = net::listen_on(endpoint_of(wanted.address.value), static_cast<unsigned>(workers.size()));
      if (const auto* error = std::get_if<net::ListenError>(&sockets)) {
        return Complaint{wanted.address.where, "can't listen on " + wanted.address.value.text() + ": " + error->what, false};
      }
      auto& fds = std::get<std::vector<net::UniqueFd>>(sockets);
      const auto local = net::local_endpoint(fds.front().get());
      fresh.push_back({wanted.listener.name, wanted.address.value, {Address{local.address}, local.port}});
      for (std::size_t i = 0; i < fds.size(); ++i) {
        per_worker[i].push_back({wanted.listener.name, wanted.address.value, std::move(fds[i])});
      }
    }
    open.insert(open.end(), fresh.begin(), fresh.end());
    return per_worker;
  }

  void hand_out(PerWorker added) {
    for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->apply(setup, std::move(added[i]));
    // What is not in the policy any more is closed by the workers.
    const auto wanted = wanted_by(setup->policy);
    std::erase_if(open, [&](const Opened& entry) {
      return std::none_of(wanted.begin(), wanted.end(), [&](const Wanted& in_policy) {
        return in_policy.listener.name == entry.name && in_policy.address.value == entry.configured;
      });
    });
    bound.clear();
    for (const auto& entry : open) bound.push_back({entry.name, entry.local});
  }

  // --- what it tells ---

  void say(LogLevel level, const std::string& message) {
    const auto& gate = setup->policy.gate;
    if (level > gate.log_level) return;
    log.write(account::message_line(level, message, std::chrono::system_clock::now(), gate.log_format));
  }

  account::GateFacts facts() const {
    account::GateFacts result;
    result.version = BASTION_VERSION;
    result.start_time_seconds = static_cast<double>(started_s);
    result.policy_reload_ok = reload_ok;
    result.policy_reload_time_seconds = static_cast<double>(policy_loaded_s);
    result.policy_reloads_ok = reloads_ok;
    result.policy_reloads_bad = reloads_bad;
    result.log_lines_dropped = log.dropped();
    result.password_queue = verifier->waiting();
    const auto& configured = setup->policy.tls.key_pairs;
    for (std::size_t i = 0; i < std::min(configured.size(), setup->tls.key_pairs.size()); ++i) {
      result.certificates.push_back(
          {base_name(configured[i].certificate.value), static_cast<double>(setup->tls.key_pairs[i]->not_after_s)});
    }
    return result;
  }

  /// Counts that come in from the workers, one after the other.
  struct Gathering {
    std::map<std::string, account::Tally> by_listener;
    std::uint64_t accept_errors = 0;
    std::size_t missing = 0;
    std::function<void(std::string)> reply;
  };

  void metrics(std::function<void(std::string)> reply) {
    auto gathering = std::make_shared<Gathering>();
    gathering->missing = workers.size();
    gathering->reply = std::move(reply);
    for (auto& worker : workers) {
      worker->count([this, gathering](WorkerCounts counts) {
        boost::asio::post(context, [this, gathering, counts = std::move(counts)] { gather(*gathering, counts); });
      });
    }
  }

  void gather(Gathering& gathering, const WorkerCounts& counts) {
    for (const auto& entry : counts.listeners) gathering.by_listener[entry.listener].merge(entry.tally);
    gathering.accept_errors += counts.accept_errors;
    if (--gathering.missing > 0) return;
    std::vector<account::ListenerTally> listeners;
    for (auto& [name, tally] : gathering.by_listener) listeners.push_back({name, std::move(tally)});
    auto gate = facts();
    gate.accept_errors = gathering.accept_errors;
    gathering.reply(account::prometheus_text(gate, listeners));
  }

  void readiness(std::function<void(Readiness)> reply) {
    if (stopping) return reply({false, "the gate is draining"});
    broker.ask(setup->policy.upstream, [reply = std::move(reply)](const std::string& trouble) {
      reply(trouble.empty() ? Readiness{true, "ready"} : Readiness{false, "the broker can't be reached: " + trouble});
    });
  }

  // --- reload ---

  void reload() {
    if (stopping) return;
    auto loaded = load_setup(policy_path, unix_time_s());
    for (const auto& complaint : loaded.complaints)
      say(complaint.warning ? LogLevel::warning : LogLevel::error, text(complaint));
    if (!loaded.setup) return reload_failed();
    auto added = bind_new(loaded.setup->policy);
    if (const auto* complaint = std::get_if<Complaint>(&added)) {
      say(LogLevel::error, text(*complaint));
      return reload_failed();
    }
    warn_of_restart(loaded.setup->policy);
    raise_descriptor_limit(loaded.setup->policy);
    setup = std::move(loaded.setup);
    log.format(setup->policy.gate.log_format);
    verifier->limit(verifier_limits(setup->policy.authentication));
    hand_out(std::get<PerWorker>(std::move(added)));
    reload_ok = true;
    ++reloads_ok;
    policy_loaded_s = unix_time_s();
    say(LogLevel::info, "reloaded the policy: " + summary());
  }

  void reload_failed() {
    reload_ok = false;
    ++reloads_bad;
    say(LogLevel::error, "the policy was not reloaded; the last good one stays in force");
  }

  void warn_of_restart(const Policy& next) {
    const auto& now = setup->policy;
    if (worker_count(next) != workers.size()) say(LogLevel::warning, "[gate] workers takes effect at the next start");
    if (next.admin.enabled != now.admin.enabled || !(next.admin.address.value == now.admin.address.value)) {
      say(LogLevel::warning, "[admin] address takes effect at the next start");
    }
  }

  // --- signals and timers ---

  void wait_for_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        reload();
      } else {
        stop();
      }
      wait_for_signal();
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

  /// The first time: drain; the second time: stop at once.
  void stop() {
    if (std::exchange(stopping, true)) {
      say(LogLevel::warning, "stopping at once");
      return finish_now();
    }
    say(LogLevel::info, "draining: no new connections, sessions are told to go");
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

  struct Opened {
    std::string name;
    SocketAddress configured;
    SocketAddress local;
  };

  std::string policy_path;
  Setups setup;
  account::LogSink log;
  std::optional<identity::Verifier> verifier;  ///< nothing only while all is being taken down
  Commons commons;
  net::IoContext context{1};
  boost::asio::signal_set signals;
  net::Timer ticket_timer;
  net::Timer drain_timer;
  BrokerProbe broker;
  net::TicketKeys keys;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Opened> open;
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

std::variant<std::unique_ptr<Server>, StartFailure> Server::start(const std::string& policy_path) {
  auto loaded = load_setup(policy_path, unix_time_s());
  if (!loaded.setup) return StartFailure{std::move(loaded.complaints), true};
  auto state = std::make_unique<State>(policy_path, std::move(loaded.setup));
  for (const auto& warning : loaded.complaints) state->say(LogLevel::warning, text(warning));
  if (auto complaint = state->bring_up()) return StartFailure{{std::move(*complaint)}, false};
  return std::unique_ptr<Server>{new Server{std::move(state)}};
}

int Server::run() {
  state_->say(LogLevel::info, "the gate is up: " + state_->summary());
  state_->context.run();
  state_->say(LogLevel::info, "stopped");
  return 0;
}

void Server::reload() {
  boost::asio::post(state_->context, [state = state_.get()] { state->reload(); });
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
void Server::readiness(std::function<void(Readiness)> reply) {
  state_->readiness(std::move(reply));
}

}  // namespace bastion::gate
