// The table of shields, and of the guards that they stand on.
#include "policy/shield.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "policy/policy.hpp"

namespace bastion {
namespace {

using Kind = GuardInfo::Kind;

constexpr std::uint32_t packet_size_of_the_protocol = 268'435'460;
constexpr unsigned levels_of_the_longest_topic = 65'536;

constexpr std::array guards{
    GuardInfo{Guard::framing, Kind::standard, "every length is held against what is left, and nothing may be left over", "",
              "gate and broker would read what follows differently"},
    GuardInfo{Guard::order, Kind::standard, "each packet is held to its direction and its place in a session", "",
              "gate and broker would no longer agree where the session stands"},
    GuardInfo{Guard::text, Kind::standard, "topics and filters are what the standards call so, in UTF-8", "",
              "topics are told apart as text, by rules, and by other clients, which disconnect at such a one"},
    GuardInfo{Guard::exchange, Kind::standard, "packet identifiers are followed, and none is taken twice", "",
              "gate and broker would no longer agree which message an acknowledgement is for"},
    GuardInfo{Guard::answers, Kind::standard, "what the broker sends is read as strictly as what clients send", "",
              "the gate itself could not follow the session any more"},

    GuardInfo{Guard::connect_size, Kind::limit, "refused by its header, before the broker is dialled",
              "mqtt.connect_size_max",
              "it bounds what strangers can have the gate hold; raise the limit where devices need more"},
    GuardInfo{Guard::packet_size, Kind::limit, "refused by its header", "mqtt.packet_size_max", "",
              [](MqttPolicy& mqtt) { mqtt.packet_size_max = packet_size_of_the_protocol; }},
    GuardInfo{Guard::properties_size, Kind::limit, "refused before a byte of the packet goes on", "mqtt.properties_size_max",
              "", [](MqttPolicy& mqtt) { mqtt.properties_size_max = std::numeric_limits<std::uint32_t>::max(); }},
    GuardInfo{Guard::user_properties, Kind::limit, "refused before a byte of the packet goes on", "mqtt.user_properties_max",
              "", [](MqttPolicy& mqtt) { mqtt.user_properties_max = std::numeric_limits<unsigned>::max(); }},
    GuardInfo{Guard::topic_levels, Kind::limit, "refused before a byte of the packet goes on", "mqtt.topic_levels_max", "",
              [](MqttPolicy& mqtt) { mqtt.topic_levels_max = levels_of_the_longest_topic; }},
    GuardInfo{Guard::keep_alive, Kind::limit, "refused, or in MQTT 5 told another", "mqtt.keep_alive_max", "",
              [](MqttPolicy& mqtt) { mqtt.keep_alive_max = MqttPolicy::endless; }},
    GuardInfo{Guard::client_id_characters, Kind::limit, "refused before the broker is dialled", "mqtt.client_id_characters",
              "", [](MqttPolicy&) {}},
    GuardInfo{Guard::key_updates, Kind::limit, "the connection is ended; the broker has no part in TLS",
              "tls.key_updates_max", "the flood would be the gate's own; raise the limit where a client needs more"},

    GuardInfo{Guard::credentials, Kind::rule, "who names a user has to prove it", "",
              "the gate itself would take anybody for that user"},
    GuardInfo{Guard::dollar_publish, Kind::rule,
              "denied where no rule names topics that begin with `$`, but for a bridge's own state where bridges may enter"},
    GuardInfo{Guard::dollar_subscribe, Kind::rule, "denied where no rule names topics that begin with `$`"},
    GuardInfo{
        Guard::dollar_will, Kind::rule,
        "refused where no rule names topics that begin with `$`, but for a bridge's own state where bridges may enter"},
    GuardInfo{Guard::name_wildcards, Kind::rule, "refused before the broker is dialled"},
    GuardInfo{Guard::name_expressions, Kind::rule, "refused before the broker is dialled"},
    GuardInfo{Guard::object_names, Kind::rule, "such an identifier is refused, such a filter denied"},
    GuardInfo{Guard::will_delay, Kind::rule,
              "CONNECT goes on with the delay lowered to the session's end, where the will is sent anyway"},
    GuardInfo{Guard::mixed_shares, Kind::rule,
              "the second subscription is denied; to take back the one as the other ends the session"},
};
static_assert(guards.size() == guard_count);
static_assert([] {
  for (std::size_t i = 0; i < guards.size(); ++i) {
    if (static_cast<std::size_t>(guards[i].guard) != i) return false;
  }
  return true;
}());

// What more than one flaw has.
constexpr std::string_view five_bytes = "a remaining length of five bytes, behind which commands can hide";
constexpr std::string_view lengths = "a field that is longer than its packet";
constexpr std::string_view bloat = "packets as large as the protocol allows";
constexpr std::string_view from_a_broker = "a packet from the broker whose fields don't fit into it";
constexpr std::string_view expressions =
    "a user name or client identifier that is a regular expression, in a permission for topics";

constexpr std::array table{
    Shield{"CVE-2017-7650", "Mosquitto before 1.4.12",
           "a user name or client identifier with `+` or `#`, put into a pattern of the ACL file", Guard::name_wildcards},
    Shield{"CVE-2017-7651", "Mosquitto to 1.4.14", "a CONNECT that announces hundreds of megabytes", Guard::connect_size},
    Shield{"CVE-2017-7653", "Mosquitto to 1.4.15", "a topic that is not UTF-8, at which other clients disconnect",
           Guard::text},
    Shield{"CVE-2017-7654", "Mosquitto to 1.4.15", "a malformed CONNECT, which leaks memory", Guard::framing},
    Shield{"CVE-2017-7655", "libmosquitto to 1.4.15", from_a_broker, Guard::answers},
    Shield{"CVE-2018-12543", "Mosquitto 1.5 to 1.5.2", "a PUBLISH to a topic that begins with `$`", Guard::dollar_publish},
    Shield{"CVE-2019-11778", "Mosquitto 1.6 to 1.6.4", "a will that is delayed beyond the end of its session",
           Guard::will_delay},
    Shield{"CVE-2019-11779", "Mosquitto 1.5 to 1.6.5", "a SUBSCRIBE with thousands of levels, which overflows the stack",
           Guard::topic_levels},
    Shield{"CVE-2021-28166", "Mosquitto 2.0.0 to 2.0.9", "a CONNACK from a client", Guard::order},
    Shield{"CVE-2021-34431", "Mosquitto 1.6 to 2.0.10", "a malformed MQTT 5 CONNECT, which leaks memory", Guard::framing},
    Shield{"CVE-2021-34432", "Mosquitto to 2.0.7", "a PUBLISH with an empty topic", Guard::text},
    Shield{"CVE-2021-41039", "Mosquitto 1.6 to 2.0.11", "a CONNECT with very many user properties", Guard::user_properties},
    Shield{"CVE-2023-0809", "Mosquitto before 2.0.16", "a first packet that is no CONNECT, and claims to be large",
           Guard::order},
    Shield{"CVE-2023-28366", "Mosquitto before 2.0.16", "many messages of QoS 2 with the same identifier", Guard::exchange},
    Shield{"CVE-2023-3592", "Mosquitto before 2.0.16", "a will with properties that are none of a will's", Guard::framing},
    Shield{"CVE-2024-8376", "Mosquitto to 2.0.18",
           "one filter subscribed to as a shared and taken back as a normal one, or the other way round",
           Guard::mixed_shares},
    Shield{"CVE-2024-10525", "libmosquitto 1.3.2 to 2.0.18", "a SUBACK without codes from the broker", Guard::answers},
    Shield{"mosquitto-control-will", "Mosquitto before 2.0.16", "a will to `$CONTROL`", Guard::dollar_will},

    Shield{"CVE-2025-66168", "ActiveMQ 5.19 and before", five_bytes, Guard::framing},
    Shield{"CVE-2026-40046", "ActiveMQ 6.0.0 to 6.2.3", five_bytes, Guard::framing},
    Shield{"GHSA-jpv3-g4cc-6vfx", "ActiveMQ 5.0 to 5.15.8", "a corrupt packet that exhausts the memory", Guard::framing},
    Shield{"CVE-2026-39304", "ActiveMQ", "a flood of TLS 1.3 KeyUpdates", Guard::key_updates},
    Shield{"GHSA-52qw-whmv-87c5", "Aedes before 1.1.3", "a client identifier or filter that is called like `__proto__`",
           Guard::object_names},
    Shield{"CVE-2021-33175", "EMQ X before 4.2.8", bloat, Guard::packet_size},
    Shield{"CVE-2020-13821", "HiveMQ", "a client identifier with a script in it, shown by the console",
           Guard::client_id_characters},
    Shield{"CVE-2024-35512", "hmq", "a second CONNECT", Guard::order},
    Shield{"CVE-2017-2892", "Mongoose 6.8", lengths, Guard::framing},
    Shield{"CVE-2017-2894", "Mongoose 6.8", lengths, Guard::framing},
    Shield{"CVE-2017-2895", "Mongoose 6.8", lengths, Guard::framing},
    Shield{"CVE-2018-19587", "Mongoose", lengths, Guard::framing},
    Shield{"CVE-2019-19307", "Mongoose", lengths, Guard::framing},
    Shield{"moquette-levels", "Moquette before 0.18.1", "a topic of very many levels, which recurses", Guard::topic_levels},
    Shield{"moquette-share", "Moquette before 0.18.1", "a `$share` without a name or a filter", Guard::text},
    Shield{"CVE-2025-59947", "NanoMQ", lengths, Guard::framing},
    Shield{"CVE-2026-21888", "NanoMQ to 0.24.6", "properties whose length takes five bytes", Guard::framing},
    Shield{"CVE-2026-25627", "NanoMQ", lengths, Guard::framing},
    Shield{"CVE-2026-45151", "NanoMQ", lengths, Guard::framing},
    Shield{"CVE-2026-58214", "NATS", "a SUBSCRIBE to the broker's own `$MQTT.`", Guard::dollar_subscribe},
    Shield{"CVE-2026-44248", "Netty's codec-mqtt before 4.1.133 and 4.2.13",
           "MQTT 5 properties that are parsed before their size is looked at", Guard::properties_size},
    Shield{"CVE-2016-9877", "RabbitMQ before 3.5.8 and 3.6.6", "a user name without a password, which was let in",
           Guard::credentials},
    Shield{"CVE-2021-22116", "RabbitMQ before 3.8.16", bloat, Guard::packet_size},
    Shield{"CVE-2026-44838", "RabbitMQ", expressions, Guard::name_expressions},
    Shield{"CVE-2026-67407", "RabbitMQ", expressions, Guard::name_expressions},
    Shield{"CVE-2024-36856", "RMQTT", "packets before CONNECT", Guard::order},
    Shield{"CVE-2021-33176", "VerneMQ before 1.12.0", bloat, Guard::packet_size},
    Shield{"CVE-2016-10523", "mqtt-packet", "a SUBSCRIBE whose fields don't fit into it", Guard::framing},
    Shield{"CVE-2019-5432", "mqtt-packet", "a CONNECT whose fields don't fit into it", Guard::framing},
    Shield{"CVE-2020-13849", "every broker", "a keep alive of hours, with which idle connections take all places",
           Guard::keep_alive},

    Shield{"CVE-2019-13120", "clients with FreeRTOS", from_a_broker, Guard::answers},
    Shield{"CVE-2019-17210", "clients with Mbed's MQTT library", from_a_broker, Guard::answers},
    Shield{"CVE-2021-41036", "clients with Paho for embedded C", from_a_broker, Guard::answers},
    Shield{"CVE-2021-45934", "clients with wolfMQTT", from_a_broker, Guard::answers},
    Shield{"CVE-2021-45937", "clients with wolfMQTT", from_a_broker, Guard::answers},
    Shield{"CVE-2026-8686", "clients with coreMQTT 5.0.0", from_a_broker, Guard::answers},
    Shield{"CVE-2026-54412", "clients with MQTT-C", from_a_broker, Guard::answers},
};

constexpr std::string_view head = R"(# Every shield

Written by the program from its table of shields (`tests/unit/policy` holds the two together). `mqtt-bastion check --shields`
shows the same for a policy.

Each is the trigger of a published flaw that the gate keeps from the broker, or from its clients. All are up by default.
`tests/integration/shields_test.cpp` sends each trigger and shows that not one byte of it comes through. How it is stopped:

- **standard**: MQTT itself forbids it; the gate reads as strictly as the standards are written.
- **limit**: a key of `[mqtt]` or `[tls]` bounds it. The shield is as good as the limit is low.
- **rule**: the standards allow it, and the gate does not.

`mqtt.shields_off = ["CVE-2018-12543"]` switches shields off by name, where the last column says what that does. Those that stand on
the same guard go down together or not at all, and all of them must be named. The others stay, for the reason given.
)";

std::string cell(const Shield& shield) {
  const auto& guard = info(shield.guard);
  std::string out{label(guard.kind)};
  if (!guard.key.empty()) out += ", `" + std::string{guard.key} + '`';
  return out + ": " + std::string{guard.text};
}

std::string off_cell(const Shield& shield) {
  const auto& guard = info(shield.guard);
  if (!guard.stays.empty()) return "stays: " + std::string{guard.stays};
  return guard.lift != nullptr ? "the limit is lifted" : "it comes through";
}

}  // namespace

