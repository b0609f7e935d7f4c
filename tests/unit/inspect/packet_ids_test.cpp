// Packet identifiers in flight against a map that is known to work.
#include "proxy/inspect/packet_ids.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "proxy/inspect/conversation.hpp"
#include "proxy/inspect/hash_set.hpp"

namespace bastion::inspect {
namespace {

void expect_same(const PacketIds& ids, const std::map<std::uint16_t, Due>& known) {
  ASSERT_EQ(ids.size(), known.size());
  for (std::uint32_t id = 1; id <= 0xffff; ++id) {
    const auto found = known.find(static_cast<std::uint16_t>(id));
    ASSERT_EQ(ids.find(static_cast<std::uint16_t>(id)), found == known.end() ? Due::nothing : found->second) << id;
  }
}

TEST(PacketIds, DoWhatAMapDoesWhateverIsAskedOfThem) {
  std::mt19937 random{7};
  // Few identifiers, so that they meet; many, so that the table grows; all of them now and then.
  for (const std::uint32_t range : {5u, 20u, 300u, 0xffffu}) {
    PacketIds ids;
    std::map<std::uint16_t, Due> known;
    for (int step = 0; step < 20'000; ++step) {
      const auto id = static_cast<std::uint16_t>(1 + random() % range);
      if (random() % 5 < 3) {
        const auto due = static_cast<Due>(1 + random() % 7);
        ids.set(id, due);
        known[id] = due;
      } else {
        ids.erase(id);
        known.erase(id);
      }
      const auto asked = static_cast<std::uint16_t>(1 + random() % range);
      const auto found = known.find(asked);
      ASSERT_EQ(ids.find(asked), found == known.end() ? Due::nothing : found->second);
      ASSERT_EQ(ids.size(), known.size());
    }
    expect_same(ids, known);
    for (const auto& [id, due] : std::map{known}) {
      ids.erase(id);
      known.erase(id);
    }
    expect_same(ids, known);
  }
}

TEST(PacketIds, HoldEveryIdentifierThereIs) {
  PacketIds ids;
  for (std::uint32_t id = 1; id <= 0xffff; ++id) ids.set(static_cast<std::uint16_t>(id), Due::puback);
  EXPECT_EQ(ids.size(), 0xffffu);
  for (std::uint32_t id = 1; id <= 0xffff; ++id) {
    ASSERT_EQ(ids.find(static_cast<std::uint16_t>(id)), Due::puback);
    ids.erase(static_cast<std::uint16_t>(id));
    ASSERT_EQ(ids.find(static_cast<std::uint16_t>(id)), Due::nothing);
  }
  EXPECT_EQ(ids.size(), 0u);
  ids.set(7, Due::pubrec);
  EXPECT_EQ(ids.find(7), Due::pubrec) << "and begin again";
}

TEST(PacketIds, AreChangedInPlace) {
  PacketIds ids;
  for (const auto due : {Due::pubrec, Due::pubrel, Due::pubcomp}) {
    ids.set(9, due);
    EXPECT_EQ(ids.find(9), due);
    EXPECT_EQ(ids.size(), 1u);
  }
  ids.erase(8);
  EXPECT_EQ(ids.size(), 1u) << "what is not there can't be taken away";
}

TEST(HashSet, CountsEachNameOnce) {
  HashSet names{no_key};
  for (const char* name : {"b", "a", "b", "", "c", "a"}) names.add(name);
  EXPECT_EQ(names.size(), 4u);
  names.remove("b");
  names.remove("nobody");
  EXPECT_EQ(names.size(), 3u);
  EXPECT_FALSE(names.has("b"));
  for (const char* name : {"a", "", "c"}) EXPECT_TRUE(names.has(name)) << name;
}

}  // namespace
}  // namespace bastion::inspect
