// The policy file: what is accepted, and how each mistake is answered.
#include "policy/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "policy/keys.hpp"

namespace bastion {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view minimal = R"(schema = 1
[upstream]
address = "127.0.0.1:1883"
[tls]
certificate = "server.crt"
key = "server.key"
[[listener]]
name = "devices"
address = "0.0.0.0:8883"
[admission]
allow = ["192.168.10.0/24"]
[authentication]
password_file = "passwd"
)";

/// Files that exist only here.
class Files {
 public:
  Files() = default;
  Files(std::initializer_list<std::pair<const std::string, std::string>> files) : files_{files} {}
  [[nodiscard]] ReadFile reader() const {
    return [files = files_](const std::string& path) -> std::variant<std::string, FileError> {
      const auto found = files.find(path);
      if (found == files.end()) return FileError{"No such file or directory", true};
      return found->second;
    };
  }

 private:
  std::map<std::string, std::string> files_;
};

ParsedPolicy parse(std::string_view toml, const Files& files = {}, const std::string& file = "policy.toml") {
  const auto reader = files.reader();
  return parse_policy(toml, file, reader);
}

std::vector<std::string> lines(const ParsedPolicy& parsed) {
  std::vector<std::string> out;
  for (const auto& complaint : parsed.complaints) out.push_back(text(complaint));
  return out;
}

std::string with(std::string_view before, std::string_view what, std::string_view instead) {
  std::string out{before};
  const auto at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) out.replace(at, what.size(), instead);
  return out;
}
std::string changed(std::string_view what, std::string_view instead) {
  return with(minimal, what, instead);
}
std::string extended(std::string_view more) {
  return std::string{minimal} + std::string{more};
}

/// The complaints about a policy, which must not be usable.
std::vector<std::string> complaints(const std::string& toml, const Files& files = {}) {
  const auto parsed = parse(toml, files);
  EXPECT_FALSE(parsed.policy);
  return lines(parsed);
}

/// The one policy that is meant, whatever warnings it has.
Policy accepted(const std::string& toml, const Files& files = {}) {
  auto parsed = parse(toml, files);
  EXPECT_TRUE(parsed.policy) << testing::PrintToString(lines(parsed));
  return parsed.policy ? std::move(*parsed.policy) : Policy{};
}

/// Everything that a policy holds but places in the file.
std::string dump(const Policy& policy) {
  std::ostringstream out;
  const auto& [where, said, mode, gate, admin, upstream, tls, listeners, admission, authentication, authorization, mqtt,
               roles, expectations] = policy;
  out << where.file << ' ' << int(mode) << ' ' << gate.workers << ' ' << gate.drain_timeout.count() << ' '
      << int(gate.log_format) << int(gate.log_level) << ' ' << gate.log_lines_per_source_max << ' '
      << (gate.state_dir ? gate.state_dir->value : "-") << '\n';
  out << admin.address.value.text() << ' ' << admin.enabled << ' ' << (admin.socket ? admin.socket->value : "-") << '\n';
  out << (upstream.tcp ? upstream.tcp->text() : "-") << ' ' << upstream.unix_path << ' ' << upstream.connect_timeout.count()
      << ' ' << upstream.connack_timeout.count() << ' ' << upstream.stall_timeout.count() << ' ';
  if (upstream.credentials) out << upstream.credentials->user_name << '@' << upstream.credentials->password_file.value;
  out << '\n';
  for (const auto& pair : tls.key_pairs) out << pair.certificate.value << '+' << pair.key.value << ' ';
  out << int(tls.profile) << ' ' << tls.handshake_timeout.count() << ' ' << tls.ticket_rotation.count() << ' '
      << tls.key_updates_max << '\n';
  for (const auto& listener : listeners) {
    out << listener.name << ' ' << int(listener.transport) << listener.plaintext_beyond_loopback
        << int(policy.mode_of(listener));
    for (const auto& address : listener.addresses) out << ' ' << address.value.text();
    out << '\n';
  }
  out << admission.prefixes.size() << ' ' << admission.connections_max << ' ' << admission.connections_per_address_max << ' '
      << admission.handshakes_max << ' ' << admission.handshakes_per_address_max << ' '
      << admission.connect_rate_per_address.burst << '/' << admission.connect_rate_per_address.every.count() << ' '
      << admission.addresses_tracked_max << '\n';
  out << authentication.required << ' ' << (authentication.password_file ? authentication.password_file->value : "-") << ' '
      << authentication.hash_threads << ' ' << authentication.hash_queue_max << ' ' << authentication.hash_wait_max.count()
      << ' ' << authentication.argon2_memory_max << '\n';
  if (authorization.acl_file) out << authorization.acl_file->value << '\n';
  out << mqtt.allow_v3_1 << mqtt.allow_v3_1_1 << mqtt.allow_v5_0 << mqtt.allow_bridge << ' ' << mqtt.connect_timeout.count()
      << ' ' << mqtt.connect_size_max << ' ' << mqtt.packet_size_max << ' ' << mqtt.keep_alive_max.count() << ' '
      << mqtt.slow_reader_timeout.count() << ' ' << mqtt.user_properties_max << ' ' << mqtt.client_id_empty << ' '
      << mqtt.client_id_length_max << ' ' << mqtt.client_id_characters << ' '
      << (mqtt.client_id_pattern ? mqtt.client_id_pattern->text() : "-") << '\n';
  for (const auto& role : roles) {
    out << role.name;
    for (const auto& user : role.users) out << " u=" << user.text();
    for (const auto& network : role.networks) out << " n=" << network.text();
    if (role.client_id) out << " c=" << role.client_id->text();
    out << '\n';
  }
  for (const auto& [client, admitted, refused, topic, allowed, at] : expectations) {
    out << client.from.text() << ' ' << client.listener << ' ' << int(client.version) << ' ' << client.user.value_or("-")
        << ' ' << int(client.password) << ' ' << client.client_id << ' ' << client.keep_alive_s << ' ' << admitted << refused
        << (topic ? topic->text : "") << allowed.value_or(false) << '\n';
  }
  return out.str();
}

