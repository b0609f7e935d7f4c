// What a person and a program are told of the gate.
#include "proxy/account/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bastion::account {
namespace {

using testing::HasSubstr;
using testing::Not;

Status sample() {
  Status status;
  status.gate.version = "1.2.3";
  status.gate.start_time_seconds = 1'000'000;
  status.gate.policy_reload_time_seconds = 1'090'000;
  status.gate.policy_reloads_ok = 2;
  status.gate.certificates = {{"server.crt", 1'100'000 + 86'400 * 30}};
  status.now_s = 1'100'000;
  status.policy_path = "/etc/p.toml";
  status.workers = 2;
  auto& devices = status.listeners.emplace_back();
  devices.name = "devices";
  devices.addresses = {"0.0.0.0:8883", "[::]:8883"};
  devices.tally.accepted = 12;
  devices.tally.connections = 3;
  devices.tally.refusals[index_of({Reason::anonymous, Cause::no_user})] = 4;
  devices.tally.refusals[index_of({Reason::bad_credentials, Cause::none})] = 5;
  devices.tally.refusals[index_of({Reason::evicted, Cause::reload})] = 2;
  status.recent_s = 60;
  status.recent.accepted = 90;
  status.recent.refusals[index_of({Reason::anonymous, Cause::no_user})] = 1;
  Source source;
  source.address = Address::v4(192, 0, 2, 7);
  source.refusals = 9;
  source.overcount = 2;
  source.last = {Reason::anonymous, Cause::no_user};
  source.last_s = 1'099'990;
  status.sources = {source};
  return status;
}

TEST(Status, TellsWhichLayersOfTheSandboxHoldAndWhichDoNot) {
  auto status = sample();
  EXPECT_THAT(status_text(status), Not(HasSubstr("sandbox")));
  status.gate.sandbox = {{"user", false}, {"landlock", true}, {"seccomp", true}};
  EXPECT_THAT(status_text(status), HasSubstr("\nsandbox: landlock, seccomp; without user\n"));
  EXPECT_THAT(status_json(status), HasSubstr(R"("sandbox":{"user":false,"landlock":true,"seccomp":true})"));
}

TEST(StatusText, SaysHowTheGateIs) {
  const auto text = status_text(sample());
  EXPECT_THAT(text, HasSubstr("mqtt-bastion 1.2.3, up 1d 03:46:40, 2 workers\n"));
  EXPECT_THAT(text, HasSubstr("policy /etc/p.toml, loaded 02:46:40 ago; reloads: 2 good, 0 bad\n"));
  EXPECT_THAT(text, HasSubstr("certificate server.crt: 30 days left\n"));
  EXPECT_THAT(text, HasSubstr("  devices   enforce  mqtts         3         0        12         0        9        2  "
                              "0.0.0.0:8883 [::]:8883\n"));
  EXPECT_THAT(text, HasSubstr("1.5/s"));
  EXPECT_THAT(text, HasSubstr("  bad_credentials  auth   credentials      5         0\n"
                              "  anonymous        auth   no_user          4         1\n"));
  EXPECT_THAT(text, HasSubstr("  sessions ended by the gate  stage    cause   times  last 60s\n"
                              "  evicted                     session  reload      2         0\n"));
  EXPECT_THAT(text, HasSubstr("  192.0.2.7       >=7  anonymous  00:00:10\n"));
  EXPECT_THAT(text, Not(HasSubstr("observed")));
  EXPECT_THAT(text, Not(HasSubstr("FAILED")));
}

TEST(StatusText, ShoutsWhatIsWrong) {
  auto status = sample();
  status.gate.policy_reload_ok = false;
  status.complaints = {"p.toml:3:1: unknown key"};
  status.state_fault = "No space left on device";
  status.gate.certificates = {{"old.crt", 1}};
  status.draining = true;
  const auto text = status_text(status);
  EXPECT_THAT(text, HasSubstr("THE LAST RELOAD FAILED; the policy before it stays in force:\n  p.toml:3:1: unknown key\n"));
  EXPECT_THAT(text, HasSubstr("COUNTERS ARE NOT KEPT: No space left on device\n"));
  EXPECT_THAT(text, HasSubstr("certificate old.crt: EXPIRED\n"));
  EXPECT_THAT(text, HasSubstr(", DRAINING\n"));
}

TEST(StatusText, TellsWhatEnforcingWouldHaveRefused) {
  auto status = sample();
  status.listeners[0].mode = Mode::observe;
  status.listeners[0].tally.would_refuse[index_of({Reason::ip_denied, Cause::not_allowed})] = 6;
  status.observed_sources = status.sources;
  const auto text = status_text(status);
  EXPECT_THAT(text, HasSubstr("would be refused for (observed only)"));
  EXPECT_THAT(text, HasSubstr("ip_denied"));
  EXPECT_THAT(text, HasSubstr("most would be refused"));
  EXPECT_THAT(text, HasSubstr("observe"));
}

TEST(StatusJson, IsOneObjectWithTheSame) {
  auto status = sample();
  status.complaints = {"a \"quoted\"\nline"};
  const auto json = status_json(status);
  EXPECT_THAT(json, HasSubstr(R"("version":"1.2.3")"));
  EXPECT_THAT(json, HasSubstr(R"("uptime_seconds":100000)"));
  EXPECT_THAT(json, HasSubstr(R"("complaints":["a \"quoted\"\u000aline"])"));
  EXPECT_THAT(json, HasSubstr(R"("addresses":["0.0.0.0:8883","[::]:8883"])"));
  EXPECT_THAT(json, HasSubstr(R"({"stage":"auth","reason":"anonymous","cause":"no_user","times":4,"recently":1})"));
  EXPECT_THAT(json, HasSubstr(R"("sources":[{"address":"192.0.2.7","refusals":7,"refusals_max":9,)"));
  EXPECT_THAT(json, HasSubstr(R"("observed_sources":[])"));
  EXPECT_THAT(json, Not(HasSubstr(",]")));
  EXPECT_THAT(json, Not(HasSubstr(",}")));
  EXPECT_THAT(json, Not(HasSubstr("{,")));
}

}  // namespace
}  // namespace bastion::account
