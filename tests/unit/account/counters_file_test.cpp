// Counters that come back from disk as they went, or not at all.
#include "proxy/account/counters_file.hpp"

#include <gtest/gtest.h>

namespace bastion::account {
namespace {

Counters sample() {
  Counters out;
  out.saved_s = 1'700'000'000;
  auto& devices = out.by_listener["devices"];
  for (std::size_t i = 0; i < devices.refusals.size(); ++i) {
    devices.refusals[i] = i + 1;
    devices.would_refuse[i] = 2 * i;
  }
  devices.closes = {4, 5, 6, 7};
  devices.accepted = 100;
  devices.tls_handshakes = 90;
  devices.tls_resumptions = 8;
  devices.admitted = 70;
  devices.upstream_connects = 71;
  devices.would_refuse_connections = 3;
  devices.bytes_up = 1ull << 60;
  devices.bytes_down = 2;
  devices.packets_up = 3;
  devices.packets_down = 4;
  out.by_listener["saved"].accepted = 1;
  out.by_listener["end"].accepted = 2;
  return out;
}

Counters read(const std::string& text) {
  auto out = read_counters(text);
  const auto* fault = std::get_if<CountersFault>(&out);
  EXPECT_EQ(fault, nullptr) << (fault != nullptr ? fault->what : "");
  return fault == nullptr ? std::get<Counters>(out) : Counters{};
}

TEST(CountersFile, GivesBackWhatItWasGiven) {
  const auto text = counters_text(sample());
  const auto back = read(text);
  EXPECT_EQ(back.saved_s, 1'700'000'000);
  ASSERT_EQ(back.by_listener.size(), 3U);
  const auto& devices = back.by_listener.at("devices");
  EXPECT_EQ(devices.refusals, sample().by_listener.at("devices").refusals);
  EXPECT_EQ(devices.would_refuse, sample().by_listener.at("devices").would_refuse);
  EXPECT_EQ(devices.closes, sample().by_listener.at("devices").closes);
  EXPECT_EQ(devices.bytes_up, 1ull << 60);
  EXPECT_EQ(counters_text(back), text);
}

TEST(CountersFile, ForgetsConnectionsThatWereOpen) {
  Counters counters;
  counters.by_listener["devices"].accepted = 10;
  counters.by_listener["devices"].connections = 3;
  const auto back = read(counters_text(counters));
  EXPECT_EQ(back.by_listener.at("devices").accepted, 7U);
  EXPECT_EQ(back.by_listener.at("devices").connections, 0);
}

TEST(CountersFile, IsTakenWholeOrNotAtAll) {
  const auto text = counters_text(sample());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<CountersFault>(read_counters(text.substr(0, size)))) << size;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto flipped = text;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_TRUE(std::holds_alternative<CountersFault>(read_counters(flipped))) << i;
  }
}

/// A file as a version with other reasons would have written it.
std::string with_line(const std::string& line) {
  Counters counters;
  counters.by_listener["a"].accepted = 5;
  const auto text = counters_text(counters);
  // What the checksum is made over can be written by whoever knows how: the writer of another version.
  const auto end = text.rfind("end ");
  return text.substr(0, end) + line;
}

std::string sealed(const std::string& body) {
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (const char c : body) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::ostringstream out;
  out << body << "end " << std::hex << sum << '\n';
  return out.str();
}

TEST(CountersFile, LeavesOutWhatItHasNoNameFor) {
  const auto back = read(sealed(with_line("a refused brand_new_reason - 7\na refused anonymous no_user 2\na widgets 9\n")));
  std::uint64_t refused = 0;
  for (const auto value : back.by_listener.at("a").refusals) refused += value;
  EXPECT_EQ(refused, 2U);
  EXPECT_EQ(back.by_listener.at("a").accepted, 5U);
}

TEST(CountersFile, TakesNoNonsenseEvenIfSealed) {
  for (const auto* line :
       {"a\n", "a accepted\n", "a accepted x\n", "a accepted -1\n", "\n", "a accepted 99999999999999999999\n",
        "a refused anonymous no_user more 7\n", "a refused anonymous no_user 7 7 7\n", "saved -1\n", "saved x\n",
        "saved 18446744073709551615\n"}) {
    EXPECT_TRUE(std::holds_alternative<CountersFault>(read_counters(sealed(with_line(line))))) << line;
  }
}

// --- names that come and go ---

Counters with_listeners(std::size_t count) {
  Counters out;
  for (std::size_t i = 0; i < count; ++i) {
    auto& tally = out.by_listener["listener" + std::to_string(i)];
    tally.accepted = i + 1;
    tally.refusals[0] = i;
  }
  return out;
}

std::uint64_t accepted_by_all(const Counters& counters) {
  std::uint64_t sum = 0;
  for (const auto& [name, tally] : counters.by_listener) sum += tally.accepted;
  return sum;
}

const std::vector<std::string> still_there{"listener0", "listener299", "new"};

TEST(CountersFile, TellsAsManyListenersApartAsAreKept) {
  const auto back = read(counters_text(with_listeners(listeners_kept_max)));
  EXPECT_EQ(back.by_listener.size(), listeners_kept_max);
  EXPECT_EQ(back.by_listener.count(std::string{former_listeners}), 0U);
}

TEST(CountersFile, OfMoreListenersThanAreKeptIsReadWithTheFormerOnesTogether) {
  const auto all = with_listeners(300);
  auto out = read_counters(counters_text(all), still_there);
  ASSERT_TRUE(std::holds_alternative<Counters>(out));
  const auto& back = std::get<Counters>(out);
  ASSERT_EQ(back.by_listener.size(), 3U);
  EXPECT_EQ(back.by_listener.at("listener0").accepted, 1U);
  EXPECT_EQ(back.by_listener.at("listener299").accepted, 300U);
  EXPECT_EQ(accepted_by_all(back), accepted_by_all(all));
  EXPECT_EQ(back.by_listener.at(std::string{former_listeners}).refusals[0], 298u * 299u / 2);
}

TEST(FormerListeners, AreAddedUpOnceThereAreTooMany) {
  auto counters = with_listeners(listeners_kept_max);
  const auto before = accepted_by_all(counters);
  EXPECT_EQ(put_former_together(counters.by_listener, still_there), 0U);
  EXPECT_EQ(counters.by_listener.size(), listeners_kept_max);
  counters.by_listener["new"].accepted = 7;
  EXPECT_EQ(put_former_together(counters.by_listener, still_there), listeners_kept_max - 1);
  EXPECT_EQ(counters.by_listener.size(), 3U);
  EXPECT_EQ(accepted_by_all(counters), before + 7);
}

TEST(FormerListeners, StayAddedUp) {
  auto counters = with_listeners(300);
  static_cast<void>(put_former_together(counters.by_listener, still_there));
  auto back = read(counters_text(counters));
  const auto before = accepted_by_all(back);
  back.by_listener.merge(with_listeners(290).by_listener);
  const auto added = accepted_by_all(back) - before;
  EXPECT_EQ(put_former_together(back.by_listener, still_there), 289U);
  EXPECT_EQ(back.by_listener.size(), 3U);
  EXPECT_EQ(accepted_by_all(back), before + added);
}

}  // namespace
}  // namespace bastion::account