TEST(ParsePolicy, TakesASmallPolicyWithSafeDefaults) {
  const auto parsed = parse(minimal, {}, "/etc/mqtt-bastion/policy.toml");
  ASSERT_TRUE(parsed.policy);
  EXPECT_THAT(lines(parsed), IsEmpty());
  const auto& policy = *parsed.policy;
  EXPECT_EQ(policy.upstream.tcp->text(), "127.0.0.1:1883");
  ASSERT_EQ(policy.tls.key_pairs.size(), 1u);
  EXPECT_EQ(policy.tls.key_pairs[0].certificate.value, "/etc/mqtt-bastion/server.crt");
  EXPECT_EQ(policy.tls.key_pairs[0].certificate.where.line, 5u);
  EXPECT_EQ(policy.authentication.password_file->value, "/etc/mqtt-bastion/passwd");
  EXPECT_TRUE(policy.authentication.required);
  ASSERT_EQ(policy.listeners.size(), 1u);
  EXPECT_EQ(policy.listeners[0].transport, Transport::mqtts);
  EXPECT_EQ(policy.listeners[0].where.line, 7u);
  EXPECT_EQ(policy.admission.rule_files, std::vector<std::string>{"/etc/mqtt-bastion/policy.toml"});
  const auto* rule = policy.admission.prefixes.find(Address::v4(192, 168, 10, 7));
  ASSERT_NE(rule, nullptr);
  EXPECT_TRUE(rule->allow);
  EXPECT_EQ(rule->line, 11u);
  EXPECT_EQ(policy.admission.prefixes.find(Address::v4(192, 168, 11, 7)), nullptr);
  EXPECT_FALSE(policy.mqtt.allow_v3_1);
}

TEST(ParsePolicy, TakesEveryKey) {
  const auto policy = accepted(R"(
schema = 1
mode = "observe"
[gate]
workers = 2
state_dir = "state"
drain_timeout = "1m"
log = { format = "json", level = "debug", lines_per_source_max = 5 }
[admin]
address = "off"
socket = "/run/control.sock"
[upstream]
address = "unix:/run/mosquitto.sock"
connect_timeout = "1s"
connack_timeout = "2s"
stall_timeout = "3s"
proxy_protocol = "off"
credentials = { username = "bastion", password_file = "upstream.secret" }
[tls]
certificate = ["ec.crt", "/abs/rsa.crt"]
key = ["ec.key", "/abs/rsa.key"]
profile = "modern"
handshake_timeout = "500ms"
ticket_rotation = "1h"
key_updates_max = 3
client_certificate = "none"
[[listener]]
name = "devices"
address = ["0.0.0.0:8883", "[::]:8883"]
[[listener]]
name = "local"
address = "127.0.0.1:1884"
transport = "mqtt"
[[listener]]
name = "plain"
address = "192.0.2.1:1884"
transport = "mqtt"
mode = "enforce"
plaintext_beyond_loopback = true
[admission]
allow = ["192.168.10.0/24", "2001:db8:10::/48"]
deny = ["192.168.10.66"]
connections_max = 100
connections_per_address_max = 10
handshakes_max = 20
handshakes_per_address_max = 5
connect_rate_per_address = { burst = 3, every = "250ms" }
addresses_tracked_max = 1000
[authentication]
required = true
password_file = "passwd"
hash_threads = 2
hash_queue_max = 9
hash_wait_max = "1s"
argon2_memory_max = "128MiB"
[mqtt]
versions = ["3.1", "3.1.1", "5.0", "bridge"]
connect_timeout = "4s"
connect_size_max = "1KiB"
packet_size_max = "2MiB"
keep_alive_max = "65535s"
slow_reader_timeout = "7s"
user_properties_max = 0
client_id_empty = false
client_id_length_max = 23
client_id_characters = "-"
client_id_pattern = "%u-*"
[[role]]
name = "sensor"
users = ["sensor-*", "probe?"]
networks = ["192.168.10.0/25"]
client_id = "%u-*"
[[role]]
name = "rest"
[[expect]]
from = "192.0.2.9"
listener = "local"
version = "5.0"
user = "u"
password_is = "none"
client_id = "c"
keep_alive = "5s"
admitted = false
refused = "ip_denied"
)");
  EXPECT_EQ(dump(policy), R"(policy.toml 1 2 60000 13 5 state
127.0.0.1:9883 0 /run/control.sock
- /run/mosquitto.sock 1000 2000 3000 bastion@upstream.secret
ec.crt+ec.key /abs/rsa.crt+/abs/rsa.key 0 500 3600000 3
devices 101 0.0.0.0:8883 [::]:8883
local 001 127.0.0.1:1884
plain 010 192.0.2.1:1884
3 100 10 20 5 3/250 1000
1 passwd 2 9 1000 134217728
1111 4000 1024 2097152 65535000 7000 0 0 23 - %u-*
sensor u=sensor-* u=probe? n=192.168.10.0/25 c=%u-*
rest
192.0.2.9 local 5 u 0 c 5 0ip_denied0
)");
}

TEST(ParsePolicy, NamesTheNearestKnownKey) {
  EXPECT_THAT(complaints(extended("[gate]\nworkesr = 1\n")),
              ElementsAre(R"(policy.toml:15:1: unknown key "workesr" in [gate]; did you mean "workers"?)"));
  EXPECT_THAT(
      complaints(changed("[admission]\n", "[admission]\nconnexions_max = 3\n")),
      ElementsAre(R"(policy.toml:11:1: unknown key "connexions_max" in [admission]; did you mean "connections_max"?)"));
  EXPECT_THAT(complaints(extended("[[listner]]\nname = \"x\"\n")),
              ElementsAre(R"(policy.toml:14:3: unknown section "listner"; did you mean [[listener]]?)"));
  EXPECT_THAT(complaints(extended("[gate]\npassword_file = \"x\"\n")),
              ElementsAre(HasSubstr(R"(unknown key "password_file" in [gate]; did you mean it in [)")));
  EXPECT_THAT(complaints(extended("[gate]\nzzzzzzzz = 1\n")),
              ElementsAre(R"(policy.toml:15:1: unknown key "zzzzzzzz" in [gate])"));
}

