// Stage 2 of a session: a balancer says whose connection it is, and that address is admitted or not.
#include "policy/judge.hpp"
#include "proxy/gate/session.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/origin/proxy_header.hpp"

namespace bastion::gate {

using net::IoStatus;

net::Task<MaybeEnd> Session::learn_origin() {
  auto& socket = client_->socket();
  auto& received = newcomer_->received;
  deadline_.set(accepted_at_ + setup_->policy.tls.handshake_timeout);
  for (;;) {
    const bool late = is_late();
    if (socket.may_read()) {
      const auto room = worker_.scratch().cipher_room();
      const auto io = socket.receive(room);
      if (io.status == IoStatus::end || io.status == IoStatus::reset) {
        // Not a byte: how most balancers look whether somebody is there.
        if (received.empty()) co_return account::Close::balancer_check;
        co_return Refusal{Reason::bad_proxy_header, Cause::partial};
      }
      // A CONNECT may follow at once where there is no TLS.
      identity::append_secret(received, room.first(io.bytes));
      identity::wipe(room.first(io.bytes));
      const auto header = origin::read_proxy_header(received);
      if (std::holds_alternative<origin::ProxyHeader>(header)) break;
      if (const auto* fault = std::get_if<origin::ProxyHeaderFault>(&header)) {
        const bool missing = *fault == origin::ProxyHeaderFault::missing;
        co_return Refusal{Reason::bad_proxy_header, missing ? Cause::missing : Cause::malformed};
      }
    }
    if (late) co_return Refusal{Reason::bad_proxy_header, received.empty() ? Cause::no_data : Cause::partial};
    socket.want_read();
    co_await woken();
    if (auto end = interrupted()) co_return end;
  }
  if (auto end = take_proxy_header()) co_return end;
  co_return co_await admit_again();
}

/// The header at the start of what was received, which is whole: it is taken off, and believed.
MaybeEnd Session::take_proxy_header() {
  auto& received = newcomer_->received;
  const auto header = std::get<origin::ProxyHeader>(origin::read_proxy_header(received));
  if (header.is_local) return account::Close::balancer_check;
  if (!header.source) return Refusal{Reason::bad_proxy_header, Cause::no_address};
  std::vector<std::uint8_t> rest{received.begin() + static_cast<std::ptrdiff_t>(header.bytes), received.end()};
  identity::wipe(received);
  received.swap(rest);
  ending_.origin = {header.source->address, header.source->port};
  return std::nullopt;
}

/// Stage 1 for the address that the balancer named.
net::Task<MaybeEnd> Session::admit_again() {
  const auto verdict = judge(setup_->policy, ending_.origin);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) {
    if (!goes_on(*refusal)) co_return *refusal;
  }
  worker_.move_place(*this, *ending_.via, ending_.origin.address);
  while (!newcomer_->moved) {
    co_await woken();
    // Nothing less than the end of the process ends it now: the answer tells who holds its place.
    if (aborted_) co_return *eviction_;
  }
  place_at_balancer_ = !newcomer_->moved->taken;
  if (place_at_balancer_) co_return *newcomer_->moved->refusal;
  if (newcomer_->moved->refusal) observe(*newcomer_->moved->refusal);
  co_return interrupted();
}

}  // namespace bastion::gate
