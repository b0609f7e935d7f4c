// A policy while it is being read: who may publish and subscribe to what.
#include <algorithm>
#include <utility>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t acl_file_bytes_max = std::size_t{64} << 20;
constexpr std::string_view share_mark = "$share/";

bool holds(const std::vector<std::size_t>& numbers, std::size_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

RoleTopics& Draft::topics_of_role() {
  auto& topics = policy.roles.back().topics;
  if (!topics) topics.emplace().rules = TopicRules{policy.where.file};
  return *topics;
}

void Draft::add_role_topics(const Value& value, TopicRights rights) {
  const auto role = policy.roles.size() - 1;
  auto& topics = topics_of_role();
  if (rights == TopicRight::publish || rights == TopicRight::receive) {
    roles_with_topics_.push_back(role);
  } else {
    roles_with_bounds_.push_back({role, value.where});
  }
  if (rights == TopicRight::retain) topics.retain_list = value.where;
  if (rights == TopicRight::will) topics.will_list = value.where;
  for (const auto& item : value.list) {
    if (item.value.compare(0, share_mark.size(), share_mark) == 0) {
      complain(item.where,
               quoted(item.value) + ": a shared subscription goes by its own filter; leave out \"$share/NAME/\"");
      continue;
    }
    const auto complaint =
        topics.rules.add(item.value, rights, TopicRules::Placeholders::with_escape, item.where.line, item.where.column);
    if (complaint) {
      complain(item.where, quoted(item.value) + ": " + *complaint);
    } else {
      role_filters_.push_back({role, rights, item});
    }
  }
}

void Draft::set_role_qos_max(const Value& value) {
  // The default bounds nothing, and makes no list of topics.
  if (value.number == 2) return;
  auto& topics = topics_of_role();
  topics.qos_max = static_cast<std::uint8_t>(value.number);
  topics.qos_max_where = value.where;
  roles_with_bounds_.push_back({policy.roles.size() - 1, value.where});
}

void Draft::set_acl_file(const Value& value) {
  const auto path = path_of(value);
  policy.authorization.acl_file = path;
  const auto read =
      read_file_ ? read_file_(path.value) : std::variant<std::string, FileError>{FileError{"it can't be opened"}};
  if (const auto* error = std::get_if<FileError>(&read)) {
    complain(value.where, quoted(value.path) + ": can't read " + quoted(path.value) + ": " + error->what);
    return;
  }
  const auto& content = std::get<std::string>(read);
  if (content.size() > acl_file_bytes_max) {
    complain(value.where, quoted(value.path) + ": " + quoted(path.value) + " is larger than 64MiB");
    return;
  }
  auto parsed = AclFile::parse(content, path.value);
  for (auto& complaint : parsed.complaints) {
    failed_ = failed_ || !complaint.warning;
    keep(std::move(complaint));
  }
  if (parsed.acl.size() == 0 && parsed.complaints.empty()) {
    warn(value.where, quoted(path.value) + " holds no rule: nobody may publish or receive anything");
  }
  policy.authorization.acl = std::move(parsed.acl);
}

void Draft::set_expected_topic(const Value& value, TopicQuestion::Kind kind) {
  auto& topic = kind == TopicQuestion::Kind::will ? expected_will() : expected_topic();
  if (!topic.text.empty()) {
    complain(value.where, R"("publish" and "subscribe" can't both be expected: write an [[expect]] for each)");
    return;
  }
  const bool is_filter = kind == TopicQuestion::Kind::subscribe;
  const bool is_good = is_filter ? SubscriptionFilter::from(value.text).has_value()
                                 : TopicFilter::from(value.text).has_value() && !holds_wildcard(value.text);
  if (!is_good) {
    complain(value.where,
             quoted(value.path) + ": " + quoted(value.text) + (is_filter ? " is no topic filter" : " is no topic name"));
  }
  topic.kind = kind;
  topic.text = is_good ? value.text : "?";  // what it was matters no more: there is a complaint
}

void Draft::check_role_topics() {
  for (const auto& [role, where] : roles_with_bounds_) {
    if (holds(roles_with_topics_, role)) continue;
    complain(where, "role " + quoted(policy.roles[role].name) +
                        R"( names no topic that this could bound: name what it may "publish" to or "subscribe" to)");
    // Once for each role.
    roles_with_topics_.push_back(role);
  }
  for (const auto& [role, rights, text] : role_filters_) {
    const bool is_publish = rights == TopicRight::publish;
    if (!is_publish && rights != TopicRight::receive) continue;
    const auto filter = TopicFilter::from(text.value);
    const auto& rules = policy.roles[role].topics->rules;
    const auto deny = is_publish ? TopicRight::deny_publish : TopicRight::deny_receive;
    const auto denied = filter ? rules.find_covering(*filter, {}, deny) : TopicRules::no_rule;
    if (denied == TopicRules::no_rule) continue;
    const auto by = rules.where(denied);
    complain(text.where, quoted(text.value) + " can never be allowed: all of it is denied at " + by.file + ':' +
                             std::to_string(by.line) + ':' + std::to_string(by.column));
  }
  check_bridges();
  if (policy.authorization.acl_file) return;
  for (const auto& role : policy.roles) {
    if (role.topics || roles_with_topics_.empty() || role.name.empty()) continue;
    warn(role.where, "role " + quoted(role.name) +
                         R"( names no topic, as others do: whom it fits may do with topics what )"
                         R"(the broker lets it. To allow it none, write publish = [])");
  }
}

/// Bridges are let in, and leave a will to a topic that begins with `$`: where rules decide on topics, one has to name it.
void Draft::check_bridges() {
  const auto& acl = policy.authorization.acl;
  if (!policy.mqtt.allow_bridge || failed_) return;
  const auto state = TopicFilter::from("$SYS/broker/connection/+/state");
  const auto lets = [&](const Role& role) {
    if (!role.topics) return true;
    auto wanted = TopicRights{TopicRight::publish};
    if (role.topics->retain_list) wanted = wanted | TopicRight::retain;
    if (role.topics->will_list) wanted = wanted | TopicRight::will;
    return role.topics->rules.find_overlapping(*state, {"u", "c"}, wanted).rights.has_all(wanted);
  };
  constexpr std::string_view consequence =
      R"(: unless they are set to "notifications false", bridges are refused for the will that tells their state. Add )";
  const auto complain_of = [&](std::string_view what, std::string_view remedy) {
    warn(where("mqtt.versions"), R"("bridge" is allowed, and )" + std::string{what} + " publish to " +
                                     quoted("$SYS/broker/connection/CLIENT-ID/state") + std::string{consequence} +
                                     std::string{remedy});
  };
  if (acl && !acl->lets_anyone_publish(*state)) {
    complain_of("the ACL file lets nobody", R"("pattern write $SYS/broker/connection/%c/state" to it)");
  }
  if (!policy.roles.empty() && std::none_of(policy.roles.begin(), policy.roles.end(), lets)) {
    complain_of("no role lets its clients", R"("$SYS/broker/connection/%c/state" to "publish" in the role of the bridges)");
  }
}

}  // namespace bastion
