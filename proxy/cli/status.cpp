// mqtt-bastion status and reload: what a running gate tells, and telling it to read its policy again.
#include "proxy/cli/status.hpp"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include "proxy/cli/cli.hpp"

namespace bastion::cli {
namespace {

/// Clears the terminal and goes to its upper left corner (ECMA-48: ED 2, CUP).
constexpr const char* clear_screen = "\x1b[H\x1b[2J";

/// Prints an answer; the exit code.
int tell(const std::variant<admin::ControlAnswer, int>& asked, bool clears) {
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const auto& answer = std::get<admin::ControlAnswer>(asked);
  if (clears) std::fputs(clear_screen, stdout);
  std::fputs(answer.text.c_str(), answer.ok ? stdout : stderr);
  return std::fflush(stdout) == 0 && answer.ok ? done : failed;
}

}  // namespace

int status_command(const StatusOptions& options) {
  const std::string request = options.json ? "status json" : "status text";
  const bool clears = options.watch_s > 0 && !options.json && ::isatty(STDOUT_FILENO) == 1;
  bool has_answered = false;
  for (;;) {
    const int code = tell(ask_or_tell(options.gate, request), clears);
    if (options.watch_s == 0) return code;
    // A gate that was there is restarted, and will be back; nobody reads where standard output is closed.
    if (code != done && (!has_answered || std::ferror(stdout) != 0)) return code;
    has_answered = true;
    std::this_thread::sleep_for(std::chrono::seconds{options.watch_s});
  }
}

int reload_command(const ControlOptions& options) {
  return tell(ask_or_tell(options, "reload"), false);
}

}  // namespace bastion::cli
