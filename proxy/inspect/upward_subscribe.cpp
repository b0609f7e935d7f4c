// Judging what a client asks to be sent: SUBSCRIBE, filter by filter, and UNSUBSCRIBE.
#include <algorithm>

#include "proxy/inspect/refuse.hpp"
#include "proxy/inspect/upward.hpp"
#include "proxy/mqtt/reply.hpp"
#include "proxy/mqtt/topic.hpp"

namespace bastion::inspect {

namespace {

constexpr std::uint8_t v3_failure = 0x80;

}  // namespace

UpwardInspector::Other UpwardInspector::subscribe(const Header& header, Bytes body, Forward& through) {
  const auto version = to_mqtt(c_.asked_.version);
  const auto result = mqtt::read_subscribe(version, body);
  if (const auto* fault = std::get_if<mqtt::PacketFault>(&result)) return refuse(header.type, *fault);
  const auto& asked = std::get<mqtt::Subscribe>(result);
  const Refusal many_filters{Reason::limit_exceeded, Cause::filters};
  if (asked.filters > c_.rights_.filters_per_packet_max && !c_.observes(many_filters)) return Refuse{many_filters, {}};
  if (auto refused = judge_properties(asked.properties.size(), asked.user_properties)) return *refused;
  if (auto refused = claim(asked.packet_id)) return *refused;

  mqtt::SubscriptionReader checked{asked};
  while (const auto subscription = checked.next()) {
    if (auto refused = judge_filter(subscription->filter)) return *refused;
  }

  std::vector<mqtt::Subscription> kept;
  Unanswered unanswered{asked.packet_id, 0, {}, {}};
  bool changed = false;
  mqtt::SubscriptionReader reader{asked};
  while (auto subscription = reader.next()) {
    const auto qos = subscription->qos;
    const auto code = code_for(*subscription, asked.subscription_identifier.has_value());
    unanswered.codes.push_back(code);
    changed = changed || code != Unanswered::from_broker || subscription->qos != qos;
    if (code != Unanswered::from_broker) continue;
    if (auto refused = count_subscription(subscription->filter, kept.size(), unanswered)) return *refused;
    kept.push_back(*subscription);
  }
  const bool denies = kept.size() < unanswered.codes.size();
  // MQTT 3.1 has no code that says no.
  if (denies && version == mqtt::Version::v3_1) return refuse(Reason::acl_denied, Cause::type_subscribe);
  if (kept.empty()) {
    mqtt::append_suback(frame_.answer, version, asked.packet_id, unanswered.codes);
    return drop_whole(header);
  }
  unanswered.codes_due = static_cast<std::uint16_t>(kept.size());
  if (!denies) unanswered.codes.clear();
  c_.of_client_.set(asked.packet_id, Due::suback);
  c_.unanswered_.push_back(std::move(unanswered));
  if (!changed) return pass_whole(header, through);
  std::vector<std::uint8_t> instead;
  mqtt::append_subscribe(instead, version, asked, kept);
  return frame_.replace_head(header.packet_size(), header.packet_size(), std::move(instead));
}

std::optional<Refuse> UpwardInspector::judge_filter(std::string_view filter) {
  const bool too_long = filter.size() > c_.rights_.topic_length_max;
  const bool too_deep = mqtt::levels_of(filter) > c_.rights_.topic_levels_max;
  if (!too_long && !too_deep) return std::nullopt;
  const Refusal over{Reason::limit_exceeded, too_long ? Cause::topic_length : Cause::topic_levels};
  return c_.observes(over) ? std::nullopt : std::optional{Refuse{over, code::topic_filter_invalid}};
}

/// The code with which this filter is denied, or `from_broker`; then its QoS is no more than may be granted.
std::uint8_t UpwardInspector::code_for(mqtt::Subscription& subscription, bool has_identifier) {
  const auto& rights = c_.rights_;
  const auto denied = [&](std::uint8_t v5_code) -> std::uint8_t {
    c_.deny(Denied::subscribe, TopicFacts{subscription.filter});
    return c_.is_v5() ? v5_code : v3_failure;
  };
  const bool is_shared = mqtt::is_shared(subscription.filter);
  const auto share = mqtt::shared_subscription(subscription.filter);
  // In MQTT 3 as well: brokers share subscriptions there too, by the same name.
  if (is_shared && !share) return denied(code::topic_filter_invalid);
  const auto filter = share ? share->filter : subscription.filter;
  // What CONNACK has said is not available.
  if (is_shared && !c_.shared_available_) return denied(code::shared_not_supported);
  if (!c_.wildcards_available_ && mqtt::has_wildcard(subscription.filter)) return denied(code::wildcards_not_supported);
  if (has_identifier && !c_.identifiers_available_) return denied(code::identifiers_not_supported);

  const bool observes = rights.mode == Mode::observe;
  const auto answer = rights.access.may_subscribe(subscription.filter);
  const bool hidden = rights.guards.has(Guard::dollar_subscribe) && !rights.access.decides() && filter.front() == '$';
  if (!answer.is_allowed() || hidden) {
    if (!c_.observes({Reason::acl_denied, Cause::type_subscribe}, TopicFacts{subscription.filter}))
      return denied(code::not_authorized);
  }
  if (is_kept_back(subscription.filter) &&
      !c_.observes({Reason::acl_denied, Cause::shield}, TopicFacts{subscription.filter})) {
    return denied(code::topic_filter_invalid);
  }
  if (is_shared && !rights.shared_subscriptions && !observes) return denied(code::shared_not_supported);
  if (!rights.wildcard_subscriptions && mqtt::has_wildcard(subscription.filter) && !observes) {
    return denied(code::wildcards_not_supported);
  }
  if (!observes) subscription.qos = std::min({subscription.qos, rights.qos_max, answer.qos_max});
  return Unanswered::from_broker;
}

/// Whether a shield stands before this filter, be it asked for or taken back: brokers have stumbled over one that is called
/// like a member of every object, and over one that a client has in both forms, shared and not.
bool UpwardInspector::is_kept_back(std::string_view filter) const {
  const auto& guards = c_.rights_.guards;
  const auto share = mqtt::shared_subscription(filter);
  const auto bare = share ? share->filter : filter;
  if (guards.has(Guard::object_names) && is_object_member(bare)) return true;
  return guards.has(Guard::mixed_shares) && (share ? c_.subscriptions_.has(bare) : c_.shared_.has(filter));
}

/// `place`: among the filters of this packet that the broker is asked for. If it says no, the filter counts no more.
std::optional<Refuse> UpwardInspector::count_subscription(std::string_view filter, std::size_t place, Unanswered& asked) {
  auto& known = c_.subscriptions_;
  if (known.has(filter)) return std::nullopt;
  if (known.size() >= c_.rights_.subscriptions_max) {
    const Refusal many{Reason::limit_exceeded, Cause::subscriptions};
    return c_.observes(many) ? std::nullopt : std::optional{Refuse{many, std::nullopt}};
  }
  known.add(filter);
  const auto share = mqtt::shared_subscription(filter);
  if (share) c_.shared_.add_once_more(share->filter);
  asked.counted.push_back({static_cast<std::uint16_t>(place), known.hash(filter),
                           share ? std::optional{known.hash(share->filter)} : std::nullopt});
  return std::nullopt;
}

UpwardInspector::Other UpwardInspector::unsubscribe(const Header& header, Bytes body, Forward& through) {
  const auto result = mqtt::read_unsubscribe(to_mqtt(c_.asked_.version), body);
  if (const auto* fault = std::get_if<mqtt::PacketFault>(&result)) return refuse(header.type, *fault);
  const auto& asked = std::get<mqtt::Unsubscribe>(result);
  const Refusal many_filters{Reason::limit_exceeded, Cause::filters};
  if (asked.filters > c_.rights_.filters_per_packet_max && !c_.observes(many_filters)) return Refuse{many_filters, {}};
  if (auto refused = judge_properties(asked.properties.size(), asked.user_properties)) return *refused;
  if (auto refused = claim(asked.packet_id)) return *refused;
  mqtt::FilterReader reader{asked};
  while (const auto filter = reader.next()) {
    if (auto refused = judge_filter(*filter)) return *refused;
    if (is_kept_back(*filter) && !c_.observes({Reason::acl_denied, Cause::shield}, TopicFacts{*filter})) {
      return refuse(Reason::acl_denied, Cause::shield);
    }
    const auto share = mqtt::shared_subscription(*filter);
    if (c_.subscriptions_.remove(*filter) && share) c_.shared_.remove(share->filter);
  }
  c_.of_client_.set(asked.packet_id, Due::unsuback);
  c_.unanswered_.push_back({asked.packet_id, static_cast<std::uint16_t>(asked.filters), {}, {}});
  return pass_whole(header, through);
}

}  // namespace bastion::inspect
