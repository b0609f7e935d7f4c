// What log lines say, and that nothing a client sends can forge or break one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::string_literals;

// 2026-01-02T03:04:05.678Z
constexpr std::chrono::system_clock::time_point wall{std::chrono::milliseconds{1'767'323'045'678}};

Ending wrong_password() {
  Ending ending;
  ending.refusal = Refusal{Reason::bad_credentials, Cause::password};
  ending.origin = {Address::v4(192, 0, 2, 1), 50123};
  ending.duration_ms = 12;
  ending.bytes_up = 40;
  ending.bytes_down = 4;
  ending.version = MqttVersion::v3_1_1;
  ending.tls_version = "TLSv1.3";
  ending.user_name = "pump-7";
  ending.user_is_known = true;
  ending.client_id = "pump 7";
  return ending;
}

std::string text_line(const Ending& ending) {
  return ending_line(ending, "devices", wall, LogFormat::text, Mask{});
}
std::string json_line(const Ending& ending) {
  return ending_line(ending, "devices", wall, LogFormat::json, Mask{});
}

TEST(EndingLine, TellsARefusalWithTheAddressFirstAndTheClientsWordsLast) {
  EXPECT_EQ(text_line(wrong_password()),
            "2026-01-02T03:04:05.678Z refused client=192.0.2.1:50123 listener=devices stage=auth reason=bad_credentials "
            "cause=password duration_ms=12 bytes_up=40 bytes_down=4 tls=TLSv1.3 mqtt=3.1.1 user=\"pump-7\" "
            "client_id=\"pump 7\"");
}

TEST(EndingLine, TellsTheSameInJson) {
  EXPECT_EQ(json_line(wrong_password()),
            R"({"time":"2026-01-02T03:04:05.678Z","event":"refused","client":"192.0.2.1:50123","listener":"devices",)"
            R"("stage":"auth","reason":"bad_credentials","cause":"password","duration_ms":12,"bytes_up":40,"bytes_down":4,)"
            R"("tls":"TLSv1.3","mqtt":"3.1.1","user":"pump-7","client_id":"pump 7"})");
}

TEST(EndingLine, TellsHowAConnectionClosedThatNobodyRefused) {
  Ending ending;
  ending.close = Close::upstream_closed;
  ending.origin = {*Address::parse("2001:db8::1"), 50123};
  ending.version = MqttVersion::v5_0;
  ending.role = "sensor";
  ending.detail = "Connection reset by peer";
  EXPECT_EQ(text_line(ending),
            "2026-01-02T03:04:05.678Z closed client=[2001:db8::1]:50123 listener=devices how=upstream_closed duration_ms=0 "
            "bytes_up=0 bytes_down=0 mqtt=5.0 role=\"sensor\" detail=\"Connection reset by peer\"");
}

TEST(EndingLine, LeavesOutACauseThatSaysNothing) {
  Ending ending;
  ending.refusal = Refusal{Reason::connect_too_large};
  EXPECT_THAT(text_line(ending), HasSubstr("reason=connect_too_large duration_ms="));
  EXPECT_THAT(json_line(ending), Not(HasSubstr("cause")));
}

