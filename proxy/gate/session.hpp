// One connection from accept to its one ending: one coroutine, one owner, one worker.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "policy/budget.hpp"
#include "policy/judge.hpp"
#include "proxy/account/ending.hpp"
#include "proxy/gate/end.hpp"
#include "proxy/gate/relay.hpp"
#include "proxy/gate/setup.hpp"
#include "proxy/gate/steward.hpp"
#include "proxy/identity/verifier.hpp"
#include "proxy/inspect/connect_reader.hpp"
#include "proxy/net/deadline.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/tls_stream.hpp"
#include "proxy/net/waiter.hpp"

namespace bastion::gate {

class Worker;

/// What a worker knows of one of the policy's listeners: its tally lives as long as the gate, whatever reloads bring.
struct ListenerState {
  std::string name;
  Transport transport = Transport::mqtts;
  Mode mode = Mode::enforce;
  std::vector<Prefix> balancers;
  account::Tally tally;

  [[nodiscard]] bool is_balancer(const Address& address) const;
};

/// What a client that misuses TLS after its handshake is refused for.
[[nodiscard]] Refusal refusal_of(net::TlsMisuse misuse);

/// A connection that has its place in the budget. Lives in its worker's list; its coroutine holds it, and so do handlers of
/// events under way.
class Session final : public net::Waiter,
                      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// `so_far`: the origin, and what was observed before there was a session. `from_balancer`: the origin is a balancer, and
  /// the place in the budget its own until the client's is known.
  Session(Worker& worker, ListenerState& listener, const account::Ending& so_far, std::uint64_t id,
          net::Clock::time_point accepted_at, bool from_balancer);

  /// Runs the whole life of the connection.
  void start(net::UniqueFd fd);
  /// The end of this session is asked for, in good order: at a packet boundary, with a DISCONNECT where MQTT has one.
  void evict(Refusal refusal);
  /// The worker has a new policy: a session goes on under it, or is evicted.
  void policy_changed();
  /// The end is due now: nothing is waited for any more.
  void abort();
  /// The answer of the pool.
  void verified(identity::Verified verdict);
  /// The answer of the steward.
  void place_moved(const Budget::Place& place);
  /// The same of the client identifier.
  void claimed(bool is_granted);
  /// Counts and logs what enforcing would have refused this connection for.
  void observe(Refusal refusal, const TopicNote& about = {});

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] Mode mode() const { return mode_; }
  /// The address that holds its place in the budget.
  [[nodiscard]] const Address& place() const { return place_at_balancer_ ? *ending_.via : ending_.origin.address; }

 private:
  using TimePoint = net::Clock::time_point;

  /// Needed until the client is admitted, and gone afterwards.
  struct Newcomer {
    /// What came and nobody has used yet: behind a PROXY header, then the CONNECT. Wiped when done with.
    std::vector<std::uint8_t> received;
    std::vector<std::uint8_t> early;              ///< what came behind it
    std::optional<inspect::ReadConnect> connect;  ///< views into `received`
    std::optional<identity::Verified> verified;
    std::optional<Budget::Place> moved;  ///< the steward's answer
    std::optional<bool> claimed;         ///< another
    ~Newcomer();
  };

  /// What CONNECT said beyond what the log shows, so that it can be judged again.
  struct Asked {
    std::uint16_t keep_alive_s = 0;
    bool bridge = false;
    bool clean_start = true;
    bool has_user_name = false;
    bool has_password = false;
    std::string will_topic;  ///< empty: no will
    std::uint8_t will_qos = 0;
    bool will_retain = false;
  };

  [[nodiscard]] net::Detached live(boost::intrusive_ptr<Session> self);
  [[nodiscard]] net::Task<End> journey();
  [[nodiscard]] net::Task<MaybeEnd> learn_origin();
  [[nodiscard]] net::Task<MaybeEnd> admit_again();
  [[nodiscard]] MaybeEnd take_proxy_header();
  [[nodiscard]] net::Task<MaybeEnd> open_stream();
  [[nodiscard]] net::Task<MaybeEnd> recognise_tls(net::TlsStream& tls);
  [[nodiscard]] net::Task<MaybeEnd> shake_hands(net::TlsStream& tls);
  [[nodiscard]] net::Task<MaybeEnd> read_connect();
  [[nodiscard]] net::Task<MaybeEnd> judge_connect();
  [[nodiscard]] net::Task<MaybeEnd> verify_identity();
  [[nodiscard]] net::Task<MaybeEnd> verify_password();
  [[nodiscard]] net::Task<MaybeEnd> claim_client_id();
  [[nodiscard]] net::Task<MaybeEnd> dial();
  [[nodiscard]] net::Task<MaybeEnd> connected();
  [[nodiscard]] net::Task<End> relay();
  [[nodiscard]] net::Task<End> refuse(Refusal refusal, std::optional<std::uint8_t> v5_reason_code = std::nullopt);
  [[nodiscard]] net::Task<End> take_leave(const Relay& relay, End end);
  [[nodiscard]] net::Task<> close_gently();

  void make_stream(net::UniqueFd fd);
  [[nodiscard]] static TimePoint now() { return net::Clock::now(); }
  [[nodiscard]] MaybeEnd interrupted() const;
  [[nodiscard]] bool is_late();
  [[nodiscard]] bool goes_on(Refusal refusal, const TopicNote& about = {});
  [[nodiscard]] ConnectFacts facts() const;
  [[nodiscard]] inspect::Rights rights() const;
  [[nodiscard]] RateGuard::Limits rates() const;
  [[nodiscard]] RelayTerms terms() const;
  [[nodiscard]] Claim claim_on(std::string_view client_id) const;
  void take_assigned_client_id(std::string_view id);
  [[nodiscard]] SessionOwners::Seconds asked_expiry() const;
  void give_up_claim();
  [[nodiscard]] Verdict judge_again(const Setup& setup) const;
  [[nodiscard]] std::optional<Refusal> adopt_policy();
  [[nodiscard]] MaybeEnd hear_client();
  [[nodiscard]] static Refusal refusal_of(identity::Verified verdict);
  [[nodiscard]] bool forward_connect();
  [[nodiscard]] std::vector<std::uint8_t> proxy_header();
  void keep_connect(const inspect::ReadConnect& connect);
  [[nodiscard]] End end_of_hello(bool any_byte) const;
  void finish(const End& end);

  Worker& worker_;
  ListenerState& listener_;
  std::shared_ptr<const Setup> setup_;
  std::unique_ptr<net::Stream> client_;
  std::unique_ptr<net::PlainStream> upstream_;
  net::TlsStream* tls_ = nullptr;  ///< client_, where it is TLS
  std::unique_ptr<Newcomer> newcomer_;
  net::Deadline deadline_;
  account::Ending ending_;
  std::optional<Refusal> eviction_;
  std::optional<std::uint8_t> eviction_code_;  ///< MQTT 5
  TimePoint accepted_at_;
  std::uint64_t id_;
  std::uint64_t credential_ = 0;  ///< fingerprint of the one that was right; 0: none was asked for
  Asked asked_;
  std::string assigned_client_id_;           ///< by the broker, to a client that left it the choice
  std::optional<SessionOwners::Kept> kept_;  ///< what the broker makes of the session, once it was sent CONNECT
  bool holds_claim_ = false;                 ///< on its client identifier
  const Role* role_ = nullptr;               ///< of setup_
  Mode mode_;
  bool place_at_balancer_;
  bool in_handshake_ = true;
  bool relaying_ = false;
  bool rights_changed_ = false;  ///< the relay has not been told yet
  bool aborted_ = false;
};

}  // namespace bastion::gate
