// TLS as clients of several kinds bring it.
#include <gtest/gtest.h>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

class Tls12 : public ::testing::TestWithParam<const char*> {};

TEST_P(Tls12, IsSpokenWithTheCertificateThatTheCipherNeeds) {
  const Stage stage;
  {
    DialOptions options;
    options.ciphers = GetParam();
    const auto client = stage.admitted(4, "raw", options);
    EXPECT_EQ(client.cipher(), GetParam());
  }
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_NE(stage.gate->log().text().find(" tls=TLSv1.2 "), std::string::npos) << stage.gate->log().text();
}

INSTANTIATE_TEST_SUITE_P(Certificates, Tls12,
                         ::testing::Values("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"));

TEST(Tls, Tls12IsRefusedWhereThePolicyIsModern) {
  PolicyText policy;
  policy.tls = "profile = \"modern\"\n";
  const Stage stage{policy};
  DialOptions options;
  options.ciphers = "DEFAULT";
  EXPECT_THROW(static_cast<void>(stage.admitted(4, "raw", options)), std::runtime_error);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"tls/tls_handshake_failed/version", 1}}));
  EXPECT_NO_THROW(static_cast<void>(stage.admitted()));
}

TEST(Tls, Tls12IsRefusedWithoutForwardSecrecy) {
  const Stage stage;
  DialOptions options;
  options.ciphers = "AES128-GCM-SHA256";
  EXPECT_THROW(static_cast<void>(stage.admitted(4, "raw", options)), std::runtime_error);
  ASSERT_TRUE(stage.gate->wait_for_ends(1));
  EXPECT_EQ(stage.gate->refusals(), (std::map<std::string, int>{{"tls/tls_handshake_failed/cipher", 1}}));
}

// With the ticket goes the acknowledgement for which a client with Nagle's algorithm holds its CONNECT back.
TEST(Tls, SessionTicketDoesNotWaitForConnect) {
  const Stage stage;
  const TlsClient client{stage.gate->devices(), stage.ca()};
  EXPECT_TRUE(client.tcp().wait_for_bytes());
}

}  // namespace
}  // namespace bastion::e2e
