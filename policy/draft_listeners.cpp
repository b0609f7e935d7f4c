// A policy while it is being read: where it listens, and behind which balancers.
#include <algorithm>
#include <utility>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t listeners_max = 64;
constexpr std::size_t listener_addresses_max = 64;

bool overlap(const SocketAddress& a, const SocketAddress& b) {
  if (a.port != b.port || a.port == 0 || a.address.is_v4() != b.address.is_v4()) return false;
  return a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
}

}  // namespace

void Draft::set_listener_name(const Value& value) {
  if (!is_name(value.text)) {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + " is not a name: [a-z0-9_-]{1,32}");
    return;
  }
  for (const auto& other : policy.listeners) {
    if (other.name == value.text) {
      complain(value.where,
               "the listener of " + line_and_column(other.where) + " is named " + quoted(value.text) + " already");
      return;
    }
  }
  policy.listeners.back().name = value.text;
}

void Draft::add_listener_addresses(const Value& value) {
  auto& addresses = policy.listeners.back().addresses;
  if (value.list.size() > listener_addresses_max) {
    complain(value.where, quoted(value.path) + " holds more than " + std::to_string(listener_addresses_max) + " addresses");
    return;
  }
  for (const auto& item : value.list) {
    const auto address = parse_socket_address(item.value);
    if (address) {
      addresses.push_back({*address, item.where});
    } else {
      complain(item.where, not_an_address(value, item.value));
    }
  }
}

void Draft::add_balancers(const Value& value) {
  if (value.list.empty()) complain(value.where, quoted(value.path) + " is empty: leave it out where there is no balancer");
  for (const auto& item : value.list) {
    if (item.value != "0.0.0.0/0" && item.value != "::/0") continue;
    complain(item.where, quoted(item.value) + " would believe every address whatever it says of itself: name the balancers");
  }
  add_prefixes(value, policy.listeners.back().balancers);
}

void Draft::check_listeners() {
  if (policy.listeners.empty()) {
    complain(where("listener"), "there is no listener: add a [[listener]] with a name and an address");
    return;
  }
  if (policy.listeners.size() > listeners_max) {
    complain(policy.listeners[listeners_max].where, "there are more than " + std::to_string(listeners_max) + " listeners");
  }
  for (const auto& listener : policy.listeners) {
    if (listener.transport == Transport::mqtts && !was_said("tls.certificate")) {
      complain(listener.where, R"(a listener of transport "mqtts" needs "tls.certificate" and "tls.key")");
    }
    if (listener.transport != Transport::mqtt || listener.plaintext_beyond_loopback) continue;
    for (const auto& address : listener.addresses) {
      if (address.value.address.is_loopback()) continue;
      complain(address.where, quoted(address.value.text()) +
                                  R"( would take passwords in the clear: write transport = "mqtts", a loopback address, or )"
                                  "plaintext_beyond_loopback = true");
    }
  }
  check_overlaps();
}

void Draft::check_mode() {
  for (const auto& listener : policy.listeners) {
    if (policy.mode_of(listener) == Mode::enforce) continue;
    const auto whole = policy.mode == Mode::observe;
    warn(whole ? where("mode") : listener.where,
         (whole ? std::string{"the policy"} : "the listener " + quoted(listener.name)) +
             " is only observed: clients that it refuses come through to whatever the broker gives them");
    if (policy.upstream.credentials) {
      warn(where("upstream.credentials"),
           R"(who a client is stays enforced, since the broker sees "upstream.credentials" and can't ask)");
    }
    return;
  }
}

void Draft::check_overlaps() {
  std::vector<std::pair<Located<SocketAddress>, std::string>> taken;
  const auto take = [&](const Located<SocketAddress>& address, const std::string& by) {
    for (const auto& [other, owner] : taken) {
      if (!overlap(address.value, other.value)) continue;
      const auto at_line = other.where.line != 0 ? " at " + line_and_column(other.where) : std::string{};
      complain(address.where,
               quoted(address.value.text()) + " overlaps " + quoted(other.value.text()) + " of " + owner + at_line);
      return;
    }
    if (taken.size() < listeners_max * listener_addresses_max) taken.emplace_back(address, by);
  };
  if (policy.admin.enabled && policy.admin.address.where.line == 0) take(policy.admin.address, "[admin], by default");
  for (const auto& listener : policy.listeners) {
    for (const auto& address : listener.addresses) {
      take(address, "a listener");
      if (policy.upstream.tcp && overlap(address.value, *policy.upstream.tcp)) {
        complain(policy.upstream.where, R"("upstream.address" is the gate's own listener at )" +
                                            line_and_column(address.where) + ": it would dial itself");
      }
    }
  }
  if (policy.admin.enabled && policy.admin.address.where.line != 0) take(policy.admin.address, "[admin]");
}

}  // namespace bastion
