// CONNECT of one version: what stands behind protocol name and level, of a client and, before MQTT 5, of a bridge too.
#include "tests/fuzz/connect.hpp"
#include "tests/fuzz/packets.hpp"
#include "tests/support/bytes.hpp"

using namespace bastion;

namespace {

constexpr auto version = mqtt::Version::BASTION_FUZZ_VERSION;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto name = test::bytes(version == mqtt::Version::v3_1 ? "0006 'MQIsdp'" : "0004 'MQTT'");
  constexpr auto level = static_cast<std::uint8_t>(version);
  for (const unsigned bridge : {0x00u, 0x80u}) {
    auto body = name;
    body.push_back(static_cast<std::uint8_t>(level | bridge));
    body.insert(body.end(), data, data + size);
    fuzz::run_connect(test::packet(0x10, body));
  }
  return 0;
}
