// Behind a balancer: who a client is told by a PROXY header, from those who may tell it, and by nobody else.
#include <gtest/gtest.h>

#include "proxy/origin/proxy_header.hpp"
#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

using origin::ProxyVersion;

/// The balancer is 127.0.0.1.
EditPolicy behind_balancer(const EditPolicy& more = {}) {
  return [more](PolicyBuilder& policy) {
    policy.behind_balancer(R"(["127.0.0.1"])");
    if (more) more(policy);
  };
}

ByteVector header_of(std::string_view client, ProxyVersion version = ProxyVersion::v2) {
  return origin::proxy_header(version, {*Address::parse(client), 4711}, {Address::v4(192, 0, 2, 1), 8883});
}

/// A connection that the balancer passes on for `client`; TLS is done where the listener has it.
ScriptedClient passed_on(Scene& scene, std::string_view client, ProxyVersion version = ProxyVersion::v2) {
  auto made = scene.dial();
  made.send_raw(header_of(client, version));
  if (scene.transport == Transport::mqtts) made.start_tls();
  return made;
}

class Balancer : public testing::TestWithParam<std::tuple<Transport, ProxyVersion>> {
 protected:
  Transport transport_ = std::get<0>(GetParam());
  ProxyVersion version_ = std::get<1>(GetParam());
};

TEST_P(Balancer, PassesAClientOnThatIsThenWhoItIs) {
  Scene scene{transport_, behind_balancer([](PolicyBuilder& policy) {
                policy.set("admission.allow", R"(["203.0.113.0/24"])").set("upstream.proxy_protocol", R"("v1")");
              })};
  auto client = passed_on(scene, "203.0.113.9", version_);
  const auto connect = make_connect();
  client.send(connect);
  auto upstream = scene.broker.accept();
  const auto local = scene.gate.address();
  const auto told = "PROXY TCP4 203.0.113.9 127.0.0.1 4711 " + std::to_string(local.port) + "\r\n";
  EXPECT_EQ(upstream.read(told.size() + connect.size()), ByteVector(told.begin(), told.end()) + connect);
  upstream.send(connack(v3_1_1));
  EXPECT_EQ(client.read_packet(), connack(v3_1_1));
}

TEST_P(Balancer, PassesAHeaderOnInAnyPieces) {
  Scene scene{transport_, behind_balancer()};
  auto client = scene.dial();
  for (const auto byte : header_of("127.0.0.9", version_)) client.send_raw({&byte, 1});
  if (transport_ == Transport::mqtts) client.start_tls();
  client.send(make_connect());
  auto upstream = scene.broker.accept();
  EXPECT_EQ(upstream.read_packet(), make_connect());
}

TEST_P(Balancer, SendsTheHeaderAndWhatTheClientSaidInOnePiece) {
  Scene scene{transport_, behind_balancer()};
  auto client = scene.dial();
  if (transport_ == Transport::mqtts) {
    client.send_raw(header_of("127.0.0.9", version_) + client.begin_tls());
    ASSERT_TRUE(client.finish_tls());
    client.send(make_connect());
  } else {
    client.send_raw(header_of("127.0.0.9", version_) + make_connect());
  }
  auto upstream = scene.broker.accept();
  EXPECT_EQ(upstream.read_packet(), make_connect());
}

TEST_P(Balancer, BringsAStrangerWhoIsRefusedWithoutAByte) {
  Scene scene{transport_, behind_balancer()};
  auto client = scene.dial();
  client.send_raw(header_of("203.0.113.9", version_));
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::ip_denied, Cause::not_allowed});
  expect_broker_untouched(scene);
}

INSTANTIATE_TEST_SUITE_P(Of, Balancer,
                         testing::Combine(testing::Values(Transport::mqtt, Transport::mqtts),
                                          testing::Values(ProxyVersion::v1, ProxyVersion::v2)),
                         [](const auto& row) {
                           return std::string{std::get<0>(row.param) == Transport::mqtt ? "Tcp" : "Tls"} +
                                  (std::get<1>(row.param) == ProxyVersion::v1 ? "V1" : "V2");
                         });

TEST(Balancers, AreNotJudgedThemselves) {
  Scene scene{Transport::mqtt,
              behind_balancer([](PolicyBuilder& policy) { policy.set("admission.allow", R"(["203.0.113.9"])"); })};
  auto client = passed_on(scene, "203.0.113.9");
  client.send(make_connect());
  EXPECT_EQ(scene.broker.accept().read_packet(), make_connect());
}