TEST(ParsePolicy, NamesTheNearestKnownSection) {
  EXPECT_THAT(complaints(extended("[gate.lgo]\nlevel = \"debug\"\n")),
              ElementsAre(R"(policy.toml:14:7: unknown section "gate.lgo"; did you mean [gate.log]?)"));
  EXPECT_THAT(complaints(extended("[log]\nlevel = \"debug\"\n")),
              ElementsAre(R"(policy.toml:14:2: unknown section "log"; did you mean [gate.log]?)"));
  EXPECT_THAT(
      complaints(extended("[zzzzzzzz]\n[[yyyyyyyy]]\n")),
      ElementsAre(R"(policy.toml:14:2: unknown section "zzzzzzzz")", R"(policy.toml:15:3: unknown section "yyyyyyyy")"));
}

TEST(ParsePolicy, ReadsAMisspelledNameAsWhatWasMeantAndDoesNotMissItToo) {
  for (const auto& [right, wrong] :
       std::map<std::string_view, std::string_view>{{"schema", "shema"},
                                                    {"[upstream]\naddress", "[upstream]\nadress"},
                                                    {"[upstream]", "[upsteam]"},
                                                    {"[admission]", "[admision]"},
                                                    {"allow", "alow"},
                                                    {"certificate", "certifcate"},
                                                    {"[[listener]]", "[[listner]]"},
                                                    {"name", "nme"},
                                                    {"[authentication]", "[autentication]"},
                                                    {"password_file", "pasword_file"}}) {
    EXPECT_THAT(complaints(changed(right, wrong)), ElementsAre(HasSubstr("did you mean"))) << wrong;
  }
  EXPECT_THAT(
      complaints(extended("[mqqt]\nkeep_alive_max = \"1ms\"\n")),
      ElementsAre(HasSubstr("did you mean [mqtt]"), HasSubstr("15:18: \"mqtt.keep_alive_max\" = 1ms is out of range")));
}

TEST(ParsePolicy, ReadsNothingTwiceForAMisspelledTwin) {
  EXPECT_THAT(complaints(changed("address = \"0.0.0.0:8883\"", "address = \"0.0.0.0:8883\"\nadress = \"0.0.0.0:8883\"")),
              ElementsAre(HasSubstr("did you mean \"address\"")));
  EXPECT_THAT(complaints(changed("allow = [\"192.168.10.0/24\"]", "alow = [\"10.0.0.0/8\"]\nalloww = [\"10.0.0.0/8\"]")),
              ElementsAre(HasSubstr("did you mean \"allow\""), HasSubstr("did you mean \"allow\"")));
}

TEST(ParsePolicy, TakesNoPathInAQuotedKey) {
  EXPECT_THAT(complaints("\"gate.workers\" = 2\n" + std::string{minimal}),
              ElementsAre(HasSubstr(R"(1:1: unknown key "gate.workers" at the top level)")));
  EXPECT_THAT(complaints("\"listener[]\" = {name = \"x\"}\n" + std::string{minimal}),
              ElementsAre(HasSubstr("unknown section")));
}

TEST(ParsePolicy, ReportsEverythingAtOnceInTheOrderOfTheFile) {
  const auto found = complaints(R"(schema = 1
[upstream]
address = "localhost:1883"
zeal = 1
[[listener]]
name = "Devices"
address = "0.0.0.0:8883"
transport = "mqtt"
[admission]
allow = ["192.168.10.7/24", "nonsense"]
[gate]
workers = "two"
drain_timeout = 10
)");
  EXPECT_THAT(
      found,
      ElementsAre(HasSubstr("policy.toml:1:1: authentication is required"),
                  HasSubstr(R"(policy.toml:3:11: "upstream.address": "localhost:1883" is not an IP address and a port)"),
                  HasSubstr(R"(policy.toml:4:1: unknown key "zeal" in [upstream])"),
                  HasSubstr(R"(policy.toml:6:8: "listener[].name": "Devices" is not a name)"),
                  HasSubstr(R"(policy.toml:7:11: "0.0.0.0:8883" would take passwords in the clear)"),
                  R"(policy.toml:10:10: "192.168.10.7/24": host bits are set; write "192.168.10.0/24")",
                  R"(policy.toml:10:29: "nonsense": is neither an IPv4 nor an IPv6 prefix)",
                  R"(policy.toml:12:11: "gate.workers" must be an integer, not a string)",
                  R"(policy.toml:13:17: "gate.drain_timeout" must be a duration such as "10s", not an integer)"));
}

TEST(ParsePolicy, PlacesASyntaxError) {
  const auto parsed = parse("schema = 1\n[gate\nworkers = 1\n");
  EXPECT_FALSE(parsed.policy);
  ASSERT_EQ(parsed.complaints.size(), 1u);
  EXPECT_EQ(parsed.complaints[0].where.line, 2u);
  EXPECT_GT(parsed.complaints[0].where.column, 0u);
  EXPECT_THAT(parsed.complaints[0].message, HasSubstr("not TOML"));
  EXPECT_FALSE(parse(std::string_view{"a = \"\xff\"\n"}).policy);
  EXPECT_FALSE(parse(std::string_view{"a\0b = 1", 7}).policy);
}

