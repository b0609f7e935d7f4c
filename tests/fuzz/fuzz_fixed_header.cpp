// A fixed header is whole, cut short or malformed; what is whole is written back as it came, and more bytes change no
// verdict.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"

namespace {

using namespace bastion;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

bool is_same(const mqtt::HeaderResult& a, const mqtt::HeaderResult& b) {
  if (a.index() != b.index()) return false;
  if (const auto* const header = std::get_if<mqtt::FixedHeader>(&a)) return *header == std::get<mqtt::FixedHeader>(b);
  if (const auto* const fault = std::get_if<mqtt::HeaderFault>(&a)) return *fault == std::get<mqtt::HeaderFault>(b);
  return true;
}

void require_round_trip(const mqtt::FixedHeader& header, mqtt::Bytes data) {
  std::vector<std::uint8_t> written = {
      static_cast<std::uint8_t>(static_cast<unsigned>(header.type) << 4 | static_cast<unsigned>(header.flags))};
  wire::append_var_int(written, header.remaining_length);
  require(written.size() == header.size);
  require(std::equal(written.begin(), written.end(), data.begin()));
  require(header.packet_size() == header.size + header.remaining_length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mqtt::Bytes whole(data, size);
  const mqtt::HeaderResult last = mqtt::read_fixed_header(whole);
  if (std::holds_alternative<mqtt::HeaderCutShort>(last)) require(size < 5);
  if (const auto* const header = std::get_if<mqtt::FixedHeader>(&last)) require_round_trip(*header, whole);
  for (std::size_t in_hand = 0; in_hand < std::min<std::size_t>(size, 8); ++in_hand) {
    const mqtt::HeaderResult early = mqtt::read_fixed_header(whole.first(in_hand));
    require(std::holds_alternative<mqtt::HeaderCutShort>(early) || is_same(early, last));
  }
  return 0;
}
