// Whose a client identifier is, while it is connected and after.
#include "policy/session_owners.hpp"

#include <gtest/gtest.h>

namespace bastion {
namespace {

using namespace std::chrono_literals;

const SessionOwners::Clock::time_point start{1h};
using Kept = SessionOwners::Kept;
const Kept ten{SessionOwners::Seconds{10}, start};
const Kept none{SessionOwners::Seconds{0}, start};
const Kept for_ever{SessionOwners::for_ever, start};

TEST(SessionOwners, GiveAnIdentifierToWhoeverComesFirst) {
  SessionOwners owners(10);
  EXPECT_TRUE(owners.claim("pump", "alice", start));
  EXPECT_FALSE(owners.claim("pump", "bob", start));
  EXPECT_FALSE(owners.claim("pump", std::nullopt, start)) << "nobody is not alice";
  EXPECT_TRUE(owners.claim("pump", "alice", start)) << "she may come again";
  EXPECT_TRUE(owners.claim("Pump", "bob", start)) << "another identifier";
  EXPECT_TRUE(owners.claim("lamp", std::nullopt, start));
  EXPECT_FALSE(owners.claim("lamp", "", start)) << "an empty name is a name";
  EXPECT_TRUE(owners.claim("lamp", std::nullopt, start)) << "all without a name are one";
  EXPECT_EQ(owners.connected(), 3u);
}

TEST(SessionOwners, GiveItToAnotherOnceItsLastConnectionAndItsSessionHaveEnded) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  owners.release("pump", none, start);
  EXPECT_FALSE(owners.claim("pump", "bob", start)) << "there is still one";
  owners.release("pump", none, start);
  EXPECT_TRUE(owners.claim("pump", "bob", start));
}

TEST(SessionOwners, KeepItForThoseWhoseSessionTheBrokerKeeps) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  owners.release("pump", ten, start);
  EXPECT_EQ(owners.kept(), 1u);
  EXPECT_FALSE(owners.claim("pump", "bob", start + 9s));
  EXPECT_TRUE(owners.claim("pump", "bob", start + 10s));
  EXPECT_EQ(owners.kept(), 0u);
}

TEST(SessionOwners, KeepASessionForEverThatNeverEnds) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  owners.release("pump", for_ever, start);
  EXPECT_FALSE(owners.claim("pump", "bob", start + 24h * 365 * 100));
}

TEST(SessionOwners, TakeTheLastWordOnHowLongASessionIsKept) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  owners.release("pump", for_ever, start);
  ASSERT_TRUE(owners.claim("pump", "alice", start + 1s));
  owners.release("pump", none, start + 2s);
  EXPECT_TRUE(owners.claim("pump", "bob", start + 3s)) << "she has said Clean Session";
}

TEST(SessionOwners, LeaveASessionAsItWasWhereTheBrokerDidNotLetItsUserIn) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  owners.release("pump", ten, start);
  ASSERT_TRUE(owners.claim("pump", "alice", start + 1s));
  owners.release("pump", std::nullopt, start + 2s);
  EXPECT_FALSE(owners.claim("pump", "bob", start + 9s));
  EXPECT_TRUE(owners.claim("pump", "bob", start + 10s));
}

TEST(SessionOwners, TakeTheWordOfTheConnectionThatCameLast) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  ASSERT_TRUE(owners.claim("pump", "alice", start + 1s));
  owners.release("pump", Kept{SessionOwners::for_ever, start + 1s}, start + 2s);
  owners.release("pump", none, start + 3s);
  EXPECT_FALSE(owners.claim("pump", "bob", start + 4s)) << "the first one was taken over, and lingered";
}

TEST(SessionOwners, TakeASessionForLongerKeptWhereTheBrokerDidNotAnswer) {
  const auto unanswered = [](std::uint32_t seconds) { return Kept{SessionOwners::Seconds{seconds}, start + 1s, false}; };
  for (const std::uint32_t asked : {0u, 30u}) {
    SessionOwners owners(10);
    ASSERT_TRUE(owners.claim("pump", "alice", start));
    owners.release("pump", ten, start);
    ASSERT_TRUE(owners.claim("pump", "alice", start + 1s));
    owners.release("pump", unanswered(asked), start + 2s);
    EXPECT_FALSE(owners.claim("pump", "bob", start + 9s));
    EXPECT_EQ(owners.claim("pump", "bob", start + 10s), asked == 0) << "by what it had before, or by what it was asked for";
    EXPECT_TRUE(owners.claim("pump", "bob", start + 32s));
  }
}

TEST(SessionOwners, LetNobodyPushOutWhatIsAnothers) {
  SessionOwners owners(4);
  const auto keep = [&](const std::string& id, const char* owner, const Kept& kept) {
    ASSERT_TRUE(owners.claim(id, owner, start));
    owners.release(id, kept, start);
  };
  keep("pump", "alice", ten);
  for (int i = 0; i < 100; ++i) keep("x" + std::to_string(i), "mallory", for_ever);
  EXPECT_EQ(owners.kept(), 4u);
  EXPECT_FALSE(owners.claim("pump", "mallory", start)) << "though it ends first";
  EXPECT_FALSE(owners.claim("x99", "alice", start));
  EXPECT_TRUE(owners.claim("x0", "alice", start)) << "of his own the oldest went";
}

TEST(SessionOwners, ForgetTheSessionThatEndsFirstWhenThereAreTooMany) {
  SessionOwners owners(2);
  const auto keep = [&](const char* id, const Kept& kept) {
    ASSERT_TRUE(owners.claim(id, "alice", start));
    owners.release(id, kept, start);
  };
  keep("a", for_ever);
  keep("b", ten);
  keep("c", for_ever);
  EXPECT_EQ(owners.kept(), 2u);
  EXPECT_TRUE(owners.claim("b", "bob", start));
  EXPECT_FALSE(owners.claim("a", "bob", start));
  keep("d", for_ever);
  EXPECT_TRUE(owners.claim("a", "bob", start)) << "the older of those that end at the same time";
  EXPECT_FALSE(owners.claim("c", "bob", start));
  owners.limit(1);
  EXPECT_TRUE(owners.claim("c", "bob", start));
  EXPECT_FALSE(owners.claim("d", "bob", start));
}

TEST(SessionOwners, DoNotCountTheConnectedAmongTheRemembered) {
  SessionOwners owners(0);
  ASSERT_TRUE(owners.claim("pump", "alice", start));
  ASSERT_TRUE(owners.claim("lamp", "alice", start));
  EXPECT_FALSE(owners.claim("pump", "bob", start));
  owners.release("pump", for_ever, start);
  EXPECT_TRUE(owners.claim("pump", "bob", start));
}

TEST(SessionOwners, GiveAnAssignedIdentifierToItsNewOwner) {
  SessionOwners owners(10);
  ASSERT_TRUE(owners.claim("auto-1", "alice", start));
  owners.release("auto-1", ten, start);
  owners.assign("auto-1", "bob", start);
  EXPECT_FALSE(owners.claim("auto-1", "alice", start));
  EXPECT_EQ(owners.kept(), 0u);
  owners.release("auto-1", none, start);
  EXPECT_TRUE(owners.claim("auto-1", "alice", start + 1s));
}

TEST(SessionOwners, PassOverWhatIsNotTheirs) {
  SessionOwners owners(10);
  owners.release("pump", ten, start);
  EXPECT_EQ(owners.kept(), 0u);
}

}  // namespace
}  // namespace bastion
