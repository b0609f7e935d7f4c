// The whole gate in this process, on a thread of the test.
#include "tests/support/gate.hpp"

#include <algorithm>
#include <future>
#include <sstream>
#include <utility>

#include "proxy/net/asio.hpp"
#include "tests/support/peer.hpp"

namespace bastion::test {
namespace {

/// Between two looks at the counters.
constexpr std::chrono::milliseconds glance{2};

std::unique_ptr<gate::Server> started(const std::string& policy_path) {
  auto result = gate::Server::start(policy_path);
  if (auto* failure = std::get_if<gate::StartFailure>(&result)) {
    std::string all = "the gate did not start:";
    for (const auto& complaint : failure->complaints) all += '\n' + text(complaint);
    throw std::runtime_error{all};
  }
  return std::move(std::get<std::unique_ptr<gate::Server>>(result));
}

Counts parse(const std::string& page) {
  Counts counts;
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    counts[line.substr(0, space)] = static_cast<std::int64_t>(std::stod(line.substr(space + 1)));
  }
  return counts;
}

template <class Value>
Value awaited(std::future<Value> future, const char* what) {
  if (future.wait_for(patience) != std::future_status::ready) throw NeverHappened{std::string{"waited in vain for "} + what};
  return future.get();
}

std::string label_text(std::string_view name, std::string_view value) {
  return std::string{name} + "=\"" + std::string{value} + '"';
}

}  // namespace

std::string series_of(Refusal refusal, std::string_view listener) {
  const auto cause = refusal.reason == Reason::bad_credentials ? std::string_view{"credentials"} : label(refusal.cause);
  return "mqtt_bastion_refusals_total{" + label_text("listener", listener) + ',' +
         label_text("stage", label(info(refusal.reason).stage)) + ',' + label_text("reason", label(refusal.reason)) + ',' +
         label_text("cause", cause) + '}';
}

std::string series_of(account::Close close, std::string_view listener) {
  return "mqtt_bastion_closes_total{" + label_text("listener", listener) + ',' + label_text("how", account::label(close)) +
         '}';
}

std::string series_of(std::string_view name, std::string_view listener) {
  return std::string{name} + '{' + label_text("listener", listener) + '}';
}

std::int64_t sum_of(const Counts& counts, std::string_view family) {
  std::int64_t sum = 0;
  for (const auto& [series, value] : counts) {
    if (series.substr(0, series.find('{')) == family) sum += value;
  }
  return sum;
}

Gate::Gate(const std::string& policy_path) : server_{started(policy_path)} {
  thread_ = std::thread{[this] {
    const int code = server_->run();
    const std::lock_guard lock{mutex_};
    exit_code_ = code;
    is_over_ = true;
    over_.notify_all();
  }};
}

Gate::~Gate() {
  server_->stop();
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

template <class Function>
auto Gate::on_its_thread(Function function) -> decltype(function(std::declval<gate::Server&>())) {
  using Result = decltype(function(std::declval<gate::Server&>()));
  // Shared: where this thread gives up waiting, the other may still come to it.
  auto promise = std::make_shared<std::promise<Result>>();
  auto future = promise->get_future();
  boost::asio::post(server_->context(), [this, promise, function] { promise->set_value(function(*server_)); });
  return awaited(std::move(future), "the gate's own thread");
}

SocketAddress Gate::address(std::string_view listener, std::size_t nth) {
  const auto all = on_its_thread([](gate::Server& server) { return server.bound(); });
  for (const auto& bound : all) {
    if (bound.listener == listener && nth-- == 0) return bound.address;
  }
  throw std::runtime_error{"the gate does not listen as " + std::string{listener}};
}

bool Gate::listens(std::string_view listener) {
  const auto all = on_its_thread([](gate::Server& server) { return server.bound(); });
  return std::any_of(all.begin(), all.end(), [&](const auto& bound) { return bound.listener == listener; });
}

Counts Gate::counts() {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto future = promise->get_future();
  boost::asio::post(server_->context(), [this, promise] {
    server_->metrics([promise](std::string page) { promise->set_value(std::move(page)); });
  });
  return parse(awaited(std::move(future), "the metrics"));
}

std::int64_t Gate::count(const std::string& series) {
  const auto all = counts();
  const auto found = all.find(series);
  if (found == all.end()) throw std::runtime_error{"there is no series " + series};
  return found->second;
}

void Gate::wait_for(const std::string& series, std::int64_t value) {
  const auto until = Clock::now() + patience;
  for (;;) {
    const auto all = counts();
    const auto found = all.find(series);
    if (found != all.end() && found->second >= value) return;
    if (Clock::now() > until) give_up(series, value, all);
    std::unique_lock lock{mutex_};
    over_.wait_for(lock, glance, [this] { return is_over_; });
  }
}

void Gate::give_up(const std::string& series, std::int64_t value, const Counts& last) const {
  std::string message = series + " never reached " + std::to_string(value) + "; what is not 0:";
  for (const auto& [name, count] : last) {
    if (count != 0) message += "\n  " + name + ' ' + std::to_string(count);
  }
  throw NeverHappened{message};
}

Counts Gate::when_idle() {
  const auto until = Clock::now() + patience;
  for (;;) {
    auto all = counts();
    if (sum_of(all, "mqtt_bastion_open_connections") == 0) return all;
    if (Clock::now() > until) give_up("mqtt_bastion_open_connections", 0, all);
    std::unique_lock lock{mutex_};
    over_.wait_for(lock, glance, [this] { return is_over_; });
  }
}

bool Gate::reload() {
  auto promise = std::make_shared<std::promise<bool>>();
  auto future = promise->get_future();
  boost::asio::post(server_->context(), [this, promise] {
    server_->reload([promise](const gate::ReloadResult& result) { promise->set_value(result.good); });
  });
  return awaited(std::move(future), "the reload");
}

void Gate::stop() {
  server_->stop();
}

int Gate::join() {
  std::unique_lock lock{mutex_};
  if (!over_.wait_for(lock, patience, [this] { return is_over_; })) throw NeverHappened{"the gate did not stop"};
  return exit_code_;
}

}  // namespace bastion::test
