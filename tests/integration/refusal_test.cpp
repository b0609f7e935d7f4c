// Every refusal that this version knows, provoked, answered, counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tests/integration/trigger.hpp"

namespace bastion::test {
namespace {

struct Row {
  Transport over;
  Trigger trigger;
};

std::string name_of(const Row& row) {
  std::string name{row.over == Transport::mqtt ? "Tcp_" : "Tls_"};
  name += label(row.trigger.refusal.reason);
  if (row.trigger.refusal.cause != Cause::none) name += '_' + std::string{label(row.trigger.refusal.cause)};
  if (!row.trigger.variant.empty()) name += '_' + row.trigger.variant;
  return name;
}

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << name_of(row);
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  const auto add = [&rows](const std::vector<Trigger>& triggers, Transport over) {
    for (const auto& trigger : triggers) rows.push_back({over, trigger});
  };
  add(accept_triggers(), Transport::mqtts);
  add(tls_triggers(), Transport::mqtts);
  for (const auto over : {Transport::mqtt, Transport::mqtts}) {
    add(origin_triggers(), over);
    add(preamble_triggers(), over);
    add(connect_triggers(), over);
    add(auth_triggers(), over);
    add(upstream_triggers(), over);
    add(session_triggers(), over);
  }
  return rows;
}

class EveryRefusal : public testing::TestWithParam<Row> {};

TEST_P(EveryRefusal, IsAnsweredAsItsReasonSaysAndCountedOnce) {
  const auto& trigger = GetParam().trigger;
  Scene scene{GetParam().over, trigger.policy};
  std::vector<Peer> upstream;
  const auto heard = trigger.run(scene, upstream);

  EXPECT_EQ(heard, trigger.answer);
  if (scene.bystanders.empty()) {
    expect_only_refusal(scene, trigger.refusal);
  } else {
    scene.gate.wait_for(series_of(trigger.refusal));
    upstream.clear();
    expect_each_ended_once(scene);
  }
  if (!trigger.reaches_broker) expect_broker_untouched(scene);
  for (auto& connection : upstream) EXPECT_EQ(connection.read_to_end(), trigger.let_through);
}

INSTANTIATE_TEST_SUITE_P(Of, EveryRefusal, testing::ValuesIn(all_rows()),
                         [](const auto& row) { return name_of(row.param); });

using Pair = std::pair<Reason, Cause>;

/// Pairs that have a test of their own.
const std::map<Pair, std::string> tested_elsewhere = {
    {{Reason::evicted, Cause::shutdown}, "stop_test.cpp"},
    {{Reason::evicted, Cause::reload}, "reload_test.cpp"},
    {{Reason::client_id_denied, Cause::in_use}, "session_guard_test.cpp: it takes two users"},
    {{Reason::acl_denied, Cause::receive}, "denied_test.cpp: it is only ever observed"},
};

/// Pairs that nothing in this version leads to, or that can't be had in one process, and why.
const std::map<Pair, std::string> out_of_reach = {
    {{Reason::tls_handshake_failed, Cause::other}, "only where OpenSSL runs out of memory or of random bytes"},
};

TEST(Refusals, AreAllProvokedOrKnownToBeOutOfReach) {
  std::set<Pair> provoked;
  for (const auto& row : all_rows()) provoked.insert({row.trigger.refusal.reason, row.trigger.refusal.cause});
  for (const auto& refusal : refusals()) {
    const Pair pair{refusal.reason, refusal.cause};
    const auto ways = provoked.count(pair) + tested_elsewhere.count(pair) + out_of_reach.count(pair);
    EXPECT_EQ(ways, 1u) << label(refusal.reason) << '{' << label(refusal.cause) << '}';
  }
  EXPECT_EQ(provoked.size() + tested_elsewhere.size() + out_of_reach.size(), refusals().size());
}

}  // namespace
}  // namespace bastion::test
