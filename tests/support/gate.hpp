// The whole gate in this process, on a thread of the test.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "policy/policy.hpp"
#include "policy/reason.hpp"
#include "proxy/account/ending.hpp"
#include "proxy/gate/server.hpp"

namespace bastion::test {

/// Samples of the metrics page by their series, `name{label="value"}`.
using Counts = std::map<std::string, std::int64_t>;

/// `mqtt_bastion_refusals_total{...}` of a pair.
[[nodiscard]] std::string series_of(Refusal refusal, std::string_view listener = "test");
/// `mqtt_bastion_closes_total{...}`.
[[nodiscard]] std::string series_of(account::Close close, std::string_view listener = "test");
/// A series with the listener's label alone.
[[nodiscard]] std::string series_of(std::string_view name, std::string_view listener = "test");

/// The sum of a family's samples.
[[nodiscard]] std::int64_t sum_of(const Counts& counts, std::string_view family);

/// Starts on construction; throws with every complaint where it does not. Stops at once on destruction.
class Gate {
 public:
  explicit Gate(const std::string& policy_path);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();

  /// Where a listener listens: the `nth` of its addresses. Throws where it does not listen.
  [[nodiscard]] SocketAddress address(std::string_view listener = "test", std::size_t nth = 0);
  [[nodiscard]] bool listens(std::string_view listener);

  [[nodiscard]] Counts counts();
  [[nodiscard]] std::int64_t count(const std::string& series);
  /// Waits until the series has reached the value; throws where it never does.
  void wait_for(const std::string& series, std::int64_t value = 1);
  /// Waits until no connection is open, and returns the counts.
  [[nodiscard]] Counts when_idle();

  /// Reads the policy again, and returns when that is done and in force everywhere. False: the policy was bad.
  bool reload();
  /// Asks the gate to drain. A second time: to stop at once.
  void stop();
  /// Waits until run() has returned; its exit code.
  int join();
  /// Runs on the thread of the gate's own context, and waits for it.
  template <class Function>
  auto on_its_thread(Function function) -> decltype(function(std::declval<gate::Server&>()));

 private:
  [[noreturn]] void give_up(const std::string& series, std::int64_t value, const Counts& last) const;

  std::unique_ptr<gate::Server> server_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  int exit_code_ = -1;
};

}  // namespace bastion::test