TEST(Balancers, AreTheOnlyOnesWhoAreBelieved) {
  Scene scene{Transport::mqtts, behind_balancer()};
  auto pretender = scene.dial({"127.0.0.2", 0});
  pretender.send_raw(header_of("127.0.0.9"));
  EXPECT_EQ(pretender.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::not_tls, Cause::proxy_header});
}

TEST(Balancers, DoNotKeepOthersFromComingDirectly) {
  Scene scene{Transport::mqtts, behind_balancer()};
  auto client = scene.client({"127.0.0.2", 0});
  client.send(make_connect());
  EXPECT_EQ(scene.broker.accept().read_packet(), make_connect());
}

TEST(Balancers, ShareTheLimitsOfTheirClientsAndHaveNoneOfOneAddress) {
  Scene scene{Transport::mqtt, behind_balancer([](PolicyBuilder& policy) {
                policy.set("admission.connections_per_address_max", "1").set("admission.handshakes_per_address_max", "1");
              })};
  const auto open = series_of("mqtt_bastion_open_connections");
  for (const auto* const client : {"127.0.1.1", "127.0.1.2", "127.0.1.3"}) {
    scene.bystanders.push_back(passed_on(scene, client));
    scene.gate.wait_for(open, static_cast<std::int64_t>(scene.bystanders.size()));
  }
  auto again = scene.dial();
  again.send_raw(header_of("127.0.1.2"));
  EXPECT_EQ(again.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::too_many_connections, Cause::per_ip}));
  scene.bystanders.clear();
  expect_each_ended_once(scene);
  auto later = passed_on(scene, "127.0.1.2");
  later.send(make_connect());
  EXPECT_EQ(scene.broker.accept().read_packet(), make_connect());
}

TEST(Balancers, KeepTheirClientsPlacesRightAcrossWorkers) {
  Scene scene{Transport::mqtt, behind_balancer([](PolicyBuilder& policy) {
                policy.set("gate.workers", "2").set("admission.connections_per_address_max", "1");
              })};
  for (int i = 0; i < 16; ++i) {
    auto client = passed_on(scene, "127.0.1.1");
    client.send(make_connect());
    EXPECT_EQ(scene.broker.accept().read_packet(), make_connect());
    client.close();
    expect_each_ended_once(scene);
  }
}

TEST(Balancers, LookWhetherSomebodyIsThereAndAreNobodysRefusal) {
  Scene scene{Transport::mqtts, behind_balancer()};
  { auto check = scene.dial(); }
  auto local = scene.dial();
  local.send_raw(bytes("0d0a0d0a 00 0d0a 'QUIT' 0a 20 00 0000"));
  EXPECT_EQ(local.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(account::Close::balancer_check), 2);
  const auto counts = scene.gate.when_idle();
  EXPECT_EQ(sum_of(counts, "mqtt_bastion_refusals_total"), 0);
}

TEST(Balancers, BringWhoWouldBeRefusedWhereThePolicyIsObserved) {
  Scene scene{Transport::mqtt, behind_balancer([](PolicyBuilder& policy) {
                policy.set("mode", R"("observe")").set("admission.connections_per_address_max", "1");
              })};
  for (int i = 0; i < 2; ++i) {
    scene.bystanders.push_back(passed_on(scene, "203.0.113.9"));
    scene.bystanders.back().send(make_connect());
    EXPECT_EQ(scene.broker.accept().read_packet(), make_connect());
  }
  const auto would = [](const char* reason, const char* cause) {
    return std::string{"mqtt_bastion_would_refuse_total{listener=\"test\",stage=\"accept\",reason=\""} + reason +
           "\",cause=\"" + cause + "\"}";
  };
  EXPECT_EQ(scene.gate.count(would("ip_denied", "not_allowed")), 2);
  EXPECT_EQ(scene.gate.count(would("too_many_connections", "per_ip")), 1);
}

TEST(Balancers, ThatAreNotBelievedAnyMoreLoseTheirClientsAtReload) {
  Scene scene{Transport::mqtt,
              behind_balancer([](PolicyBuilder& policy) { policy.set("admission.allow", R"(["203.0.113.9"])"); })};
  auto client = passed_on(scene, "203.0.113.9");
  client.send(make_connect());
  auto upstream = scene.broker.accept();
  static_cast<void>(upstream.read_packet());
  upstream.send(connack(v3_1_1));
  EXPECT_EQ(client.read_packet(), connack(v3_1_1));
  scene.policy.no_listeners().listener("test", "mqtt");
  scene.policy.write();
  ASSERT_TRUE(scene.gate.reload());
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of({Reason::evicted, Cause::reload}));
}

}  // namespace
}  // namespace bastion::test