TEST(ParsePolicy, ShowsALineWhoseStringsLackTheirQuotesWithThem) {
  const auto shows = [](std::string_view toml, std::string_view mended) {
    const auto found = lines(parse(toml));
    ASSERT_EQ(found.size(), 1u) << toml;
    EXPECT_THAT(found[0], testing::EndsWith("; strings are written in quotes: " + std::string{mended})) << toml;
  };
  shows(changed("\"127.0.0.1:1883\"", "127.0.0.1:1883  # the broker"), R"(address = "127.0.0.1:1883")");
  shows("mode = enforce\r\n", R"(mode = "enforce")");
  shows("[upstream]\n  connect_timeout = 5s", R"(connect_timeout = "5s")");
  shows("address = [::]:8883\n", R"(address = "[::]:8883")");
  shows("allow = [\n  \"10.0.0.0/8\",\n  ::1, fe80::1, # home\n]\n", R"("::1", "fe80::1",)");
  shows("log = { format = json, lines_per_source_max = 5 }\n", R"(log = { format = "json", lines_per_source_max = 5 })");
  shows("versions = [3.1, 3.1.1]\n", R"(versions = ["3.1", "3.1.1"])");
  shows("mode = enforce\nmode = observe = x\n", R"(mode = "enforce")");
  shows("allow_file = /" + std::string(200, 'x'), "allow_file = \"/" + std::string(113, 'x') + "...");
  shows("path = caf\xc3\xa9\n", R"(key = "...")");
}

TEST(ParsePolicy, ShowsNoLineThatQuotesWouldNotMend) {
  for (const char* bad :
       {"a b\n", "a b = c\n", "[gate\n", "mode =\n", "mode = \"x\n", "mode = x\"y\"\n", "key = C:\\x\n", "= x\n",
        "required = True\n", "allow = [a, b\n", "address = 0.0.0.0:8883, 1\n", "a", "\n\n=", "mode = [x}\n"}) {
    EXPECT_THAT(lines(parse(bad)), ElementsAre(testing::Not(HasSubstr("quotes")))) << bad;
  }
  EXPECT_THAT(lines(parse("mode = " + std::string(2000, 'x'))), ElementsAre(testing::Not(HasSubstr("quotes"))));
}

