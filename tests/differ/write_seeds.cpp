// Writes the first seeds of the fuzzers of single packets: a few small ones for each type and version, out of faultless
// scripts.
//
//   build/dev/tests/differ/write_seeds tests/corpus
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

#include "tests/differ/script.hpp"

namespace {

using namespace bastion;
using mqtt::PacketType;
using test::ByteVector;
using test::operator+;

constexpr std::uint64_t scripts = 4000;
constexpr int seeds_to_a_fuzzer = 4;
constexpr std::size_t packet_size_max = 160;

constexpr std::array<std::string_view, 16> names = {
    "reserved",  "connect", "connack",     "publish",  "puback",  "pubrec",   "pubrel",     "pubcomp",
    "subscribe", "suback",  "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"};

std::string fuzzer_of(PacketType type, mqtt::Version version) {
  const std::string name(names[static_cast<std::size_t>(type)]);
  if (version == mqtt::Version::v3_1) return name + "_v3_1";
  return name + (version == mqtt::Version::v3_1_1 ? "_v3_1_1" : "_v5_0");
}

/// The packet as its fuzzer takes it.
ByteVector input_of(PacketType type, mqtt::Version version, const ByteVector& packet) {
  const auto header = std::get<mqtt::FixedHeader>(mqtt::read_fixed_header(packet));
  const auto body = packet.begin() + header.size;
  switch (type) {
    case PacketType::connect: {
      const std::ptrdiff_t name_and_level = version == mqtt::Version::v3_1 ? 9 : 7;
      return {body + name_and_level, packet.end()};
    }
    case PacketType::connack:
      return ByteVector{0x00} + ByteVector(body, packet.end());
    case PacketType::publish:
      return ByteVector{header.flags, 0x00} + ByteVector(body, packet.end());
    case PacketType::pingreq:
    case PacketType::pingresp:
      return {packet.begin() + 1, packet.end()};
    default:
      return {body, packet.end()};
  }
}

class Corpus {
 public:
  explicit Corpus(std::filesystem::path directory) : directory_{std::move(directory)} {}

  void offer(mqtt::Version version, const ByteVector& packet) {
    const auto type = mqtt::packet_type(packet[0]);
    const auto fuzzer = fuzzer_of(type, version);
    auto& written = written_[fuzzer];
    if (packet.size() > packet_size_max || written == seeds_to_a_fuzzer) return;
    const auto input = input_of(type, version, packet);
    std::filesystem::create_directories(directory_ / fuzzer);
    std::ofstream out(directory_ / fuzzer / ("seed_" + std::to_string(written++)), std::ios::binary);
    out.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  }

 private:
  std::filesystem::path directory_;
  std::map<std::string, int> written_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_seeds DIRECTORY\n";
    return 2;
  }
  Corpus corpus{argv[1]};
  for (std::uint64_t seed = 0; seed < scripts; ++seed) {
    const auto script = differ::make_script(seed);
    if (!script.is_faultless) continue;
    corpus.offer(script.version, script.connect);
    for (const auto& turn : script.turns) corpus.offer(script.version, turn.packet);
  }
  return 0;
}
