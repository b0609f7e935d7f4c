// An example of examples/, run as it stands but for what belongs to its machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stage.hpp"

namespace bastion::e2e {

/// Another text in place of one that must be there: an example that has changed is not run as something that it is not.
struct Change {
  std::string text;
  std::string by;
};
[[nodiscard]] std::string changed(std::string text, const std::vector<Change>& changes);

/// The example's broker and gate, with `policy.toml` and `mosquitto.conf` in a directory of the test. Addresses move into
/// 127.0.0.0/8: 192.168.N.M is 127.0.N.M; ports come from the kernel, and paths lead into the directory, which in a change
/// is
/// `{directory}`. Everything else is the example's.
class Example {
 public:
  /// A user of the password file that gate and broker share.
  struct User {
    std::string name;
    std::string password;
  };
  Example(const std::string& name, const std::vector<User>& users, const std::vector<Change>& policy,
          const std::vector<Change>& broker);

  /// The broker, then the gate with a policy that `check` finds good.
  void start();
  /// Another file of the example.
  [[nodiscard]] std::string file(const std::string& name, const std::vector<Change>& changes) const;
  /// A step of the example's walk.
  void change_policy(const std::vector<Change>& changes) const;
  [[nodiscard]] Finished command(const std::string& name, const std::vector<std::string>& more = {}) const;

  /// A client of Mosquitto's from this address, through the gate, as this user of the password file (empty: nobody).
  [[nodiscard]] std::vector<std::string> client(const std::string& program, const std::string& from, const std::string& user,
                                                const std::vector<std::string>& more) const;

  Directory directory;
  Broker broker;
  std::unique_ptr<Gate> gate;
  std::uint16_t balancer_port = 0;  ///< where clients come, if not to the gate itself

 private:
  std::string name_;
  std::vector<User> users_;
  ReservedPort admin_port_;
};

}  // namespace bastion::e2e
