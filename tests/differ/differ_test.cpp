// Whatever the gate lets through, other readers of MQTT read as the gate does, and call nothing of it malformed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <ostream>
#include <regex>
#include <string>

#include "tests/differ/gate_reading.hpp"
#include "tests/differ/mqtt_packet.hpp"
#include "tests/differ/paho.hpp"
#include "tests/differ/play.hpp"
#include "tests/differ/seeds.hpp"

namespace bastion::differ {

void PrintTo(Reader reader, std::ostream* out) {
  *out << (reader == Reader::paho ? "paho" : "mqtt_packet");
}

namespace {

constexpr std::uint64_t seeds = 12'000;
constexpr std::uint64_t seeds_to_a_question = 200;
constexpr std::uint64_t seeds_for_quirks = 1500;

/// A stream that went through, and where it came from.
struct Sample {
  Stream stream;
  std::string origin;
};

using Ask = std::function<std::vector<Reading>(std::span<const Stream>)>;

/// Every reader reads what concerns it.
bool concerns(Reader reader, const Stream& stream) {
  return reader != Reader::paho || stream.sender == mqtt::Sender::server;
}

Ask asks(Reader reader) {
  if (reader == Reader::mqtt_packet) {
    return [other = std::make_shared<MqttPacket>()](std::span<const Stream> streams) { return other->read(streams); };
  }
  return [other = std::make_shared<Paho>()](std::span<const Stream> streams) {
    std::vector<Reading> readings;
    std::transform(streams.begin(), streams.end(), std::back_inserter(readings),
                   [&](const Stream& stream) { return other->read(stream); });
    return readings;
  };
}

/// The first disagreement; nothing: there is none.
std::optional<std::string> first_disagreement(const Ask& ask, Quirks quirks, const std::vector<Sample>& samples) {
  std::vector<Stream> streams;
  std::transform(samples.begin(), samples.end(), std::back_inserter(streams),
                 [](const Sample& each) { return each.stream; });
  const auto readings = ask(streams);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (const auto found = disagreement(streams[i], quirks, readings[i])) return *found + samples[i].origin;
  }
  return std::nullopt;
}

std::vector<Sample> samples_of(Reader reader, const Played& played, const std::string& origin) {
  std::vector<Sample> samples;
  if (!played.is_admitted) return samples;
  for (const auto* stream : {&played.up, &played.down}) {
    if (concerns(reader, *stream)) samples.push_back({*stream, origin});
  }
  return samples;
}

void append(std::vector<Sample>& samples, std::vector<Sample> more) {
  samples.insert(samples.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<Sample> samples_of_seeds(Reader reader, Seeds range) {
  std::vector<Sample> samples;
  for (auto seed = range.first; seed < range.end; ++seed) {
    const auto script = make_script(seed);
    append(samples, samples_of(reader, play(script), again(script)));
  }
  return samples;
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LetThrough : public ::testing::TestWithParam<Reader> {};

TEST_P(LetThrough, IsReadAlikeByAnother) {
  const auto ask = asks(GetParam());
  const auto range = seeds_to_play(seeds);
  for (auto first = range.first; first < range.end; first += seeds_to_a_question) {
    const Seeds some{first, std::min(range.end, first + seeds_to_a_question)};
    const auto found = first_disagreement(ask, quirks_of(GetParam()), samples_of_seeds(GetParam(), some));
    ASSERT_FALSE(found) << *found;
  }
}

TEST_P(LetThrough, OfTheCorpusIsReadAlikeByAnother) {
  std::vector<Sample> samples;
  for (const auto& file : std::filesystem::directory_iterator(BASTION_CORPUS "/inspector")) {
    append(samples, samples_of(GetParam(), play_chunks(read_file(file.path())), "\n" + file.path().filename().string()));
  }
  ASSERT_FALSE(samples.empty());
  const auto found = first_disagreement(asks(GetParam()), quirks_of(GetParam()), samples);
  ASSERT_FALSE(found) << *found;
}

/// Nobody is excused for what it does not do: without a row of the table there is a disagreement.
TEST_P(LetThrough, IsReadOtherwiseOnlyAsTheTableSays) {
  const auto ask = asks(GetParam());
  const auto samples = samples_of_seeds(GetParam(), {0, seeds_for_quirks});
  for (const auto& row : quirk_table) {
    if (row.reader != GetParam()) continue;
    auto others = quirks_of(GetParam());
    others.reset(static_cast<std::size_t>(row.quirk));
    EXPECT_TRUE(first_disagreement(ask, others, samples)) << row.what;
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, LetThrough, ::testing::Values(Reader::mqtt_packet, Reader::paho),
                         ::testing::PrintToStringParamName());

TEST(Faultless, SessionsGoThroughWhole) {
  const auto range = seeds_to_play(seeds);
  for (auto seed = range.first; seed < range.end; ++seed) {
    const auto script = make_script(seed);
    if (!script.is_faultless) continue;
    const auto played = play(script);
    ASSERT_TRUE(played.is_admitted && played.refusal.empty()) << played.refusal << again(script);
    ASSERT_EQ(played.packets, 1 + script.turns.size()) << again(script);
  }
}

/// A CONNECT without what `connects_of` lets the gate write into it: credentials, session expiry, will delay.
std::string without_rewritten(const Reading& reading) {
  static const std::regex rewritten{R"( (user|password)=.*$| ?\b(17|24)=[0-9]+)"};
  return std::regex_replace(reading.packets.at(0), rewritten, "");
}

/// What mqtt-packet reads of a CONNECT as it came, and of what the broker is sent in its place.
void expect_same_client(MqttPacket& other, std::span<const std::uint8_t> input, const std::string& origin) {
  const auto streams = connects_of(input);
  if (streams.empty()) return;
  const auto readings = other.read(streams);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto found = disagreement(streams[i], quirks_of(Reader::mqtt_packet), readings[i]);
    ASSERT_FALSE(found) << *found << origin;
    if (readings[0].packets.empty() || readings[i].packets.empty())
      continue;  // credentials that only MQTT 3.1 may leave out
    ASSERT_EQ(without_rewritten(readings[i]), without_rewritten(readings[0])) << origin;
  }
}

TEST(ConnectForTheBroker, SaysTheSameButForWhatWasRewritten) {
  MqttPacket other;
  const auto range = seeds_to_play(seeds_for_quirks);
  for (auto seed = range.first; seed < range.end && !HasFailure(); ++seed) {
    const auto script = make_script(seed);
    expect_same_client(other, script.connect, again(script));
  }
  for (const auto& file : std::filesystem::directory_iterator(BASTION_CORPUS "/connect")) {
    expect_same_client(other, read_file(file.path()), "\n" + file.path().filename().string());
  }
}

/// How often each packet of each version came through: `upward 5 publish` and so on.
std::map<std::string, int> count_of_packets(Seeds range) {
  std::map<std::string, int> counts;
  for (auto seed = range.first; seed < range.end; ++seed) {
    const auto played = play(make_script(seed));
    if (!played.is_admitted) continue;
    for (const auto* stream : {&played.up, &played.down}) {
      const auto way = std::string(stream == &played.up ? "upward " : "downward ") +
                       std::to_string(static_cast<int>(stream->version)) + ' ';
      for (const auto& packet : gate_reading(*stream, {}).packets) ++counts[way + packet.substr(0, packet.find(' '))];
    }
  }
  return counts;
}

TEST(Scripts, BringEveryPacketOfEveryVersionThrough) {
  const auto counts = count_of_packets({0, seeds});
  constexpr int often = 100;
  for (const auto* const version : {"3 ", "4 ", "5 "}) {
    for (const auto* const type : {"connect", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "unsubscribe",
                                   "pingreq", "disconnect"}) {
      EXPECT_GE(counts.at(std::string("upward ") + version + type), often) << version << type;
    }
    for (const auto* const type :
         {"connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback", "pingresp"}) {
      EXPECT_GE(counts.at(std::string("downward ") + version + type), often) << version << type;
    }
  }
  EXPECT_GE(counts.at("downward 5 disconnect"), often);
}

// A bit of each byte: of the type and flags, of each length, of the topic, the identifier, the properties, the payload.
TEST(Disagreement, IsFoundInEveryField) {
  MqttPacket other;
  const auto bytes = test::bytes("35 15 0004 'a/bc' 0007 05 23 0002 01 00 'payload'");
  const Stream stream{mqtt::Version::v5_0, mqtt::Sender::client, bytes};
  EXPECT_EQ(other.read(stream).end, Reading::whole);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Stream another = stream;
    another.bytes[at] ^= 2u;
    EXPECT_TRUE(disagreement(stream, {}, other.read(another))) << at;
  }
}

}  // namespace
}  // namespace bastion::differ
