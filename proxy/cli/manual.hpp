// Manual pages and shell completions, made from the commands themselves so that they can't differ from them.
#pragma once

#include <map>
#include <string>

#include "proxy/cli/command_line.hpp"

namespace bastion::cli {

/// File names and texts: `mqtt-bastion.1` and one `mqtt-bastion-COMMAND.1` for each command (man-pages(7)), and
/// `mqtt-bastion.bash` and `_mqtt-bastion`, completions for bash and zsh.
[[nodiscard]] std::map<std::string, std::string> manual(const CommandLine& line);

/// Writes them all into a directory that is there; the exit code.
[[nodiscard]] int write_manual(const CommandLine& line, const std::string& directory);

}  // namespace bastion::cli
