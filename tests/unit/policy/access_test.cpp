// What sessions may do with topics, by roles, by the ACL file, and by both.
#include "policy/access.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace bastion {
namespace {

using Publish = PublishAnswer::Verdict;
using Subscribe = SubscribeAnswer::Verdict;
using Filters = std::vector<std::string>;

/// A role of one client; the line of a filter is its place among all that were added, from 1.
class RoleOf {
 public:
  RoleOf() { role_.topics.emplace().rules = TopicRules{"policy"}; }

  RoleOf& with(TopicRights rights, const Filters& filters) {
    for (const auto& filter : filters) {
      const auto line = static_cast<std::uint32_t>(topics().rules.size() + 1);
      EXPECT_EQ(topics().rules.add(filter, rights, TopicRules::Placeholders::with_escape, line, 1), std::nullopt);
    }
    return *this;
  }
  RoleOf& publish(const Filters& filters) { return with(TopicRight::publish, filters); }
  RoleOf& subscribe(const Filters& filters) { return with(TopicRight::receive, filters); }
  RoleOf& deny(const Filters& filters) { return with(TopicRight::deny_publish | TopicRight::deny_receive, filters); }
  RoleTopics& topics() { return *role_.topics; }

  RoleOf& acl(const std::string& text) {
    auto parsed = AclFile::parse(text, "acl");
    for (const auto& complaint : parsed.complaints) EXPECT_TRUE(complaint.warning) << complaint.message;
    policy_.authorization.acl = std::move(parsed.acl);
    return *this;
  }
  [[nodiscard]] Access access(std::string_view client_id = "cam1", std::optional<std::string_view> user = "alice") const {
    return {policy_, &role_, {user, client_id}};
  }

