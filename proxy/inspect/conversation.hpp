// What both directions of one admitted session share: its terms, what is in flight, and what the gate has to say itself.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/access.hpp"
#include "policy/facts.hpp"
#include "policy/policy.hpp"
#include "policy/reason.hpp"
#include "proxy/inspect/asked.hpp"
#include "proxy/inspect/hash_set.hpp"
#include "proxy/inspect/packet_ids.hpp"
#include "proxy/inspect/topic_aliases.hpp"
#include "proxy/inspect/verdicts.hpp"

namespace bastion::inspect {

using TimePoint = std::chrono::steady_clock::time_point;

/// For whoever has no secrets to keep.
inline constexpr HashKey no_key{};

/// What an admitted session may do, as far as the policy says it. May be exchanged between two steps.
struct Rights {
  Mode mode = Mode::enforce;  ///< observe: what goes against these rights is told, and let through
  std::uint32_t packet_size_max = 256u << 10;
  std::uint32_t topic_length_max = 1024;
  std::uint32_t topic_levels_max = 32;
  std::uint32_t properties_size_max = 16u << 10;
  std::uint32_t user_properties_max = 32;
  std::uint32_t filters_per_packet_max = 64;
  std::uint32_t subscriptions_max = 256;
  std::uint32_t in_flight_max = 256;           ///< QoS 1 and 2 from the client; and SUBSCRIBE and UNSUBSCRIBE, each
  std::uint32_t retained_messages_max = 1024;  ///< topics
  std::uint8_t qos_max = 2;
  bool retain = true;
  bool wildcard_subscriptions = true;
  bool shared_subscriptions = true;
  bool disconnects_on_denied_publish = false;
  Guards guards;
  std::uint32_t session_expiry_max_s = 0xffff'ffff;
  std::optional<std::uint16_t> server_keep_alive_s;  ///< what MQTT 5 clients are told at most; not 0
  const HashKey* hash_key = &no_key;                 ///< the same for the whole session, and outlives it
  /// Borrows. Where it leaves topics to the broker, those that begin with `$` are the broker's own: they are no client's to
  /// use, but for what stands behind `$share/NAME/`, and for a bridge's own state.
  Access access;
};

/// What was kept from going through.
struct Denial {
  Denied what{};
  TopicNote about;
};

/// What enforcing would have refused, or ended the session for.
struct Observed {
  Refusal refusal;
  TopicNote about;
};

/// One SUBSCRIBE or UNSUBSCRIBE that the broker has not answered yet.
struct Unanswered {
  std::uint16_t packet_id = 0;
  std::uint16_t codes_due = 0;      ///< how many codes the broker owes
  std::vector<std::uint8_t> codes;  ///< the answer to the client, `from_broker` where the broker's is to stand; or empty
  static constexpr std::uint8_t from_broker = 0xff;
  /// Those of the filters for which the broker owes a code that are counted as subscriptions since this packet, and which.
  struct Counted {
    std::uint16_t place = 0;
    HashSet::Hash filter = 0;
    std::optional<HashSet::Hash> shared{};  ///< of a shared one: what stands behind its name
  };
  std::vector<Counted> counted{};
};

class Conversation {
 public:
  Conversation(const Asked& asked, const Rights& rights)
      : asked_{asked}, rights_{rights}, session_expiry_s_{asked.session_expiry_interval_s} {}
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Other rights, from the next packet on.
  void use(const Rights& rights) {
    rights_ = rights;
    may_publish_.forget();
    may_receive_.forget();
  }

  [[nodiscard]] Mode mode() const { return rights_.mode; }
  [[nodiscard]] MqttVersion version() const { return asked_.version; }
  /// For how many seconds the broker keeps the session once its connection is gone, 0xffffffff: for ever (OASIS 5.0 section
  /// 3.1.2.11.2); what the broker does of its own accord aside.
  [[nodiscard]] std::uint32_t session_expiry_s() const { return session_expiry_s_; }

  /// Whole packets of the gate's own, to go out at the next packet boundary. Whoever sends them clears them.
  std::vector<std::uint8_t> to_client;
  std::vector<std::uint8_t> to_broker;

  /// Grows; each refusal once, with the first topic that it was about.
  [[nodiscard]] const std::vector<Observed>& observed() const { return observed_; }
  /// How often something was kept from going through.
  [[nodiscard]] const std::array<std::uint32_t, denied_count>& denied() const { return denied_; }
  /// The first of each kind; grows.
  [[nodiscard]] const std::vector<Denial>& first_denials() const { return first_denials_; }

 private:
  friend class UpwardInspector;
  friend class DownwardInspector;

  [[nodiscard]] bool is_v5() const { return asked_.version == MqttVersion::v5_0; }
  /// True: the rights are only observed, and this goes on.
  [[nodiscard]] bool observes(Refusal refusal, const TopicFacts& about = {});
  void deny(Denied what, const TopicFacts& about);

  Asked asked_;
  Rights rights_;
  PacketIds of_client_;  ///< identifiers that the client chose
  PacketIds of_broker_;
  std::uint32_t client_publishes_ = 0;  ///< of the client's, QoS 1 and 2: what Receive Maximum counts
  TopicAliases client_aliases_;
  TopicAliases broker_aliases_;
  std::vector<Unanswered> unanswered_;
  HashSet subscriptions_{*rights_.hash_key};  ///< filters
  HashSet shared_{*rights_.hash_key};    ///< of the shared ones among them: what stands behind their names, once for each
  HashSet retained_{*rights_.hash_key};  ///< topics
  Verdicts<PublishAnswer::Verdict> may_publish_;
  Verdicts<bool> may_receive_;
  std::vector<Observed> observed_;
  std::array<std::uint32_t, denied_count> denied_{};
  std::vector<Denial> first_denials_;

  /// What the client was told by CONNACK, the broker's word and the gate's in one; MQTT 5.
  std::uint32_t maximum_packet_size_ = 0xffff'ffff;
  std::uint32_t receive_maximum_ = 65'535;
  std::uint16_t topic_alias_maximum_ = 0;
  std::uint8_t maximum_qos_ = 2;
  bool retain_available_ = true;
  bool wildcards_available_ = true;
  bool shared_available_ = true;
  bool identifiers_available_ = true;
  std::uint32_t session_expiry_s_;
  bool resumed_ = false;  ///< the broker goes on with an earlier session, whose exchanges are not all known here
};

}  // namespace bastion::inspect
