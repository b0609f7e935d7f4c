// The gate: its workers, its signals, its policy and what it tells of itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/account/status.hpp"
#include "proxy/gate/reload_result.hpp"

namespace boost::asio {
class io_context;
}

namespace bastion::gate {

struct Confinement;

/// Whether the gate could serve a client now.
struct Readiness {
  bool ready = false;
  std::string why;  ///< one line: what is missing
};

/// Why a gate did not start.
struct StartFailure {
  std::vector<Complaint> complaints;
  bool bad_policy = true;  ///< false: the policy is good, the machine said no (an address in use)
};

/// One gate. SIGHUP reloads, SIGTERM and SIGINT drain, a second one stops at once. All of it on the calling thread but the
/// workers, the password pool, the log, and the reading of files in a reload: a signal to stop never waits behind others.
class Server {
 public:
  /// `confinement`: null where the process has other business too, as a test has.
  [[nodiscard]] static std::variant<std::unique_ptr<Server>, StartFailure> start(const std::string& policy_path,
                                                                                 const Confinement* confinement = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves until it is told to stop and everything has ended. The exit code.
  [[nodiscard]] int run();

  /// From any thread: as SIGHUP and SIGTERM do.
  void reload();
  void stop();

  // --- on the thread that calls run() ---

  /// What run() runs: for those who serve beside the gate on its thread.
  [[nodiscard]] boost::asio::io_context& context();
  [[nodiscard]] const Policy& policy() const;
  struct Bound {
    std::string listener;
    SocketAddress address;
  };
  /// Where the gate listens; ports that the kernel chose among them.
  [[nodiscard]] const std::vector<Bound>& bound() const;
  /// Prometheus text with the counts of all workers; `reply` is called later.
  void metrics(std::function<void(std::string)> reply);
  void status(std::function<void(account::Status)> reply);
  /// Reads the policy again; answers later, once the workers have it. Those who ask during a reload share the next one.
  void reload(std::function<void(ReloadResult)> reply);
  /// Asks the broker whether it can be reached, at most once a second; `reply` may be called at once or later.
  void readiness(std::function<void(Readiness)> reply);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bastion::gate
