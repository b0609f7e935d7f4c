// Opening what a policy wants, and forgetting what it does not.
#include "proxy/gate/openings.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/net/listen.hpp"
#include "proxy/net/socket.hpp"

namespace bastion::gate {
namespace {

net::Endpoint endpoint_of(const SocketAddress& address) {
  return {address.address.bytes(), address.port};
}

SocketAddress address_of(const net::Endpoint& endpoint) {
  return {Address{endpoint.address}, endpoint.port};
}

/// A listener's place in the policy.
struct Wanted {
  const ListenerPolicy& listener;
  const Located<SocketAddress>& address;

  bool is(const Openings::Opening& opening) const {
    return opening.listener == listener.name && opening.configured == address.value;
  }
};

std::vector<Wanted> wanted_by(const Policy& policy) {
  std::vector<Wanted> wanted;
  for (const auto& listener : policy.listeners) {
    for (const auto& address : listener.addresses) wanted.push_back({listener, address});
  }
  return wanted;
}

}  // namespace

std::variant<Openings::PerWorker, Complaint> Openings::open_new(const Policy& policy, std::size_t workers) {
  PerWorker per_worker(workers);
  std::vector<Opening> fresh;
  for (const auto& wanted : wanted_by(policy)) {
    if (std::any_of(open_.begin(), open_.end(), [&](const Opening& opening) { return wanted.is(opening); })) continue;
    const auto& configured = wanted.address.value;
    auto sockets = sockets_for(wanted.listener, configured, workers);
    if (const auto* error = std::get_if<net::ListenError>(&sockets)) {
      const auto holder =
          std::find_if(open_.begin(), open_.end(), [&](const Opening& opening) { return opening.local == configured; });
      const auto why = holder == open_.end() ? error->what
                                             : "it is open as listener \"" + holder->listener +
                                                   "\", and which listener an address is of takes effect at the next start";
      return Complaint{wanted.address.where, "can't listen on " + configured.text() + ": " + why, false};
    }
    auto& fds = std::get<std::vector<net::UniqueFd>>(sockets);
    fresh.push_back({wanted.listener.name, configured, address_of(net::local_endpoint(fds.front().get()))});
    for (std::size_t i = 0; i < fds.size(); ++i) {
      per_worker[i].push_back({wanted.listener.name, configured, std::move(fds[i])});
    }
  }
  open_.insert(open_.end(), fresh.begin(), fresh.end());
  return per_worker;
}

/// One for each worker: of the service manager's where it has opened this one, and then all of them are the same socket.
std::variant<std::vector<net::UniqueFd>, net::ListenError> Openings::sockets_for(const ListenerPolicy& listener,
                                                                                 const SocketAddress& address,
                                                                                 std::size_t workers) {
  const auto endpoint = endpoint_of(address);
  const auto found = std::find_if(inherited_.begin(), inherited_.end(), [&](const InheritedSocket& socket) {
    return socket.local == endpoint || (endpoint.port == 0 && socket.name == listener.name);
  });
  if (found == inherited_.end()) return net::listen_on(endpoint, static_cast<unsigned>(workers));
  std::vector<net::UniqueFd> out;
  for (std::size_t i = 0; i < workers; ++i) {
    out.emplace_back(::fcntl(found->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!out.back()) return net::ListenError{net::error_text(errno)};
  }
  inherited_.erase(found);
  return out;
}

void Openings::forget_all_but(const Policy& policy) {
  const auto wanted = wanted_by(policy);
  std::erase_if(open_, [&](const Opening& opening) {
    return std::none_of(wanted.begin(), wanted.end(), [&](const Wanted& in_policy) { return in_policy.is(opening); });
  });
}

std::vector<SocketAddress> Openings::give_up_inherited() {
  std::vector<SocketAddress> out;
  for (const auto& unused : std::exchange(inherited_, {})) out.push_back(address_of(unused.local));
  return out;
}

}  // namespace bastion::gate
