// Configurations of Mosquitto in memory: read, imported, changed as import says, and read again.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/mosquitto/changes.hpp"
#include "proxy/mosquitto/plan.hpp"
#include "proxy/mosquitto/policy_text.hpp"
#include "proxy/mosquitto/read_conf.hpp"

namespace bastion::mosquitto::test {

inline const std::string main_file = "/etc/mosquitto/mosquitto.conf";

/// Files by their paths; `main_file` is read.
class Tree {
 public:
  explicit Tree(std::string main, std::map<std::string, std::string> included = {});

  [[nodiscard]] ReadConf read() const;
  /// Throws, with the complaints, where it can't be read.
  [[nodiscard]] Conf conf() const;
  /// Every complaint, a line each, as it is printed.
  [[nodiscard]] std::string complaints() const;
  /// With the lines changed as import says.
  [[nodiscard]] Tree changed(const ImportOptions& options = {}) const;
  [[nodiscard]] const std::string& text(const std::string& file = main_file) const { return files_.at(file); }

 private:
  std::map<std::string, std::string> files_;
};

/// All that import makes of it. Throws where the written policy is none.
struct Imported {
  explicit Imported(const Tree& tree, const ImportOptions& options = {});

  Conf conf;
  Plan plan;
  PolicyText text;
  Policy policy;
  std::string warnings;  ///< of the policy
};

/// `listener 1883 127.0.0.1`, `default 1883`: what the configuration opens, in order.
[[nodiscard]] std::vector<std::string> doors(const Conf& conf);
/// `mqtts-8883 0.0.0.0:8883 [::]:8883`: the listeners of a policy, in order.
[[nodiscard]] std::vector<std::string> doors(const Policy& policy);

}  // namespace bastion::mosquitto::test
