// What bash and zsh are told of commands, options and their values.
#include "proxy/cli/completion.hpp"

#include <algorithm>
#include <string_view>

namespace bastion::cli {
namespace {

/// A case for each name of an option whose value is one of a few; empty for others.
std::string bash_values(const std::string& command, const CLI::Option& option) {
  const auto choices = choices_of(option);
  if (choices.empty()) return {};
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "'" : " | '") + command + " -" + name + '\'';
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "'" : " | '") + command + " --" + name + '\'';
  return "    " + out + ") values='" + choices + "' ;;\n";
}

/// In single quotes, as any shell reads it.
std::string in_quotes(std::string_view text) {
  std::string out{'\''};
  for (const char c : text) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + '\'';
}

/// `_arguments` takes a description in brackets.
std::string in_brackets(std::string_view text) {
  std::string out{'['};
  for (const char c : text) {
    if (c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out + ']';
}

/// `:FILE:_files`, `:TEXT:(3.1 3.1.1 5.0)`, `::SECONDS: ` where it may be left out; empty for a flag.
std::string zsh_value(const CLI::Option& option) {
  const auto name = value_of(option);
  if (name.empty()) return {};
  const auto choices = choices_of(option);
  const bool is_path = name == "FILE" || name == "PATH";
  return std::string{option.get_items_expected_min() == 0 ? "::" : ":"} + name + ':' +
         (!choices.empty() ? '(' + choices + ')'
          : is_path        ? "_files"
                           : " ");
}

/// One specification of `_arguments`.
std::string zsh_option(const CLI::Option& option) {
  std::string all;
  std::string braces;
  std::size_t count = 0;
  const auto add = [&](const std::string& name) {
    all += (count == 0 ? "" : " ") + name;
    braces += (count == 0 ? "" : ",") + name;
    ++count;
  };
  for (const auto& name : option.get_snames()) add('-' + name);
  for (const auto& name : option.get_lnames()) add("--" + name);
  const auto rest = in_brackets(option.get_description()) + zsh_value(option);
  // One that may stand several times does not exclude itself.
  const bool is_repeated = option.get_expected_max() > 1;
  if (count == 1) return in_quotes((is_repeated ? "*" : "") + all + rest);
  return in_quotes(is_repeated ? "*" : '(' + all + ')') + '{' + braces + '}' + in_quotes(rest);
}

std::string zsh_case(const CLI::App& app) {
  std::string out = "    " + app.get_name() + ")\n      _arguments -s";
  for (const auto* option : options_of(app, false)) out += " \\\n        " + zsh_option(*option);
  std::size_t place = 0;
  for (const auto* option : options_of(app, true)) {
    out += " \\\n        " + in_quotes(std::to_string(++place) + zsh_value(*option));
  }
  return out + "\n      ;;\n";
}

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::string commands;
  std::string cases;
  std::string values;
  for (const auto& command : line.commands) {
    commands += (commands.empty() ? "" : " ") + command.app->get_name();
    std::string words;
    for (const auto* option : options_of(*command.app, false)) {
      for (const auto& name : option->get_lnames()) words += (words.empty() ? "--" : " --") + name;
      values += bash_values(command.app->get_name(), *option);
    }
    cases += "    " + command.app->get_name() + ") words='" + words + "' ;;\n";
  }
  return R"(# Completion of mqtt-bastion's commands and options for bash. Written by the program.
_mqtt_bastion() {
  local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} words='' values=''
  # The shell parts --option=value into three words.
  if [[ $word == = ]]; then
    word=''
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case ${COMP_WORDS[1]} in
)" + cases +
         R"(  esac
  case ${COMP_WORDS[1]}\ $option in
)" + values +
         R"(  esac
  if ((COMP_CWORD == 1)); then words=')" +
         commands + R"( --help --version'; fi
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  elif [[ $word == -* || $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _mqtt_bastion mqtt-bastion
)";
}

std::string zsh_completion(const CommandLine& line) {
  std::string commands;
  std::string cases;
  for (const auto& command : line.commands) {
    const auto& app = *command.app;
    commands += "    " + in_quotes(app.get_name() + ':' + app.get_description()) + '\n';
    cases += zsh_case(app);
  }
  return R"(#compdef mqtt-bastion
# Completion of mqtt-bastion's commands, options and values for zsh. Written by the program.
_mqtt-bastion() {
  local -a commands=(
)" + commands +
         R"(  )
  if ((CURRENT == 2)); then
    if [[ $words[2] == -* ]]; then
      _arguments '--help[Tell of all commands]' '--version[Tell the version]'
    else
      _describe -t commands command commands
    fi
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
)" + cases +
         R"(  esac
}
_mqtt-bastion "$@"
)";
}

}  // namespace bastion::cli