TEST(ParsePolicy, BoundsWhatItReads) {
  std::string dotted = "a";
  for (int i = 0; i < 1'000'000; ++i) dotted += ".a";
  EXPECT_THAT(lines(parse("x = \"...#'\" # ''' \n" + dotted + " = 1\n")),
              ElementsAre(HasSubstr("policy.toml:2:34: a key with this many dots")));
  EXPECT_THAT(lines(parse(std::string(5u << 20, '\n'))), ElementsAre(HasSubstr("larger than 4MiB")));
  EXPECT_FALSE(parse("a = " + std::string(100'000, '[')).policy);
  std::string quoted_key = "'a'";
  for (int i = 0; i < 30; ++i) quoted_key += " . \"b\"";
  EXPECT_THAT(lines(parse(quoted_key + " = 1\n")), ElementsAre(HasSubstr("this many dots")));
  EXPECT_TRUE(parse(changed("\"passwd\"", "\"............................................/passwd\"")).policy);
}

TEST(ParsePolicy, TakesNothingThatItsTomlReaderTripsOver) {
  for (const char* bad :
       {"caf\xc3\xa9 = 1\n", "x = \xc3\xa9\n", "[\xc3\xa9]\n", "x = 1 \xc3\xa9\n", "x = \"a\"\xc3\xa9\n",
        "x = a\"\xc3\xa9\"\n", "x = \"\"\"a\\\n \xc3\xa9\"\"\"\n", "x = \'\'\'a\'\'\'\n", "[$", "x = \'", "x = \"\\"}) {
    const auto parsed = parse(bad);
    EXPECT_FALSE(parsed.policy);
    ASSERT_EQ(parsed.complaints.size(), 1u) << bad;
    EXPECT_EQ(parsed.complaints[0].where.line, 1u) << bad;
  }
  accepted("\xef\xbb\xbf# caf\xc3\xa9\r\n" + changed("\"passwd\"", "\"caf\xc3\xa9/passwd\" # \xc3\xa9"));
  EXPECT_THAT(complaints("\"\xc3\xa9\" = 1\n" + std::string{minimal}), ElementsAre(HasSubstr("unknown key \"\\xc3\\xa9\"")));
}

TEST(ParsePolicy, CapsItsComplaints) {
  std::string toml{minimal};
  for (int i = 0; i < 150; ++i) toml += "zzzzzz" + std::to_string(i) + " = 1\n";
  const auto found = complaints(toml);
  ASSERT_EQ(found.size(), 101u);
  EXPECT_THAT(found[0], HasSubstr("zzzzzz0"));
  EXPECT_EQ(found[100], "policy.toml: and 50 more");
}

TEST(ParsePolicy, WantsASchemaThatItKnows) {
  EXPECT_THAT(complaints(changed("schema = 1\n", "")),
              ElementsAre(R"(policy.toml:1:1: missing key "schema" at the top level; write schema = 1)"));
  EXPECT_THAT(complaints(changed("schema = 1", "schema = 2")),
              ElementsAre("policy.toml:1:10: schema = 2 is not known to this version; it reads schema = 1"));
}

TEST(ParsePolicy, WantsWhatIsRequired) {
  const auto found = complaints("");
  EXPECT_THAT(found, testing::IsSupersetOf({HasSubstr(R"(missing key "schema")"),
                                            HasSubstr(R"(missing [upstream] with its key "address")"),
                                            HasSubstr("there is no listener"), HasSubstr("nobody could enter")}));
  EXPECT_THAT(complaints(changed("name = \"devices\"\n", "")),
              ElementsAre(HasSubstr(R"(policy.toml:7:1: missing key "name" in [[listener]])")));
  EXPECT_THAT(complaints(changed("address = \"127.0.0.1:1883\"\n", "")),
              ElementsAre(HasSubstr(R"(policy.toml:2:2: missing key "address" in [upstream])")));
  EXPECT_THAT(complaints(changed("[tls]", "credentials = { username = \"b\" }\n[tls]")),
              ElementsAre(HasSubstr(R"(missing key "password_file" in [upstream.credentials])")));
}

TEST(ParsePolicy, BelievesOnlyBalancersThatAreNamed) {
  const auto with_balancers = [](const char* list) {
    return changed("name = \"devices\"", std::string{"name = \"devices\"\nbalancers = "} + list);
  };
  const auto policy = accepted(with_balancers(R"(["10.0.0.0/24", "2001:db8::5"])"));
  ASSERT_EQ(policy.listeners[0].balancers.size(), 2U);
  EXPECT_TRUE(policy.listeners[0].balancers[0].contains(Address::v4(10, 0, 0, 7)));
  EXPECT_THAT(complaints(with_balancers("[]")), ElementsAre(HasSubstr("leave it out where there is no balancer")));
  EXPECT_THAT(complaints(with_balancers(R"(["0.0.0.0/0"])")), ElementsAre(HasSubstr("would believe every address")));
  EXPECT_THAT(complaints(with_balancers(R"(["10.0.0.1/24"])")), ElementsAre(HasSubstr("10.0.0.0/24")));
}

TEST(ParsePolicy, HandsTheBrokerTheClientsAddressWhereAsked) {
  using Wanted = UpstreamProxyHeader;
  EXPECT_EQ(accepted(std::string{minimal}).upstream.proxy_header, Wanted::off);
  EXPECT_EQ(accepted(changed("[tls]", "proxy_protocol = \"v1\"\n[tls]")).upstream.proxy_header, Wanted::v1);
  EXPECT_EQ(accepted(changed("[tls]", "proxy_protocol = \"v2\"\n[tls]")).upstream.proxy_header, Wanted::v2);
}

TEST(ParsePolicy, RefusesRulesThatItWouldNotEnforce) {
  const auto expect_refused = [](const std::string& toml, const char* what) {
    EXPECT_THAT(complaints(toml), ElementsAre(AllOf(HasSubstr(what), HasSubstr("is not enforced by this version")))) << toml;
  };
  expect_refused(changed("[tls]", "tls = { ca = \"x\" }\n[tls]"), "\"upstream.tls\"");
  expect_refused(changed("[tls]", "[tls]\nclient_certificate = \"required\""), "\"tls.client_certificate\"");
  expect_refused(changed("[tls]", "[tls]\nclient_ca = \"ca.crt\""), "\"tls.client_ca\"");
  expect_refused(changed("[tls]", "[tls]\ncrl = \"ca.crl\""), "\"tls.crl\"");
  expect_refused(changed("[admission]", "path = \"/mqtt\"\n[admission]"), "\"listener[].path\"");
  expect_refused(changed("[admission]", "origins = []\n[admission]"), "\"listener[].origins\"");
  expect_refused(changed("[admission]", "transport = \"wss\"\n[admission]"), "\"wss\"");
  expect_refused(extended("[ban]\nafter = 10\n"), "14:2: \"ban\"");
}

TEST(ParsePolicy, ReadsPrefixFiles) {
  const Files files{{"/etc/b/allow.txt", "\xef\xbb\xbf# ours\r\n10.0.0.0/8\r\n\n  2001:db8::/32  # v6\n192.0.2.1"},
                    {"/etc/b/deny.txt", ""}};
  const auto parsed = parse(changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"\ndeny_file = \"deny.txt\""),
                            files, "/etc/b/policy.toml");
  ASSERT_TRUE(parsed.policy) << testing::PrintToString(lines(parsed));
  const auto& admission = parsed.policy->admission;
  EXPECT_EQ(admission.prefixes.size(), 3u);
  const auto* rule = admission.prefixes.find(Address::parse("2001:db8::1").value());
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->line, 4u);
  EXPECT_EQ(admission.rule_files.at(rule->file), "/etc/b/allow.txt");
}

TEST(ParsePolicy, PlacesComplaintsInPrefixFiles) {
  const auto toml = changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"");
  EXPECT_THAT(complaints(toml, {{"allow.txt", "10.0.0.0/8\n  10.0.0.1/8 # x\n\n?\n"}}),
              ElementsAre(R"(allow.txt:2:3: "10.0.0.1/8": host bits are set; write "10.0.0.0/8")",
                          R"(allow.txt:4:1: "?": is neither an IPv4 nor an IPv6 prefix)"));
}

TEST(ParsePolicy, LetsNobodyInByAccident) {
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[]")),
              ElementsAre(HasSubstr("11:1: no address is allowed and nobody could enter")));
  const auto from_file = changed("allow = [\"192.168.10.0/24\"]", "allow_file = \"allow.txt\"");
  EXPECT_THAT(
      complaints(from_file),
      ElementsAre(
          R"(policy.toml:11:14: "admission.allow_file": can't read "allow.txt": No such file or directory; it holds one prefix to a line)"));
  EXPECT_THAT(complaints(from_file, {{"allow.txt", "# nothing\n\n"}}),
              ElementsAre(HasSubstr("holds no prefix: nobody could enter")));
  EXPECT_THAT(
      complaints(changed("allow = [\"192.168.10.0/24\"]", "allow = [\"192.168.10.0/24\"]\ndeny_file = \"deny.txt\"")),
      ElementsAre(HasSubstr("can't read \"deny.txt\"")));
  EXPECT_THAT(complaints(changed("[authentication]\npassword_file = \"passwd\"\n", "")),
              ElementsAre(HasSubstr(R"("authentication.password_file" is missing)")));
}

TEST(ParsePolicy, RefusesPrefixesThatCanNeverMatch) {
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[\"10.0.0.0/8\", \"10.1.0.0/16\", \"::ffff:10.0.0.0/104\"]")),
              ElementsAre(R"(policy.toml:11:39: "10.0.0.0/8" is listed already, at policy.toml:11:10)"));
  EXPECT_THAT(complaints(changed("[\"192.168.10.0/24\"]", "[\"10.0.0.0/8\"]\ndeny = [\"10.0.0.0/8\"]")),
              ElementsAre(R"(policy.toml:11:10: "10.0.0.0/8" can never be allowed: it is denied at policy.toml:12:9)"));
}

