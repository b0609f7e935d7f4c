// Addresses and prefixes: text both ways, families, what they are counted as.
#include "policy/address.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "policy/policy.hpp"

namespace bastion {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}

TEST(Address, WritesWhatRfc5952Asks) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:c000:201", "192.0.2.1"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
  };
  for (const auto& [in, out] : cases) {
    EXPECT_EQ(address(in).text(), out);
    EXPECT_EQ(address(address(in).text()), address(in));
  }
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "256.0.0.1",
                           "01.2.3.4",
                           "1.2.3.04",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.",
                           ".1.2.3",
                           "+1.2.3.4",
                           "0x1.2.3.4",
                           ":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "fe80::1%eth0",
                           "[::1]",
                           "1.2.3.4::",
                           "::1.2.3",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::-1"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view{"1.2.3.4\0", 8}));
}

TEST(Address, IsItsIpv4AddressWhenMapped) {
  EXPECT_EQ(address("::ffff:10.0.0.1"), Address::v4(10, 0, 0, 1));
  EXPECT_TRUE(address("::ffff:10.0.0.1").is_v4());
  EXPECT_FALSE(address("::10.0.0.1").is_v4());
}

TEST(Address, KnowsLoopbackAndUnspecified) {
  EXPECT_TRUE(address("127.0.0.1").is_loopback());
  EXPECT_TRUE(address("127.255.0.9").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_TRUE(address("::ffff:127.0.0.1").is_loopback());
  EXPECT_FALSE(address("128.0.0.1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_TRUE(address("0.0.0.0").is_unspecified());
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_FALSE(address("0.0.0.1").is_unspecified());
}

TEST(Address, CountsIpv6AsItsNetwork) {
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").counted_as(), address("2001:db8:1:2::"));
  EXPECT_EQ(address("192.0.2.7").counted_as(), address("192.0.2.7"));
}

TEST(Address, HashesNeighboursApart) {
  std::set<std::size_t> seen;
  for (int i = 0; i < 4096; ++i) {
    const auto a = Address::v4(10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i & 255));
    seen.insert(std::hash<Address>{}(a) % 65'537);
  }
  EXPECT_GT(seen.size(), 3'800u);
}

TEST(Prefix, HoldsWhatSharesItsBits) {
  const Prefix ten{Address::v4(10, 0, 0, 0), 104};
  EXPECT_TRUE(ten.contains(address("10.255.1.2")));
  EXPECT_FALSE(ten.contains(address("11.0.0.0")));
  const Prefix odd{address("2001:db8::"), 45};
  EXPECT_TRUE(odd.contains(address("2001:db8:7::1")));
  EXPECT_FALSE(odd.contains(address("2001:db8:8::1")));
  const Prefix whole{address("2001:db8::1"), 128};
  EXPECT_TRUE(whole.contains(address("2001:db8::1")));
  EXPECT_FALSE(whole.contains(address("2001:db8::2")));
}

TEST(Prefix, OfIpv6HoldsNoIpv4) {
  const Prefix all_v6{Address{}, 0};
  EXPECT_TRUE(all_v6.contains(address("2001:db8::1")));
  EXPECT_FALSE(all_v6.contains(address("192.0.2.1")));
  const Prefix all_v4{Address::v4(0, 0, 0, 0), 96};
  EXPECT_TRUE(all_v4.contains(address("192.0.2.1")));
  EXPECT_FALSE(all_v4.contains(address("::1")));
}

TEST(Prefix, WritesItsLengthAsPeopleDo) {
  EXPECT_EQ((Prefix{Address::v4(10, 0, 0, 0), 104}.text()), "10.0.0.0/8");
  EXPECT_EQ((Prefix{Address::v4(0, 0, 0, 0), 96}.text()), "0.0.0.0/0");
  EXPECT_EQ((Prefix{Address::v4(10, 0, 0, 1), 128}.text()), "10.0.0.1");
  EXPECT_EQ((Prefix{address("2001:db8::"), 32}.text()), "2001:db8::/32");
  EXPECT_EQ((Prefix{Address{}, 0}.text()), "::/0");
}

TEST(SocketAddress, WritesIpv6InBrackets) {
  EXPECT_EQ((SocketAddress{Address::v4(192, 0, 2, 1), 8883}.text()), "192.0.2.1:8883");
  EXPECT_EQ((SocketAddress{address("::1"), 1}.text()), "[::1]:1");
}

TEST(Complaint, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(text(Complaint{{"policy.toml", 12, 3}, "bad", false}), "policy.toml:12:3: bad");
  EXPECT_EQ(text(Complaint{{"policy.toml", 12, 0}, "bad", true}), "policy.toml:12: warning: bad");
  EXPECT_EQ(text(Complaint{{"policy.toml", 0, 0}, "bad", false}), "policy.toml: bad");
  EXPECT_EQ(text(Complaint{{}, "bad", false}), "bad");
}

}  // namespace
}  // namespace bastion
