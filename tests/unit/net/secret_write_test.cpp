// Credentials that a peer did not take at once: no memory is given up with any of them in it.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "proxy/net/stream.hpp"
#include "tests/unit/net/pair.hpp"

namespace bastion::net {
namespace {

constexpr std::string_view password = "Wonderland-4711";

/// While it lives, every block that operator delete gets is searched for the password.
class Search {
 public:
  Search() { running_ = this; }
  ~Search() { running_ = nullptr; }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  [[nodiscard]] bool found() const { return found_; }

  static void look_at(const void* block) {
    if (running_ == nullptr || block == nullptr) return;
    const std::string_view bytes{static_cast<const char*>(block), ::malloc_usable_size(const_cast<void*>(block))};
    running_->found_ = running_->found_ || bytes.find(password) != std::string_view::npos;
  }

 private:
  static inline Search* running_ = nullptr;
  bool found_ = false;
};

}  // namespace
}  // namespace bastion::net

void* operator new(std::size_t bytes) {
  if (void* const block = std::malloc(bytes)) return block;
  throw std::bad_alloc{};
}

void operator delete(void* block) noexcept {
  bastion::net::Search::look_at(block);
  std::free(block);
}

void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}

namespace bastion::net {
namespace {

/// Far more than a socket takes at once.
std::vector<std::uint8_t> much() {
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < 4u << 20) bytes.insert(bytes.end(), password.begin(), password.end());
  return bytes;
}

struct SecretWriteTest : ::testing::Test {
  IoContext context;
  boost::intrusive_ptr<test::Owner> owner{new test::Owner};
  test::Ends ends = test::connected_pair();
  std::unique_ptr<PlainStream> stream = std::make_unique<PlainStream>(context, *owner);
  const std::vector<std::uint8_t> bytes = much();

  SecretWriteTest() { stream->socket().adopt(std::move(ends.gate)); }

  /// Reads what has come, and flushes, until all has come.
  void drain() {
    std::array<std::uint8_t, 64 * 1024> buffer{};
    std::size_t read = 0;
    while (read < bytes.size()) {
      const auto got = ::read(ends.peer.get(), buffer.data(), buffer.size());
      ASSERT_GT(got, 0);
      for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) ASSERT_EQ(buffer[i], bytes[read + i]);
      read += static_cast<std::size_t>(got);
      ASSERT_TRUE(stream->flush());
    }
    EXPECT_FALSE(stream->has_unsent());
  }
};

TEST_F(SecretWriteTest, WipesWhatIsKeptOnceItIsSent) {
  const Search search;
  ASSERT_TRUE(stream->write_secret(bytes));
  ASSERT_TRUE(stream->has_unsent());
  drain();
  EXPECT_FALSE(search.found());
}

TEST_F(SecretWriteTest, WipesWhatIsKeptWhenItIsGivenUp) {
  const Search search;
  ASSERT_TRUE(stream->write_secret(bytes));
  ASSERT_TRUE(stream->has_unsent());
  stream.reset();
  EXPECT_FALSE(search.found());
}

TEST_F(SecretWriteTest, DoesNotSpendThatOnOrdinaryBytes) {
  ASSERT_TRUE(stream->write_secret(bytes));
  drain();
  const Search search;
  ASSERT_TRUE(stream->write(bytes));
  ASSERT_TRUE(stream->has_unsent());
  drain();
  EXPECT_TRUE(search.found()) << "nor does the search find anything then";
}

}  // namespace
}  // namespace bastion::net
