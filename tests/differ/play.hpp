// What of a script comes through the gate, in both directions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/differ/quirks.hpp"
#include "tests/differ/reading.hpp"
#include "tests/differ/script.hpp"

namespace bastion::differ {

struct Played {
  bool is_admitted = false;   ///< the CONNECT went through
  std::string refusal;        ///< why something did not: reason and cause; empty: all of it did
  Stream up;                  ///< what reached the broker, from CONNECT on
  Stream down;                ///< what reached the client, from CONNACK on
  std::uint32_t packets = 0;  ///< how many went through, CONNECT among them
};

/// Through the reader of CONNECT and a session of the inspectors. A faultless script has every right; another one has those
/// of its settings.
[[nodiscard]] Played play(const Script& script);

/// An input of fuzz_inspector: its settings, a byte, its chunks. There is no CONNECT in it.
[[nodiscard]] Played play_chunks(std::span<const std::uint8_t> input);

/// An input of fuzz_connect: the CONNECT that goes through, and what the broker is sent in its place under other policies.
[[nodiscard]] std::vector<Stream> connects_of(std::span<const std::uint8_t> input);

/// Nothing: both readers have understood the same. Otherwise where they part, with what each says.
[[nodiscard]] std::optional<std::string> disagreement(const Stream& stream, Quirks quirks, const Reading& other);

}  // namespace bastion::differ