TEST(EndingLine, CannotBeForgedThroughAClientIdentifier) {
  Ending ending = wrong_password();
  ending.client_id = "x\" client=203.0.113.9:1\n2026-01-02T03:04:05.678Z refused client=203.0.113.9:1";
  const std::string line = text_line(ending);
  EXPECT_THAT(line, HasSubstr(R"(client_id="x\x22 client=203.0.113.9:1\x0a2026-01-02)"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  // The quotes that stand are the line's own: two fields of two each.
  EXPECT_EQ(std::count(line.begin(), line.end(), '"'), 4);
}

TEST(EndingLine, CutsWhatTheClientChose) {
  Ending ending = wrong_password();
  ending.client_id = std::string(65, 'c');
  EXPECT_THAT(text_line(ending), EndsWith("client_id=\"" + std::string(64, 'c') + "...\""));
}

TEST(EndingLine, MasksAUserWhomNobodyKnows) {
  Ending ending = wrong_password();
  ending.user_is_known = false;
  ending.user_name = "hunter2-is-my-password";
  EXPECT_THAT(text_line(ending), Not(HasSubstr("hunter2")));
  EXPECT_THAT(text_line(ending), HasSubstr("user=\"h*(16-31)#"));
  EXPECT_THAT(json_line(ending), Not(HasSubstr("hunter2")));
}

TEST(EndingLine, EscapesTheFirstCharacterOfAMaskedUser) {
  Ending ending = wrong_password();
  ending.user_is_known = false;
  ending.user_name = "\" client=";
  EXPECT_THAT(text_line(ending), HasSubstr(R"(user="\x22*(8-15)#)"));
}

TEST(EndingLine, WritesTimesWithAllTheirDigits) {
  const std::chrono::system_clock::time_point early{std::chrono::milliseconds{7}};
  EXPECT_THAT(ending_line(Ending{}, "a", early, LogFormat::text, Mask{}), StartsWith("1970-01-01T00:00:00.007Z closed "));
}

TEST(Escaped, ShowsPrintableAsciiAsItIs) {
  EXPECT_EQ(escaped("az AZ09 ~!#$%&'()*+,-./:;<=>?@[]^_`{|}", LogFormat::text), "az AZ09 ~!#$%&'()*+,-./:;<=>?@[]^_`{|}");
}

TEST(Escaped, WritesEveryOtherByteInHexadecimal) {
  const std::string_view bytes{"\0\x1b\"\\\x7f\xc3\xa9", 7};
  EXPECT_EQ(escaped(bytes, LogFormat::text), R"(\x00\x1b\x22\x5c\x7f\xc3\xa9)");
  EXPECT_EQ(escaped(bytes, LogFormat::json), R"(\u0000\u001b\"\\\u007f\u00c3\u00a9)");
}

TEST(Escaped, CutsBytesAndNotTheirEscapes) {
  EXPECT_EQ(escaped("\n\n\n", LogFormat::text, 2), R"(\x0a\x0a...)");
  EXPECT_EQ(escaped("abc", LogFormat::text, 3), "abc");
  EXPECT_EQ(escaped("", LogFormat::text, 0), "");
}

TEST(DenialLine, TellsWhatWasDeniedAndItsTopicLast) {
  auto ending = wrong_password();
  ending.role = "sensor";
  const auto line = [&](LogFormat format) {
    return denial_line(ending, Denied::publish, TopicNote{{"a/\"b\"\n", 1, true}}, "devices", wall, format, Mask{});
  };
  EXPECT_EQ(
      line(LogFormat::text),
      "2026-01-02T03:04:05.678Z denied client=192.0.2.1:50123 listener=devices what=publish qos=1 retain=true tls=TLSv1.3 "
      "mqtt=3.1.1 role=\"sensor\" user=\"pump-7\" client_id=\"pump 7\" topic=\"a/\\x22b\\x22\\x0a\"");
  EXPECT_EQ(
      line(LogFormat::json),
      R"({"time":"2026-01-02T03:04:05.678Z","event":"denied","client":"192.0.2.1:50123","listener":"devices",)"
      R"("what":"publish","qos":1,"retain":"true","tls":"TLSv1.3","mqtt":"3.1.1","role":"sensor","user":"pump-7","client_id":"pump 7",)"
      R"("topic":"a/\"b\"\u000a"})");
}

TEST(MessageLine, IsASentenceInTextAndAnObjectInJson) {
  EXPECT_EQ(message_line(LogLevel::warning, "policy \"a\" is\nbad", wall, LogFormat::text),
            "2026-01-02T03:04:05.678Z warning policy \"a\" is\\x0abad");
  EXPECT_EQ(message_line(LogLevel::info, "policy \"a\" is\nbad", wall, LogFormat::json),
            R"({"time":"2026-01-02T03:04:05.678Z","level":"info","message":"policy \"a\" is\u000abad"})");
}

TEST(MessageLine, IsCut) {
  const std::string line = message_line(LogLevel::error, std::string(5000, 'x'), wall, LogFormat::text);
  EXPECT_EQ(line, "2026-01-02T03:04:05.678Z error " + std::string(2048, 'x') + "...");
}

}  // namespace
}  // namespace bastion::account
