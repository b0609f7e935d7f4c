// The accounts that the workers have in common, kept by one of them for all: open connections, and whose client identifiers
// are.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "policy/budget.hpp"
#include "policy/session_owners.hpp"
#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// A client identifier, and who comes with it: see SessionOwners.
struct Claim {
  std::string client_id;
  std::optional<std::string> owner;
};

/// Lives on the thread of one worker's context; the others send it messages: two with an answer for each connection, three
/// without. Exact totals, no lock. A worker that is the steward's own asks without a message.
class Steward {
 public:
  /// What is asked of the budget: a place to take, or to move.
  using Question = std::function<Budget::Place(Budget&, net::Clock::time_point now)>;
  using Answer = std::function<void(const Budget::Place&)>;

  /// `hash_key`: drawn at random, so that nobody can tell which addresses collide in the table.
  Steward(net::IoContext& home, const Policy& policy, std::uint64_t hash_key)
      : home_{home}, budget_{policy.admission, hash_key}, owners_{policy.mqtt.sessions_remembered_max} {}
  Steward(const Steward&) = delete;
  Steward& operator=(const Steward&) = delete;

  /// On the steward's own thread.
  template <class Ask>
  [[nodiscard]] Budget::Place ask(Ask&& question) {
    return question(budget_, net::Clock::now());
  }

  /// From any other thread: `answer` is called on `asker`'s.
  void ask(net::IoContext& asker, Question question, Answer answer);

  /// The same of a client identifier: whether it is the owner's.
  [[nodiscard]] bool claim(const Claim& claim) { return owners_.claim(claim.client_id, claim.owner, net::Clock::now()); }
  void claim(net::IoContext& asker, Claim claim, std::function<void(bool)> answer);

  /// From any thread.
  void handshake_done(const Address& address);
  void give_back(const Address& address, bool in_handshake);
  /// See SessionOwners::assign() and release().
  void assign(Claim claim);
  void release(std::string client_id, std::optional<SessionOwners::Kept> kept);
  void limit(const Policy& policy);

 private:
  net::IoContext& home_;
  Budget budget_;
  SessionOwners owners_;
};

}  // namespace bastion::gate
