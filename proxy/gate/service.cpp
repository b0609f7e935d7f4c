// systemd's protocols for services, which are a datagram and a few variables.
#include "proxy/gate/service.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "proxy/net/listen.hpp"

namespace bastion::gate {
namespace {

constexpr int first_inherited = 3;
constexpr int inherited_max = 256;

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? std::string_view{value} : std::string_view{};
}

std::optional<long long> number_in(const char* name) {
  const auto text = variable(name);
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_listening_stream(int fd) {
  int listening = 0;
  int type = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) return false;
  size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return false;
  int family = 0;
  size = sizeof family;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && (family == AF_INET || family == AF_INET6);
}

}  // namespace

void notify_service(std::string_view state) {
  const auto path = variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // in the abstract namespace
  const net::UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  static_cast<void>(::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), length));
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  notify_service("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto interval = number_in("WATCHDOG_USEC");
  const auto process = number_in("WATCHDOG_PID");
  if (!interval || *interval <= 0 || (process && *process != ::getpid())) return std::nullopt;
  return std::chrono::microseconds{*interval};
}

std::vector<InheritedSocket> take_inherited_sockets() {
  std::vector<InheritedSocket> out;
  const auto process = number_in("LISTEN_PID");
  const auto count = number_in("LISTEN_FDS");
  std::string names{variable("LISTEN_FDNAMES")};
  for (const auto* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!process || *process != ::getpid() || !count || *count <= 0) return out;
  const auto end = first_inherited + static_cast<int>(std::min<long long>(*count, inherited_max));
  for (int number = first_inherited; number < end; ++number) {
    net::UniqueFd fd{number};
    const auto colon = std::min(names.find(':'), names.size());
    auto name = names.substr(0, colon);
    names.erase(0, std::min(colon + 1, names.size()));
    if (!is_listening_stream(number)) continue;
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(number, F_SETFL, O_NONBLOCK) != 0) continue;
    out.push_back({std::move(fd), std::move(name), net::local_endpoint(number)});
  }
  return out;
}

}  // namespace bastion::gate
