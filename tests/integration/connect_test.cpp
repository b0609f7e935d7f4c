// CONNECTs as large as the standard knows them, beyond what one read of the gate's holds.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

class LargeConnect : public testing::TestWithParam<Transport> {};
INSTANTIATE_TEST_SUITE_P(Over, LargeConnect, testing::Values(Transport::mqtt, Transport::mqtts),
                         [](const auto& row) { return row.param == Transport::mqtt ? "Tcp" : "Tls"; });

TEST_P(LargeConnect, ArrivesByteForByteWhereThePolicyAllowsIt) {
  Scene scene{GetParam(), [](PolicyBuilder& policy) {
                policy.set("mqtt.connect_size_max", R"("1MiB")").set("mqtt.topic_length_max", "65535");
                policy.set("authentication.required", "false").unset("authentication.password_file");
              }};
  ConnectOptions options;
  options.user = std::string(65'000, 'u');
  options.password = std::string(65'000, 'p');
  options.will = Will{std::string(65'000, 't'), std::string(65'000, 'w')};
  const auto connect = make_connect(options);
  const auto behind = publish(v3_1_1, "t", noise(200'000, 11));
  auto client = scene.client_after(connect);
  auto broker = scene.broker.accept();
  EXPECT_TRUE(broker.read(connect.size()) == connect);
  broker.send(connack(v3_1_1));
  EXPECT_EQ(client.read(4), connack(v3_1_1));
  client.send(behind);
  EXPECT_TRUE(broker.read(behind.size()) == behind);
}

TEST_P(LargeConnect, IsRefusedAtItsHeaderWhereThePolicyDoesNot) {
  Scene scene{GetParam()};
  ConnectOptions options;
  options.will = Will{"t", std::string(20'000, 'w')};
  const auto connect = make_connect(options);
  auto client = scene.client_after({connect.begin(), connect.begin() + 8});
  EXPECT_EQ(client.read_to_end(), ByteVector{});
  expect_only_refusal(scene, {Reason::connect_too_large, Cause::none});
  expect_broker_untouched(scene);
}

}  // namespace
}  // namespace bastion::test
