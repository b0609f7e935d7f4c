// What a client hears when it is refused.
#include "proxy/inspect/answer.hpp"

#include <gtest/gtest.h>

#include "proxy/inspect/downward.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::inspect {
namespace {

using test::bytes;
using test::ByteVector;

ByteVector of(const Answer& answer) {
  return {answer.bytes().begin(), answer.bytes().end()};
}

constexpr auto v3_1_1 = MqttVersion::v3_1_1;
constexpr auto v5 = MqttVersion::v5_0;

TEST(ConnectAnswer, IsAConnackInTheClientsVersion) {
  EXPECT_EQ(of(connect_answer({Reason::anonymous, Cause::no_user}, MqttVersion::v3_1)), bytes("20 02 00 05"));
  EXPECT_EQ(of(connect_answer({Reason::anonymous, Cause::no_user}, v3_1_1)), bytes("20 02 00 05"));
  EXPECT_EQ(of(connect_answer({Reason::anonymous, Cause::no_user}, v5)), bytes("20 03 00 87 00"));
  EXPECT_EQ(of(connect_answer({Reason::anonymous, Cause::no_password}, v5)), bytes("20 03 00 86 00"));
  EXPECT_EQ(of(connect_answer({Reason::unsupported_version, Cause::unknown}, v3_1_1)), bytes("20 02 00 01"));
  EXPECT_EQ(of(connect_answer({Reason::upstream_unavailable, Cause::refused}, v5)), bytes("20 03 00 88 00"));
}

TEST(ConnectAnswer, TakesTheReasonCodeThatTheStandardAsksFor) {
  EXPECT_EQ(of(connect_answer({Reason::malformed_connect, Cause::property}, v5, std::uint8_t{0x82})),
            bytes("20 03 00 82 00"));
  EXPECT_EQ(of(connect_answer({Reason::anonymous, Cause::no_password}, v3_1_1, std::uint8_t{0x86})), bytes("20 02 00 05"))
      << "a reason code is nothing to MQTT 3";
}

TEST(ConnectAnswer, IsSilenceWhereTheReasonSaysClose) {
  EXPECT_TRUE(connect_answer({Reason::anonymous, Cause::no_user}, std::nullopt).empty()) << "version unknown";
  EXPECT_TRUE(connect_answer({Reason::malformed_connect, Cause::flags}, v3_1_1).empty());
  EXPECT_TRUE(connect_answer({Reason::connect_too_large, Cause::none}, v5).empty());
  EXPECT_TRUE(connect_answer({Reason::not_mqtt, Cause::http}, v5).empty());
}

TEST(SessionAnswer, IsADisconnectInMqtt5AndSilenceBefore) {
  EXPECT_EQ(of(session_answer({Reason::malformed_packet, Cause::type_publish}, v5)), bytes("e0 02 81 00"));
  EXPECT_EQ(of(session_answer({Reason::protocol_error, Cause::direction}, v5)), bytes("e0 02 82 00"));
  EXPECT_EQ(of(session_answer({Reason::packet_too_large, Cause::none}, v5)), bytes("e0 02 95 00"));
  EXPECT_EQ(of(session_answer({Reason::evicted, Cause::shutdown}, v5, std::uint8_t{0x98})), bytes("e0 02 98 00"));
  EXPECT_TRUE(session_answer({Reason::malformed_packet, Cause::type_publish}, v3_1_1).empty());
  EXPECT_TRUE(session_answer({Reason::malformed_packet, Cause::type_publish}, MqttVersion::v3_1).empty());
}

TEST(SessionAnswer, NeverSaysWhatDisconnectMustNot) {
  EXPECT_EQ(of(session_answer({Reason::upstream_unavailable, Cause::reset}, v5)), bytes("e0 02 80 00"))
      << "0x88 is for CONNACK";
}

TEST(Answers, ToEveryRefusalAreWholePacketsOrNothing) {
  for (const Refusal& refusal : refusals()) {
    const ByteVector to_v3 = of(connect_answer(refusal, v3_1_1));
    EXPECT_TRUE(to_v3.empty() || (to_v3.size() == 4 && to_v3[3] != 0)) << label(refusal.reason);
    const ByteVector to_v5 = of(connect_answer(refusal, v5));
    EXPECT_TRUE(to_v5.empty() || (to_v5.size() == 5 && to_v5[3] >= 0x80)) << label(refusal.reason);
    const ByteVector in_session = of(session_answer(refusal, v5));
    EXPECT_TRUE(in_session.empty() || (in_session.size() == 4 && in_session[2] >= 0x80)) << label(refusal.reason);
  }
}

TEST(UpstreamRefusal, CountsTheBrokersCodeByItsMeaning) {
  EXPECT_FALSE(upstream_refusal(v3_1_1, 0).has_value());
  EXPECT_FALSE(upstream_refusal(v5, 0).has_value());
  EXPECT_EQ(upstream_refusal(v3_1_1, 1)->cause, Cause::code_version);
  EXPECT_EQ(upstream_refusal(v3_1_1, 2)->cause, Cause::code_client_id);
  EXPECT_EQ(upstream_refusal(v3_1_1, 3)->cause, Cause::code_unavailable);
  EXPECT_EQ(upstream_refusal(v3_1_1, 4)->cause, Cause::code_credentials);
  EXPECT_EQ(upstream_refusal(v3_1_1, 5)->cause, Cause::code_not_authorized);
  EXPECT_EQ(upstream_refusal(v5, 0x84)->cause, Cause::code_version);
  EXPECT_EQ(upstream_refusal(v5, 0x85)->cause, Cause::code_client_id);
  EXPECT_EQ(upstream_refusal(v5, 0x86)->cause, Cause::code_credentials);
  EXPECT_EQ(upstream_refusal(v5, 0x87)->cause, Cause::code_not_authorized);
  EXPECT_EQ(upstream_refusal(v5, 0x88)->cause, Cause::code_unavailable);
  EXPECT_EQ(upstream_refusal(v5, 0x89)->cause, Cause::code_unavailable);
  EXPECT_EQ(upstream_refusal(v5, 0x97)->cause, Cause::code_other);
  EXPECT_EQ(upstream_refusal(v5, 0x04)->cause, Cause::code_other) << "a return code of MQTT 3 means nothing in MQTT 5";
}

}  // namespace
}  // namespace bastion::inspect
