// Every command with its options: what is parsed, and what manual pages and completions are made from.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "proxy/cli/cli.hpp"
#include "proxy/cli/explain.hpp"
#include "proxy/cli/import.hpp"
#include "proxy/cli/passwd.hpp"
#include "proxy/cli/status.hpp"

namespace bastion::cli {

struct CommandLine {
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  struct Command {
    CLI::App* app;
    std::function<int()> run;  ///< after app was parsed; the exit code
  };

  CLI::App app;
  std::vector<Command> commands;  ///< in the order of the help text

  RunOptions run;
  CheckOptions check;
  ExplainOptions explain;
  ImportCommandOptions import_conf;
  StatusOptions status;
  ControlOptions reload;
  PasswdOptions passwd;
  HealthOptions health;

 private:
  CLI::App& add(const std::string& name, std::function<int()> command, const std::string& text);
};

/// The options of a command in the order of its help text: those with a name, or those known by their place.
[[nodiscard]] std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional);
/// `FILE`, or empty for a flag; without what CLI11 says of its range.
[[nodiscard]] std::string value_of(const CLI::Option& option);
/// The words that an option takes, parted by blanks; empty where its value is not one of a few.
[[nodiscard]] std::string choices_of(const CLI::Option& option);

}  // namespace bastion::cli
