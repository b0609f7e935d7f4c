// The one account of connections, asked from its own thread and from others.
#include "proxy/gate/steward.hpp"

#include <gtest/gtest.h>

#include "tests/unit/net/pair.hpp"

namespace bastion::gate {
namespace {

Policy limits(unsigned connections_max) {
  Policy policy;
  policy.admission.connections_max = connections_max;
  policy.admission.connections_per_address_max = connections_max;
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

TEST(Steward, KnowsWhoseAClientIdentifierIs) {
  net::IoContext home;
  net::IoContext asker;
  Steward steward{home, limits(1), 42};
  EXPECT_TRUE(steward.claim(Claim{"pump", "alice"}));
  std::optional<bool> granted;
  steward.claim(asker, Claim{"pump", "bob"}, [&](bool answer) { granted = answer; });
  home.poll();
  EXPECT_FALSE(granted) << "answers are the asker's to call";
  asker.poll();
  EXPECT_EQ(granted, false);

  steward.release("pump", std::nullopt);
  EXPECT_FALSE(steward.claim(Claim{"pump", "bob"})) << "the message is still under way";
  home.restart();
  home.poll();
  EXPECT_TRUE(steward.claim(Claim{"pump", "bob"}));
}

TEST(Steward, TakesUpTheLimitsOfAnotherPolicy) {
  net::IoContext home;
  Steward steward{home, limits(1), 42};
  EXPECT_TRUE(steward.claim(Claim{"pump", "alice"}));
  auto none = limits(2);
  none.mqtt.sessions_remembered_max = 0;
  steward.limit(none);
  steward.release("pump", SessionOwners::Kept{SessionOwners::for_ever, net::Clock::now()});
  home.poll();
  EXPECT_TRUE(steward.claim(Claim{"pump", "bob"})) << "nobody's, since nothing is remembered";
  EXPECT_TRUE(steward.ask(take).taken);
  EXPECT_TRUE(steward.ask(take).taken);
}

}  // namespace
}  // namespace bastion::gate
