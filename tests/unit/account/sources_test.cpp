// Who is refused most, told in bounded memory.
#include "proxy/account/sources.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bastion::account {
namespace {

constexpr Refusal denied{Reason::ip_denied, Cause::denied};
constexpr Refusal anonymous{Reason::anonymous, Cause::no_user};

Address v4(unsigned number) {
  return Address::v4(10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                     static_cast<std::uint8_t>(number));
}

TEST(Sources, AreExactWhileThereIsRoom) {
  Sources sources{42, 8};
  for (unsigned i = 0; i < 8; ++i) {
    for (unsigned times = 0; times <= i; ++times) sources.add(v4(i), denied, 100 + i);
  }
  sources.add(v4(3), anonymous, 500);
  const auto most = most_refused(sources.all(), 3);
  ASSERT_EQ(most.size(), 3U);
  EXPECT_EQ(most[0].address, v4(7));
  EXPECT_EQ(most[0].certain(), 8U);
  EXPECT_EQ(most[0].last, denied);
  EXPECT_EQ(most[0].last_s, 107);
  EXPECT_EQ(most[1].address, v4(6));
  const auto all = most_refused(sources.all(), 100);
  ASSERT_EQ(all.size(), 8U);
  const auto fourth = std::find_if(all.begin(), all.end(), [](const Source& source) { return source.address == v4(3); });
  ASSERT_NE(fourth, all.end());
  EXPECT_EQ(fourth->certain(), 5U);
  EXPECT_EQ(fourth->last, anonymous);
  EXPECT_EQ(fourth->last_s, 500);
}

TEST(Sources, CountAnIpv6NetworkAsOne) {
  Sources sources{42};
  sources.add(Address::parse("2001:db8:1:2::3").value(), denied, 1);
  sources.add(Address::parse("2001:db8:1:2:ffff::4").value(), denied, 2);
  ASSERT_EQ(sources.all().size(), 1U);
  EXPECT_EQ(sources.all()[0].certain(), 2U);
}

TEST(Sources, KeepThePersistentWhateverTheOthersDo) {
  constexpr std::size_t places = 64;
  Sources sources{7, places};
  std::mt19937 random{1};
  std::uint64_t persistent = 0;
  std::uint64_t total = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    const bool is_persistent = random() % 20 == 0;
    sources.add(is_persistent ? v4(0) : v4(1 + static_cast<unsigned>(random() % 100'000)), denied, i);
    persistent += is_persistent ? 1 : 0;
    ++total;
  }
  ASSERT_EQ(sources.all().size(), places);
  const auto most = most_refused(sources.all(), 1);
  ASSERT_EQ(most.size(), 1U);
  EXPECT_EQ(most[0].address, v4(0));
  EXPECT_LE(most[0].certain(), persistent);
  EXPECT_GE(most[0].refusals, persistent);
  std::uint64_t sum = 0;
  for (const auto& source : sources.all()) sum += source.refusals;
  EXPECT_EQ(sum, total) << "each refusal is counted for exactly one place";
}

TEST(Sources, OfSeveralWorkersAddUp) {
  Sources first{1};
  Sources second{2};
  first.add(v4(1), denied, 10);
  first.add(v4(2), denied, 10);
  second.add(v4(1), anonymous, 20);
  std::vector<Source> both{first.all().begin(), first.all().end()};
  both.insert(both.end(), second.all().begin(), second.all().end());
  const auto most = most_refused(both, 10);
  ASSERT_EQ(most.size(), 2U);
  EXPECT_EQ(most[0].address, v4(1));
  EXPECT_EQ(most[0].certain(), 2U);
  EXPECT_EQ(most[0].last, anonymous);
}

}  // namespace
}  // namespace bastion::account
