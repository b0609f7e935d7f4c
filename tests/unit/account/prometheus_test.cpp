// The metrics page has the form that Prometheus demands, and tells nothing that a client chose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "proxy/account/tally.hpp"

namespace bastion::account {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

GateFacts some_gate() {
  GateFacts gate;
  gate.version = "1.2.3";
  gate.start_time_seconds = 1.7e9;
  gate.policy_reload_time_seconds = 1'700'000'000.25;
  gate.policy_reloads_ok = 2;
  gate.policy_reloads_bad = 1;
  gate.certificates = {{"server.crt", 1.8e9}};
  gate.sandbox = {{"landlock", false}, {"seccomp", true}};
  return gate;
}

std::string page_of(const std::vector<ListenerTally>& listeners) {
  return prometheus_text(some_gate(), listeners);
}

TEST(PrometheusText, StartsEachFamilyOnceWithHelpAndType) {
  std::map<std::string, int> helps;
  std::map<std::string, int> types;
  std::string family;
  static const std::regex sample_form{R"re(([a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+)re"};
  for (const std::string& line : lines_of(page_of({{"devices", {}}, {"local", {}}}))) {
    std::istringstream words{line};
    std::string hash;
    std::string word;
    std::string name;
    if (line.starts_with("# ")) {
      words >> hash >> word >> name;
      ++(word == "HELP" ? helps : types)[name];
      family = name;
      continue;
    }
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, sample_form)) << line;
    EXPECT_EQ(match[1], family);
    EXPECT_TRUE(family.starts_with("mqtt_bastion_")) << family;
  }
  EXPECT_EQ(helps, types);
  EXPECT_GE(helps.size(), 19u);
  for (const auto& [name, count] : helps) EXPECT_EQ(count, 1) << name;
}

TEST(PrometheusText, EndsTheNamesOfCountersAndOnlyThoseInTotal) {
  for (const std::string& line : lines_of(page_of({{"devices", {}}}))) {
    if (!line.starts_with("# TYPE ")) continue;
    const bool is_counter = line.ends_with(" counter");
    EXPECT_EQ(line.find("_total ") != std::string::npos, is_counter) << line;
    EXPECT_TRUE(is_counter || line.ends_with(" gauge")) << line;
  }
}

