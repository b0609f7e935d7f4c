// Stages 6 and 7 of a session: who the client is, and the broker for it.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "policy/judge.hpp"
#include "proxy/gate/session.hpp"
#include "proxy/gate/upstream.hpp"
#include "proxy/gate/worker.hpp"
#include "proxy/origin/proxy_header.hpp"

namespace bastion::gate {
namespace {

using net::IoStatus;

/// A verdict on a password comes within the wait in the queue and the hash itself; this is for the hash.
constexpr auto hash_max = std::chrono::seconds{30};
/// OASIS 5.0 section 2.4: what a client is told that a new policy refuses, for who it is or for any other reason.
constexpr std::uint8_t not_authorized = 0x87;
constexpr std::uint8_t administrative_action = 0x98;

std::uint32_t seconds_of(Milliseconds duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

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

// --- stages 5 and 6: CONNECT and identity ---------------------------------------------------------------------------------

net::Task<MaybeEnd> Session::judge_connect() {
  const auto& facts = newcomer_->connect->facts;
  const auto verdict = judge(setup_->policy, facts);
  const auto* first = std::get_if<Refusal>(&verdict);
  if (first == nullptr) co_return std::nullopt;
  if (mode_ == Mode::enforce) co_return co_await refuse(*first);
  // Whoever observes wants to know all that stands in this client's way.
  for (const auto refusal : refusals_of(setup_->policy, facts)) {
    if (!goes_on(refusal)) co_return co_await refuse(refusal);
  }
  co_return std::nullopt;
}

net::Task<MaybeEnd> Session::verify_identity() {
  // Who names a user must prove to be it, also where nobody has to name one (CVE-2016-9877).
  if (setup_->passwords && asked_.has_user_name) {
    auto failed = co_await verify_password();
    if (failed) co_return failed;
  }
  // What was waited for took its time, and the policy may be another by now.
  if (const auto refusal = adopt_policy()) co_return co_await refuse(*refusal);
  const auto verdict = judge_identity(setup_->policy, ending_.origin, newcomer_->connect->facts);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) {
    TopicNote will;
    if (refusal->reason == Reason::will_denied) {
      will = TopicNote{{asked_.will_topic, asked_.will_qos, asked_.will_retain}};
      ending_.detail = "a will to " + will.text;
    }
    if (!goes_on(*refusal, will)) co_return co_await refuse(*refusal);
  } else if (role_ = std::get<Admitted>(verdict).role; role_ != nullptr) {
    ending_.role = role_->name;
  }
  co_return std::nullopt;
}

net::Task<MaybeEnd> Session::verify_password() {
  const auto& connect = *newcomer_->connect;
  std::optional<Refusal> refusal;
  if (!connect.facts.has_password) {
    // Where passwords are required this was noted with the CONNECT.
    if (setup_->policy.authentication.required) co_return std::nullopt;
    refusal = Refusal{Reason::anonymous, Cause::no_password};
  } else if (!worker_.verify(*this, setup_->passwords, *connect.facts.user_name, connect.password)) {
    refusal = Refusal{Reason::auth_overloaded, Cause::queue_full};
  } else {
    deadline_.set(now() + setup_->policy.authentication.hash_wait_max + hash_max);
    while (!newcomer_->verified) {
      if (auto end = hear_client()) co_return end;
      co_await woken();
      if (auto end = interrupted()) co_return end;
      if (!newcomer_->verified && deadline_.passed(now())) newcomer_->verified = identity::Verified::timed_out;
    }
    if (newcomer_->verified == identity::Verified::right) {
      credential_ = setup_->passwords->fingerprint(*connect.facts.user_name);
    } else {
      refusal = refusal_of(*newcomer_->verified);
    }
  }
  if (refusal && !goes_on(*refusal)) co_return co_await refuse(*refusal);
  co_return std::nullopt;
}

Claim Session::claim_on(std::string_view client_id) const {
  Claim claim{std::string{client_id}, std::nullopt};
  if (asked_.has_user_name) claim.owner = ending_.user_name;
  return claim;
}

/// Whether the client identifier is this user's to use: the broker would not ask, but end the other's session.
net::Task<MaybeEnd> Session::claim_client_id() {
  if (!setup_->policy.mqtt.session_guard || ending_.client_id.empty()) co_return std::nullopt;
  worker_.claim(*this, claim_on(ending_.client_id));
  // Nothing less than the end of the process ends it now: the answer tells what there is to give back.
  while (!newcomer_->claimed) {
    co_await woken();
    if (aborted_) co_return *eviction_;
  }
  holds_claim_ = *newcomer_->claimed;
  if (auto end = interrupted()) co_return end;
  const Refusal in_use{Reason::client_id_denied, Cause::in_use};
  if (!holds_claim_ && !goes_on(in_use)) co_return co_await refuse(in_use);
  co_return std::nullopt;
}

/// For how long the CONNECT that goes on asks the broker to keep the session.
SessionOwners::Seconds Session::asked_expiry() const {
  auto expiry_s = newcomer_->connect->asked.session_expiry_interval_s;
  if (mode_ == Mode::enforce && ending_.version == MqttVersion::v5_0) {
    expiry_s = std::min(expiry_s, seconds_of(setup_->policy.mqtt.session_expiry_max));
  }
  return SessionOwners::Seconds{expiry_s};
}

void Session::give_up_claim() {
  if (!std::exchange(holds_claim_, false)) return;
  worker_.release(ending_.client_id.empty() ? assigned_client_id_ : ending_.client_id, kept_);
}

// --- reload ---------------------------------------------------------------------------------------------------------------

ConnectFacts Session::facts() const {
  ConnectFacts facts;
  facts.version = *ending_.version;
  facts.bridge = asked_.bridge;
  facts.clean_start = asked_.clean_start;
  facts.keep_alive_s = asked_.keep_alive_s;
  facts.client_id = ending_.client_id;
  if (asked_.has_user_name) facts.user_name = ending_.user_name;
  facts.has_password = asked_.has_password;
  if (!asked_.will_topic.empty()) facts.will = WillFacts{asked_.will_topic, asked_.will_qos, asked_.will_retain};
  return facts;
}

/// What a policy says of a client whose CONNECT was read and whose password was right; the password itself is gone.
Verdict Session::judge_again(const Setup& setup) const {
  const auto& policy = setup.policy;
  if (tls_ != nullptr && policy.tls.profile == TlsProfile::modern && ending_.tls_version != "TLSv1.3") {
    return Refusal{Reason::tls_handshake_failed, Cause::version};
  }
  // A balancer that is not believed any more has told nothing.
  const bool believed = !ending_.via || listener_.is_balancer(*ending_.via);
  const auto verdict = bastion::judge_again(policy, believed ? ending_.origin : Origin{*ending_.via, 0}, facts());
  if (std::holds_alternative<Refusal>(verdict)) return verdict;
  if (setup.passwords && asked_.has_user_name && setup.passwords->fingerprint(ending_.user_name) != credential_) {
    return Refusal{Reason::bad_credentials, setup.passwords->knows(ending_.user_name) ? Cause::password : Cause::user};
  }
  return verdict;
}

/// Goes on under the worker's policy where that is another, and lets go of the old one; or says why that can't be.
std::optional<Refusal> Session::adopt_policy() {
  const auto& next = worker_.setup();
  if (setup_ == next) return std::nullopt;
  mode_ = listener_.mode;
  const auto verdict = judge_again(*next);
  const auto* refusal = std::get_if<Refusal>(&verdict);
  if (refusal != nullptr && mode_ == Mode::enforce) return *refusal;
  setup_ = next;
  role_ = refusal != nullptr ? nullptr : std::get<Admitted>(verdict).role;
  rights_changed_ = true;
  return std::nullopt;
}

/// What the client may do, by the policy that is in force for it.
inspect::Rights Session::rights() const {
  const auto& policy = setup_->policy;
  inspect::Rights rights;
  rights.mode = mode_;
  const auto& mqtt = policy.mqtt;
  rights.packet_size_max = mqtt.packet_size_max;
  rights.topic_length_max = mqtt.topic_length_max;
  rights.topic_levels_max = mqtt.topic_levels_max;
  rights.properties_size_max = mqtt.properties_size_max;
  rights.user_properties_max = mqtt.user_properties_max;
  rights.filters_per_packet_max = mqtt.filters_per_packet_max;
  rights.subscriptions_max = mqtt.subscriptions_max;
  rights.in_flight_max = mqtt.in_flight_max;
  rights.retained_messages_max = mqtt.retained_messages_max;
  rights.qos_max = mqtt.qos_max;
  rights.retain = mqtt.retain;
  rights.wildcard_subscriptions = mqtt.wildcard_subscriptions;
  rights.shared_subscriptions = mqtt.shared_subscriptions;
  rights.disconnects_on_denied_publish = mqtt.denied_publish == DeniedPublish::disconnect;
  rights.guards = mqtt.guards;
  rights.session_expiry_max_s = seconds_of(mqtt.session_expiry_max);
  if (mode_ == Mode::enforce) rights.server_keep_alive_s = server_keep_alive(policy, facts());
  rights.hash_key = &worker_.hash_key();
  TopicNames names;
  if (asked_.has_user_name) names.user_name = ending_.user_name;
  names.client_id = ending_.client_id.empty() ? assigned_client_id_ : ending_.client_id;
  rights.access = Access{policy, role_, names};
  return rights;
}

RateGuard::Limits Session::rates() const {
  const auto& mqtt = setup_->policy.mqtt;
  return {mqtt.message_rate, mqtt.byte_rate, mqtt.rate_patience};
}

/// Those of a client that has just been let in. Made outside the coroutine, whose frame would keep them for good.
RelayTerms Session::terms() const {
  const auto& policy = setup_->policy;
  const auto& connect = *newcomer_->connect;
  return {connect.asked,
          rights(),
          rates(),
          {connect.facts.keep_alive_s, policy.upstream.connack_timeout, policy.upstream.stall_timeout,
           policy.mqtt.slow_reader_timeout}};
}

void Session::take_assigned_client_id(std::string_view id) {
  assigned_client_id_ = id;
  rights_changed_ = true;
  // A client names no identifier where the broker is to make one up; one that did is its own already.
  if (!setup_->policy.mqtt.session_guard || !ending_.client_id.empty()) return;
  worker_.assign(claim_on(id));
  holds_claim_ = true;
}

void Session::policy_changed() {
  // Newcomers see for themselves, before the broker is dialled for them.
  if (!relaying_ || eviction_) return;
  const auto refusal = adopt_policy();
  if (!refusal) return notify();
  ending_.detail = "the new policy refuses it: " + std::string{label(refusal->reason)};
  const auto stage = info(refusal->reason).stage;
  eviction_code_ = stage == Stage::connect || stage == Stage::auth ? not_authorized : administrative_action;
  evict({Reason::evicted, Cause::reload});
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
    ending_.detail = dial_trouble(policy, errno);
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
    ending_.detail = dial_trouble(policy, error);
    const bool refused = error == ECONNREFUSED || error == ENOENT || error == EAGAIN;
    const auto cause = refused               ? Cause::refused
                       : error == ETIMEDOUT  ? Cause::timeout
                       : error == ECONNRESET ? Cause::reset
                                             : Cause::other;
    co_return co_await refuse({Reason::upstream_unavailable, cause});
  }
  // A policy that came while the broker was dialled holds for this client too: from here on nothing is waited for.
  if (const auto refusal = adopt_policy()) co_return co_await refuse(*refusal);
  kept_ = SessionOwners::Kept{asked_expiry(), now(), false};
  if (!forward_connect()) {
    kept_.reset();
    co_return co_await refuse({Reason::upstream_unavailable, Cause::reset});
  }
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
  const auto& policy = setup_->policy.upstream;
  inspect::ForBroker asked;
  if (policy.credentials) asked.credentials = {policy.credentials->user_name, setup_->upstream_password.view()};
  if (mode_ == Mode::enforce) {
    asked.session_expiry_max_s = seconds_of(setup_->policy.mqtt.session_expiry_max);
    asked.will_delay_max_s = seconds_of(setup_->policy.mqtt.will_delay_max);
  }
  asked.will_may_outlast_session = !setup_->policy.mqtt.guards.has(Guard::will_delay);
  auto rewritten = inspect::connect_for_broker(connect, asked);
  auto first = proxy_header();
  const auto packet = rewritten ? std::span<const std::uint8_t>{*rewritten} : connect.packet;
  bool sent = !packet.empty();
  if (first.empty()) {
    sent = sent && upstream_->write_secret(packet);
  } else {
    first.insert(first.end(), packet.begin(), packet.end());
    sent = sent && upstream_->write_secret(first);
    identity::wipe(first);
  }
  if (rewritten) identity::wipe(*rewritten);
  return sent;
}

/// Mosquitto reads a header only where it comes in one piece, so it goes along with the CONNECT.
std::vector<std::uint8_t> Session::proxy_header() {
  const auto wanted = setup_->policy.upstream.proxy_header;
  if (wanted == UpstreamProxyHeader::off) return {};
  const auto local = client_->socket().local();
  return origin::proxy_header(wanted == UpstreamProxyHeader::v1 ? origin::ProxyVersion::v1 : origin::ProxyVersion::v2,
                              {ending_.origin.address, ending_.origin.port}, {Address{local.address}, local.port});
}

}  // namespace bastion::gate
