// A CONNECT that goes through, as it came and as the broker is sent it, mqtt-packet reads as the gate does. Inputs are those
// of fuzz_connect: a packet, or the body of one.
#include <cstdio>
#include <cstdlib>

#include "tests/differ/mqtt_packet.hpp"
#include "tests/differ/play.hpp"
#include "tests/support/bytes.hpp"

namespace {

using namespace bastion;
using namespace bastion::differ;

void require_agreement(MqttPacket& other, const std::vector<Stream>& streams) {
  if (streams.empty()) return;
  const auto readings = other.read(streams);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto found = disagreement(streams[i], quirks_of(Reader::mqtt_packet), readings[i]);
    if (!found) continue;
    std::fprintf(stderr, "%s\n", found->c_str());
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MqttPacket other;
  require_agreement(other, connects_of({data, size}));
  require_agreement(other, connects_of(test::packet(0x10, test::ByteVector(data, data + size))));
  return 0;
}
