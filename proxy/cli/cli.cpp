// From arguments to a command and its exit code.
#include "proxy/cli/cli.hpp"

#include <algorithm>
#include <cstdio>

#include "proxy/cli/command_line.hpp"
#include "proxy/cli/manual.hpp"

namespace bastion::cli {
namespace {

using Command = CommandLine::Command;

bool is_command(const CommandLine& line, const std::string& word) {
  return std::any_of(line.commands.begin(), line.commands.end(),
                     [&](const Command& command) { return command.app->get_name() == word; });
}

std::string names_of(const CommandLine& line) {
  std::string out;
  for (std::size_t i = 0; i < line.commands.size(); ++i) {
    if (i > 0) out += i + 1 == line.commands.size() ? " and " : ", ";
    out += line.commands[i].app->get_name();
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  CommandLine line;
  // For those who package the program; no command of its users.
  if (word == "write-manual" && argc == 3) return write_manual(line, argv[2]);
  // CLI11 would say that a command is missing; the user wants to hear which word is none.
  if (!word.empty() && word.front() != '-' && !is_command(line, word)) {
    std::fprintf(stderr, "mqtt-bastion: there is no command \"%s\"; there are %s (see mqtt-bastion --help)\n", word.c_str(),
                 names_of(line).c_str());
    return bad_policy;
  }
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return line.app.exit(error) == 0 ? done : bad_policy;
  }
  const auto chosen =
      std::find_if(line.commands.begin(), line.commands.end(), [](const Command& command) { return command.app->parsed(); });
  return chosen->run();
}

}  // namespace bastion::cli
