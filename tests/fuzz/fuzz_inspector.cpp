// Any split of the same bytes lets the same bytes through and ends in the same refusal, both ways; no step asks for more
// than the limits allow, and what goes up is what came.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proxy/inspect/inspector.hpp"

namespace {

using namespace bastion;
using namespace bastion::inspect;
using Bytes = std::span<const std::uint8_t>;

constexpr std::uint32_t size_max = 300;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

struct Passage {
  std::vector<std::uint8_t> out;
  std::uint32_t packets = 0;
  std::optional<Refusal> refusal;
  bool disconnected = false;
  bool at_boundary = true;
  friend bool operator==(const Passage&, const Passage&) = default;
};

// The bytes of the stream that have arrived and have not gone through.
struct Arrived {
  std::size_t from = 0;
  std::size_t to = 0;
};

// True: ask again with what is left. False: this is the end, or more must arrive.
bool take(const Step& step, Bytes in_hand, Arrived& arrived, Passage& passage) {
  if (const auto* const forward = std::get_if<Forward>(&step)) {
    require(forward->bytes > 0 && forward->bytes <= in_hand.size());
    const Bytes through = in_hand.first(forward->bytes);
    passage.out.insert(passage.out.end(), through.begin(), through.end());
    passage.packets += forward->packets;
    arrived.from += forward->bytes;
    return true;
  }
  if (const auto* const replace = std::get_if<Replace>(&step)) {
    require(replace->bytes > 0 && replace->bytes <= in_hand.size());
    passage.out.insert(passage.out.end(), replace->with.begin(), replace->with.end());
    passage.packets += replace->packets;
    arrived.from += replace->bytes;
    return true;
  }
  if (const auto* const refuse = std::get_if<Refuse>(&step)) {
    require(refusals()[index_of(refuse->refusal)] == refuse->refusal);
    passage.refusal = refuse->refusal;
    return false;
  }
  const auto need = std::get<NeedBytes>(step);
  require(need.bytes_min > in_hand.size() && need.bytes_min <= size_max);
  return false;
}

// `piece(i)`: how many bytes arrive at the i-th time, at least one.
template <class Inspector, class Piece>
Passage pass(Inspector inspector, Bytes stream, const Piece& piece) {
  Passage passage;
  Arrived arrived;
  for (std::size_t turn = 0; !passage.refusal; ++turn) {
    while (true) {
      const Bytes in_hand = stream.subspan(arrived.from, arrived.to - arrived.from);
      if (!take(inspector.step(in_hand), in_hand, arrived, passage)) break;
    }
    if (arrived.to == stream.size()) break;
    arrived.to = std::min(stream.size(), arrived.to + piece(turn));
  }
  passage.disconnected = inspector.disconnected();
  passage.at_boundary = inspector.at_boundary();
  return passage;
}

template <class Inspector>
Passage require_same_for_any_split(const Inspector& inspector, Bytes stream, std::uint8_t seed) {
  const auto at_once = [&stream](std::size_t) { return std::max<std::size_t>(1, stream.size()); };
  const auto one_by_one = [](std::size_t) { return std::size_t{1}; };
  const auto uneven = [seed](std::size_t turn) { return 1 + (seed * 31 + turn * 17 + turn * turn * 7) % 23; };
  const Passage whole = pass(inspector, stream, at_once);
  require(whole == pass(inspector, stream, one_by_one));
  require(whole == pass(inspector, stream, uneven));
  return whole;
}

}  // namespace

// The first byte chooses direction, version and keep alive, the second a split; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr MqttVersion versions[] = {MqttVersion::v3_1, MqttVersion::v3_1_1, MqttVersion::v5_0, MqttVersion::v5_0};
  const MqttVersion version = versions[data[0] & 3u];
  const Bytes stream = Bytes(data, size).subspan(2);
  if ((data[0] & 4u) == 0) {
    const Passage passage = require_same_for_any_split(UpwardInspector(version, {size_max}), stream, data[1]);
    require(passage.out.size() <= stream.size());
    require(std::equal(passage.out.begin(), passage.out.end(), stream.begin()));
    return 0;
  }
  const bool lowers = (data[0] & 8u) != 0;
  const auto keep_alive_s = lowers ? std::optional<std::uint16_t>(1200) : std::nullopt;
  const Passage passage = require_same_for_any_split(DownwardInspector(version, {size_max}, keep_alive_s), stream, data[1]);
  require(lowers || std::equal(passage.out.begin(), passage.out.end(), stream.begin()));
  return 0;
}