TEST(PrometheusText, ShowsEachSeriesOnce) {
  std::set<std::string> series;
  for (const std::string& line : lines_of(page_of({{"devices", {}}, {"local", {}}}))) {
    if (line.starts_with("#")) continue;
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
}

TEST(PrometheusText, KnowsNoLabelBeyondTheClosedList) {
  const std::set<std::string> known{"listener",  "stage", "reason", "cause",   "how",  "resumed",
                                    "direction", "file",  "result", "version", "what", "layer"};
  static const std::regex label_form{R"re([{,]([a-z_]+)=")re"};
  const std::string page = page_of({{"devices", {}}});
  for (std::sregex_iterator at{page.begin(), page.end(), label_form}; at != std::sregex_iterator{}; ++at) {
    EXPECT_TRUE(known.contains((*at)[1])) << (*at)[1];
  }
}

TEST(PrometheusText, ShowsEveryRefusalBeforeItsFirstTime) {
  std::size_t series = 0;
  for (const std::string& line : lines_of(page_of({{"devices", {}}}))) {
    if (!line.starts_with("mqtt_bastion_refusals_total{")) continue;
    ++series;
    EXPECT_TRUE(line.ends_with(" 0")) << line;
  }
  EXPECT_EQ(series, refusals().size());
}

TEST(PrometheusText, TellsARefusalByStageReasonAndCause) {
  ListenerTally devices{"devices", {}};
  devices.tally.refusals[index_of({Reason::not_tls, Cause::http})] = 7;
  EXPECT_THAT(
      page_of({devices}),
      HasSubstr("\nmqtt_bastion_refusals_total{listener=\"devices\",stage=\"tls\",reason=\"not_tls\",cause=\"http\"} 7\n"));
}

TEST(PrometheusText, DoesNotTellAnUnknownUserFromAWrongPassword) {
  ListenerTally devices{"devices", {}};
  devices.tally.refusals[index_of({Reason::bad_credentials, Cause::user})] += 3;
  devices.tally.refusals[index_of({Reason::bad_credentials, Cause::password})] += 4;
  const std::string page = page_of({devices});
  EXPECT_THAT(page, HasSubstr("stage=\"auth\",reason=\"bad_credentials\",cause=\"credentials\"} 7\n"));
  EXPECT_THAT(page, Not(HasSubstr("cause=\"user\"")));
  EXPECT_THAT(page, Not(HasSubstr("cause=\"password\"")));
}

TEST(PrometheusText, ShowsTheCountersOfAListener) {
  ListenerTally devices{"devices", {}};
  Tally& tally = devices.tally;
  tally.accepted = 11;
  tally.connections = 2;
  tally.admitted = 9;
  tally.sessions = 1;
  tally.upstream_connects = 10;
  tally.tls_handshakes = 8;
  tally.tls_resumptions = 3;
  tally.bytes_up = 12;
  tally.bytes_down = 13;
  tally.packets_up = 14;
  tally.packets_down = 15;
  tally.closes[static_cast<std::size_t>(Close::upstream_closed)] = 16;
  const std::string page = page_of({devices});
  for (const char* line : {
           "mqtt_bastion_connections_total{listener=\"devices\"} 11\n",
           "mqtt_bastion_open_connections{listener=\"devices\"} 2\n",
           "mqtt_bastion_admitted_total{listener=\"devices\"} 9\n",
           "mqtt_bastion_sessions{listener=\"devices\"} 1\n",
           "mqtt_bastion_upstream_connects_total{listener=\"devices\"} 10\n",
           "mqtt_bastion_tls_handshakes_total{listener=\"devices\",resumed=\"true\"} 3\n",
           "mqtt_bastion_tls_handshakes_total{listener=\"devices\",resumed=\"false\"} 5\n",
           "mqtt_bastion_bytes_total{listener=\"devices\",direction=\"up\"} 12\n",
           "mqtt_bastion_bytes_total{listener=\"devices\",direction=\"down\"} 13\n",
           "mqtt_bastion_packets_total{listener=\"devices\",direction=\"up\"} 14\n",
           "mqtt_bastion_packets_total{listener=\"devices\",direction=\"down\"} 15\n",
           "mqtt_bastion_closes_total{listener=\"devices\",how=\"upstream_closed\"} 16\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(PrometheusText, ShowsTheGateItself) {
  GateFacts gate = some_gate();
  gate.policy_reload_ok = false;
  gate.log_lines_dropped = 5;
  gate.accept_errors = 6;
  gate.password_queue = 7;
  const std::string page = prometheus_text(gate, {});
  for (const char* line : {
           "mqtt_bastion_build_info{version=\"1.2.3\"} 1\n",
           "mqtt_bastion_start_time_seconds 1.7e+09\n",
           "mqtt_bastion_certificate_not_after_seconds{file=\"server.crt\"} 1.8e+09\n",
           "mqtt_bastion_policy_last_reload_successful 0\n",
           "mqtt_bastion_policy_last_reload_timestamp_seconds 1700000000.25\n",
           "mqtt_bastion_policy_reloads_total{result=\"good\"} 2\n",
           "mqtt_bastion_policy_reloads_total{result=\"bad\"} 1\n",
           "mqtt_bastion_log_lines_dropped_total 5\n",
           "mqtt_bastion_accept_errors_total 6\n",
           "mqtt_bastion_password_queue 7\n",
           "mqtt_bastion_sandbox_layer{layer=\"landlock\"} 0\n",
           "mqtt_bastion_sandbox_layer{layer=\"seccomp\"} 1\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(PrometheusText, EscapesLabelValues) {
  GateFacts gate = some_gate();
  gate.certificates = {{"a\"b\\c\nd.crt", 1}};
  EXPECT_THAT(prometheus_text(gate, {}), HasSubstr("{file=\"a\\\"b\\\\c\\nd.crt\"} 1\n"));
}

TEST(PrometheusText, ShowsTheFirstEndOfCertificatesThatShareAName) {
  GateFacts gate = some_gate();
  gate.certificates = {{"server.crt", 30}, {"server.crt", 10}, {"server.crt", 20}};
  const std::string page = prometheus_text(gate, {});
  EXPECT_THAT(page, HasSubstr("{file=\"server.crt\"} 10\n"));
  EXPECT_THAT(page, Not(HasSubstr("{file=\"server.crt\"} 30\n")));
}

}  // namespace
}  // namespace bastion::account