TEST(ParsePolicy, WarnsOfOpenDoors) {
  const auto everyone = parse(changed("[\"192.168.10.0/24\"]", "[\"0.0.0.0/0\", \"::/0\"]"));
  EXPECT_TRUE(everyone.policy);
  EXPECT_THAT(lines(everyone), ElementsAre(R"(policy.toml:11:10: warning: "0.0.0.0/0" lets every IPv4 address in)",
                                           R"(policy.toml:11:23: warning: "::/0" lets every IPv6 address in)"));
  const auto anonymous = parse(changed("password_file = \"passwd\"", "required = false"));
  EXPECT_TRUE(anonymous.policy);
  EXPECT_THAT(lines(anonymous), ElementsAre(HasSubstr("policy.toml:13:1: warning: clients without credentials are let in")));
  const auto metrics = parse(extended("[admin]\naddress = \"0.0.0.0:9883\"\n"));
  EXPECT_TRUE(metrics.policy);
  EXPECT_THAT(lines(metrics), ElementsAre(HasSubstr("15:11: warning: \"admin.address\" is not a loopback address")));
}

TEST(ParsePolicy, WantsListenersApart) {
  const auto second = [](std::string_view name, std::string_view address) {
    return extended("[[listener]]\nname = \"" + std::string{name} + "\"\naddress = \"" + std::string{address} + "\"\n");
  };
  EXPECT_THAT(complaints(second("devices", "0.0.0.0:8884")),
              ElementsAre(R"(policy.toml:15:8: the listener of policy.toml:7:1 is named "devices" already)"));
  EXPECT_THAT(complaints(second("b", "192.0.2.1:8883")),
              ElementsAre(HasSubstr(
                  R"(policy.toml:16:11: "192.0.2.1:8883" overlaps "0.0.0.0:8883" of a listener at policy.toml:9:11)")));
  EXPECT_THAT(complaints(second("b", "127.0.0.1:9883")),
              ElementsAre(HasSubstr("overlaps \"127.0.0.1:9883\" of [admin], by default")));
  EXPECT_THAT(complaints(second("b", "127.0.0.1:1883")),
              ElementsAre(HasSubstr("3:11: \"upstream.address\" is the gate's own listener")));
  accepted(second("b", "[::]:8883"));
  accepted(with(second("b", "0.0.0.0:0"), "0.0.0.0:8883", "0.0.0.0:0"));
}

TEST(ParsePolicy, WantsACertificateAndItsKeyForTls) {
  EXPECT_THAT(complaints(changed("[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n", "")),
              ElementsAre(HasSubstr(R"(needs "tls.certificate" and "tls.key")")));
  EXPECT_THAT(complaints(changed("\"server.key\"", "[\"a\", \"b\"]")),
              ElementsAre(HasSubstr("6:1: \"tls.certificate\" names 1")));
  EXPECT_THAT(
      complaints(with(changed("\"server.key\"", "[\"a\", \"b\", \"c\"]"), "\"server.crt\"", "[\"a\", \"b\", \"c\"]")),
      ElementsAre(HasSubstr("at most two pairs")));
  accepted(with(changed("[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n", ""), "\"0.0.0.0:8883\"",
                "\"127.0.0.1:8883\"\ntransport = \"mqtt\""));
}

TEST(ParsePolicy, ComparesLimitsThatBelongTogether) {
  const auto limited = [](std::string_view more) { return changed("[admission]", "[admission]\n" + std::string{more}); };
  EXPECT_THAT(complaints(limited("connections_max = 8\nconnections_per_address_max = 9")),
              ElementsAre(HasSubstr("12:1: \"admission.connections_per_address_max\" = 9 is more than")));
  EXPECT_THAT(complaints(limited("connections_max = 8\nhandshakes_max = 9")),
              ElementsAre(HasSubstr("12:1: \"admission.handshakes_max\"")));
  EXPECT_THAT(
      complaints(limited("handshakes_max = 8\nhandshakes_per_address_max = 9")),
      ElementsAre(HasSubstr(R"("admission.handshakes_per_address_max" = 9 is more than "admission.handshakes_max" = 8)")));
  accepted(limited("handshakes_max = 8"));
  EXPECT_THAT(complaints(limited("connections_max = 100000")),
              ElementsAre(HasSubstr("11:1: \"admission.addresses_tracked_max\" = 65536 is less than")));
  accepted(limited("connections_max = 8"));
}

TEST(ParsePolicy, RefusesVersionsThatNobodySpeaks) {
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = []\n")), ElementsAre(HasSubstr("allows no version")));
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = [\"5.0\", \"bridge\"]\n")),
              ElementsAre(HasSubstr("\"bridge\" can never match")));
  EXPECT_THAT(complaints(extended("[mqtt]\nversions = [\"5\"]\n")),
              ElementsAre(HasSubstr("15:13: \"mqtt.versions\": \"5\" is not one of")));
}

TEST(ParsePolicy, RefusesRolesThatCanNeverMatch) {
  const auto roles = [](std::string_view first) {
    return extended("[[role]]\nname = \"a\"\n" + std::string{first} + "[[role]]\nname = \"b\"\n");
  };
  EXPECT_THAT(
      complaints(roles("")),
      ElementsAre(HasSubstr("policy.toml:16:1: this role and all after it can never match: the one at policy.toml:14:1")));
  EXPECT_THAT(complaints(roles("users = [\"*\"]\n")), ElementsAre(HasSubstr("can never match")));
  accepted(roles("networks = [\"10.0.0.0/8\"]\n"));
  EXPECT_THAT(complaints(roles("users = [\"x\"]\n[[role]]\nname = \"a\"\n")),
              ElementsAre(HasSubstr("is named \"a\" already"), HasSubstr("can never match")));
}

