// Reasons are a contract: labels, answers, pairs.
#include "policy/reason.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace bastion {
namespace {

std::vector<Reason> all_reasons() {
  std::vector<Reason> out;
  for (int i = 0; i < static_cast<int>(Reason::count_); ++i) out.push_back(static_cast<Reason>(i));
  return out;
}

bool is_snake_case(std::string_view label) {
  return !label.empty() && label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

TEST(Reason, HasALabelOfItsOwnThatLeadsBackToIt) {
  std::set<std::string_view> labels;
  for (const auto reason : all_reasons()) {
    EXPECT_TRUE(is_snake_case(label(reason)));
    EXPECT_TRUE(labels.insert(label(reason)).second) << label(reason);
    EXPECT_EQ(reason_from_label(label(reason)), reason);
    EXPECT_FALSE(info(reason).text.empty());
    EXPECT_FALSE(label(info(reason).stage).empty());
  }
  EXPECT_FALSE(reason_from_label("no_such_reason"));
}

TEST(Reason, IsNeverAnsweredBeforeTheConnectStage) {
  for (const auto reason : all_reasons()) {
    if (info(reason).stage >= Stage::connect) continue;
    EXPECT_FALSE(info(reason).v3_return_code) << label(reason);
    EXPECT_FALSE(info(reason).v5_reason_code) << label(reason);
  }
}

TEST(Reason, IsNotAnsweredInMqtt3OnceTheSessionStands) {
  for (const auto reason : all_reasons()) {
    if (info(reason).stage != Stage::session) continue;
    EXPECT_FALSE(info(reason).v3_return_code) << label(reason);
  }
}

TEST(Reason, HasTheCodesOfTheStandards) {
  const auto expect_codes = [](Reason reason, std::optional<int> v3, std::optional<int> v5) {
    EXPECT_EQ(info(reason).v3_return_code, v3) << label(reason);
    EXPECT_EQ(info(reason).v5_reason_code, v5) << label(reason);
  };
  expect_codes(Reason::malformed_connect, std::nullopt, 0x81);
  expect_codes(Reason::unsupported_version, 1, 0x84);
  expect_codes(Reason::client_id_denied, 2, 0x85);
  expect_codes(Reason::anonymous, 5, 0x87);
  expect_codes(Reason::bad_credentials, 4, 0x86);
  expect_codes(Reason::auth_method_unsupported, std::nullopt, 0x8c);
  expect_codes(Reason::not_authorized, 5, 0x87);
  expect_codes(Reason::session_denied, 5, 0x97);
  expect_codes(Reason::auth_overloaded, 3, 0x89);
  expect_codes(Reason::upstream_unavailable, 3, 0x88);
  expect_codes(Reason::upstream_refused, std::nullopt, std::nullopt);
  expect_codes(Reason::upstream_malformed, std::nullopt, 0x80);
  expect_codes(Reason::malformed_packet, std::nullopt, 0x81);
  expect_codes(Reason::protocol_error, std::nullopt, 0x82);
  expect_codes(Reason::packet_too_large, std::nullopt, 0x95);
  expect_codes(Reason::keepalive_timeout, std::nullopt, 0x8d);
  expect_codes(Reason::slow_reader, std::nullopt, 0x97);
  expect_codes(Reason::evicted, std::nullopt, 0x8b);
}

TEST(Refusals, AreFoundByTheirIndex) {
  for (std::size_t i = 0; i < refusals().size(); ++i) EXPECT_EQ(index_of(refusals()[i]), i);
}

TEST(Refusals, HoldEveryReasonInOrder) {
  std::set<Reason> seen;
  auto before = Reason::ip_denied;
  for (const auto& refusal : refusals()) {
    EXPECT_GE(refusal.reason, before);
    before = refusal.reason;
    seen.insert(refusal.reason);
  }
  EXPECT_EQ(seen.size(), all_reasons().size());
  // Each is a time series of each listener, for as long as there are metrics: not a number to let grow unseen.
  EXPECT_LT(refusals().size(), 180u);
}

TEST(Refusals, AreToldApartByTheirLabels) {
  std::set<std::string> seen;
  for (const auto& refusal : refusals()) {
    const auto both = std::string{label(refusal.reason)} + "/" + std::string{label(refusal.cause)};
    EXPECT_TRUE(seen.insert(both).second) << both;
    EXPECT_TRUE(refusal.cause == Cause::none ? label(refusal.cause).empty() : is_snake_case(label(refusal.cause))) << both;
  }
}

TEST(Refusals, CountUnknownUsersAndWrongPasswordsAsOne) {
  const auto one = index_of({Reason::bad_credentials, Cause::none});
  EXPECT_EQ(index_of({Reason::bad_credentials, Cause::user}), one);
  EXPECT_EQ(index_of({Reason::bad_credentials, Cause::password}), one);
  EXPECT_EQ(label(Cause::user), "user");
}

TEST(Refusals, CountPairsThatAreNoneAsTheirReasonsFirst) {
  EXPECT_EQ(refusals()[index_of({Reason::evicted, Cause::http})], (Refusal{Reason::evicted, Cause::shutdown}));
}

TEST(Refusals, NameCausesAsThePublicContractDoes) {
  EXPECT_EQ(label(Cause::type_reserved), "reserved");
  EXPECT_EQ(label(Cause::type_publish), "publish");
  EXPECT_EQ(label(Cause::code_version), "version");
  EXPECT_EQ(label(Cause::code_not_authorized), "not_authorized");
  EXPECT_EQ(label(Cause::none), "");
}

TEST(Refusals, MarkTheirSourceOnlyWhereItIsToBlame) {
  EXPECT_TRUE(counts_towards_ban({Reason::tls_handshake_failed, Cause::version}));
  EXPECT_FALSE(counts_towards_ban({Reason::tls_handshake_failed, Cause::peer_alert}));
  EXPECT_TRUE(counts_towards_ban({Reason::unsupported_version, Cause::unknown}));
  EXPECT_FALSE(counts_towards_ban({Reason::unsupported_version, Cause::mqtt5}));
  EXPECT_TRUE(counts_towards_ban({Reason::bad_credentials, Cause::none}));
  EXPECT_FALSE(counts_towards_ban({Reason::evicted, Cause::shutdown}));
  EXPECT_FALSE(counts_towards_ban({Reason::ip_denied, Cause::denied}));
}

TEST(Refusals, SayWhatTheyMean) {
  for (const auto refusal : refusals()) {
    const auto text = meaning(refusal);
    EXPECT_FALSE(text.empty()) << label(refusal.reason) << ' ' << label(refusal.cause);
    EXPECT_EQ(text.find_first_of("|\n"), std::string_view::npos) << "it stands in a table: " << text;
    EXPECT_NE(text.back(), '.') << text;
  }
  EXPECT_NE(meaning({Reason::bad_credentials, Cause::user}), meaning({Reason::bad_credentials, Cause::none}));
  EXPECT_NE(meaning({Reason::bad_credentials, Cause::user}), meaning({Reason::bad_credentials, Cause::password}));
}

TEST(Refusals, TellAClientThatNamedAUserThatItsCredentialsAreBad) {
  EXPECT_EQ(v5_code_of({Reason::anonymous, Cause::no_user}), 0x87);
  EXPECT_EQ(v5_code_of({Reason::anonymous, Cause::no_password}), 0x86);
  EXPECT_EQ(v5_code_of({Reason::not_tls, Cause::http}), std::nullopt);
}

TEST(Refusals, AreCountedWithoutTellingUsersFromPasswords) {
  EXPECT_EQ(counted_as({Reason::bad_credentials, Cause::user}), "credentials");
  EXPECT_EQ(counted_as({Reason::bad_credentials, Cause::password}), "credentials");
  EXPECT_EQ(counted_as({Reason::anonymous, Cause::no_user}), "no_user");
  EXPECT_EQ(counted_as({Reason::slow_reader, Cause::none}), "");
}

TEST(RefusalReference, HasEveryPairOnce) {
  const auto text = refusal_reference();
  std::size_t found = 0;
  for (auto at = text.find("\n| `"); at != std::string::npos; at = text.find("\n| `", at + 1)) ++found;
  for (auto at = text.find("\n| none |"); at != std::string::npos; at = text.find("\n| none |", at + 1)) ++found;
  EXPECT_EQ(found, refusals().size());
  for (const auto reason : all_reasons()) {
    EXPECT_NE(text.find("### `" + std::string{label(reason)} + "`: "), std::string::npos) << label(reason);
  }
}

TEST(RefusalReference, IsWhatTheDocumentationHolds) {
  std::ifstream file{BASTION_SOURCE_DIR "/docs/refusals.md"};
  const std::string held{std::istreambuf_iterator<char>{file}, {}};
  const auto wanted = refusal_reference();
  EXPECT_TRUE(held == wanted) << "docs/refusals.md is out of date; it should hold:\n" << wanted;
}

}  // namespace
}  // namespace bastion
