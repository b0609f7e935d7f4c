// Sessions out of a seed: what a client and a broker might say to each other, as the standards have it or not quite.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"
#include "tests/differ/packet_maker.hpp"
#include "tests/support/session.hpp"

namespace bastion::differ {

/// Who says what: whole packets, one after the other.
struct Turn {
  test::Side side = test::Side::client;
  test::ByteVector packet;
};

struct Script {
  std::uint64_t seed = 0;
  mqtt::Version version = mqtt::Version::v3_1_1;
  /// Nothing in it is wrong: the gate has to let all of it through.
  bool is_faultless = true;
  /// For rights_of(), where it is not faultless.
  std::array<std::uint8_t, test::settings_size> settings{};
  test::ByteVector connect;
  std::vector<Turn> turns;  ///< the broker's CONNACK is the first
};

/// The same script for the same seed, on every machine. One in three is faultless; in the others some fields are odd by
/// construction, and some packets have been bent as bytes.
[[nodiscard]] Script make_script(std::uint64_t seed, Characters characters = Characters::every);

}  // namespace bastion::differ
