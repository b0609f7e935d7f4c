// What a test plays on: a directory with certificates and passwords, a real Mosquitto, and the gate before it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "process.hpp"

namespace bastion::e2e {

inline const std::string alice = "alice";
inline const std::string alices_password = "Wonderland-4711";
inline const std::string bob = "bob";
inline const std::string bobs_password = "Builder-0815";

void write_file(const std::filesystem::path& file, std::string_view text);
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

/// A directory of its own for each test, gone with it.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// A port of 127.0.0.1 that nobody else is given, also while nobody listens on it.
class ReservedPort {
 public:
  ReservedPort();
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  int fd_ = -1;
  std::uint16_t number_ = 0;
};

/// Debian's Mosquitto, wide open: what stands between it and the world is the gate.
class Broker {
 public:
  explicit Broker(const Directory& directory);
  /// One with a configuration of its own, which has to send its log to the standard error.
  explicit Broker(std::filesystem::path configuration) : configuration_{std::move(configuration)} {}

  void start();
  /// As a power cut would.
  void kill();
  /// Of a broker without a configuration of its own.
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", port_.value().number()}; }
  /// Its log since the last start.
  [[nodiscard]] const Output& log() const { return process_->err(); }
  /// Waits until the broker has granted this client's subscription.
  [[nodiscard]] bool wait_for_subscriber(const std::string& client_id, std::size_t times = 1) const;

 private:
  std::optional<ReservedPort> port_;
  std::filesystem::path configuration_;
  std::unique_ptr<Process> process_;
};

/// The policy file of a test: what stands here, and lines to add to a section.
struct PolicyText {
  unsigned workers = 1;
  unsigned lines_per_source_max = 100000;
  std::string drain_timeout = "10s";
  unsigned connections_per_address_max = 1000;
  std::string allow = R"(["127.0.0.1/32"])";
  std::string authentication = "password_file = \"passwd\"\n";
  std::string gate{};  ///< more lines
  std::string admin{};
  std::string admission{};
  std::string mqtt{};
  std::string upstream{};
  std::string listener{};
  std::string tls{};
  std::string last{};  ///< more sections
  std::string listener_address = "127.0.0.1:0";
  std::string admin_address = "127.0.0.1:0";
  std::string broker_address{};

  [[nodiscard]] std::string text() const;
};

/// `passwd` with alice and bob, `ca.crt` and the server's key pairs.
void furnish(const Directory& directory);

class Gate {
 public:
  /// Starts the program with `policy.toml` of this directory and waits until it serves; throws with its words if it does
  /// not.
  /// `before`: a command that runs it, such as `env` with variables. `user`: whom it becomes where root runs the test; a
  /// test's directory is its own user's.
  explicit Gate(const Directory& directory, const std::vector<std::string>& before = {}, const std::string& user = "root");

  [[nodiscard]] Endpoint devices() const { return devices_; }
  [[nodiscard]] Endpoint admin() const { return admin_; }
  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] const Output& log() const { return process_.err(); }

  [[nodiscard]] std::string metrics() const;
  /// One sample by its name, with its labels as they stand there.
  [[nodiscard]] double metric(const std::string& name) const;
  /// The sum of all samples of a family.
  [[nodiscard]] double metric_sum(const std::string& family) const;
  /// What was refused so far: `stage/reason/cause` and how often.
  [[nodiscard]] std::map<std::string, int> refusals() const;
  /// Waits until so many connections have come to an end, each with its line in the log.
  [[nodiscard]] bool wait_for_ends(std::size_t count) const;

 private:
  std::filesystem::path ports_;
  Process process_;
  Endpoint devices_;
  Endpoint admin_;
};

/// All of it together: for tests that need nothing else.
class Stage {
 public:
  explicit Stage(PolicyText policy = {});

  Directory directory;
  Broker broker;
  PolicyText policy;
  std::unique_ptr<Gate> gate;

  [[nodiscard]] std::string ca() const { return directory / "ca.crt"; }
  void write_policy() const;
  void write_policy(std::string_view text) const;
  void start_gate(const std::vector<std::string>& before = {});
  /// The arguments by which Mosquitto's clients find the gate and log in as alice.
  [[nodiscard]] std::vector<std::string> mosquitto_client(const std::string& program,
                                                          const std::vector<std::string>& more) const;
  /// A raw client that the gate and the broker have let in as alice.
  [[nodiscard]] TlsClient admitted(std::uint8_t level = 4, const std::string& client_id = "raw",
                                   const DialOptions& options = {}) const;
};

}  // namespace bastion::e2e