TEST(ParsePolicy, ChecksPatterns) {
  const auto role = [](std::string_view more) { return extended("[[role]]\nname = \"a\"\n" + std::string{more} + "\n"); };
  EXPECT_THAT(complaints(role("users = [\"%u\"]")), ElementsAre(HasSubstr("16:10: \"%u\": %u is the user's own name")));
  EXPECT_THAT(complaints(role("client_id = \"%c-*\"")),
              ElementsAre(HasSubstr("only %u (the user name) and %% (a percent sign)")));
  EXPECT_THAT(complaints(role("client_id = \"50%\"")), ElementsAre(HasSubstr("only %u")));
  EXPECT_THAT(complaints(role("users = []")), ElementsAre(HasSubstr("is empty: leave it out to mean any user")));
  EXPECT_THAT(complaints(role("networks = []")), ElementsAre(HasSubstr("is empty: leave it out to mean any network")));
  EXPECT_THAT(complaints(role("client_id = \"\"")), ElementsAre(HasSubstr("must not be empty")));
  accepted(role("users = [\"100%%-*\"]\nclient_id = \"%u%%\""));
}

TEST(ParsePolicy, HelpsWithAddresses) {
  const auto upstream = [](std::string_view address) { return changed("127.0.0.1:1883", address); };
  EXPECT_THAT(complaints(upstream("localhost:1883")), ElementsAre(HasSubstr(R"(write "127.0.0.1:1883")")));
  EXPECT_THAT(complaints(upstream("::1:1883")), ElementsAre(HasSubstr(R"(write "[::1]:1883")")));
  for (const char* bad : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":1883", "[127.0.0.1]:1883", "broker.lan:1883",
                          "127.0.0.1:01883x", "127.0.0.1:000001883"}) {
    EXPECT_THAT(complaints(upstream(bad)), ElementsAre(HasSubstr("is not an IP address and a port"))) << bad;
  }
  EXPECT_THAT(complaints(upstream("0.0.0.0:1883")), ElementsAre(HasSubstr("can't be dialled")));
  EXPECT_THAT(complaints(upstream("127.0.0.1:0")), ElementsAre(HasSubstr("can't be dialled")));
  EXPECT_THAT(complaints(upstream("unix:")), ElementsAre(HasSubstr("1 .. 107 bytes")));
  EXPECT_THAT(complaints(upstream("unix:/" + std::string(107, 'x'))), ElementsAre(HasSubstr("1 .. 107 bytes")));
  EXPECT_EQ(accepted(upstream("unix:mosquitto.sock")).upstream.unix_path, "mosquitto.sock");
}

TEST(ParsePolicy, TakesQuantitiesWithTheirUnitsOnly) {
  for (const char* bad :
       {"10", "s", "", "-1s", "1.5s", "10 s", "10S", "1d", "99999999999999999999s", "9223372036854775807h", "1s1s"}) {
    EXPECT_THAT(complaints(extended("[gate]\ndrain_timeout = \"" + std::string{bad} + "\"\n")),
                ElementsAre(HasSubstr("policy.toml:15:17: \"gate.drain_timeout\": ")))
        << bad;
  }
  for (const char* bad : {"10", "10KB", "10kib", "KiB", "1.5MiB"}) {
    EXPECT_THAT(complaints(extended("[mqtt]\npacket_size_max = \"" + std::string{bad} + "\"\n")),
                ElementsAre(HasSubstr("is not a size such as \"16KiB\"")))
        << bad;
  }
  EXPECT_THAT(complaints(extended("[mqtt]\nkeep_alive_max = \"65536s\"\n")),
              ElementsAre("policy.toml:15:18: \"mqtt.keep_alive_max\" = 65536s is out of range: 1s .. 65535s"));
  EXPECT_EQ(accepted(extended("[mqtt]\nkeep_alive_max = \"18h\"\n")).mqtt.keep_alive_max, Milliseconds{64'800'000});
}

TEST(ParsePolicy, WantsTablesWhereTablesBelong) {
  EXPECT_THAT(complaints("gate = 3\n" + std::string{minimal}),
              ElementsAre("policy.toml:1:1: \"gate\" must be a table, not an integer"));
  EXPECT_THAT(complaints("role = {name = \"a\"}\n" + std::string{minimal}),
              ElementsAre(HasSubstr("\"role\" must be a list of tables, not a table; write [[role]]")));
  EXPECT_THAT(complaints("role = [1]\n" + std::string{minimal}), ElementsAre(HasSubstr("write [[role]]")));
}

