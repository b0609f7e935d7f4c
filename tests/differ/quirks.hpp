// Where the other readers of MQTT are known to be wrong, or to say less than the gate does. The list is closed: whatever
// else they read in another way is a disagreement.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bastion::differ {

enum class Quirk : std::uint8_t {
  loses_empty_user_values,
  needs_announced_credentials,
  knows_session_present_of_3_1,
  adds_options_of_bridges,
  count_
};

using Quirks = std::bitset<static_cast<std::size_t>(Quirk::count_)>;

enum class Reader : std::uint8_t { mqtt_packet, paho };

struct QuirkRow {
  Quirk quirk;
  Reader reader;
  std::string_view what;  ///< and why the gate is right
};

inline constexpr std::array quirk_table = {
    QuirkRow{Quirk::loses_empty_user_values, Reader::mqtt_packet,
             "a user property with an empty value is overwritten by the next one of its name, which 5.0 section 3.3.2.3.7 "
             "allows to be there several times, in their order [MQTT-3.3.2-18]"},
    QuirkRow{Quirk::needs_announced_credentials, Reader::mqtt_packet,
             "user name and password that a CONNECT of MQTT 3.1 announces must be there; in its section 3.1 the remaining "
             "length takes precedence over their flags"},
    QuirkRow{Quirk::knows_session_present_of_3_1, Reader::mqtt_packet,
             "the first byte of a CONNACK of MQTT 3.1 tells of a session; it is reserved, and not used"},
    QuirkRow{Quirk::knows_session_present_of_3_1, Reader::paho, "the same"},
    QuirkRow{Quirk::adds_options_of_bridges, Reader::mqtt_packet,
             "the filters of a bridge are given options that only MQTT 5 has, and that are not in the packet"},
};

[[nodiscard]] constexpr Quirks quirks_of(Reader reader) {
  unsigned long long bits = 0;
  for (const QuirkRow& row : quirk_table) {
    if (row.reader == reader) bits |= 1ull << static_cast<unsigned>(row.quirk);
  }
  return Quirks{bits};
}

[[nodiscard]] inline bool has(Quirks quirks, Quirk quirk) {
  return quirks.test(static_cast<std::size_t>(quirk));
}

}  // namespace bastion::differ
