// The hash that names are counted by.
#include "proxy/inspect/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "proxy/inspect/hash_set.hpp"

namespace bastion::inspect {
namespace {

TEST(KeyedHash, IsAnotherWithEachKey) {
  const HashKey key{1, 2};
  EXPECT_EQ(keyed_hash(key, "a/b"), keyed_hash(key, "a/b"));
  EXPECT_NE(keyed_hash(key, "a/b"), keyed_hash({1, 3}, "a/b"));
  EXPECT_NE(keyed_hash(key, "a/b"), keyed_hash({2, 2}, "a/b"));
}

TEST(KeyedHash, DependsOnEachByteAndOnTheLength) {
  const HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::set<std::uint64_t> seen;
  std::string name;
  for (int length = 0; length < 40; ++length, name += '\0') {
    EXPECT_TRUE(seen.insert(keyed_hash(key, name)).second) << length;
    for (std::size_t at = 0; at < name.size(); ++at) {
      auto other = name;
      other[at] = 'x';
      EXPECT_TRUE(seen.insert(keyed_hash(key, other)).second) << length << ", " << at;
    }
  }
}

TEST(HashSet, HoldsNamesByTheHashOfItsKey) {
  const HashKey key{1, 2};
  HashSet set{key};
  set.add("a");
  set.add("a");
  set.add("b");
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.has("a"));
  EXPECT_FALSE(set.has("c"));
  EXPECT_TRUE(set.remove(keyed_hash(key, "a")));
  EXPECT_FALSE(set.remove("a"));
}

}  // namespace
}  // namespace bastion::inspect
