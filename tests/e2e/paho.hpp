// Eclipse Paho's C clients, wrapped just enough that tests read like tests.
#pragma once

#include <MQTTAsync.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "stage.hpp"

namespace bastion::e2e {

struct Message {
  std::string topic;
  std::string payload;
  int qos = 0;
  friend bool operator==(const Message&, const Message&) = default;
};

/// How something that was asked of Paho came out.
struct Outcome {
  bool good = false;
  int code = 0;         ///< return or reason code
  std::string words{};  ///< the library's, on failure
};

/// MQTTAsync over TLS, one wait behind each step.
class PahoAsync {
 public:
  /// `version`: MQTTVERSION_3_1_1 or MQTTVERSION_5.
  PahoAsync(const Stage& stage, const std::string& client_id, int version);
  ~PahoAsync();
  PahoAsync(const PahoAsync&) = delete;
  PahoAsync& operator=(const PahoAsync&) = delete;

  struct Login {
    std::string user = alice;
    std::string password = alices_password;
    bool reconnects = false;
  };
  [[nodiscard]] Outcome connect(const Login& login);
  [[nodiscard]] Outcome subscribe(const std::string& filter, int qos);
  [[nodiscard]] Outcome publish(const Message& message);
  [[nodiscard]] Outcome disconnect();
  /// Waits for so many messages; what came by then.
  [[nodiscard]] std::vector<Message> messages(std::size_t count);
  [[nodiscard]] bool wait_until_lost();
  /// Waits until the client has been connected so many times.
  [[nodiscard]] bool wait_until_connected(int times);

 private:
  struct Callbacks;
  template <class Options>
  void listen_to(Options& options);
  [[nodiscard]] Outcome finish(int started);
  void concluded(Outcome outcome);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Outcome> outcome_;
  std::vector<Message> messages_;
  int connected_ = 0;
  bool lost_ = false;
  MQTTAsync client_ = nullptr;
  std::string ca_;
  int version_;
};

}  // namespace bastion::e2e
