// A client and a broker that talk through a conversation's two inspectors, in pieces of any size; and rules for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/downward.hpp"
#include "proxy/inspect/upward.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::inspect::test {

using bastion::test::bytes;
using bastion::test::ByteVector;
using bastion::test::packet;
using bastion::test::Row;
using bastion::test::operator+;

inline constexpr auto v3_1 = MqttVersion::v3_1;
inline constexpr auto v3_1_1 = MqttVersion::v3_1_1;
inline constexpr auto v5 = MqttVersion::v5_0;

inline constexpr std::size_t at_once = std::numeric_limits<std::size_t>::max();

/// What became of bytes that one side sent.
struct Passage {
  ByteVector out;
  std::uint32_t packets = 0;
  std::optional<Refusal> refusal;
  std::optional<std::uint8_t> v5_code;  ///< of the refusal, where it is more than its reason's own
  friend bool operator==(const Passage&, const Passage&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Passage& passage) {
  out << passage.packets << " packets:" << std::hex;
  for (const auto byte : passage.out) out << ' ' << +byte;
  out << std::dec;
  if (passage.refusal) out << ", refused: " << label(passage.refusal->reason) << " " << label(passage.refusal->cause);
  return out;
}

inline Asked asked(MqttVersion version) {
  Asked asked;
  asked.version = version;
  return asked;
}

/// Small enough to be reached, wide enough not to be in the way.
inline Rights rights(std::uint32_t packet_size_max = 1000) {
  Rights rights;
  rights.packet_size_max = packet_size_max;
  return rights;
}

/// Two peers with the gate between them. What is not let through stays in hand, as in a relay.
class Talk {
 public:
  explicit Talk(const Asked& asked, const Rights& rights = test::rights(), std::size_t piece = at_once)
      : version_{asked.version}, conversation_{asked, rights}, piece_{piece} {}
  explicit Talk(MqttVersion version, const Rights& rights = test::rights(), std::size_t piece = at_once)
      : Talk{test::asked(version), rights, piece} {}

  /// What the client sends, and what of it reaches the broker.
  Passage up(const ByteVector& data) { return pass(up_, up_in_hand_, data); }
  /// What the broker sends, and what of it reaches the client.
  Passage down(const ByteVector& data) { return pass(down_, down_in_hand_, data); }
  /// A CONNACK that allows what no property forbids.
  Talk& accepted(std::string_view properties = "", bool session_present = false) {
    ByteVector body{static_cast<std::uint8_t>(session_present ? 1 : 0), 0};
    if (version_ == v5) {
      const auto written = bytes(properties);
      body.push_back(static_cast<std::uint8_t>(written.size()));
      body = body + written;
    }
    EXPECT_EQ(down(packet(0x20, body)).refusal, std::nullopt);
    return *this;
  }

  /// What the gate has said itself since it was asked last.
  ByteVector own_to_client() { return std::exchange(conversation_.to_client, {}); }
  ByteVector own_to_broker() { return std::exchange(conversation_.to_broker, {}); }

  [[nodiscard]] Conversation& conversation() { return conversation_; }
  /// What enforcing would have refused, without what it was about.
  [[nodiscard]] std::vector<Refusal> observed() const {
    std::vector<Refusal> refusals;
    for (const auto& observed : conversation_.observed()) refusals.push_back(observed.refusal);
    return refusals;
  }
  [[nodiscard]] UpwardInspector& upward() { return up_; }
  [[nodiscard]] DownwardInspector& downward() { return down_; }
  [[nodiscard]] std::uint32_t denied(Denied what) const { return conversation_.denied()[static_cast<std::size_t>(what)]; }

 private:
  template <class Inspector>
  Passage pass(Inspector& inspector, ByteVector& in_hand, const ByteVector& data) {
    Passage passage;
    std::size_t fed = 0;
    const auto take = [&](std::size_t count) {
      EXPECT_GT(count, 0u);
      in_hand.erase(in_hand.begin(), in_hand.begin() + static_cast<std::ptrdiff_t>(count));
    };
    while (true) {
      const Step step = inspector.step(in_hand);
      if (const auto* refuse = std::get_if<Refuse>(&step)) {
        passage.refusal = refuse->refusal;
        passage.v5_code = refuse->v5_reason_code;
        return passage;
      }
      if (const auto* forward = std::get_if<Forward>(&step)) {
        passage.out.insert(passage.out.end(), in_hand.begin(),
                           in_hand.begin() + static_cast<std::ptrdiff_t>(forward->bytes));
        passage.packets += forward->packets;
        take(forward->bytes);
        continue;
      }
      if (const auto* replace = std::get_if<Replace>(&step)) {
        passage.out.insert(passage.out.end(), replace->with.begin(), replace->with.end());
        passage.packets += replace->packets;
        take(replace->bytes);
        continue;
      }
      EXPECT_GT(std::get<NeedBytes>(step).bytes_min, in_hand.size());
      EXPECT_LE(std::get<NeedBytes>(step).bytes_min, whole_packet_max);
      if (fed == data.size()) return passage;
      const std::size_t size = std::min(piece_, data.size() - fed);
      in_hand.insert(in_hand.end(), data.begin() + static_cast<std::ptrdiff_t>(fed),
                     data.begin() + static_cast<std::ptrdiff_t>(fed + size));
      fed += size;
    }
  }

  MqttVersion version_;
  Conversation conversation_;
  UpwardInspector up_{conversation_};
  DownwardInspector down_{conversation_};
  std::size_t piece_;
  ByteVector up_in_hand_;
  ByteVector down_in_hand_;
};

/// A role's topic rules; the rights made from it borrow them.
class Rules {
 public:
  Rules() { role_.topics.emplace().rules = TopicRules{"policy"}; }
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  Rules& publish(std::string_view filter) { return add(TopicRight::publish, filter); }
  Rules& subscribe(std::string_view filter) { return add(TopicRight::receive, filter); }
  Rules& deny(std::string_view filter) { return add(TopicRight::deny_publish | TopicRight::deny_receive, filter); }
  Rules& add(TopicRights rights, std::string_view filter) {
    EXPECT_EQ(role_.topics->rules.add(filter, rights, TopicRules::Placeholders::with_escape), std::nullopt);
    return *this;
  }
  [[nodiscard]] Rights rights() const {
    Rights rights = test::rights();
    rights.access = Access{policy_, &role_, {"alice", "cam1"}};
    return rights;
  }

 private:
  Policy policy_;
  Role role_;
};

}  // namespace bastion::inspect::test
