// First bytes get one name: TLS only for what begins like TLS, never again once that is ruled out, and none beyond the
// limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proxy/origin/first_bytes.hpp"

namespace {

using namespace bastion::origin;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

bool is_printable(std::uint8_t byte) {
  return byte == '\t' || byte == '\r' || byte == '\n' || (byte >= ' ' && byte <= '~');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> whole(data, size);
  const auto seen = whole.first(std::min(size, first_bytes_max));
  require(guess(whole) == guess(seen));
  bool ruled_out = false;
  for (std::size_t in_hand = 0; in_hand <= seen.size(); ++in_hand) {
    const auto bytes = seen.first(in_hand);
    const Guess name = guess(bytes);
    const bool begins_like_tls = in_hand >= 3 && data[0] == 0x16 && data[1] == 3 && data[2] < 0x10;
    require((name == Guess::tls) == begins_like_tls);
    require(may_be_tls(bytes) == (name == Guess::tls || name == Guess::need_more));
    require(name != Guess::need_more || in_hand < 3);
    require(!(ruled_out && may_be_tls(bytes)));
    ruled_out = !may_be_tls(bytes);
    const bool printable = std::all_of(bytes.begin(), bytes.end(), is_printable);
    require(name != Guess::text || printable);
    require(name != Guess::binary || !printable);
  }
  return 0;
}
