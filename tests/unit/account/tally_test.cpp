// Every ending is counted once, and nothing is lost when workers' counters are added up.
#include "proxy/account/tally.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace bastion::account {
namespace {

Ending refused(Refusal refusal) {
  Ending ending;
  ending.refusal = refusal;
  return ending;
}

Ending closed(Close close) {
  Ending ending;
  ending.close = close;
  return ending;
}

template <class Counters>
std::uint64_t sum(const Counters& counters) {
  return std::accumulate(counters.begin(), counters.end(), std::uint64_t{0});
}

bool adds_up(const Tally& tally) {
  return static_cast<std::int64_t>(tally.accepted) ==
         static_cast<std::int64_t>(sum(tally.refusals) + sum(tally.closes)) + tally.connections;
}

Tally accepting(std::uint64_t connections) {
  Tally tally;
  tally.accepted = connections;
  tally.connections = static_cast<std::int64_t>(connections);
  return tally;
}

TEST(Tally, CountsEachLegalRefusalInAPlaceOfItsOwn) {
  Tally tally = accepting(refusals().size());
  for (const Refusal refusal : refusals()) tally.count(refused(refusal));
  for (std::size_t i = 0; i < refusals().size(); ++i) EXPECT_EQ(tally.refusals[i], 1u) << i;
  EXPECT_EQ(sum(tally.closes), 0u);
  EXPECT_EQ(tally.connections, 0);
}

TEST(Tally, CountsEachCloseInAPlaceOfItsOwn) {
  Tally tally = accepting(static_cast<std::uint64_t>(Close::count_));
  for (std::size_t i = 0; i < tally.closes.size(); ++i) tally.count(closed(static_cast<Close>(i)));
  for (std::size_t i = 0; i < tally.closes.size(); ++i) EXPECT_EQ(tally.closes[i], 1u) << i;
  EXPECT_EQ(sum(tally.refusals), 0u);
}

TEST(Tally, CountsARefusedConnectionOnceWhateverItsCloseSays) {
  Tally tally = accepting(1);
  Ending ending = refused({Reason::keepalive_timeout, Cause::silent});
  ending.close = Close::client_disconnect;
  tally.count(ending);
  EXPECT_EQ(sum(tally.refusals) + sum(tally.closes), 1u);
  EXPECT_EQ(tally.refusals[index_of({Reason::keepalive_timeout, Cause::silent})], 1u);
}

TEST(Tally, AddsUpAfterEachEnding) {
  Tally tally = accepting(3);
  EXPECT_TRUE(adds_up(tally));
  tally.count(closed(Close::client_gone));
  EXPECT_TRUE(adds_up(tally));
  tally.count(refused({Reason::ip_denied, Cause::denied}));
  EXPECT_TRUE(adds_up(tally));
  EXPECT_EQ(tally.connections, 1);
}

TEST(Tally, LeavesBytesAndSessionsToThoseWhoSeeThem) {
  Tally tally = accepting(1);
  tally.sessions = 1;
  Ending ending = closed(Close::client_disconnect);
  ending.bytes_up = 100;
  ending.bytes_down = 200;
  tally.count(ending);
  EXPECT_EQ(tally.bytes_up + tally.bytes_down, 0u);
  EXPECT_EQ(tally.sessions, 1);
}

TEST(Tally, MergesEveryCounter) {
  Tally one = accepting(10);
  one.tls_handshakes = 1;
  one.tls_resumptions = 2;
  one.admitted = 3;
  one.upstream_connects = 4;
  one.bytes_up = 5;
  one.bytes_down = 6;
  one.packets_up = 7;
  one.packets_down = 8;
  one.sessions = 9;
  one.count(closed(Close::fault));
  one.count(refused({Reason::ip_denied, Cause::not_allowed}));
  Tally both = one;
  both.merge(one);
  EXPECT_EQ(both.accepted, 20u);
  EXPECT_EQ(both.connections, 16);
  EXPECT_EQ(both.tls_handshakes, 2u);
  EXPECT_EQ(both.tls_resumptions, 4u);
  EXPECT_EQ(both.admitted, 6u);
  EXPECT_EQ(both.upstream_connects, 8u);
  EXPECT_EQ(both.bytes_up, 10u);
  EXPECT_EQ(both.bytes_down, 12u);
  EXPECT_EQ(both.packets_up, 14u);
  EXPECT_EQ(both.packets_down, 16u);
  EXPECT_EQ(both.sessions, 18);
  EXPECT_EQ(both.closes[static_cast<std::size_t>(Close::fault)], 2u);
  EXPECT_EQ(both.refusals[index_of({Reason::ip_denied, Cause::not_allowed})], 2u);
  EXPECT_TRUE(adds_up(both));
}

TEST(Close, HasALabelOfItsOwnForEachEnd) {
  std::set<std::string_view> labels;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Close::count_); ++i) labels.insert(label(static_cast<Close>(i)));
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(Close::count_));
  EXPECT_FALSE(labels.contains(""));
}

}  // namespace
}  // namespace bastion::account
