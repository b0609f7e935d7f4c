// Completions for shells, made from the commands themselves.
#pragma once

#include <string>

#include "proxy/cli/command_line.hpp"

namespace bastion::cli {

/// For bash: a file to source.
[[nodiscard]] std::string bash_completion(const CommandLine& line);
/// For zsh: a file `_mqtt-bastion` to lie on its `fpath`.
[[nodiscard]] std::string zsh_completion(const CommandLine& line);

}  // namespace bastion::cli
