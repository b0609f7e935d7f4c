// TLS as clients meet it: versions, key pairs, tickets, ALPN.
#include <gtest/gtest.h>

#include "tests/integration/scene.hpp"
#include "tests/support/key_pairs.hpp"

namespace bastion::test {
namespace {

TlsChoice only(int version) {
  TlsChoice choice;
  choice.version_min = choice.version_max = version;
  return choice;
}

/// CONNECT there, CONNACK back, a publish there, and a goodbye.
void expect_service(Scene& scene, ScriptedClient& client, const ConnectOptions& options = {}) {
  const auto connect = make_connect(options);
  client.send(connect);
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  broker.send(connack(options.version));
  EXPECT_EQ(client.read(connack(options.version).size()), connack(options.version));
  const auto message = publish(options.version, "t", "x");
  client.send(message + disconnect());
  EXPECT_EQ(broker.read(message.size() + 2), message + disconnect());
}

class TlsVersion : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Of, TlsVersion, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& row) { return row.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TlsVersion, CarriesASession) {
  Scene scene;
  auto client = scene.dial();
  client.start_tls(only(GetParam()));
  EXPECT_EQ(SSL_version(client.tls()), GetParam());
  expect_service(scene, client);
  client.close_write();
  scene.gate.wait_for(series_of(account::Close::client_disconnect));
}

TEST_P(TlsVersion, TakesAConnectByteByByte) {
  Scene scene;
  auto client = scene.dial();
  client.start_tls(only(GetParam()));
  const auto connect = make_connect();
  ASSERT_TRUE(client.send_byte_by_byte(connect));
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
}

TEST_P(TlsVersion, TakesRecordsByteByByteAndAHandshakeToo) {
  Scene scene;
  auto client = scene.dial();
  for (const auto byte : client.begin_tls(only(GetParam()))) ASSERT_TRUE(client.send_raw({&byte, 1}));
  ASSERT_TRUE(client.finish_tls());
  const auto connect = make_connect();
  for (const auto byte : client.encode(connect)) ASSERT_TRUE(client.send_raw({&byte, 1}));
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
}

/// With two workers the kernel gives each connection to either; tickets must open at both.
TEST_P(TlsVersion, ResumesByTicketAtAnyWorker) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("gate.workers", "2"); }};
  auto first = scene.dial();
  first.start_tls(only(GetParam()));
  EXPECT_FALSE(first.resumed());
  expect_service(scene, first);
  const auto session = first.session();
  ASSERT_EQ(SSL_SESSION_is_resumable(session.get()), 1);
  constexpr int times = 12;
  for (int i = 0; i < times; ++i) {
    auto again = scene.dial();
    auto choice = only(GetParam());
    choice.session = session;
    again.start_tls(choice);
    EXPECT_TRUE(again.resumed());
    expect_service(scene, again);
  }
  EXPECT_EQ(scene.gate.count(R"(mqtt_bastion_tls_handshakes_total{listener="test",resumed="true"})"), times);
  EXPECT_EQ(scene.gate.count(R"(mqtt_bastion_tls_handshakes_total{listener="test",resumed="false"})"), 1);
}

/// The ticket waits to go along with the first answer, and must not keep the gate from reading on where that is late.
TEST(TlsTicket, DoesNotStandInTheWayOfAConnackInPieces) {
  Scene scene;
  auto client = scene.dial();
  client.send_raw(client.begin_tls(only(TLS1_3_VERSION)));
  const auto connect = make_connect();
  const auto finished = client.finish_tls_unsent();
  client.send_raw(finished + client.encode(connect));
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(connect.size()), connect);
  const auto answer = connack(v3_1_1);
  broker.send({answer.data(), 1});
  // The gate has taken the first byte before the others come.
  EXPECT_FALSE(client.hears_within(std::chrono::milliseconds{50}));
  broker.send({answer.data() + 1, answer.size() - 1});
  EXPECT_EQ(client.read(answer.size()), answer);
}

