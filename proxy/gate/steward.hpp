// The one account of open connections, kept by one worker for all.
#pragma once

#include <functional>

#include "policy/budget.hpp"
#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// Lives on the thread of one worker's context; the others send it messages: one with an answer for each connection, two
/// without. Exact totals, no lock. A worker that is the steward's own asks without a message.
class Steward {
 public:
  /// What is asked of the budget: a place to take, or to move.
  using Question = std::function<Budget::Place(Budget&, net::Clock::time_point now)>;
  using Answer = std::function<void(const Budget::Place&)>;

  /// `hash_key`: drawn at random, so that nobody can tell which addresses collide in the table.
  Steward(net::IoContext& home, const AdmissionPolicy& limits, std::uint64_t hash_key)
      : home_{home}, budget_{limits, hash_key} {}
  Steward(const Steward&) = delete;
  Steward& operator=(const Steward&) = delete;

  /// On the steward's own thread.
  template <class Ask>
  [[nodiscard]] Budget::Place ask(Ask&& question) {
    return question(budget_, net::Clock::now());
  }

  /// From any other thread: `answer` is called on `asker`'s.
  void ask(net::IoContext& asker, Question question, Answer answer);

  /// From any thread.
  void handshake_done(const Address& address);
  void give_back(const Address& address, bool in_handshake);
  void limit(const AdmissionPolicy& limits);

 private:
  net::IoContext& home_;
  Budget budget_;
};

}  // namespace bastion::gate
