// A worker: one thread, one io_context, and every connection that it has accepted.
#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/account/log.hpp"
#include "proxy/account/sources.hpp"
#include "proxy/account/tally.hpp"
#include "proxy/gate/session.hpp"
#include "proxy/gate/setup.hpp"
#include "proxy/gate/steward.hpp"
#include "proxy/identity/verifier.hpp"
#include "proxy/net/listen.hpp"
#include "proxy/net/stream.hpp"

namespace bastion::gate {

/// What the workers share: things with their own lock or thread, and constants. Outlives them.
struct Commons {
  account::LogSink& log;
  identity::Verifier& verifier;
  account::Mask mask;
};

/// A socket that listens for one of the policy's listeners.
struct BoundListener {
  std::string name;
  SocketAddress configured;  ///< as the policy says it: the key by which a reload finds it again
  net::UniqueFd fd;
};

/// Copies of a worker's counters.
struct WorkerCounts {
  std::vector<account::ListenerTally> listeners;
  std::vector<account::Source> refused, observed;
  std::uint64_t accept_errors = 0;
};

class Worker {
 public:
  /// `steward`: null on the worker that is the steward's home, which makes its own.
  Worker(Commons& commons, const net::TicketKeys& keys, std::shared_ptr<const Setup> setup, Worker* steward_home);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // --- from any thread: messages ---

  void start();
  /// A new policy, with sockets for the listeners that are new in it. Listeners that are not in it any more are closed.
  void apply(std::shared_ptr<const Setup> setup, std::vector<BoundListener> added);
  void use_ticket_keys(const net::TicketKeys& keys);
  /// `reply` is called on the worker's thread.
  void count(std::function<void(WorkerCounts)> reply);
  /// On its own thread, or once that has ended.
  [[nodiscard]] WorkerCounts counts() const;
  /// Stops accepting and asks every session to end; `done` is called on the worker's thread once the last one has.
  void drain(std::function<void()> done);
  /// Ends every session now.
  void abort();
  /// Ends the thread; after a drain, or at once.
  void stop();
  void join();

  // --- on its own thread: what sessions need ---

  [[nodiscard]] net::IoContext& context() { return context_; }
  [[nodiscard]] net::Scratch& scratch() { return scratch_; }
  [[nodiscard]] const inspect::HashKey& hash_key() const { return hash_key_; }
  [[nodiscard]] const std::shared_ptr<const Setup>& setup() const { return setup_; }
  /// Never called on a worker without mqtts listeners.
  [[nodiscard]] const net::TlsContext& tls_context() const { return *tls_context_; }
  void handshake_done(const Address& address) { steward().handshake_done(address); }
  /// Has the password checked; session.verified() is called later, unless the session has ended. False: the queue is full.
  [[nodiscard]] bool verify(Session& session, const std::shared_ptr<const identity::PasswordFile>& passwords,
                            std::string_view user_name, std::string_view password);
  /// Moves the session's place from the balancer's address to the client's own; session.place_moved() is called later.
  void move_place(Session& session, const Address& from, const Address& to);
  /// Asks whether the client identifier is its owner's; session.claimed() is called later.
  void claim(Session& session, Claim claim);
  /// Of an identifier that the broker has made up, see SessionOwners::assign().
  void assign(Claim claim) { steward().assign(std::move(claim)); }
  /// Gives back a claim that was granted or assigned, see SessionOwners::release().
  void release(std::string client_id, std::optional<SessionOwners::Kept> kept) {
    steward().release(std::move(client_id), kept);
  }
  /// Wakes the session after the others had their turn.
  void take_turns(Session& session);
  /// What enforcing would have refused a connection for; `so_far` remembers the first.
  void note(ListenerState& listener, account::Ending& so_far, Refusal refusal, const TopicNote& about = {});
  /// What topic rules kept from going through, for the first time in a session.
  void note(const ListenerState& listener, const account::Ending& so_far, const inspect::Denial& denial);
  /// The session's one ending: counted, logged, its place given back.
  void ended(Session& session, ListenerState& listener, const account::Ending& ending, bool in_handshake);

 private:
  struct Open {
    SocketAddress configured;
    ListenerState* state = nullptr;
    std::unique_ptr<net::Listener> listener;
  };
  using Sessions = boost::intrusive::list<Session, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] Steward& steward() { return *(steward_home_ != nullptr ? steward_home_ : this)->steward_; }
  void run();
  void use(std::shared_ptr<const Setup> setup);
  void open(BoundListener bound);
  void close_removed();
  [[nodiscard]] ListenerState& state_of(const std::string& name);
  void accepted(ListenerState& listener, net::Accepted accepted);
  void admit(net::UniqueFd fd, ListenerState& listener, const account::Ending& so_far, const Budget::Place& place,
             bool from_balancer);
  void refuse_at_accept(ListenerState& listener, const Origin& origin, Refusal refusal);
  void account_for(ListenerState& listener, const account::Ending& ending);
  [[nodiscard]] account::LinesPerSource& lines_of(account::Lines kind);
  [[nodiscard]] bool may_log(const Address& source, account::Lines kind);
  void log(const ListenerState& listener, const account::Ending& ending);
  void log_left_out(const account::LinesPerSource::LeftOut& left_out, account::Lines kind);
  void log_all_left_out(net::Clock::time_point now);
  void sweep_log();
  void pause_listeners();
  /// Whose answer a session waits for. That on its password it may wait for no longer, and it comes all the same.
  enum class Awaited : std::uint8_t { password, steward };
  void await(Session& session, Awaited what) { awaiting_.insert_or_assign({session.id(), what}, &session); }
  [[nodiscard]] boost::intrusive_ptr<Session> take_awaiting(std::uint64_t id, Awaited what);

  Commons& commons_;
  net::IoContext context_;
  boost::asio::executor_work_guard<net::Executor> work_;
  std::unique_ptr<Steward> steward_;  ///< on its home worker only
  Worker* steward_home_;
  net::TicketKeys ticket_keys_;
  std::shared_ptr<const Setup> setup_;
  std::unique_ptr<net::TlsContext> tls_context_;
  net::Scratch scratch_;
  std::map<std::string, ListenerState> states_;
  std::vector<Open> open_;
  Sessions sessions_;
  std::map<std::pair<std::uint64_t, Awaited>, Session*> awaiting_;  ///< an answer from another thread, by session id
  inspect::HashKey hash_key_;
  account::LinesPerSource refusal_lines_;
  account::LinesPerSource closing_lines_;
  account::Sources refused_;
  account::Sources observed_;
  net::Timer sweep_timer_;
  std::function<void()> drained_;
  std::uint64_t next_id_ = 0;
  std::uint64_t accept_errors_ = 0;
  unsigned awaiting_steward_ = 0;  ///< connections whose place was asked for
  std::thread thread_;
};

}  // namespace bastion::gate
