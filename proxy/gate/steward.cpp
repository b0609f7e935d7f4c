// Messages to and from the steward.
#include "proxy/gate/steward.hpp"

#include <boost/asio/dispatch.hpp>

namespace bastion::gate {

void Steward::ask(net::IoContext& asker, Question question, Answer answer) {
  boost::asio::post(home_, [this, &asker, question = std::move(question), answer = std::move(answer)]() mutable {
    boost::asio::post(asker, [place = ask(question), answer = std::move(answer)] { answer(place); });
  });
}

// dispatch() runs at once on the steward's own thread and is a message from any other.
void Steward::handshake_done(const Address& address) {
  boost::asio::dispatch(home_, [this, address] { budget_.handshake_done(address); });
}

void Steward::give_back(const Address& address, bool in_handshake) {
  boost::asio::dispatch(home_, [this, address, in_handshake] { budget_.give_back(address, in_handshake); });
}

void Steward::limit(const AdmissionPolicy& limits) {
  boost::asio::dispatch(home_, [this, limits] { budget_.limit(limits); });
}

}  // namespace bastion::gate
