// A policy.toml, and the files it names, as a test needs them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace bastion::test {

/// Starts with a policy that lets alice ("secret") in from loopback through one TLS listener named `test` on a port of the
/// kernel's choice, with one worker and limits that no test meets by accident. Tests change what they are about.
class PolicyBuilder {
 public:
  explicit PolicyBuilder(const TempDir& directory, const std::string& upstream);

  /// Sets a key by its whole path to a TOML value: `set("mqtt.connect_timeout", R"("100ms")")`.
  PolicyBuilder& set(const std::string& key, std::string_view toml);
  PolicyBuilder& unset(const std::string& key);
  /// Replaces the listeners. `addresses` is TOML.
  PolicyBuilder& no_listeners();
  PolicyBuilder& listener(std::string_view name, std::string_view transport,
                          std::string_view addresses = R"("127.0.0.1:0")");
  /// Gives the first listener these balancers; TOML.
  PolicyBuilder& behind_balancer(std::string_view balancers);
  PolicyBuilder& no_roles();
  /// A [[role]]; `body` is its lines.
  PolicyBuilder& role(std::string_view body);
  /// Users and their passwords, hashed the cheapest way. Who was there with the same password keeps the same entry.
  PolicyBuilder& users(const std::map<std::string, std::string>& passwords);
  /// One user whose every verification takes `iterations` rounds of PBKDF2.
  PolicyBuilder& costly_user(const std::string& name, const std::string& password, unsigned iterations);

  /// A file beside the policy.
  PolicyBuilder& file(std::string_view name, std::string_view content);

  /// Writes the policy and returns its path.
  std::string write() const;

 private:
  const TempDir& directory_;
  std::map<std::string, std::string> keys_;
  std::map<std::pair<std::string, std::string>, std::string> entries_;  ///< by user and password
  std::vector<std::string> listeners_;
  std::vector<std::string> roles_;
};

}  // namespace bastion::test
