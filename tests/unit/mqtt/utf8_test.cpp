// UTF-8 as MQTT wants it.
#include "proxy/mqtt/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

#include "proxy/wire/cursor.hpp"
#include "tests/support/bytes.hpp"

namespace bastion::mqtt {
namespace {

using test::bytes;
using test::ByteVector;

bool is_valid(const char* written) {
  const ByteVector data = bytes(written);
  return is_valid_utf8(wire::as_text(data));
}

TEST(Utf8, TakesTheFirstAndLastCharacterOfEachSize) {
  for (const char* written :
       {"", "01", "7f", "c280", "dfbf", "e0a080", "efbfbf", "f0908080", "f48fbfbf", "ed9fbf", "ee8080"}) {
    EXPECT_TRUE(is_valid(written)) << written;
  }
}

TEST(Utf8, TakesControlCharactersAndNonCharactersThatTheStandardOnlyAdvisesAgainst) {
  for (const char* written : {"1b", "c285", "efbfbe", "efb790"}) EXPECT_TRUE(is_valid(written)) << written;
}

// [MQTT-1.5.3-3], in 5.0 [MQTT-1.5.4-3]
TEST(Utf8, TakesAByteOrderMarkForACharacter) {
  EXPECT_TRUE(is_valid("efbbbf 'a'"));
}

// [MQTT-1.5.3-2], in 5.0 [MQTT-1.5.4-2]
TEST(Utf8, RefusesTheNullCharacterWhereverItStands) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '\0';
      EXPECT_FALSE(is_valid_utf8(text)) << at << " of " << size;
    }
  }
}

// [MQTT-1.5.3-1], in 5.0 [MQTT-1.5.4-1]
TEST(Utf8, RefusesSurrogates) {
  for (const char* written : {"eda080", "edadbf", "edb080", "edbfbf", "eda080 edb080"})
    EXPECT_FALSE(is_valid(written)) << written;
}

TEST(Utf8, RefusesOverlongForms) {
  for (const char* written : {"c080", "c1bf", "e08080", "e09fbf", "f0808080", "f08fbfbf", "f888808080", "fc8480808080"}) {
    EXPECT_FALSE(is_valid(written)) << written;
  }
}

TEST(Utf8, RefusesWhatIsAboveTheLastCodePoint) {
  for (const char* written : {"f4908080", "f5808080", "ff", "fe"}) EXPECT_FALSE(is_valid(written)) << written;
}

TEST(Utf8, RefusesCharactersCutShort) {
  for (const char* written : {"c2", "e0a0", "f09080", "'abc' c3", "c2 'a'", "e0a0 'a'", "f09080 'a'", "80", "bf"}) {
    EXPECT_FALSE(is_valid(written)) << written;
  }
}

TEST(Utf8, FindsTheBadByteWhereverItStandsInALongText) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'x');
    EXPECT_TRUE(is_valid_utf8(text));
    text[at] = static_cast<char>(0xff);
    EXPECT_FALSE(is_valid_utf8(text)) << at;
  }
}

TEST(Utf8, TakesLongTextsOfMixedSizes) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "temp\xc3\xa9rature/\xe6\xb8\xa9\xe5\xba\xa6/\xf0\x9f\x8c\xa1 and plain text";
  EXPECT_TRUE(is_valid_utf8(text));
}

}  // namespace
}  // namespace bastion::mqtt
