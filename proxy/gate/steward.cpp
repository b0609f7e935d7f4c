// Messages to and from the steward.
#include "proxy/gate/steward.hpp"

#include <boost/asio/dispatch.hpp>

namespace bastion::gate {

void Steward::ask(net::IoContext& asker, Question question, Answer answer) {
  boost::asio::post(home_, [this, &asker, question = std::move(question), answer = std::move(answer)]() mutable {
    boost::asio::post(asker, [place = ask(question), answer = std::move(answer)] { answer(place); });
  });
}

void Steward::claim(net::IoContext& asker, Claim wanted, std::function<void(bool)> answer) {
  boost::asio::post(home_, [this, &asker, wanted = std::move(wanted), answer = std::move(answer)]() mutable {
    boost::asio::post(asker, [is_granted = claim(wanted), answer = std::move(answer)] { answer(is_granted); });
  });
}

// dispatch() runs at once on the steward's own thread and is a message from any other.
void Steward::handshake_done(const Address& address) {
  boost::asio::dispatch(home_, [this, address] { budget_.handshake_done(address); });
}

void Steward::give_back(const Address& address, bool in_handshake) {
  boost::asio::dispatch(home_, [this, address, in_handshake] { budget_.give_back(address, in_handshake); });
}

void Steward::assign(Claim claim) {
  boost::asio::dispatch(
      home_, [this, claim = std::move(claim)] { owners_.assign(claim.client_id, claim.owner, net::Clock::now()); });
}

void Steward::release(std::string client_id, std::optional<SessionOwners::Kept> kept) {
  boost::asio::dispatch(
      home_, [this, client_id = std::move(client_id), kept] { owners_.release(client_id, kept, net::Clock::now()); });
}

void Steward::limit(const Policy& policy) {
  boost::asio::dispatch(home_, [this, limits = policy.admission, kept_max = policy.mqtt.sessions_remembered_max] {
    budget_.limit(limits);
    owners_.limit(kept_max);
  });
}

}  // namespace bastion::gate
