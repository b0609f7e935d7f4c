// The one account of connections, asked from its own thread and from others.
#include "proxy/gate/steward.hpp"

#include <gtest/gtest.h>

#include "tests/unit/net/pair.hpp"

namespace bastion::gate {
namespace {

AdmissionPolicy limits(unsigned connections_max) {
  AdmissionPolicy policy;
  policy.connections_max = connections_max;
  policy.connections_per_address_max = connections_max;
  return policy;
}

const auto address = Address::v4(192, 0, 2, 1);

Budget::Place take(Budget& budget, net::Clock::time_point now) {
  return budget.take(address, now);
}

TEST(Steward, AnswersAnotherWorkerOnThatWorkersContext) {
  net::IoContext home;
  net::IoContext asker;
  Steward steward{home, limits(1), 42};
  std::vector<std::optional<Refusal>> answers;
  for (int i = 0; i < 2; ++i)
    steward.ask(asker, take, [&](const Budget::Place& place) { answers.push_back(place.refusal); });
  asker.poll();
  EXPECT_TRUE(answers.empty()) << "the steward has not run yet";
  home.poll();
  EXPECT_TRUE(answers.empty()) << "answers are the asker's to call";
  asker.restart();
  asker.poll();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0]);
  ASSERT_TRUE(answers[1]);
  EXPECT_EQ(answers[1]->reason, Reason::too_many_connections);
}

TEST(Steward, TakesAPlaceBackByMessage) {
  net::IoContext home;
  Steward steward{home, limits(1), 42};
  EXPECT_TRUE(steward.ask(take).taken);
  steward.handshake_done(address);
  steward.give_back(address, false);
  EXPECT_FALSE(steward.ask(take).taken) << "the message is still under way";
  home.poll();
  EXPECT_TRUE(steward.ask(take).taken);
}

}  // namespace
}  // namespace bastion::gate
