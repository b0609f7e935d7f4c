// One admitted session without a relay: steps are taken as they come, and what no relay could take is thrown.
#include "tests/support/session.hpp"

#include <stdexcept>
#include <string_view>
#include <variant>

#include "policy/policy.hpp"

namespace bastion::test {

namespace {

using Bytes = std::span<const std::uint8_t>;

void append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

const Role& role_with_rules() {
  static const Role role = [] {
    Role made;
    auto& topics = made.topics.emplace();
    topics.retain_list = Location{};
    auto& rules = topics.rules;
    const auto add = [&rules](std::string_view filter, TopicRights rights) {
      require(!rules.add(filter, rights, TopicRules::Placeholders::with_escape), "a rule that is none");
    };
    add("a/#", TopicRight::publish | TopicRight::receive);
    add("a", TopicRight::publish | TopicRight::retain);
    add("a/b", TopicRight::deny_publish | TopicRight::deny_receive);
    add("+/c", TopicRight::receive);
    add("%c", TopicRight::receive);
    add("$SYS/x", TopicRight::publish | TopicRight::receive);
    return made;
  }();
  return role;
}

void take_rules_down(Guards& guards) {
  for (const auto guard : {Guard::dollar_publish, Guard::dollar_subscribe, Guard::object_names, Guard::mixed_shares}) {
    guards.take_down(guard);
  }
}

}  // namespace

inspect::Asked asked_of(Bytes settings) {
  constexpr MqttVersion versions[] = {MqttVersion::v3_1, MqttVersion::v3_1_1, MqttVersion::v5_0, MqttVersion::v5_0};
  inspect::Asked asked;
  asked.version = versions[settings[0] & 3u];
  asked.clean_start = (settings[0] & 4u) != 0;
  if ((settings[0] & 16u) != 0) asked.topic_alias_maximum = 3;
  if ((settings[0] & 32u) != 0) asked.maximum_packet_size = 64;
  if ((settings[0] & 64u) != 0) asked.session_expiry_interval_s = 100;
  return asked;
}

inspect::Rights rights_of(Bytes settings) {
  static const Policy policy;
  inspect::Rights rights;
  if ((settings[1] & 1u) != 0) rights.mode = Mode::observe;
  if ((settings[1] & 2u) != 0) rights.access = Access{policy, &role_with_rules(), {"u", "c"}};
  if ((settings[1] & 4u) != 0) rights.disconnects_on_denied_publish = true;
  if ((settings[1] & 8u) != 0) rights.wildcard_subscriptions = false;
  if ((settings[1] & 16u) != 0) rights.shared_subscriptions = false;
  if ((settings[1] & 32u) != 0) rights.retain = false;
  rights.qos_max = std::min<std::uint8_t>(2, settings[1] >> 6);
  if ((settings[2] & 1u) != 0) rights.packet_size_max = 40;
  if ((settings[2] & 2u) != 0) rights.topic_length_max = 4;
  if ((settings[2] & 4u) != 0) rights.topic_levels_max = 2;
  if ((settings[2] & 8u) != 0) rights.properties_size_max = 8;
  if ((settings[2] & 16u) != 0) rights.user_properties_max = 1;
  if ((settings[2] & 32u) != 0) rights.filters_per_packet_max = 2;
  if ((settings[2] & 64u) != 0) rights.subscriptions_max = 2;
  if ((settings[2] & 128u) != 0) rights.in_flight_max = 2;
  if ((settings[3] & 1u) != 0) rights.retained_messages_max = 1;
  if ((settings[3] & 2u) != 0) rights.session_expiry_max_s = 50;
  if ((settings[3] & 4u) != 0) rights.server_keep_alive_s = 1200;
  if ((settings[3] & 8u) != 0) take_rules_down(rights.guards);
  return rights;
}

inspect::Rights every_right() {
  constexpr std::uint32_t no_limit = 1'000'000;
  inspect::Rights rights;
  rights.packet_size_max = no_limit;
  rights.topic_length_max = 4000;  // the longer a topic may be, the fewer aliases the gate has room for
  rights.topic_levels_max = no_limit;
  rights.properties_size_max = no_limit;
  rights.user_properties_max = no_limit;
  rights.filters_per_packet_max = no_limit;
  rights.subscriptions_max = no_limit;
  rights.in_flight_max = no_limit;
  rights.retained_messages_max = no_limit;
  take_rules_down(rights.guards);
  return rights;
}

void Session::add(Side side, Bytes bytes) {
  Way& way = side == Side::client ? outcome_.up : outcome_.down;
  append(way.in_hand, bytes);
  while (take(side == Side::client ? up_.step(way.in_hand) : down_.step(way.in_hand), way)) {
  }
}

// True: ask again with what is left. False: this is the end, or more must arrive.
bool Session::take(const inspect::Step& step, Way& way) {
  const auto pass = [&way](Bytes bytes, std::size_t taken, std::uint32_t packets) {
    require(taken > 0 && taken <= way.in_hand.size(), "a step that takes nothing, or more than is in hand");
    append(way.through, bytes);
    append(way.reached, bytes);
    way.packets += packets;
    way.in_hand.erase(way.in_hand.begin(), way.in_hand.begin() + static_cast<std::ptrdiff_t>(taken));
    return true;
  };
  if (const auto* const forward = std::get_if<inspect::Forward>(&step)) {
    require(forward->bytes <= way.in_hand.size(), "a step that forwards more than is in hand");
    return pass(Bytes(way.in_hand).first(forward->bytes), forward->bytes, forward->packets);
  }
  if (const auto* const replace = std::get_if<inspect::Replace>(&step)) {
    return pass(replace->with, replace->bytes, replace->packets);
  }
  if (const auto* const refuse = std::get_if<inspect::Refuse>(&step)) {
    require(refusals()[index_of(refuse->refusal)] == refuse->refusal, "a refusal that is not among them");
    outcome_.refusal = refuse->refusal;
    outcome_.v5_reason_code = refuse->v5_reason_code;
    way.in_hand.clear();
    return false;
  }
  const auto need = std::get<inspect::NeedBytes>(step);
  require(need.bytes_min > way.in_hand.size() && need.bytes_min <= inspect::whole_packet_max,
          "a step that asks for what it has, or for more than can be given");
  return false;
}

void Session::insert_own_packets() {
  const auto insert = [](ByteVector& packets, Way& way) {
    append(way.reached, packets);
    append(way.own, packets);
    packets.clear();
  };
  if (up_.at_boundary() && !up_.disconnected()) insert(conversation_.to_broker, outcome_.up);
  if (down_.at_boundary()) insert(conversation_.to_client, outcome_.down);
}

const Outcome& Session::outcome() {
  outcome_.observed.clear();
  for (const auto& observed : conversation_.observed()) outcome_.observed.emplace_back(observed.refusal, observed.about);
  outcome_.denied = conversation_.denied();
  return outcome_;
}

}  // namespace bastion::test
