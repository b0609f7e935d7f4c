// The socket's memory of readiness, and what plain streams keep when the kernel takes no more.
#include "proxy/net/socket.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "proxy/net/stream.hpp"
#include "proxy/net/task.hpp"
#include "tests/unit/net/pair.hpp"

namespace bastion::net {
namespace {

using test::connected_pair;
using test::Owner;
using test::run_until;

struct SocketTest : ::testing::Test {
  IoContext context;
  boost::intrusive_ptr<Owner> owner{new Owner};
  test::Ends ends = connected_pair();
  std::array<std::uint8_t, 64> buffer{};
};

TEST_F(SocketTest, ReadsOnlyAfterTheKernelSaidThatThereIsSomething) {
  Socket socket{context, *owner};
  socket.adopt(std::move(ends.gate));
  EXPECT_FALSE(socket.may_read());
  socket.want_read();
  ASSERT_EQ(::write(ends.peer.get(), "abc", 3), 3);
  run_until(context, [&] { return socket.may_read(); });
  const auto io = socket.receive(buffer);
  EXPECT_EQ(io.status, IoStatus::done);
  EXPECT_EQ(io.bytes, 3U);
  EXPECT_FALSE(socket.may_read()) << "a receive that left room has emptied the socket";
}

TEST_F(SocketTest, MayReadOnWhereTheBufferWasFilled) {
  Socket socket{context, *owner};
  socket.adopt(std::move(ends.gate));
  const std::array<std::uint8_t, 65> sent{};
  ASSERT_EQ(::write(ends.peer.get(), sent.data(), sent.size()), 65);
  socket.want_read();
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).bytes, 64U);
  EXPECT_TRUE(socket.may_read());
}

TEST_F(SocketTest, TellsTheEndOfThePeersDirection) {
  Socket socket{context, *owner};
  socket.adopt(std::move(ends.gate));
  ends.peer.reset();
  socket.want_read();
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).status, IoStatus::end);
}

TEST_F(SocketTest, TellsTheEndThatCameTogetherWithTheLastBytes) {
  Socket socket{context, *owner};
  socket.adopt(std::move(ends.gate));
  ASSERT_EQ(::write(ends.peer.get(), "abc", 3), 3);
  ends.peer.reset();
  socket.want_read();
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).bytes, 3U);
  EXPECT_FALSE(socket.may_read());
  socket.want_read();
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).status, IoStatus::end);
}

TEST_F(SocketTest, RemembersWhatCameWhileNobodyWaited) {
  Socket socket{context, *owner};
  socket.adopt(std::move(ends.gate));
  socket.want_read();
  ASSERT_EQ(::write(ends.peer.get(), "a", 1), 1);
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).bytes, 1U);
  ASSERT_EQ(::write(ends.peer.get(), "b", 1), 1);
  run_until(context, [&] { return socket.may_read(); });
  EXPECT_EQ(socket.receive(buffer).bytes, 1U);
}

/// What happens to one of two sockets brings both to their end, while the other's event has been fetched as well.
TEST_F(SocketTest, IsToldNothingOnceItIsGone) {
  auto other_ends = connected_pair();
  struct Ender : Waiter {
    std::unique_ptr<Socket> one, other;
    int told = 0;
  };
  boost::intrusive_ptr<Ender> ender{new Ender};
  const auto end = [](Ender& self) -> Detached {
    co_await self.woken();
    ++self.told;
    self.one.reset();
    self.other.reset();
  };
  ender->one = std::make_unique<Socket>(context, *ender);
  ender->other = std::make_unique<Socket>(context, *ender);
  ender->one->adopt(std::move(ends.gate));
  ender->other->adopt(std::move(other_ends.gate));
  ender->one->want_read();
  ender->other->want_read();
  end(*ender);
  ASSERT_EQ(::write(ends.peer.get(), "a", 1), 1);
  ASSERT_EQ(::write(other_ends.peer.get(), "a", 1), 1);
  run_until(context, [&] { return ender->told > 0; });
  EXPECT_EQ(ender->told, 1);
  EXPECT_FALSE(ender->one || ender->other);
}

TEST_F(SocketTest, StreamKeepsWhatTheKernelDoesNotTakeAndSendsItLater) {
  PlainStream stream{context, *owner};
  stream.socket().adopt(std::move(ends.gate));
  std::vector<std::uint8_t> sent(4u << 20);
  std::iota(sent.begin(), sent.end(), std::uint8_t{0});
  ASSERT_TRUE(stream.write(sent));
  ASSERT_TRUE(stream.has_unsent());
  EXPECT_FALSE(stream.socket().may_write());

  std::vector<std::uint8_t> received;
  std::vector<std::uint8_t> piece(1u << 16);
  while (received.size() < sent.size()) {
    const auto got = ::read(ends.peer.get(), piece.data(), piece.size());
    if (got > 0) received.insert(received.end(), piece.begin(), piece.begin() + got);
    if (got <= 0 && stream.has_unsent()) {
      stream.socket().want_write();
      run_until(context, [&] { return stream.socket().may_write(); });
      ASSERT_TRUE(stream.flush());
    }
  }
  EXPECT_FALSE(stream.has_unsent());
  EXPECT_EQ(received, sent);
}

TEST_F(SocketTest, WritesToAPeerThatIsGoneFail) {
  PlainStream stream{context, *owner};
  stream.socket().adopt(std::move(ends.gate));
  ends.peer.reset();
  EXPECT_FALSE(stream.write(buffer));
  EXPECT_EQ(stream.socket().last_error(), EPIPE);
}

}  // namespace
}  // namespace bastion::net
