// The command line of mqtt-bastion.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace bastion::cli {

/// Exit codes: public contract.
inline constexpr int done = 0;
inline constexpr int failed = 1;      ///< at run time
inline constexpr int bad_policy = 2;  ///< or bad usage

/// Reads the arguments, runs the command, gives the exit code.
[[nodiscard]] int main(int argc, char** argv);

struct RunOptions {
  std::string policy;
  /// Where to write the bound addresses once all are bound, one line each: `listener NAME ADDRESS`, `admin ADDRESS`. Written
  /// whole (rename); empty: nowhere.
  std::string ports_file;
  std::string user;  ///< in place of the policy's; empty: the policy's
};
[[nodiscard]] int run_command(const RunOptions& options);

struct CheckOptions {
  std::string policy;
  bool quiet = false;    ///< no word where all is well
  bool shields = false;  ///< every shield with its words
};
[[nodiscard]] int check_command(const CheckOptions& options);

struct HealthOptions {
  std::string policy;  ///< says where the gate is asked; empty: where it is by default
  bool live = false;   ///< whether it runs, and not whether it can serve
};
[[nodiscard]] int health_command(const HealthOptions& options);

/// One complaint to a line.
void print(std::FILE* to, const std::vector<Complaint>& complaints);

}  // namespace bastion::cli
