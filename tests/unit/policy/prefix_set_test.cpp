// Longest-prefix match, against a linear scan over the same rules.
#include "policy/prefix_set.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bastion {
namespace {

Prefix prefix(std::string_view text) {
  const auto parsed = parse_prefix(text);
  const auto* good = std::get_if<Prefix>(&parsed);
  EXPECT_NE(good, nullptr) << text;
  return good != nullptr ? *good : Prefix{};
}
PrefixRule allow(std::string_view text) {
  return {prefix(text), true, 0, 0};
}
PrefixRule deny(std::string_view text) {
  return {prefix(text), false, 0, 0};
}

std::string verdict(const PrefixSet& set, std::string_view text) {
  const auto* rule = set.find(Address::parse(text).value());
  if (rule == nullptr) return "none";
  return (rule->allow ? "allow " : "deny ") + rule->prefix.text();
}

PrefixError error_of(std::string_view text) {
  const auto parsed = parse_prefix(text);
  const auto* error = std::get_if<PrefixError>(&parsed);
  EXPECT_NE(error, nullptr) << text;
  return error != nullptr ? *error : PrefixError{};
}

TEST(ParsePrefix, ReadsBothFamilies) {
  EXPECT_EQ(prefix("192.168.10.0/24"), (Prefix{Address::v4(192, 168, 10, 0), 120}));
  EXPECT_EQ(prefix("192.168.10.7"), (Prefix{Address::v4(192, 168, 10, 7), 128}));
  EXPECT_EQ(prefix("0.0.0.0/0"), (Prefix{Address::v4(0, 0, 0, 0), 96}));
  EXPECT_EQ(prefix("::/0"), (Prefix{Address{}, 0}));
  EXPECT_EQ(prefix("2001:db8::/48").text(), "2001:db8::/48");
}

TEST(ParsePrefix, TakesMappedPrefixesAsIpv4) {
  EXPECT_EQ(prefix("::ffff:10.0.0.0/104"), prefix("10.0.0.0/8"));
  EXPECT_EQ(prefix("::ffff:0:0/96"), prefix("0.0.0.0/0"));
  EXPECT_FALSE(prefix("::/90").base.is_v4());
}

TEST(ParsePrefix, SaysWhatToWriteWhereHostBitsAreSet) {
  EXPECT_EQ(error_of("192.168.10.7/24").instead, "192.168.10.0/24");
  EXPECT_EQ(error_of("2001:db8::1/48").instead, "2001:db8::/48");
  EXPECT_EQ(error_of("::ffff:10.1.0.0/104").instead, "10.0.0.0/8");
  EXPECT_EQ(error_of("1.0.0.0/0").instead, "0.0.0.0/0");
}

TEST(ParsePrefix, RefusesWhatIsNone) {
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ", "::/129",
        "10.0.0.0/8/8", "10/8", "host", "10.0.0.0/255.0.0.0", "10.0.0.0/99999999999999999999"}) {
    EXPECT_FALSE(error_of(text).what.empty());
    EXPECT_TRUE(error_of(text).instead.empty());
  }
}

TEST(PrefixSet, LetsNobodyInWhenItIsEmpty) {
  const PrefixSet set;
  EXPECT_EQ(verdict(set, "192.0.2.1"), "none");
  EXPECT_EQ(verdict(set, "2001:db8::1"), "none");
  EXPECT_TRUE(set.allows_nobody());
  EXPECT_TRUE(PrefixSet{{deny("10.0.0.0/8")}}.allows_nobody());
  EXPECT_FALSE(PrefixSet{{allow("10.0.0.0/8")}}.allows_nobody());
}

TEST(PrefixSet, FindsTheLongestRule) {
  const PrefixSet set{{allow("10.0.0.0/8"), deny("10.1.0.0/16"), allow("10.1.2.3"), deny("0.0.0.0/0")}};
  EXPECT_EQ(verdict(set, "10.2.0.0"), "allow 10.0.0.0/8");
  EXPECT_EQ(verdict(set, "10.1.255.255"), "deny 10.1.0.0/16");
  EXPECT_EQ(verdict(set, "10.1.2.3"), "allow 10.1.2.3");
  EXPECT_EQ(verdict(set, "10.1.2.4"), "deny 10.1.0.0/16");
  EXPECT_EQ(verdict(set, "9.255.255.255"), "deny 0.0.0.0/0");
  EXPECT_EQ(verdict(set, "255.255.255.255"), "deny 0.0.0.0/0");
  EXPECT_EQ(verdict(set, "::ffff:10.1.2.3"), "allow 10.1.2.3");
}

TEST(PrefixSet, LetsDenyBeatAllowAtEqualLength) {
  EXPECT_EQ(verdict(PrefixSet{{allow("10.0.0.0/8"), deny("10.0.0.0/8")}}, "10.0.0.1"), "deny 10.0.0.0/8");
  EXPECT_EQ(verdict(PrefixSet{{deny("10.0.0.0/8"), allow("10.0.0.0/8")}}, "10.0.0.1"), "deny 10.0.0.0/8");
}