std::span<const Shield> shields() {
  return table;
}

const Shield* find_shield(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Shield& shield) { return shield.name == name; });
  return found != table.end() ? &*found : nullptr;
}

const GuardInfo& info(Guard guard) {
  return guards[static_cast<std::size_t>(guard)];
}

std::string_view label(GuardInfo::Kind kind) {
  switch (kind) {
    case Kind::standard:
      return "standard";
    case Kind::limit:
      return "limit";
    case Kind::rule:
      break;
  }
  return "rule";
}

bool is_object_member(std::string_view name) {
  constexpr std::array<std::string_view, 12> members{
      "__proto__",      "__defineGetter__", "__defineSetter__", "__lookupGetter__",     "__lookupSetter__", "constructor",
      "hasOwnProperty", "isPrototypeOf",    "toLocaleString",   "propertyIsEnumerable", "toString",         "valueOf"};
  return std::find(members.begin(), members.end(), name) != members.end();
}

bool holds_expression(std::string_view name) {
  return name.find_first_of("*?()[]{}|\\") != std::string_view::npos;
}

std::string shield_reference() {
  std::string out{head};
  out += "\n| name | whom it protects | what is kept back | how | switched off |\n|---|---|---|---|---|\n";
  for (const auto& shield : table) {
    out += "| `" + std::string{shield.name} + "` | " + std::string{shield.affects} + " | " + std::string{shield.trigger} +
           " | " + cell(shield) + " | " + off_cell(shield) + " |\n";
  }
  return out;
}

}  // namespace bastion
