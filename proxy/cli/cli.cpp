// From arguments to a command and its exit code.
#include "proxy/cli/cli.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include "policy/quantity.hpp"
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

/// The command's words that it knows nothing of, in one sentence; empty where it knows them all. Words that are no options
/// are not shown: somebody's password may be among them.
std::string unknown_words(const Command& command) {
  const auto words = command.app->remaining();
  if (words.empty()) return {};
  const auto name = "mqtt-bastion " + command.app->get_name();
  const auto see = " (see " + name + " --help)";
  const auto option = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.starts_with('-'); });
  if (option == words.end()) {
    return name + ": there " + (words.size() == 1 ? "is a word" : "are " + std::to_string(words.size()) + " words") +
           " too many" + see;
  }
  const auto unknown = option->substr(0, option->find('='));
  std::vector<std::string> known;
  for (const auto* each : options_of(*command.app, false)) {
    for (const auto& long_name : each->get_lnames()) known.push_back("--" + long_name);
  }
  const std::vector<std::string_view> names{known.begin(), known.end()};
  const auto near = nearest(unknown, names);
  return name + ": there is no option " + bastion::quoted(unknown) +
         (near.empty() ? std::string{} : "; did you mean " + bastion::quoted(near) + '?') + see;
}

/// In place of the library's words where a command was named: it misses what is required before it looks at what is unknown.
std::string unknown_words(const CommandLine& line) {
  for (const auto& command : line.commands) {
    if (command.app->parsed()) return unknown_words(command);
  }
  return {};
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
    const auto unknown = error.get_exit_code() == 0 ? std::string{} : unknown_words(line);
    if (!unknown.empty()) {
      std::fprintf(stderr, "%s\n", unknown.c_str());
      return bad_policy;
    }
    return line.app.exit(error) == 0 ? done : bad_policy;
  }
  const auto chosen =
      std::find_if(line.commands.begin(), line.commands.end(), [](const Command& command) { return command.app->parsed(); });
  return chosen->run();
}

}  // namespace bastion::cli
