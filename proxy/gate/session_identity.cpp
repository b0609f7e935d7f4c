// Stages 6 and 7 of a session: who the client is, and the broker for it.
#include <cerrno>

#include "policy/judge.hpp"
#include "proxy/gate/session.hpp"
#include "proxy/gate/upstream.hpp"
#include "proxy/gate/worker.hpp"

namespace bastion::gate {
namespace {

using net::IoStatus;

/// A verdict on a password comes within the wait in the queue and the hash itself; this is for the hash.
constexpr auto hash_max = std::chrono::seconds{30};

}  // namespace

/// While the client waits for others: hears it leave, and keeps what it sends meanwhile, one read of it.
MaybeEnd Session::hear_client() {
  if (!newcomer_->early.empty()) return std::nullopt;
  if (client_->may_read()) {
    const auto into = worker_.scratch().plain_room(setup_->policy.mqtt.connect_size_max);
    const auto io = client_->read(into);
    if (io.status == IoStatus::end || io.status == IoStatus::reset) return Refusal{Reason::closed_early, Cause::in_connect};
    newcomer_->early.assign(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(io.bytes));
  }
  if (newcomer_->early.empty()) client_->socket().want_read();
  return std::nullopt;
}

// --- stage 6: identity ----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::verify_identity() {
  const auto& policy = setup_->policy;
  const auto& connect = *newcomer_->connect;
  // Who names a user must prove to be it, also where nobody has to name one (CVE-2016-9877).
  if (setup_->passwords && connect.facts.user_name) {
    if (!connect.facts.has_password) co_return co_await refuse({Reason::anonymous, Cause::no_password});
    deadline_.set(now() + policy.authentication.hash_wait_max + hash_max);
    if (!worker_.verify(*this, setup_->passwords, *connect.facts.user_name, connect.password)) {
      co_return co_await refuse({Reason::auth_overloaded, Cause::queue_full});
    }
    while (!newcomer_->verified) {
      if (auto end = hear_client()) co_return end;
      co_await woken();
      if (auto end = interrupted()) co_return end;
      if (deadline_.passed(now())) newcomer_->verified = identity::Verified::timed_out;
    }
    if (newcomer_->verified != identity::Verified::right) co_return co_await refuse(refusal_of(*newcomer_->verified));
  }
  const auto verdict = judge_identity(policy, ending_.origin, connect.facts);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) co_return co_await refuse(*refusal);
  if (const auto* role = std::get<Admitted>(verdict).role) ending_.role = role->name;
  co_return std::nullopt;
}

Refusal Session::refusal_of(identity::Verified verdict) {
  switch (verdict) {
    case identity::Verified::unknown_user:
      return {Reason::bad_credentials, Cause::user};
    case identity::Verified::timed_out:
      return {Reason::auth_overloaded, Cause::queue_timeout};
    case identity::Verified::right:
    case identity::Verified::wrong_password:
      break;
  }
  return {Reason::bad_credentials, Cause::password};
}

// --- stage 7: upstream ----------------------------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::dial() {
  const auto& policy = setup_->policy.upstream;
  const auto address = upstream_address(policy);
  auto fd = upstream_socket(address);
  if (!fd) {
    ending_.detail = net::error_text(errno);
    co_return co_await refuse({Reason::upstream_unavailable, Cause::other});
  }
  upstream_ = std::make_unique<net::PlainStream>(worker_.context(), *this);
  upstream_->socket().adopt(std::move(fd));
  ++listener_.tally.upstream_connects;
  deadline_.set(now() + policy.connect_timeout);
  if (upstream_->socket().connect(&address.storage, address.length) == net::Connecting::pending) {
    auto failed = co_await connected();
    if (failed) co_return failed;
  }
  if (const int error = upstream_->socket().last_error(); error != 0) {
    ending_.detail = net::error_text(error);
    const bool refused = error == ECONNREFUSED || error == ENOENT || error == EAGAIN;
    const auto cause = refused               ? Cause::refused
                       : error == ETIMEDOUT  ? Cause::timeout
                       : error == ECONNRESET ? Cause::reset
                                             : Cause::other;
    co_return co_await refuse({Reason::upstream_unavailable, cause});
  }
  if (!forward_connect()) co_return co_await refuse({Reason::upstream_unavailable, Cause::reset});
  co_return std::nullopt;
}

/// Waits until the connect that is under way has come to its end, good or bad.
net::Task<MaybeEnd> Session::connected() {
  auto& socket = upstream_->socket();
  while (!socket.may_write()) {
    if (auto end = hear_client()) co_return end;
    socket.want_write();
    co_await woken();
    if (auto end = interrupted()) co_return end;
    if (!socket.may_write() && deadline_.passed(now())) {
      co_return co_await refuse({Reason::upstream_unavailable, Cause::timeout});
    }
  }
  static_cast<void>(socket.connect_result());  // told by last_error()
  co_return std::nullopt;
}

bool Session::forward_connect() {
  const auto& connect = *newcomer_->connect;
  const auto& credentials = setup_->policy.upstream.credentials;
  if (!credentials) return upstream_->write(connect.packet);
  auto packet = inspect::with_credentials(connect, credentials->user_name, setup_->upstream_password.view());
  const bool sent = !packet.empty() && upstream_->write(packet);
  identity::wipe(packet);
  return sent;
}

}  // namespace bastion::gate
