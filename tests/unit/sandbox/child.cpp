// Forking, and a pipe for what the child has to say.
#include "child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace bastion::sandbox {

std::string in_child(const std::function<std::string()>& function) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) throw std::runtime_error{"no pipe"};
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error{"no process"};
  if (child == 0) {
    std::string text;
    try {
      text = function();
    } catch (const std::exception& failure) {
      text = failure.what();
    }
    // No destructors, no reports at the exit: the child may not do any more what they would.
    ::_exit(::write(pipe[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : said;
}

std::string outcome(long result) {
  return result < 0 ? std::string{::strerrorname_np(errno)} : std::to_string(result);
}

std::string in_order(std::initializer_list<std::string> words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace bastion::sandbox