TEST(PrefixSet, KeepsTheFamiliesApart) {
  const PrefixSet v6{{allow("::/0")}};
  EXPECT_EQ(verdict(v6, "192.0.2.1"), "none");
  EXPECT_EQ(verdict(v6, "::1"), "allow ::/0");
  EXPECT_EQ(verdict(v6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "allow ::/0");
  const PrefixSet v4{{allow("0.0.0.0/0")}};
  EXPECT_EQ(verdict(v4, "192.0.2.1"), "allow 0.0.0.0/0");
  EXPECT_EQ(verdict(v4, "::"), "none");
}

TEST(PrefixSet, HoldsTheEndsOfTheAddressSpace) {
  const PrefixSet set{{allow("0.0.0.0"), allow("255.255.255.255"), allow("::"), allow("ffff::/16")}};
  EXPECT_EQ(verdict(set, "0.0.0.0"), "allow 0.0.0.0");
  EXPECT_EQ(verdict(set, "0.0.0.1"), "none");
  EXPECT_EQ(verdict(set, "255.255.255.254"), "none");
  EXPECT_EQ(verdict(set, "255.255.255.255"), "allow 255.255.255.255");
  EXPECT_EQ(verdict(set, "::"), "allow ::");
  EXPECT_EQ(verdict(set, "::1"), "none");
  EXPECT_EQ(verdict(set, "ffff::"), "allow ffff::/16");
  EXPECT_EQ(verdict(set, "fffe:ffff::"), "none");
}

TEST(PrefixSet, KnowsWhereARuleStands) {
  const PrefixSet set{{{prefix("10.0.0.0/8"), true, 42, 3}}};
  const auto* rule = set.find(Address::v4(10, 0, 0, 1));
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->line, 42u);
  EXPECT_EQ(rule->file, 3u);
}

TEST(PrefixSet, ClearsHostBitsOfRulesThatWereNotParsed) {
  const PrefixSet set{{{Prefix{Address::v4(10, 1, 2, 3), 104}, true, 0, 0}, deny("10.0.0.0/24")}};
  EXPECT_EQ(verdict(set, "10.200.0.1"), "allow 10.0.0.0/8");
  EXPECT_EQ(verdict(set, "10.0.0.1"), "deny 10.0.0.0/24");
}

TEST(PrefixSet, FindsEveryLengthOfANestedChain) {
  std::vector<PrefixRule> rules;
  for (unsigned length = 0; length <= 128; ++length)
    rules.push_back({Prefix{Address{}, static_cast<std::uint8_t>(length)}, true, length, 0});
  const PrefixSet set{rules};
  for (unsigned bit = 0; bit < 128; ++bit) {
    Address::Bytes bytes{};
    bytes[bit / 8] = static_cast<std::uint8_t>(0x80u >> bit % 8);
    const auto* rule = set.find(Address{bytes});
    ASSERT_NE(rule, nullptr);
    EXPECT_EQ(rule->line, bit);
  }
  EXPECT_EQ(set.find(Address{})->line, 128u);
}

TEST(PrefixSet, StaysSmallForAFewRules) {
  std::vector<PrefixRule> rules;
  for (std::uint8_t i = 0; i < 10; ++i) rules.push_back({Prefix{Address::v4(10, i, 0, 0), 112}, true, 0, 0});
  EXPECT_LT(PrefixSet{rules}.bytes(), 2'048u);
}

/// Random rules, crowded enough to nest, touch and repeat.
class RandomRules {
 public:
  explicit RandomRules(unsigned seed) : random_{seed} {}
  Address address() {
    Address::Bytes bytes{};
    for (auto& byte : bytes) byte = pick();
    if (random_() % 2 == 0) return Address::v4(pick(), pick(), pick(), pick());
    return Address{bytes};
  }
  PrefixRule rule() {
    const auto base = address();
    const auto length = base.is_v4() ? 96 + random_() % 33 : random_() % 129;
    auto bytes = base.bytes();
    for (std::size_t bit = length; bit < 128; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> bit % 8));
    }
    return {Prefix{Address{bytes}, static_cast<std::uint8_t>(length)}, random_() % 2 == 0, 0, 0};
  }

 private:
  std::uint8_t pick() {
    constexpr std::array<std::uint8_t, 6> bytes{0, 1, 0x7f, 0x80, 0xfe, 0xff};
    return random_() % 8 == 0 ? static_cast<std::uint8_t>(random_()) : bytes[random_() % bytes.size()];
  }
  std::mt19937 random_;
};

const PrefixRule* scan(const std::vector<PrefixRule>& rules, const Address& address) {
  const PrefixRule* best = nullptr;
  for (const auto& rule : rules) {
    if (!rule.prefix.contains(address)) continue;
    if (best == nullptr || rule.prefix.length > best->prefix.length ||
        (rule.prefix.length == best->prefix.length && !rule.allow)) {
      best = &rule;
    }
  }
  return best;
}

Address neighbour(const Address& address, int step) {
  auto bytes = address.bytes();
  for (std::size_t i = 16; i-- > 0;) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] + step);
    if (bytes[i] != (step > 0 ? 0 : 0xff)) break;
  }
  return Address{bytes};
}

void expect_same(const PrefixSet& set, const std::vector<PrefixRule>& rules, const Address& address) {
  const auto* expected = scan(rules, address);
  const auto* found = set.find(address);
  ASSERT_EQ(found == nullptr, expected == nullptr) << address.text();
  if (expected == nullptr) return;
  EXPECT_EQ(found->prefix, expected->prefix) << address.text();
  EXPECT_EQ(found->allow, expected->allow) << address.text();
}

TEST(PrefixSet, AgreesWithALinearScanOnRandomRules) {
  for (unsigned seed = 0; seed < 120; ++seed) {
    RandomRules random{seed};
    std::vector<PrefixRule> rules;
    for (unsigned i = 0; i < 1 + seed * 3; ++i) rules.push_back(random.rule());
    const PrefixSet set{rules};
    for (int i = 0; i < 200; ++i) expect_same(set, rules, random.address());
    for (const auto& rule : rules) {
      expect_same(set, rules, rule.prefix.base);
      expect_same(set, rules, neighbour(rule.prefix.base, -1));
      expect_same(set, rules, neighbour(rule.prefix.base, 1));
    }
  }
}

}  // namespace
}  // namespace bastion