TEST(TlsTicket, OfAnotherGateIsNoUse) {
  TlsSession session;
  {
    Scene other;
    auto client = other.client();
    expect_service(other, client);
    session = client.session();
  }
  Scene scene;
  auto client = scene.dial();
  TlsChoice choice;
  choice.session = session;
  client.start_tls(choice);
  EXPECT_FALSE(client.resumed());
  expect_service(scene, client);
}

TEST(TlsProfile, ModernRefusesTls12) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("tls.profile", R"("modern")"); }};
  auto old = scene.dial();
  EXPECT_FALSE(old.try_tls(only(TLS1_2_VERSION)));
  EXPECT_NE(old.tls_error().find("protocol version"), std::string::npos) << old.tls_error();
  scene.gate.wait_for(series_of({Reason::tls_handshake_failed, Cause::version}));
  auto modern = scene.client();
  expect_service(scene, modern);
}

class TwoKeyPairs : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Of, TwoKeyPairs, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& row) { return row.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(TwoKeyPairs, StandSideBySideAndTheClientsSignaturesChoose) {
  TempDir directory;
  ScriptedBroker broker;
  PolicyBuilder policy{directory, broker.address()};
  directory.write("rsa.crt", rsa_pair().certificate);
  directory.write("rsa.key", rsa_pair().key);
  policy.set("tls.certificate", R"(["server.crt", "rsa.crt"])").set("tls.key", R"(["server.key", "rsa.key"])");
  Gate gate{policy.write()};
  const auto kind_for = [&](const char* signatures) {
    ScriptedClient client{gate.address()};
    auto choice = only(GetParam());
    choice.signatures = signatures;
    client.start_tls(choice);
    return client.certificate_kind();
  };
  EXPECT_EQ(kind_for("ECDSA+SHA256"), EVP_PKEY_EC);
  EXPECT_EQ(kind_for("RSA-PSS+SHA256"), EVP_PKEY_RSA);
}

TEST(TlsAlpn, IsMqttForThoseWhoAskAndNothingForThoseWhoDont) {
  Scene scene;
  auto asks = scene.dial();
  TlsChoice choice;
  choice.protocols = {"http/1.1", "mqtt"};
  asks.start_tls(choice);
  EXPECT_EQ(asks.protocol(), "mqtt");
  expect_service(scene, asks);
  auto does_not = scene.client();
  EXPECT_EQ(does_not.protocol(), "");
  expect_service(scene, does_not);
}

TEST(TlsKeyUpdate, IsTakenWithinItsLimit) {
  Scene scene;
  auto session = scene.admitted();
  for (int i = 0; i < 10; ++i) {
    session.client.update_key();
    session.client.send(pingreq());
    EXPECT_EQ(session.broker.read(2), pingreq());
    session.broker.send(pingresp());
    EXPECT_EQ(session.client.read(2), pingresp());
  }
}

TEST(TlsKeyUpdate, FloodEndsASessionWithoutADisconnectToTheBroker) {
  Scene scene{Transport::mqtts, [](PolicyBuilder& policy) { policy.set("tls.key_updates_max", "3"); }};
  auto session = scene.admitted();
  for (int i = 0; i < 4; ++i) session.client.update_key();
  session.client.send(pingreq());
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::tls_misuse, Cause::key_update});
}

TEST(TlsRenegotiation, EndsASession) {
  Scene scene;
  auto client = scene.dial();
  client.start_tls(only(TLS1_2_VERSION));
  client.send(make_connect());
  auto broker = scene.broker.accept();
  EXPECT_EQ(broker.read(make_connect().size()), make_connect());
  broker.send(connack(v3_1_1));
  EXPECT_EQ(client.read(4), connack(v3_1_1));
  client.renegotiate();
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  EXPECT_EQ(broker.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::tls_misuse, Cause::renegotiation});
}

TEST(TlsEnd, WithoutCloseNotifyIsAnEndAllTheSame) {
  Scene scene;
  auto session = scene.admitted();
  session.client.Peer::close_write();
  EXPECT_EQ(session.broker.read_to_end(), ByteVector{});
  session.broker.close();
  EXPECT_EQ(session.client.read_to_end(), ByteVector{});
  scene.gate.wait_for(series_of(account::Close::client_gone));
}

}  // namespace
}  // namespace bastion::test