 private:
  Policy policy_;
  Role role_;
};

Publish verdict(const Access& access, std::string_view topic, std::uint8_t qos = 0, bool retain = false) {
  return access.may_publish(topic, qos, retain).verdict;
}

TEST(Access, LeavesTopicsToTheBrokerWhereNothingNamesAny) {
  const Policy policy;
  const Role role;
  for (const auto& access : {Access{}, Access{policy, nullptr, {}}, Access{policy, &role, {}}}) {
    EXPECT_FALSE(access.decides());
    EXPECT_EQ(verdict(access, "$SYS/x", 2, true), Publish::allowed);
    EXPECT_EQ(access.may_subscribe("#").verdict, Subscribe::allowed);
    EXPECT_TRUE(access.may_receive("$x").is_allowed);
    EXPECT_TRUE(access.may_leave_will("x", 2, true).is_allowed());
  }
}

TEST(Access, KnowsTheStateTopicOfAClientsOwnBridgeWhereBridgesMayEnter) {
  Policy policy;
  const auto is_own = [&](std::string_view topic, std::string_view client_id = "site.up") {
    return Access{policy, nullptr, {"site", client_id}}.is_own_bridge_state(topic);
  };
  EXPECT_FALSE(is_own("$SYS/broker/connection/site.up/state")) << "bridges may not enter";
  policy.mqtt.allow_bridge = true;
  EXPECT_TRUE(is_own("$SYS/broker/connection/site.up/state"));
  for (const auto* other :
       {"$SYS/broker/connection/other/state", "$SYS/broker/connection/site.up2/state", "$SYS/broker/connection/site.u/state",
        "$SYS/broker/connection/site.up/state/", "$SYS/broker/connection/site.up/x/state", "$SYS/broker/connection/site.up",
        "$SYS/broker/connection//state", "$SYS/broker/connection/state", "$SYS/broker/connection/+/state",
        "/$SYS/broker/connection/site.up/state", "$sys/broker/connection/site.up/state", "$SYS/broker/version", "$CONTROL/x",
        "site.up", ""}) {
    EXPECT_FALSE(is_own(other)) << other;
  }
  EXPECT_FALSE(is_own("$SYS/broker/connection//state", "")) << "nobody's name";
  EXPECT_FALSE(is_own("$SYS/broker/connection/a/b/state", "a/b")) << "a name that is more than one level";
  EXPECT_FALSE(is_own("$SYS/broker/connection/+/state", "+"));
  EXPECT_FALSE(Access{}.is_own_bridge_state("$SYS/broker/connection//state"));
}

TEST(Access, OfARoleIsOnlyWhatItNames) {
  RoleOf role;
  role.publish({"telemetry/%c/#"}).subscribe({"command/%c/#"});
  const auto access = role.access();
  EXPECT_TRUE(access.decides());
  EXPECT_EQ(verdict(access, "telemetry/cam1/t"), Publish::allowed);
  EXPECT_EQ(verdict(access, "telemetry/cam2/t"), Publish::denied);
  EXPECT_EQ(verdict(access, "command/cam1/t"), Publish::denied);
  EXPECT_TRUE(access.may_receive("command/cam1/t").is_allowed);
  EXPECT_FALSE(access.may_receive("telemetry/cam1/t").is_allowed);
  EXPECT_EQ(access.may_subscribe("command/cam1/+").verdict, Subscribe::allowed);
  EXPECT_EQ(access.may_subscribe("command/+/x").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("#").verdict, Subscribe::denied);
}

TEST(Access, OfARoleThatNamesNoTopicsOnPurposeIsNone) {
  RoleOf role;
  const auto access = role.access();
  EXPECT_EQ(verdict(access, "a"), Publish::denied);
  EXPECT_EQ(access.may_subscribe("a").verdict, Subscribe::denied);
  EXPECT_FALSE(access.may_receive("a").is_allowed);
}

TEST(Access, NamesTheLineThatDecides) {
  RoleOf role;
  role.publish({"a/#"}).deny({"a/secret"}).subscribe({"b/#"});
  const auto access = role.access();
  EXPECT_EQ(access.may_publish("a/x", 0, false).rule.where().line, 1U);
  EXPECT_EQ(access.may_publish("a/secret", 0, false).rule.where().line, 2U);
  EXPECT_EQ(access.may_receive("b/x").rule.where().line, 3U);
  EXPECT_EQ(access.may_subscribe("b/x").rule.where().line, 3U);
  EXPECT_FALSE(access.may_publish("c", 0, false).rule) << "what no rule allows, no rule denies";
}

TEST(Access, IsTakenByADenyWhateverElseAllows) {
  RoleOf role;
  role.publish({"#"}).subscribe({"#"}).deny({"secret/#"}).with(TopicRight::deny_publish, {"alarm"});
  role.with(TopicRight::deny_receive, {"password/+"});
  const auto access = role.access();
  EXPECT_EQ(verdict(access, "secret"), Publish::denied);
  EXPECT_EQ(verdict(access, "alarm"), Publish::denied);
  EXPECT_TRUE(access.may_receive("alarm").is_allowed);
  EXPECT_FALSE(access.may_receive("password/x").is_allowed);
  EXPECT_EQ(verdict(access, "password/x"), Publish::allowed);
}

TEST(Access, ToAFilterWiderThanADenyIsCheckedAtEachDelivery) {
  RoleOf role;
  role.subscribe({"#"}).deny({"secret/#"});
  const auto access = role.access();
  EXPECT_EQ(access.may_subscribe("#").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("+/x").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("secret/x").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("secret/#").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("open/#").verdict, Subscribe::allowed);
}

TEST(Access, ToASharedSubscriptionIsThatToItsInnerFilter) {
  RoleOf role;
  role.subscribe({"a/#"});
  const auto access = role.access();
  EXPECT_EQ(access.may_subscribe("$share/g/a/b").verdict, Subscribe::allowed);
  EXPECT_EQ(access.may_subscribe("$share/g/b").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("$share/a/#").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("$share/g").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("a/b#").verdict, Subscribe::denied);
}

TEST(Access, ToDollarTopicsNeedsARuleThatNamesThem) {
  RoleOf role;
  role.publish({"#"}).subscribe({"#", "+/#"});
  EXPECT_EQ(verdict(role.access(), "$SYS/x"), Publish::denied);
  EXPECT_EQ(role.access().may_subscribe("$SYS/#").verdict, Subscribe::denied);
  EXPECT_EQ(role.access().may_subscribe("$share/g/$SYS/#").verdict, Subscribe::denied);
  EXPECT_FALSE(role.access().may_receive("$SYS/broker/version").is_allowed);
  role.subscribe({"$SYS/broker/version"});
  EXPECT_EQ(role.access().may_subscribe("$SYS/broker/version").verdict, Subscribe::allowed);
}

TEST(Access, ToRetainedMessagesAndWillsIsWhereverItMayPublishUnlessListed) {
  RoleOf role;
  role.publish({"a/#"});
  EXPECT_EQ(verdict(role.access(), "a/x", 2, true), Publish::allowed);
  EXPECT_TRUE(role.access().may_leave_will("a/x", 1, true).is_allowed());
  EXPECT_EQ(role.access().may_leave_will("b", 0, false).verdict, Publish::denied);

  role.with(TopicRight::retain, {"a/state"}).with(TopicRight::will, {"a/state"});
  role.topics().retain_list = Location{};
  role.topics().will_list = Location{};
  EXPECT_EQ(verdict(role.access(), "a/state", 0, true), Publish::allowed);
  EXPECT_EQ(verdict(role.access(), "a/x", 0, true), Publish::denied_retain);
  EXPECT_EQ(verdict(role.access(), "a/x"), Publish::allowed);
  EXPECT_EQ(role.access().may_leave_will("a/x", 0, false).verdict, Publish::denied_will);
  EXPECT_TRUE(role.access().may_leave_will("a/state", 0, true).is_allowed());
}

TEST(Access, ByAListOfRetainedTopicsAloneIsNone) {
  RoleOf role;
  role.with(TopicRight::retain, {"a"}).with(TopicRight::will, {"a"});
  EXPECT_EQ(verdict(role.access(), "a", 0, true), Publish::denied);
  EXPECT_EQ(role.access().may_leave_will("a", 0, true).verdict, Publish::denied);
}

TEST(Access, IsBoundedInQosByTheRoleAndByFilter) {
  RoleOf role;
  role.publish({"#"}).subscribe({"#"}).with(TopicRight::qos_0, {"stream/#"}).with(TopicRight::qos_1, {"log/#"});
  const auto access = role.access();
  EXPECT_EQ(verdict(access, "a", 2), Publish::allowed);
  EXPECT_EQ(verdict(access, "log/a", 1), Publish::allowed);
  EXPECT_EQ(verdict(access, "log/a", 2), Publish::denied_qos);
  EXPECT_EQ(verdict(access, "stream/a", 1), Publish::denied_qos);
  EXPECT_EQ(access.may_publish("stream/a", 1, false).rule.where().line, 3U);
  EXPECT_EQ(access.may_subscribe("a").qos_max, 2);
  EXPECT_EQ(access.may_subscribe("log/+").qos_max, 1);
  EXPECT_EQ(access.may_subscribe("#").qos_max, 0) << "some of what it brings is";
  role.topics().qos_max = 1;
  EXPECT_EQ(verdict(role.access(), "a", 2), Publish::denied_qos);
  EXPECT_EQ(role.access().may_subscribe("a").qos_max, 1);
}

// The class of CVE-2017-7650, of Moquette's CVE-2026-95848 and of RabbitMQ's CVE-2026-44838: names that act as patterns.
TEST(Access, IsNeverWidenedByANameThatIsNoLevel) {
  RoleOf role;
  role.publish({"u/%u/#", "c/%c/x", "open"}).subscribe({"u/%u/#", "c/%c/x", "open"});
  for (const auto* name : {"+", "#", "a/b", "+/b", "a\nb", "", "$SYS", "bob/../alice", ".*"}) {
    const auto access = role.access(name, name);
    for (const auto* topic : {"u/alice/x", "c/cam1/x", "u/a/b/x", "c//x", "u//x", "u/+/x"}) {
      EXPECT_EQ(verdict(access, topic), Publish::denied) << name << " to " << topic;
      EXPECT_FALSE(access.may_receive(topic).is_allowed) << name << " from " << topic;
    }
    for (const auto* filter : {"u/+/#", "u/#", "c/+/x", "u/a/b/#", "#"}) {
      EXPECT_EQ(access.may_subscribe(filter).verdict, Subscribe::denied) << name << " to " << filter;
    }
    EXPECT_EQ(verdict(access, "open"), Publish::allowed) << name;
  }
  EXPECT_EQ(verdict(role.access("x", ".*"), "u/.*/x"), Publish::allowed) << "it is just a level";
}

TEST(Access, IsDeniedWhollyWhereADenyCannotBeReadForTheName) {
  RoleOf role;
  role.publish({"#"}).subscribe({"#"}).deny({"private/%u/#"});
  EXPECT_EQ(verdict(role.access("cam1", "alice"), "private/alice/x"), Publish::denied);
  EXPECT_EQ(verdict(role.access("cam1", "alice"), "private/bob/x"), Publish::allowed);
  EXPECT_EQ(verdict(role.access("cam1", "a/b"), "x"), Publish::denied);
  EXPECT_FALSE(role.access("cam1", "a/b").may_receive("x").is_allowed);
  EXPECT_EQ(role.access("cam1", "a/b").may_subscribe("x").verdict, Subscribe::denied);
  EXPECT_EQ(verdict(role.access("cam1", std::nullopt), "x"), Publish::allowed) << "nobody has nothing private";
}

TEST(Access, ByBothRoleAndAclFileIsWhatBothAllow) {
  RoleOf role;
  role.publish({"a/#", "b/#"}).subscribe({"a/#"}).acl("user alice\ntopic readwrite a/x\ntopic write c\n");
  const auto access = role.access();
  EXPECT_EQ(verdict(access, "a/x"), Publish::allowed);
  EXPECT_EQ(access.may_publish("a/x", 0, false).rule.where().file, "policy");
  EXPECT_EQ(verdict(access, "a/y"), Publish::denied);
  EXPECT_EQ(verdict(access, "c"), Publish::denied);
  EXPECT_TRUE(access.may_receive("a/x").is_allowed);
  EXPECT_FALSE(access.may_receive("a/y").is_allowed);
  EXPECT_EQ(access.may_subscribe("a/x").verdict, Subscribe::allowed);
  EXPECT_EQ(access.may_subscribe("a/+").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("a/y").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("+/x").verdict, Subscribe::denied);
}

/// The rights of clients by an ACL file alone.
class AclOf {
 public:
  explicit AclOf(const std::string& text) {
    auto parsed = AclFile::parse(text, "acl");
    for (const auto& complaint : parsed.complaints) EXPECT_TRUE(complaint.warning) << complaint.message;
    policy_.authorization.acl = std::move(parsed.acl);
  }
  [[nodiscard]] Access access(std::string_view client_id = "cam1", std::optional<std::string_view> user = "alice") const {
    return {policy_, nullptr, {user, client_id}};
  }

