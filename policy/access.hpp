// What one session may do with topics: its role's rules and the ACL file's, asked for each packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/topic_filter.hpp"
#include "policy/topic_rules.hpp"

namespace bastion {

class AclFile;
struct Policy;
struct Role;

/// Who asks, by the names of its CONNECT (or the identifier that the broker assigned, where it told). Borrowed.
struct TopicNames {
  std::optional<std::string_view> user_name;
  std::string_view client_id;  ///< empty: not known
};

/// The line that decided, where one did: what no rule allows is denied by none.
struct DecidingRule {
  const TopicRules* rules = nullptr;
  std::uint32_t index = TopicRules::no_rule;

  [[nodiscard]] explicit operator bool() const { return rules != nullptr && index != TopicRules::no_rule; }
  [[nodiscard]] Location where() const { return *this ? rules->where(index) : Location{}; }
  [[nodiscard]] TopicRights rights() const { return *this ? rules->rights_of(index) : TopicRights{}; }
};

/// What may be said to a PUBLISH or a will.
struct PublishAnswer {
  enum class Verdict : std::uint8_t {
    allowed,
    denied,         ///< this topic
    denied_qos,     ///< the topic, but not with this QoS
    denied_retain,  ///< the topic, but not retained
    denied_will,    ///< the topic, but not by a will
  };
  Verdict verdict = Verdict::allowed;
  DecidingRule rule{};

  [[nodiscard]] bool is_allowed() const { return verdict == Verdict::allowed; }
};

/// What may be said to a filter of a SUBSCRIBE.
struct SubscribeAnswer {
  enum class Verdict : std::uint8_t {
    allowed,          ///< all that it brings may be delivered
    allowed_in_part,  ///< each delivery has to be asked for with `may_receive`
    denied,
  };
  Verdict verdict = Verdict::allowed;
  std::uint8_t qos_max = 2;  ///< the most that may be granted
  DecidingRule rule{};

  [[nodiscard]] bool is_allowed() const { return verdict != Verdict::denied; }
};

struct ReceiveAnswer {
  bool is_allowed = true;
  DecidingRule rule{};
};

/// A session's rights. A small value: it borrows the policy, which must outlive it, and the names. Made anew at a reload,
/// and where the broker assigns the client its identifier. No question allocates.
///
/// What decides: the role, if it names any topic, and the ACL file, if there is one. Where there are both, both must allow,
/// as when the broker behind the gate goes by the ACL file. Where there is neither, topics are the broker's affair.
///
/// A session that goes on from an earlier connection has subscriptions that the gate did not see: its deliveries must be
/// asked for, each of them, wherever `decides()`.
class Access {
 public:
  /// Leaves topics to the broker.
  Access() = default;
  Access(const Policy& policy, const Role* role, const TopicNames& names);

  /// False: topics are left to the broker, and every answer is "allowed".
  [[nodiscard]] bool decides() const { return role_ != nullptr || acl_ != nullptr; }

  /// Whether this is the topic on which Mosquitto's bridges say, by a will and by PUBLISH, that they are up or down, in this
  /// client's own name, and the policy lets bridges enter. It is theirs also where topics are left to the broker, which has
  /// all else that begins with `$` for itself.
  [[nodiscard]] bool is_own_bridge_state(std::string_view topic) const;

  [[nodiscard]] PublishAnswer may_publish(std::string_view topic, std::uint8_t qos, bool retain) const;
  [[nodiscard]] PublishAnswer may_leave_will(std::string_view topic, std::uint8_t qos, bool retain) const;
  /// `filter` as SUBSCRIBE has it, `$share/NAME/` included. What is no filter is denied.
  [[nodiscard]] SubscribeAnswer may_subscribe(std::string_view filter) const;
  [[nodiscard]] ReceiveAnswer may_receive(std::string_view topic) const;

 private:
  struct Message;
  [[nodiscard]] PublishAnswer judge(const Message& message) const;
  [[nodiscard]] PublishAnswer judge_by_role(const Message& message) const;
  [[nodiscard]] PublishAnswer judge_by_acl(std::string_view topic) const;
  [[nodiscard]] ReceiveAnswer receive_by_role(std::string_view topic) const;
  [[nodiscard]] ReceiveAnswer ask_acl(std::string_view topic, TopicRight right) const;
  [[nodiscard]] SubscribeAnswer subscribe_by_role(const TopicFilter& filter) const;
  [[nodiscard]] SubscribeAnswer subscribe_by_acl(const TopicFilter& filter) const;

  const Role* role_ = nullptr;  ///< null: it names no topic, or there is none
  const AclFile* acl_ = nullptr;
  const TopicRules* acl_of_user_ = nullptr;  ///< null: the ACL file has no section for this user
  LevelNames names_;
  bool allows_bridges_ = false;
  bool role_denies_all_ = false;        ///< a deny of the role can't be read for these names
  bool acl_patterns_deny_all_ = false;  ///< the same, of the ACL file's patterns
};

}  // namespace bastion
