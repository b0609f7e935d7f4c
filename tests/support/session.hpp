// One admitted session between a client and a broker, led as a relay leads it but without one: bytes in, and what came of
// them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/downward.hpp"
#include "proxy/inspect/upward.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::test {

/// What came of one side's bytes.
struct Way {
  ByteVector in_hand;
  ByteVector through;  ///< the sender's own bytes, and what stood for them
  ByteVector reached;  ///< the same with the gate's own packets between, where a relay puts them
  ByteVector own;      ///< these alone, to the way's receiver
  std::uint32_t packets = 0;
  friend bool operator==(const Way&, const Way&) = default;
};

struct Outcome {
  Way up;
  Way down;
  std::optional<Refusal> refusal;
  std::optional<std::uint8_t> v5_reason_code;
  std::vector<std::pair<Refusal, TopicNote>> observed;
  std::array<std::uint32_t, denied_count> denied{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

enum class Side : std::uint8_t { client, broker };

/// How many bytes set asked_of() and rights_of().
inline constexpr std::size_t settings_size = 4;

/// What the client has asked for in CONNECT, every kind of it within reach of a fuzzer. `settings`: settings_size bytes.
[[nodiscard]] inspect::Asked asked_of(std::span<const std::uint8_t> settings);
/// What the client may do, likewise: limits so low that they are met, rules, shields up or down.
[[nodiscard]] inspect::Rights rights_of(std::span<const std::uint8_t> settings);
/// Rights under which nothing is refused but what the standards refuse, as long as topics keep within 4000 bytes.
[[nodiscard]] inspect::Rights every_right();

class Session {
 public:
  Session(const inspect::Asked& asked, const inspect::Rights& rights) : conversation_{asked, rights} {}

  /// Gives the gate what a side sends, in pieces of `piece(0)`, `piece(1)` ... bytes. As with a relay, nothing moves upward
  /// before the broker has accepted, and nothing at all once the session was refused. A step that no relay could take
  /// throws.
  template <class Piece>
  void say(Side side, std::span<const std::uint8_t> bytes, const Piece& piece) {
    if (side == Side::client && !is_accepted()) return;
    for (std::size_t said = 0, turn = 0; said < bytes.size() && !outcome_.refusal; ++turn) {
      const auto size = std::min<std::size_t>(bytes.size() - said, piece(turn));
      add(side, bytes.subspan(said, size));
      said += size;
    }
    insert_own_packets();
  }
  void say(Side side, std::span<const std::uint8_t> bytes) {
    say(side, bytes, [&bytes](std::size_t) { return bytes.size(); });
  }

  /// Chunks in a row, until the session is refused: a byte that says which side speaks (0x80: the client) and how long, and
  /// that many bytes and one.
  template <class Piece>
  void say_chunks(std::span<const std::uint8_t> chunks, const Piece& piece) {
    while (chunks.size() >= 2 && !is_refused()) {
      const auto side = (chunks[0] & 0x80u) != 0 ? Side::client : Side::broker;
      const auto size = std::min<std::size_t>(1 + (chunks[0] & 0x7fu), chunks.size() - 1);
      say(side, chunks.subspan(1, size), piece);
      chunks = chunks.subspan(1 + size);
    }
  }

  [[nodiscard]] bool is_refused() const { return outcome_.refusal.has_value(); }
  /// What has come of it.
  [[nodiscard]] const Outcome& outcome();

 private:
  [[nodiscard]] bool is_accepted() const { return down_.connack() && down_.connack()->code == 0; }
  void add(Side side, std::span<const std::uint8_t> bytes);
  bool take(const inspect::Step& step, Way& way);
  void insert_own_packets();

  inspect::Conversation conversation_;
  inspect::UpwardInspector up_{conversation_};
  inspect::DownwardInspector down_{conversation_};
  Outcome outcome_;
};

}  // namespace bastion::test