 private:
  Policy policy_;
};

TEST(Access, ByAnAclFileGrantsAFilterUnlessNothingOfItMayBeDelivered) {
  const AclOf acl{"user alice\ntopic read a/#\ntopic deny a/secret/#\ntopic write w\npattern read %u/in\n"};
  const auto access = acl.access();
  EXPECT_EQ(access.may_subscribe("a/b/+").verdict, Subscribe::allowed);
  EXPECT_EQ(access.may_subscribe("alice/in").verdict, Subscribe::allowed);
  EXPECT_EQ(access.may_subscribe("a/#").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("#").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("+/in").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(access.may_subscribe("w").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("a/secret/+").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("bob/in").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("$SYS/#").verdict, Subscribe::denied);
  EXPECT_EQ(access.may_subscribe("$share/g/a/b").verdict, Subscribe::allowed);
}

TEST(Access, ByAnAclFileLetsAUsersAllowBeatAPatternsDeny) {
  const AclOf acl{"user alice\ntopic read a\npattern deny #\npattern readwrite %c/x\n"};
  EXPECT_TRUE(acl.access().may_receive("a").is_allowed);
  EXPECT_EQ(acl.access().may_receive("a").rule.where().line, 2U);
  EXPECT_FALSE(acl.access().may_receive("cam1/x").is_allowed);
  EXPECT_EQ(acl.access().may_receive("cam1/x").rule.where().line, 3U);
  EXPECT_EQ(acl.access().may_subscribe("a").verdict, Subscribe::allowed);
  EXPECT_EQ(acl.access().may_subscribe("+").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(acl.access().may_subscribe("cam1/x").verdict, Subscribe::denied);
}

TEST(Access, ByAnAclFileTakesAUsersDenyBeforeThePatternsAllow) {
  const AclOf acl{"pattern readwrite %u/#\nuser alice\ntopic deny alice/locked\n"};
  EXPECT_EQ(verdict(acl.access(), "alice/locked"), Publish::denied);
  EXPECT_EQ(verdict(acl.access(), "alice/open"), Publish::allowed);
  EXPECT_EQ(acl.access().may_subscribe("alice/#").verdict, Subscribe::allowed_in_part);
  EXPECT_EQ(acl.access().may_subscribe("alice/locked").verdict, Subscribe::denied);
}

TEST(Access, ByAnAclFileWithoutARuleIsNone) {
  const AclOf acl{"# nothing yet\n"};
  EXPECT_EQ(verdict(acl.access(), "a"), Publish::denied);
  EXPECT_FALSE(acl.access().may_receive("a").is_allowed);
  EXPECT_EQ(acl.access().may_subscribe("#").verdict, Subscribe::denied);
}

TEST(Access, OfClientsWithoutAUserNameIsWhatStandsBeforeTheFirstUser) {
  const AclOf acl{"topic read public/#\npattern read c/%c\npattern read u/%u\nuser alice\ntopic read a\n"};
  const auto nobody = acl.access("cam1", std::nullopt);
  EXPECT_TRUE(nobody.may_receive("public/x").is_allowed);
  EXPECT_TRUE(nobody.may_receive("c/cam1").is_allowed);
  EXPECT_FALSE(nobody.may_receive("u/").is_allowed);
  EXPECT_FALSE(nobody.may_receive("u/%u").is_allowed);
  EXPECT_FALSE(nobody.may_receive("a").is_allowed);
  EXPECT_FALSE(acl.access().may_receive("public/x").is_allowed);
}

// CVE-2017-7650.
TEST(Access, ByPatternsIsDeniedToNamesWithWildcardsAsMosquittoDoes) {
  const AclOf acl{"pattern readwrite %u/%c/#\npattern read public\nuser a+\ntopic read own\n"};
  for (const auto& [user, id] : {std::pair{"a+", "cam1"}, std::pair{"alice", "#"}}) {
    const auto access = acl.access(id, user);
    EXPECT_FALSE(access.may_receive("public").is_allowed) << user << ' ' << id;
    EXPECT_EQ(verdict(access, "alice/cam1/x"), Publish::denied) << user << ' ' << id;
    EXPECT_EQ(access.may_subscribe("public").verdict, Subscribe::denied) << user << ' ' << id;
  }
  EXPECT_TRUE(acl.access("cam1", "a+").may_receive("own").is_allowed) << "its own section holds no pattern";
}

TEST(Access, ByPatternsIsNoneWhereANameIsNoLevel) {
  const AclOf allows{"pattern readwrite %u/#\npattern read public\n"};
  for (const auto* user : {"a/b", "", "$SYS", "a\x01"}) {
    const auto access = allows.access("cam1", user);
    EXPECT_TRUE(access.may_receive("public").is_allowed) << user;
    for (const auto* topic : {"a/b/x", "/x", "$SYS/x", "a/x"}) EXPECT_FALSE(access.may_receive(topic).is_allowed) << topic;
  }
  const AclOf denies{"pattern deny %u/secret\npattern readwrite #\n"};
  EXPECT_TRUE(denies.access("cam1", "bob").may_receive("a").is_allowed);
  EXPECT_FALSE(denies.access("cam1", "a/b").may_receive("a").is_allowed) << "nobody can tell what is denied to it";
  EXPECT_TRUE(denies.access("cam1", std::nullopt).may_receive("a").is_allowed);
}

TEST(Access, ByAnAclFileKeepsWhatMosquittoReserves) {
  const AclOf acl{"user alice\ntopic readwrite $SYS/#\ntopic readwrite $share/#\ntopic readwrite $other/#\n"};
  const auto access = acl.access();
  EXPECT_EQ(verdict(access, "$SYS/broker/uptime"), Publish::denied);
  EXPECT_EQ(verdict(access, "$SYS/broker/connection/b1/state"), Publish::allowed);
  EXPECT_TRUE(access.may_receive("$SYS/broker/uptime").is_allowed);
  EXPECT_EQ(verdict(access, "$share/a/b"), Publish::denied);
  EXPECT_FALSE(access.may_receive("$share/a/b").is_allowed);
  EXPECT_EQ(verdict(access, "$other/a"), Publish::allowed);
}

}  // namespace
}  // namespace bastion
