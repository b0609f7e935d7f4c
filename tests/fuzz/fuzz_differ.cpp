// What the inspectors let through of a session, in both directions, mqtt-packet reads as the gate does, and Paho what comes
// down. Inputs are those of fuzz_inspector.
#include <cstdio>
#include <cstdlib>

#include "tests/differ/mqtt_packet.hpp"
#include "tests/differ/paho.hpp"
#include "tests/differ/play.hpp"

namespace {

using namespace bastion::differ;

void require_agreement(const Stream& stream, Reader reader, const Reading& other) {
  const auto found = disagreement(stream, quirks_of(reader), other);
  if (!found) return;
  std::fprintf(stderr, "%s\n", found->c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MqttPacket mqtt_packet;
  static const Paho paho;
  const auto played = play_chunks({data, size});
  if (played.packets == 0) return 0;
  require_agreement(played.down, Reader::paho, paho.read(played.down));
  const std::vector<Stream> both = {played.up, played.down};
  const auto readings = mqtt_packet.read(both);
  for (std::size_t i = 0; i < both.size(); ++i) require_agreement(both[i], Reader::mqtt_packet, readings[i]);
  return 0;
}
