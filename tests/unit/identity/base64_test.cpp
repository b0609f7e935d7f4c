// Base64 has one spelling for each value, and every other one is refused.
#include "proxy/identity/base64.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bastion::identity {
namespace {

std::vector<std::uint8_t> bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

// RFC 4648 section 10.
TEST(Base64, WritesAndReadsTheVectorsOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, padded] : vectors) {
    const std::string bare = padded.substr(0, padded.find('='));
    EXPECT_EQ(base64_encode(bytes(plain), Padding::required), padded);
    EXPECT_EQ(base64_encode(bytes(plain), Padding::none), bare);
    EXPECT_EQ(base64_decode(padded, Padding::required), bytes(plain));
    EXPECT_EQ(base64_decode(bare, Padding::none), bytes(plain));
  }
}

TEST(Base64, ReadsBackEveryByte) {
  std::vector<std::uint8_t> all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(base64_decode(base64_encode(all, Padding::required), Padding::required), all);
  EXPECT_EQ(base64_decode(base64_encode(all, Padding::none), Padding::none), all);
}

TEST(Base64, RefusesEverySecondSpelling) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Zm8", "=Zm8", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm-_", "Zg==Zg=="}) {
    EXPECT_FALSE(base64_decode(text, Padding::required)) << text;
  }
  for (const std::string_view text : {"Zg==", "Z", "Zh", "Zm9", "Zm8=", "Zm9v ", "Zm9vY"}) {
    EXPECT_FALSE(base64_decode(text, Padding::none)) << text;
  }
}

}  // namespace
}  // namespace bastion::identity