TEST(ParsePolicy, ShowsHostileTextAsAscii) {
  EXPECT_THAT(complaints(changed("\"192.168.10.0/24\"", R"("\u00e9\"x")")),
              ElementsAre(HasSubstr(R"("\xc3\xa9\"x": is neither)")));
  EXPECT_THAT(complaints(changed("\"192.168.10.0/24\"", R"("\u001b[31m")")),
              ElementsAre(HasSubstr("must not hold control characters")));
  EXPECT_THAT(complaints(changed("\"passwd\"", R"("a\nb")")), ElementsAre(HasSubstr("must not hold control characters")));
}

TEST(ParsePolicy, NeverShowsWhatStandsInAWrongPlace) {
  EXPECT_THAT(lines(parse("credentials = { username = b, password = hunter2 }\n")),
              ElementsAre(testing::EndsWith(R"(strings are written in quotes: key = "...")")));
  for (const auto& line :
       complaints(changed("[tls]", "credentials = { username = \"b\", password = \"hunter2\" }\n[tls]"))) {
    EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
  }
}

// ---- the table of keys

std::string section_of(std::string_view path) {
  const auto dot = path.rfind('.');
  return std::string{dot == std::string_view::npos ? "" : path.substr(0, dot)};
}
std::string leaf_of(std::string_view path) {
  return std::string{path.substr(path.rfind('.') + 1)};
}

/// The minimal policy with a role, in which one key is set, or set anew.
std::string with_key(std::string_view path, std::string_view value) {
  const auto section = section_of(path);
  const auto assignment = leaf_of(path) + " = " + std::string{value} + "\n";
  std::string toml{minimal};
  toml += "[[role]]\nname = \"all\"\n[gate]\n[admin]\n[mqtt]\n";
  toml += "[[expect]]\nfrom = \"192.0.2.1\"\nrefused = \"ip_denied\"\n";
  const auto was = toml.find(std::string{"\n"} + leaf_of(path) + " = ",
                             section.empty() ? 0 : toml.find(section.substr(0, section.find('[')) + "]"));
  if (section.empty()) {
    if (path == "schema") toml.erase(0, toml.find('\n') + 1);
    return assignment + toml;
  }
  const auto bare = section.substr(0, section.find('['));
  const auto header = bare.size() < section.size() ? "[[" + bare + "]]\n" : "[" + bare + "]\n";
  const auto at = toml.find(header);
  if (at == std::string::npos) return toml + header + assignment;
  const auto body = at + header.size();
  const auto next = std::min(toml.find("\n[", body - 1), toml.size());
  if (was != std::string::npos && was < next) toml.erase(was + 1, toml.find('\n', was + 1) - was);
  return toml.insert(body, assignment);
}

TEST(PolicyKeys, AreReadAsTheirDefaultsSay) {
  const auto base = dump(accepted(with_key("gate.workers", "0")));
  for (const auto& key : policy_keys()) {
    if (key.default_value == "required" || key.default_value == "unset" || key.path == "admission.allow") continue;
    if (find_not_enforced_key(key.path) != nullptr) continue;
    EXPECT_EQ(dump(accepted(with_key(key.path, key.default_value))), base) << key.path;
  }
}

TEST(PolicyKeys, DefaultToWhatThePolicyHoldsByItself) {
  auto plain = Policy{};
  auto read = accepted(std::string{minimal});
  plain.where = read.where;
  plain.upstream = read.upstream;
  plain.tls.key_pairs = read.tls.key_pairs;
  plain.listeners = read.listeners;
  plain.admission.prefixes = read.admission.prefixes;
  plain.authentication.password_file = read.authentication.password_file;
  EXPECT_EQ(dump(read), dump(plain));
  const auto upstream = UpstreamPolicy{};
  EXPECT_EQ(read.upstream.connect_timeout, upstream.connect_timeout);
  EXPECT_EQ(read.upstream.connack_timeout, upstream.connack_timeout);
  EXPECT_EQ(read.upstream.stall_timeout, upstream.stall_timeout);
  EXPECT_FALSE(read.listeners[0].plaintext_beyond_loopback);
}

void expect_located_complaint(const std::string& toml, std::string_view path) {
  const auto parsed = parse(toml);
  EXPECT_FALSE(parsed.policy) << toml;
  const auto names_it = [&](const Complaint& complaint) {
    return !complaint.warning && complaint.where.line > 0 && complaint.where.column > 0 &&
           (complaint.message.find(leaf_of(path)) != std::string::npos);
  };
  EXPECT_TRUE(std::any_of(parsed.complaints.begin(), parsed.complaints.end(), names_it))
      << path << ": " << testing::PrintToString(lines(parsed));
}

TEST(PolicyKeys, ComplainOfAnotherType) {
  for (const auto& key : policy_keys()) {
    expect_located_complaint(with_key(key.path, "1979-05-27"), key.path);
    if (key.kind.text != "boolean") expect_located_complaint(with_key(key.path, "true"), key.path);
    if (key.kind.text != "integer") expect_located_complaint(with_key(key.path, "7"), key.path);
    if (key.kind.text == "integer" || key.kind.text == "boolean")
      expect_located_complaint(with_key(key.path, "\"7\""), key.path);
    if (key.kind.text.find("list") == std::string_view::npos)
      expect_located_complaint(with_key(key.path, "[\"7\"]"), key.path);
    if (key.kind.text.find("list") != std::string_view::npos) expect_located_complaint(with_key(key.path, "[7]"), key.path);
  }
}

TEST(PolicyKeys, ComplainOfWhatIsOutOfRange) {
  std::size_t seen = 0;
  for (const auto& key : policy_keys()) {
    const auto middle = key.range.find(" .. ");
    if (key.kind.text == "word") {
      expect_located_complaint(with_key(key.path, "\"no-such-word\""), key.path);
    } else if (middle == std::string_view::npos || key.kind.text == "pattern") {
      continue;
    } else if (key.kind.text == "integer") {
      const auto max = std::stoll(std::string{key.range.substr(middle + 4)});
      expect_located_complaint(with_key(key.path, std::to_string(max + 1)), key.path);
      expect_located_complaint(with_key(key.path, std::to_string(std::stoll(std::string{key.range}) - 1)), key.path);
    } else {
      const auto max = std::string{key.range.substr(middle + 4)};
      const auto unit = max.substr(max.find_first_not_of("0123456789"));
      expect_located_complaint(with_key(key.path, '"' + std::to_string(std::stoll(max) + 1) + unit + '"'), key.path);
      if (key.range[0] != '0') {
        expect_located_complaint(with_key(key.path, key.kind.text == "size" ? "\"1B\"" : "\"0ms\""), key.path);
      }
    }
    ++seen;
  }
  EXPECT_GT(seen, 25u);
}

TEST(PolicyKeys, TakeBothEndsOfTheirRange) {
  for (const auto& key : policy_keys()) {
    const auto middle = key.range.find(" .. ");
    if (middle == std::string_view::npos ||
        (key.kind.text != "integer" && key.kind.text != "duration" && key.kind.text != "size"))
      continue;
    for (auto end : {std::string{key.range.substr(0, middle)}, std::string{key.range.substr(middle + 4)}}) {
      if (key.kind.text != "integer") end = '"' + end + '"';
      const auto parsed = parse(with_key(key.path, end));
      for (const auto& line : lines(parsed)) EXPECT_EQ(line.find("out of range"), std::string::npos) << line;
    }
  }
}

}  // namespace
}  // namespace bastion
