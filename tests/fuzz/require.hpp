// What fuzzers demand: a claim that does not hold ends the process, and libFuzzer keeps the input.
#pragma once

#include <string_view>

#include "proxy/wire/cursor.hpp"

namespace bastion::fuzz {

using wire::Bytes;

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Whether the part lies in the whole; an empty part lies anywhere.
inline bool is_inside(std::string_view part, Bytes whole) {
  const auto* const begin = reinterpret_cast<const char*>(whole.data());
  return part.empty() || (part.data() >= begin && part.data() + part.size() <= begin + whole.size());
}
inline bool is_inside(Bytes part, Bytes whole) {
  return is_inside(wire::as_text(part), whole);
}

}  // namespace bastion::fuzz
