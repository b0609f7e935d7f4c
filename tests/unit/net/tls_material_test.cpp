// What is accepted as a certificate and its key, and what is said of the rest.
#include "proxy/net/tls_material.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/net/make_key_pair.hpp"

namespace bastion::net {
namespace {

using In = KeyPairError::In;
using ::testing::HasSubstr;

KeyPairError error_of(const std::string& certificate, const std::string& key) {
  auto read = read_key_pair(certificate, key);
  const auto* error = std::get_if<KeyPairError>(&read);
  EXPECT_NE(error, nullptr);
  return error != nullptr ? *error : KeyPairError{};
}

TEST(KeyPair, ReadsAnEcdsaAndAnRsaPair) {
  for (const auto& [pem, kind] :
       {std::pair{test::ecdsa_pair(), KeyKind::ecdsa}, std::pair{test::rsa_pair(), KeyKind::rsa}}) {
    auto read = read_key_pair(pem.certificate, pem.key);
    const auto* pair = std::get_if<std::shared_ptr<const KeyPair>>(&read);
    ASSERT_NE(pair, nullptr);
    EXPECT_EQ((*pair)->kind, kind);
    EXPECT_EQ((*pair)->chain.size(), 1U);
    EXPECT_EQ((*pair)->not_after_s - (*pair)->not_before_s, 30 * 24 * 3600);
  }
}

TEST(KeyPair, ReadsAChainLeafFirst) {
  const auto leaf = test::ecdsa_pair();
  const auto issuer = test::ecdsa_pair();
  auto read = read_key_pair(leaf.certificate + issuer.certificate, leaf.key);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const KeyPair>>(read));
  EXPECT_EQ(std::get<0>(read)->chain.size(), 2U);
}

TEST(KeyPair, NamesTheFileThatIsWrong) {
  const auto pem = test::ecdsa_pair();
  EXPECT_EQ(error_of("", pem.key).in, In::certificate);
  EXPECT_EQ(error_of("no PEM at all", pem.key).in, In::certificate);
  EXPECT_EQ(error_of(pem.certificate, "").in, In::key);
  EXPECT_EQ(error_of(pem.certificate, pem.certificate).in, In::key);
}

TEST(KeyPair, RefusesADamagedCertificateInTheChain) {
  const auto pem = test::ecdsa_pair();
  auto damaged = pem.certificate;
  damaged.replace(damaged.find('\n') + 5, 6, "######");
  EXPECT_THAT(error_of(pem.certificate + damaged, pem.key).what, HasSubstr("damaged"));
}

TEST(KeyPair, RefusesAKeyOfAnotherCertificate) {
  EXPECT_THAT(error_of(test::ecdsa_pair().certificate, test::ecdsa_pair().key).what, HasSubstr("does not belong"));
}

TEST(KeyPair, RefusesAKeyWithAPassphraseInsteadOfAskingForIt) {
  const auto pem = test::self_signed(EVP_EC_gen("P-256"), "secret");
  EXPECT_THAT(error_of(pem.certificate, pem.key).what, HasSubstr("passphrase"));
}

TEST(KeyPair, RefusesWeakKeys) {
  const auto short_rsa = test::rsa_pair(1024);
  EXPECT_THAT(error_of(short_rsa.certificate, short_rsa.key).what, HasSubstr("1024 bits"));
  const auto odd_curve = test::ecdsa_pair("secp256k1");
  EXPECT_THAT(error_of(odd_curve.certificate, odd_curve.key).what, HasSubstr("secp256k1"));
}

}  // namespace
}  // namespace bastion::net
