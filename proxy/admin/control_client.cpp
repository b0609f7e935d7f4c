// The client's side of the control socket.
#include "proxy/admin/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "proxy/net/unique_fd.hpp"

namespace bastion::admin {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t answer_bytes_max = std::size_t{4} << 20;
constexpr const char* no_answer = "the gate did not answer in time";

ControlFault fault_at(const std::string& socket, const std::string& what) {
  return {socket + ": " + what};
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

std::string advice(int error) {
  if (error == ENOENT || error == ECONNREFUSED) return "; does the gate run, and does its policy have [admin] socket?";
  if (error == EACCES) return "; ask as root, or as the gate's own user";
  return {};
}

/// Whether the gate at the other end would answer anything to this process: it is its own user's, or root's.
bool may_ask(int socket) {
  ucred gate{};
  socklen_t size = sizeof gate;
  return ::geteuid() == 0 || (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &gate, &size) == 0 && gate.uid == ::geteuid());
}

}  // namespace

std::variant<ControlAnswer, ControlFault> ask_gate(const std::string& socket, const std::string& request,
                                                   std::chrono::milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return fault_at(socket, "the path is too long for a socket");
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const net::UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) return fault_at(socket, error_text(errno));
  // A gate that hangs takes no connection from its queue, and a full queue makes the next one wait.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  // 32-bit ARM counts both in less than a `long long`.
  const timeval patience{static_cast<time_t>(seconds.count()),
                         static_cast<suseconds_t>(std::chrono::microseconds{timeout - seconds}.count())};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (error == EAGAIN) return fault_at(socket, no_answer);
    return fault_at(socket, error_text(error) + advice(error));
  }
  const auto line = request + '\n';
  // A gate that does not answer everybody may have closed already: then there is no answer to be read either.
  static_cast<void>(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL));
  std::string answer;
  const auto until = Clock::now() + timeout;
  std::array<char, 4096> part{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd waiting{fd.get(), POLLIN, 0};
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fault_at(socket, no_answer);
    const auto received = ::recv(fd.get(), part.data(), part.size(), 0);
    if (received < 0 && errno != ECONNRESET) return fault_at(socket, error_text(errno));
    if (received <= 0) break;
    answer.append(part.data(), static_cast<std::size_t>(received));
    if (answer.size() > answer_bytes_max) return fault_at(socket, "the answer is too long");
  }
  const auto end = answer.find('\n');
  if (end == std::string::npos) {
    return fault_at(socket, may_ask(fd.get()) ? "the gate hung up without an answer; is it being stopped?"
                                              : "the gate does not answer you; ask as root, or as the gate's own user");
  }
  return ControlAnswer{answer.compare(0, end, "ok") == 0, answer.substr(end + 1)};
}

}  // namespace bastion::admin
