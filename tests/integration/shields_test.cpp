// Every shield: its trigger is sent, and not one byte of it comes through; where the shield is switched off it does.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/shield.hpp"
#include "tests/integration/scene.hpp"

namespace bastion::test {
namespace {

/// How a trigger is sent, and what comes of it.
enum class Course : std::uint8_t {
  first_bytes,  ///< the client begins with it, is refused, and the broker is never dialled
  ends,         ///< an admitted client sends it, and its session ends
  is_denied,    ///< an admitted client sends it; it goes nowhere, and what follows goes on
  comes_down,   ///< the broker sends it, and the session ends
};

struct Attempt {
  std::string shield;
  Course course{};
  ByteVector sent;
  Refusal refusal{};
  ConnectOptions connect{};
  /// For what the policy must hold so that the trigger meets this shield and no other limit.
  EditPolicy policy{};
  ByteVector before{};  ///< what the client sends first, and what goes through
};

std::string name_of(const Attempt& attempt) {
  auto name = attempt.shield;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::ostream& operator<<(std::ostream& out, const Attempt& attempt) {
  return out << attempt.shield;
}

EditPolicy with(const std::string& key, const std::string& toml) {
  return [=](PolicyBuilder& policy) { policy.set(key, toml); };
}

/// A user of this name can log in.
EditPolicy with_user(const std::string& name) {
  return [=](PolicyBuilder& policy) { policy.users({{"alice", "secret"}, {name, "secret"}}); };
}

ByteVector repeated(const ByteVector& bytes, int times) {
  ByteVector all;
  for (int i = 0; i < times; ++i) all = all + bytes;
  return all;
}

ByteVector malformed_connect(std::string_view rest) {
  return packet(0x10, bytes("0004 'MQTT' 05 02 003c") + bytes(rest));
}

// --- triggers -------------------------------------------------------------------------------------------------------------

constexpr Refusal bad_length{Reason::malformed_connect, Cause::length};
constexpr Refusal bad_publish{Reason::malformed_packet, Cause::type_publish};
constexpr Refusal bad_subscribe{Reason::malformed_packet, Cause::type_subscribe};
constexpr Refusal bad_broker{Reason::upstream_malformed, Cause::packet};
constexpr Refusal client_id{Reason::client_id_denied, Cause::shield};
constexpr Refusal user_name{Reason::not_authorized, Cause::shield};

/// What is no MQTT, by its lengths.
void add_framing(std::vector<Attempt>& to) {
  const auto connect = [&](const char* shield, const ByteVector& sent, Refusal refusal) {
    to.push_back({shield, Course::first_bytes, sent, refusal});
  };
  const auto later = [&](const char* shield, const ByteVector& sent, Refusal refusal, int version = v3_1_1) {
    to.push_back({shield, Course::ends, sent, refusal, {.version = version}});
  };
  connect("CVE-2017-7654", packet(0x10, "0004 'MQTT' 04 c2 003c 0002 'c1' 0005 'alice' 0006 'secret' ff"),
          {Reason::malformed_connect, Cause::trailing});
  connect("CVE-2021-34431", malformed_connect("03 23 0001 0002 'c1'"), {Reason::malformed_connect, Cause::property});
  connect("CVE-2023-3592", packet(0x10, "0004 'MQTT' 05 06 003c 00 0002 'c1' 05 11 00000001 0001 'w' 0000"),
          {Reason::malformed_connect, Cause::property});
  connect("CVE-2025-66168", bytes("10 ffffffff 7f"), bad_length);
  // PINGREQs of the attacker's would stand where the broker, by 32 bits, takes the packet to end.
  later("CVE-2026-40046", bytes("30 8080808010 c000 c000"), bad_publish);
  later("GHSA-jpv3-g4cc-6vfx", bytes("32 05 ffff 't' 0001"), bad_publish);
  connect("CVE-2017-2892", packet(0x10, "00ff 'MQTT' 04 02 003c 0000"), bad_length);
  connect("CVE-2017-2894", packet(0x10, "0004 'MQTT' 04 02 003c ffff 'c1'"), bad_length);
  later("CVE-2017-2895", packet(0x82, "0001 ffff 't' 00"), bad_subscribe);
  later("CVE-2018-19587", packet(0xa2, "0001 0009 't'"), {Reason::malformed_packet, Cause::type_unsubscribe});
  later("CVE-2019-19307", packet(0x30, "0009 't'"), bad_publish);
  later("CVE-2025-59947", packet(0x30, "0001 't' 7f 26 0001 'k' ffff 'v'"), bad_publish, v5_0);
  connect("CVE-2026-21888", malformed_connect("ffffffff7f 0002 'c1'"), {Reason::malformed_connect, Cause::property});
  later("CVE-2026-25627", packet(0x40, "0001 00 7f"), {Reason::malformed_packet, Cause::type_puback}, v5_0);
  later("CVE-2026-45151", packet(0x82, "0001 7f 0001 't' 00"), bad_subscribe, v5_0);
  later("CVE-2016-10523", packet(0x82, "0001 0001 't'"), bad_subscribe);
  connect("CVE-2019-5432", packet(0x10, "0004 'MQTT' 04 c2 003c 0002 'c1' 0005 'al'"), bad_length);
}

/// What is said out of turn, or is no text.
void add_standard(std::vector<Attempt>& to) {
  const auto later = [&](const char* shield, const ByteVector& sent, Refusal refusal, int version = v3_1_1) {
    to.push_back({shield, Course::ends, sent, refusal, {.version = version}});
  };
  const Refusal direction{Reason::protocol_error, Cause::direction};
  later("CVE-2021-28166", bytes("20 02 0001"), direction);
  to.push_back(
      {"CVE-2023-0809", Course::first_bytes, bytes("30 ffffff7f"), {Reason::packet_before_connect, Cause::type_publish}});
  later("CVE-2024-35512", make_connect(), {Reason::protocol_error, Cause::second_connect});
  to.push_back(
      {"CVE-2024-36856", Course::first_bytes, bytes("c0 00"), {Reason::packet_before_connect, Cause::type_pingreq}});
  later("CVE-2017-7653", packet(0x30, "0003 'a' c0 80 'x'"), bad_publish);
  later("CVE-2021-34432", packet(0x30, "0000 'x'"), bad_publish);
  later("moquette-share", packet(0x82, "0001 00 0008 '$share/g' 00"), bad_subscribe, v5_0);
  to.push_back({"CVE-2023-28366",
                Course::ends,
                publish(v5_0, "t", ByteVector{'x'}, 2, 7),
                {Reason::protocol_error, Cause::packet_id},
                {.version = v5_0},
                {},
                publish(v5_0, "t", ByteVector{'x'}, 2, 7)});
  to.push_back({"CVE-2016-9877",
                Course::first_bytes,
                make_connect({.password = std::nullopt}),
                {Reason::anonymous, Cause::no_password},
                {},
                with("authentication.required", "false")});
}

void add_limits(std::vector<Attempt>& to) {
  to.push_back(
      {"CVE-2017-7651", Course::first_bytes, bytes("10 ffffff7f 0004 'MQTT'"), {Reason::connect_too_large, Cause::none}});
  const auto large = publish(v3_1_1, "t", noise(300'000, 1));
  for (const char* shield : {"CVE-2021-33175", "CVE-2021-22116", "CVE-2021-33176"}) {
    to.push_back({shield, Course::ends, large, {Reason::packet_too_large, Cause::none}});
  }
  const auto pairs = repeated(bytes("26 0001 'k' 0001 'v'"), 33);
  to.push_back({"CVE-2021-41039",
                Course::first_bytes,
                make_connect({.version = v5_0, .properties = pairs}),
                {Reason::malformed_connect, Cause::property}});
  const auto content_type = bytes("03 4e20") + ByteVector(20'000, 'x');
  to.push_back({"CVE-2026-44248",
                Course::ends,
                packet(0x30, bytes("0001 't' a39c01") + content_type),
                {Reason::limit_exceeded, Cause::properties},
                {.version = v5_0}});
  const auto deep = packet(0x82, bytes("0001 7530") + ByteVector(30'000, '/') + bytes("00"));
  for (const char* shield : {"CVE-2019-11779", "moquette-levels"}) {
    to.push_back({shield,
                  Course::ends,
                  deep,
                  {Reason::limit_exceeded, Cause::topic_levels},
                  {},
                  with("mqtt.topic_length_max", "65535")});
  }
  to.push_back({"CVE-2020-13849",
                Course::first_bytes,
                make_connect({.keep_alive_s = 65'535}),
                {Reason::session_denied, Cause::keep_alive}});
  to.push_back({"CVE-2020-13821",
                Course::first_bytes,
                make_connect({.client_id = "<script>alert</script>"}),
                {Reason::client_id_denied, Cause::characters}});
}

void add_rules(std::vector<Attempt>& to) {
  const auto begins = [&](const char* shield, const ConnectOptions& connect, Refusal refusal,
                          const EditPolicy& policy = {}) {
    to.push_back({shield, Course::first_bytes, make_connect(connect), refusal, {}, policy});
  };
  begins("CVE-2017-7650", {.user = "a#"}, user_name, with_user("a#"));
  begins("CVE-2026-44838", {.user = "(a|b)"}, user_name, with_user("(a|b)"));
  begins("CVE-2026-67407", {.client_id = "c*"}, client_id, with("mqtt.client_id_characters", R"("*")"));
  begins("GHSA-52qw-whmv-87c5", {.client_id = "__proto__"}, client_id);
  begins("mosquitto-control-will", {.will = Will{.topic = "$CONTROL/dynamic-security/v1"}},
         {Reason::will_denied, Cause::topic});
  const auto denied = [&](const char* shield, const ByteVector& sent, const ByteVector& before = {}) {
    to.push_back({shield, Course::is_denied, sent, {}, {}, {}, before});
  };
  denied("CVE-2018-12543", publish(v3_1_1, "$x", "x"));
  denied("CVE-2026-58214", subscribe(v3_1_1, "$MQTT.msgs.>"));
  to.push_back({"CVE-2024-8376",
                Course::ends,
                packet(0xa2, "0002 0001 'a'"),
                {Reason::acl_denied, Cause::shield},
                {},
                {},
                subscribe(v3_1_1, "$share/g/a")});
}

/// To clients whose libraries read what a broker sends less strictly than it was written.
void add_answers(std::vector<Attempt>& to) {
  const auto down = [&](const char* shield, const ByteVector& sent, int version = v3_1_1, const ByteVector& asked = {}) {
    to.push_back({shield, Course::comes_down, sent, bad_broker, {.version = version}, {}, asked});
  };
  down("CVE-2024-10525", packet(0x90, "0001"), v3_1_1, subscribe(v3_1_1, "t"));
  down("CVE-2017-7655", packet(0x30, "0000"));
  down("CVE-2019-13120", packet(0x32, "00ff 't'"));
  down("CVE-2019-17210", packet(0x30, "ffff 't'"));
  down("CVE-2021-41036", bytes("32 02 0001"));
  down("CVE-2021-45934", packet(0x40, "00"));
  down("CVE-2021-45937", packet(0x30, "0001 't' 05 03 ffff 'x'"), v5_0);
  down("CVE-2026-8686", packet(0x30, "0001 't' 7f 26 0001"), v5_0);
  down("CVE-2026-54412", packet(0x30, "0001 't' ffffffff7f"), v5_0);
}

/// Those that run alike; two more have tests of their own below.
std::vector<Attempt> attempts() {
  std::vector<Attempt> all;
  add_framing(all);
  add_standard(all);
  add_limits(all);
  add_rules(all);
  add_answers(all);
  return all;
}

// --- running them ---------------------------------------------------------------------------------------------------------

Admitted admitted(Scene& scene, const Attempt& attempt) {
  auto session = scene.admitted(attempt.connect);
  session.client.send(attempt.before);
  EXPECT_EQ(session.broker.read(attempt.before.size()), attempt.before);
  return session;
}

class Shields : public testing::TestWithParam<Attempt> {};

TEST_P(Shields, KeepEveryByteOfTheirTriggerBack) {
  const auto& attempt = GetParam();
  Scene scene{Transport::mqtts, attempt.policy};
  if (attempt.course == Course::first_bytes) {
    auto client = scene.client_after(attempt.sent);
    static_cast<void>(client.read_to_end());
    expect_only_refusal(scene, attempt.refusal);
    expect_broker_untouched(scene);
    return;
  }
  auto session = admitted(scene, attempt);
  auto& sender = attempt.course == Course::comes_down ? session.broker : static_cast<Peer&>(session.client);
  auto& receiver = attempt.course == Course::comes_down ? static_cast<Peer&>(session.client) : session.broker;
  if (attempt.course == Course::is_denied) {
    sender.send(attempt.sent + pingreq());
    EXPECT_EQ(receiver.read_packet(), pingreq());
    EXPECT_EQ(sum_of(scene.gate.counts(), "mqtt_bastion_denied_total"), 1);
    return;
  }
  sender.send(attempt.sent);
  const auto received = receiver.read_to_end();
  // A client of MQTT 5 is told why its session ends.
  const bool is_told = attempt.course == Course::comes_down && attempt.connect.version == v5_0;
  EXPECT_EQ(received, is_told ? disconnect_v5(0x80) : ByteVector{});
  session.client.close();
  expect_only_refusal(scene, attempt.refusal);
}

INSTANTIATE_TEST_SUITE_P(Of, Shields, testing::ValuesIn(attempts()), [](const auto& row) { return name_of(row.param); });

/// All that stand on its guard.
std::string names_beside(const Shield& wanted) {
  std::string names;
  for (const auto& shield : shields()) {
    if (shield.guard == wanted.guard) names += (names.empty() ? "\"" : ", \"") + std::string{shield.name} + '"';
  }
  return '[' + names + ']';
}

std::vector<Attempt> attempts_that_can_be_let_through() {
  auto all = attempts();
  const auto stays = [](const Attempt& attempt) {
    const auto* const shield = find_shield(attempt.shield);
    return shield == nullptr || !info(shield->guard).stays.empty();
  };
  all.erase(std::remove_if(all.begin(), all.end(), stays), all.end());
  return all;
}

class ShieldsOff : public testing::TestWithParam<Attempt> {};

TEST_P(ShieldsOff, LetTheirTriggerThrough) {
  const auto& attempt = GetParam();
  Scene scene{Transport::mqtts, [&](PolicyBuilder& policy) {
                if (attempt.policy) attempt.policy(policy);
                policy.set("mqtt.shields_off", names_beside(*find_shield(attempt.shield)));
              }};
  if (attempt.course == Course::first_bytes) {
    const auto client = scene.client_after(attempt.sent);
    EXPECT_EQ(scene.broker.accept().read(attempt.sent.size()), attempt.sent);
    return;
  }
  auto session = admitted(scene, attempt);
  session.client.send(attempt.sent);
  EXPECT_EQ(session.broker.read(attempt.sent.size()), attempt.sent);
}

INSTANTIATE_TEST_SUITE_P(Of, ShieldsOff, testing::ValuesIn(attempts_that_can_be_let_through()),
                         [](const auto& row) { return name_of(row.param); });

// CVE-2019-11778: the client comes through, its trigger does not.
TEST(WillDelay, EndsWithItsSessionUnlessTheShieldIsOff) {
  const auto connect = [](const char* delay) {
    return packet(0x10, bytes("0004 'MQTT' 05 c6 003c 05 11 0000000a 0002 'c1' 05 18") + bytes(delay) +
                            bytes("0001 'w' 0000 0005 'alice' 0006 'secret'"));
  };
  for (const bool is_off : {false, true}) {
    Scene scene{Transport::mqtts, [&](PolicyBuilder& policy) {
                  if (is_off) policy.set("mqtt.shields_off", R"(["CVE-2019-11778"])");
                }};
    const auto client = scene.client_after(connect("0000000b"));
    EXPECT_EQ(scene.broker.accept().read_packet(), connect(is_off ? "0000000b" : "0000000a"));
  }
}

// CVE-2026-39304: the flood is the gate's alone to bear.
TEST(KeyUpdates, EndTheConnectionBeforeTheBrokerHearsOfIt) {
  Scene scene;
  auto client = scene.client();
  for (int i = 0; i < 17; ++i) client.update_key();
  client.send(bytes("10"));
  static_cast<void>(client.read_to_end());
  expect_only_refusal(scene, {Reason::tls_misuse, Cause::key_update});
  expect_broker_untouched(scene);
}

// The first mend of CVE-2025-66168 refused what is valid.
TEST(Framing, TakesRemainingLengthsOfFourBytes) {
  Scene scene{Transport::mqtts, with("mqtt.packet_size_max", R"("4MiB")")};
  auto session = scene.admitted();
  const auto large = publish(v3_1_1, "t", noise(2'097'152, 1));
  ASSERT_EQ(large[4] & 0x80, 0);
  ASSERT_NE(large[3] & 0x80, 0);
  const auto head = ByteVector(large.begin(), large.begin() + 100'000);
  session.client.send(head);
  EXPECT_EQ(session.broker.read(head.size()), head);
}

TEST(MixedShares, AreDeniedEitherWayRoundAndForgottenOnceTakenBack) {
  Scene scene;
  auto session = scene.admitted({.version = v5_0});
  const auto ask = [&](std::string_view filter, std::uint16_t id) { session.client.send(subscribe(v5_0, filter, id)); };
  ask("a", 1);
  EXPECT_EQ(session.broker.read_packet(), subscribe(v5_0, "a", 1));
  session.broker.send(suback(v5_0, 1));
  EXPECT_EQ(session.client.read_packet(), suback(v5_0, 1));
  ask("$share/g/a", 2);
  EXPECT_EQ(session.client.read_packet(), bytes("90 04 0002 00 8f"));
  const auto take_back = packet(0xa2, "0003 00 0001 'a'");
  session.client.send(take_back);
  EXPECT_EQ(session.broker.read_packet(), take_back);
  for (const std::string group : {"g", "h"}) {
    ask("$share/" + group + "/a", 4);
    EXPECT_EQ(session.broker.read_packet(), subscribe(v5_0, "$share/" + group + "/a", 4));
    session.broker.send(suback(v5_0, 4));
    EXPECT_EQ(session.client.read_packet(), suback(v5_0, 4));
  }
  const auto leave_group = packet(0xa2, "0005 00 000a '$share/g/a'");
  session.client.send(leave_group);
  EXPECT_EQ(session.broker.read_packet(), leave_group);
  ask("a", 6);
  EXPECT_EQ(session.client.read_packet(), bytes("90 04 0006 00 8f")) << "the other group still has it";
}

TEST(ObjectNames, AreNoFiltersEither) {
  Scene scene;
  auto session = scene.admitted();
  session.client.send(subscribe(v3_1_1, "__proto__", 1) + subscribe(v3_1_1, "$share/g/constructor", 2) + pingreq());
  EXPECT_EQ(session.client.read_packet(), bytes("90 03 0001 80"));
  EXPECT_EQ(session.client.read_packet(), bytes("90 03 0002 80"));
  EXPECT_EQ(session.broker.read_packet(), pingreq());
}

TEST(Shields, EachHaveATrigger) {
  std::multiset<std::string> tried{"CVE-2019-11778", "CVE-2026-39304"};
  for (const auto& attempt : attempts()) tried.insert(attempt.shield);
  for (const auto& shield : shields()) EXPECT_EQ(tried.count(std::string{shield.name}), 1u) << shield.name;
  EXPECT_EQ(tried.size(), shields().size()) << "a trigger of a shield that is none";
}

}  // namespace
}  // namespace bastion::test
