// PROXY headers of both versions, read strictly and byte by byte, and written.
#include "proxy/origin/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/bytes.hpp"

namespace bastion::origin {
namespace {

using test::bytes;
using test::ByteVector;
using test::operator+;

const std::string v2_mark = "0d0a0d0a 00 0d0a 'QUIT' 0a ";
const ByteVector behind = bytes("16 03 01 02 00");

ProxyEndpoint endpoint(std::string_view address, std::uint16_t port) {
  return {*Address::parse(address), port};
}

struct Good {
  const char* name;
  ByteVector bytes;
  std::optional<ProxyEndpoint> source;
  bool is_local = false;
  friend std::ostream& operator<<(std::ostream& out, const Good& good) { return out << good.name; }
};

class GoodProxyHeader : public testing::TestWithParam<Good> {};

TEST_P(GoodProxyHeader, IsReadWholeAndNothingBehindIt) {
  const auto result = read_proxy_header(GetParam().bytes + behind);
  const auto* const header = std::get_if<ProxyHeader>(&result);
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(header->bytes, GetParam().bytes.size());
  EXPECT_EQ(header->source, GetParam().source);
  EXPECT_EQ(header->is_local, GetParam().is_local);
}

TEST_P(GoodProxyHeader, AsksForMoreAsLongAsItIsCutShort) {
  const std::span<const std::uint8_t> whole = GetParam().bytes;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<ProxyHeaderCutShort>(read_proxy_header(whole.first(size)))) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, GoodProxyHeader,
    testing::Values(
        Good{"v1_tcp4", bytes("'PROXY TCP4 192.0.2.7 10.0.0.1 56324 8883' 0d0a"), endpoint("192.0.2.7", 56324)},
        Good{"v1_tcp6", bytes("'PROXY TCP6 2001:db8::7 2001:db8::1 0 65535' 0d0a"), endpoint("2001:db8::7", 0)},
        Good{
            "v1_longest",
            bytes("'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535' "
                  "0d0a"),
            endpoint("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535)},
        Good{"v1_mapped", bytes("'PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2' 0d0a"), endpoint("192.0.2.7", 1)},
        Good{"v1_unknown", bytes("'PROXY UNKNOWN' 0d0a"), std::nullopt},
        Good{"v1_unknown_with_more", bytes("'PROXY UNKNOWN ffff::1 what ever' 0d0a"), std::nullopt},
        Good{"v2_inet", bytes(v2_mark + "21 11 000c c0000207 0a000001 dc04 22b3"), endpoint("192.0.2.7", 56324)},
        Good{"v2_inet6",
             bytes(v2_mark + "21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 dc04 22b3"),
             endpoint("2001:db8::7", 56324)},
        Good{"v2_mapped",
             bytes(v2_mark + "21 21 0024 00000000000000000000ffffc0000207 00000000000000000000000000000001 0001 0002"),
             endpoint("192.0.2.7", 1)},
        Good{"v2_with_extensions", bytes(v2_mark + "21 11 0015 c0000207 0a000001 dc04 22b3 02 0001 'x' 04 0002 0000"),
             endpoint("192.0.2.7", 56324)},
        Good{"v2_unspecified", bytes(v2_mark + "21 00 0000"), std::nullopt},
        Good{"v2_datagram", bytes(v2_mark + "21 12 000c c0000207 0a000001 dc04 22b3"), std::nullopt},
        Good{"v2_unix", bytes(v2_mark + "21 31 00d8") + ByteVector(216, 0), std::nullopt},
        Good{"v2_local", bytes(v2_mark + "20 00 0000"), std::nullopt, true},
        // What follows LOCAL is skipped, even where it is no extension.
        Good{"v2_local_with_more", bytes(v2_mark + "20 00 0003 ffffff"), std::nullopt, true}),
    [](const auto& row) { return std::string{row.param.name}; });

using Bad = test::Row<ProxyHeaderFault>;
class BadProxyHeader : public testing::TestWithParam<Bad> {};

TEST_P(BadProxyHeader, IsRefusedAsSoonAsItIsInHandAndEverAfter) {
  const std::span<const std::uint8_t> whole = GetParam().bytes;
  bool refused = false;
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    const auto result = read_proxy_header(whole.first(size));
    ASSERT_FALSE(std::holds_alternative<ProxyHeader>(result)) << size;
    const auto* const fault = std::get_if<ProxyHeaderFault>(&result);
    EXPECT_FALSE(refused && fault == nullptr) << size;
    refused = fault != nullptr;
    if (refused) {
      EXPECT_EQ(*fault, GetParam().expected) << size;
    }
  }
  EXPECT_TRUE(refused);
}

constexpr auto missing = ProxyHeaderFault::missing;
constexpr auto malformed = ProxyHeaderFault::malformed;

INSTANTIATE_TEST_SUITE_P(
    Of, BadProxyHeader,
    testing::Values(
        Bad{"tls", bytes("16 03 01 02 00"), missing}, Bad{"connect", bytes("10 0e 0004 'MQTT'"), missing},
        Bad{"lower_case", bytes("'proxy TCP4'"), missing}, Bad{"almost_v2", bytes("0d0a0d0a 00 0d0a 'QUIT' 0d"), missing},
        Bad{"no_family", bytes("'PROXY ' 0d0a"), malformed},
        Bad{"family", bytes("'PROXY UDP4 1.1.1.1 1.1.1.1 1 1' 0d0a"), malformed},
        Bad{"too_few_words", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 1' 0d0a"), malformed},
        Bad{"too_many_words", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1' 0d0a"), malformed},
        Bad{"two_spaces", bytes("'PROXY TCP4  1.1.1.1 1.1.1.1 1 1' 0d0a"), malformed},
        Bad{"v6_as_tcp4", bytes("'PROXY TCP4 ::1 ::1 1 1' 0d0a"), malformed},
        Bad{"v4_as_tcp6", bytes("'PROXY TCP6 1.1.1.1 1.1.1.1 1 1' 0d0a"), malformed},
        Bad{"port_too_large", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 65536 1' 0d0a"), malformed},
        Bad{"port_with_zero", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 01 1' 0d0a"), malformed},
        Bad{"port_signed", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 +1 1' 0d0a"), malformed},
        Bad{"address_with_zero", bytes("'PROXY TCP4 1.1.1.01 1.1.1.1 1 1' 0d0a"), malformed},
        Bad{"bare_line_feed", bytes("'PROXY TCP4 1.1.1.1 1.1.1.1 1 1' 0a"), malformed},
        Bad{"carriage_return_within", bytes("'PROXY TCP4 1.1.1.1' 0d '1.1.1.1 1 1' 0d0a"), malformed},
        Bad{"endless_line", bytes("'PROXY UNKNOWN '") + ByteVector(93, 'x'), malformed},
        Bad{"v2_version", bytes(v2_mark + "11"), malformed}, Bad{"v2_command", bytes(v2_mark + "22"), malformed},
        Bad{"v2_family", bytes(v2_mark + "21 41"), malformed}, Bad{"v2_transport", bytes(v2_mark + "21 13"), malformed},
        Bad{"v2_too_long", bytes(v2_mark + "21 11 0ff1"), malformed},
        Bad{"v2_addresses_cut", bytes(v2_mark + "21 11 000b"), malformed},
        Bad{"v2_extension_cut", bytes(v2_mark + "21 11 000e c0000207 0a000001 dc04 22b3 02 00"), malformed},
        Bad{"v2_extension_overruns", bytes(v2_mark + "21 11 000f c0000207 0a000001 dc04 22b3 02 0001"), malformed},
        Bad{"v2_short_checksum", bytes(v2_mark + "21 11 0010 c0000207 0a000001 dc04 22b3 03 0001 00"), malformed},
        Bad{"v2_wrong_checksum", bytes(v2_mark + "21 11 0013 c0000207 0a000001 dc04 22b3 03 0004 00000000"), malformed}),
    [](const auto& row) { return std::string{row.param.name}; });

// RFC 3720 appendix B.4 gives CRC32C of 32 zero bytes; the checksum of a header is taken with its own four bytes as zero.
TEST(ProxyHeader, IsTakenWithARightChecksum) {
  const auto with = [](std::uint32_t sum) {
    auto header = bytes(v2_mark + "21 11 0013 c0000207 0a000001 dc04 22b3 03 0004");
    for (int shift = 24; shift >= 0; shift -= 8) header.push_back(static_cast<std::uint8_t>(sum >> shift & 0xff));
    return header;
  };
  // Independently: the table of RFC 3309's appendix, over the same 35 bytes.
  std::uint32_t crc = 0xffffffffu;
  for (const auto byte : with(0)) {
    std::uint32_t entry = (crc ^ byte) & 0xffu;
    for (int bit = 0; bit < 8; ++bit) entry = (entry & 1u) != 0 ? (entry >> 1) ^ 0x82f63b78u : entry >> 1;
    crc = entry ^ (crc >> 8);
  }
  EXPECT_TRUE(std::holds_alternative<ProxyHeader>(read_proxy_header(with(~crc))));
  EXPECT_TRUE(std::holds_alternative<ProxyHeaderFault>(read_proxy_header(with(~crc ^ 1u))));
}

TEST(ProxyHeader, IsWrittenAsTheBrokerReadsIt) {
  const auto v4 = endpoint("192.0.2.7", 56324);
  const auto v4_to = endpoint("10.0.0.1", 8883);
  EXPECT_EQ(proxy_header(ProxyVersion::v1, v4, v4_to), bytes("'PROXY TCP4 192.0.2.7 10.0.0.1 56324 8883' 0d0a"));
  EXPECT_EQ(proxy_header(ProxyVersion::v2, v4, v4_to), bytes(v2_mark + "21 11 000c c0000207 0a000001 dc04 22b3"));
  const auto v6 = endpoint("2001:db8::7", 1);
  EXPECT_EQ(proxy_header(ProxyVersion::v1, v6, v4_to), bytes("'PROXY TCP6 2001:db8::7 ::ffff:10.0.0.1 1 8883' 0d0a"));
}

TEST(ProxyHeader, IsReadBackAsItWasWritten) {
  for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
    for (const auto* const from : {"192.0.2.7", "2001:db8::7", "::1"}) {
      for (const auto* const to : {"10.0.0.1", "2001:db8::1"}) {
        const auto written = proxy_header(version, endpoint(from, 4711), endpoint(to, 8883));
        const auto read = read_proxy_header(written);
        const auto* const header = std::get_if<ProxyHeader>(&read);
        ASSERT_NE(header, nullptr) << from << ' ' << to;
        EXPECT_EQ(header->bytes, written.size());
        EXPECT_EQ(header->source, endpoint(from, 4711));
      }
    }
  }
}

}  // namespace
}  // namespace bastion::origin
