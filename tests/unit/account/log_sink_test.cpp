// The sink writes whole lines in order, never waits for its reader, and tells what it dropped.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

/// Two ends of a pipe or socket, closed at the end.
struct Ends {
  int reader = -1;
  int writer = -1;
  static Ends of_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    return {ends[0], ends[1]};
  }
  static Ends of_socket() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {ends[0], ends[1]};
  }
  Ends(int read_end, int write_end) : reader{read_end}, writer{write_end} {}
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close_reader();
    close_writer();
  }
  void close_reader() { close_once(reader); }
  void close_writer() { close_once(writer); }
  static void close_once(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

std::string read_up_to(int descriptor, std::size_t bytes) {
  std::string all;
  std::array<char, 4096> some{};
  while (all.size() < bytes) {
    const ssize_t count = read(descriptor, some.data(), std::min(some.size(), bytes - all.size()));
    if (count <= 0) break;
    all.append(some.data(), static_cast<std::size_t>(count));
  }
  return all;
}

std::string read_to_end(int descriptor) {
  return read_up_to(descriptor, std::string::npos);
}

std::string read_line(int descriptor) {
  std::string line;
  for (char c = 0; read(descriptor, &c, 1) == 1;) {
    line += c;
    if (c == '\n') break;
  }
  return line;
}

/// Fills it to the last byte; returns how many that were.
std::size_t fill(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  EXPECT_EQ(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), 0);
  const std::string block(4096, '.');
  std::size_t filled = 0;
  for (std::size_t size = block.size(); size != 0; size /= 2) {
    for (ssize_t count = 0; (count = write(descriptor, block.data(), size)) > 0;) filled += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(fcntl(descriptor, F_SETFL, flags), 0);
  return filled;
}

void wait_for_drops(const LogSink& sink, std::uint64_t count) {
  while (sink.dropped() < count) std::this_thread::yield();
}

TEST(LogSink, WritesLinesInOrderAndAllBeforeItEnds) {
  Ends ends = Ends::of_pipe();
  std::string expected;
  {
    LogSink sink{ends.writer};
    for (int i = 0; i < 100; ++i) {
      sink.write("line " + std::to_string(i));
      expected += "line " + std::to_string(i) + "\n";
    }
  }
  ends.close_writer();
  EXPECT_EQ(read_to_end(ends.reader), expected);
}

TEST(LogSink, WritesToAFile) {
  char name[] = "/tmp/log_sink_test.XXXXXX";
  const int file = mkstemp(name);
  ASSERT_GE(file, 0);
  unlink(name);
  {
    LogSink sink{file};
    sink.write(std::string(10'000, 'x'));
  }
  EXPECT_EQ(lseek(file, 0, SEEK_END), 10'001);
  close(file);
}

TEST(LogSink, WritesMoreThanAPipeHoldsAsItsReaderReads) {
  Ends ends = Ends::of_pipe();
  std::string read_back;
  std::thread reader{[&] { read_back = read_to_end(ends.reader); }};
  std::string expected;
  {
    LogSink sink{ends.writer};
    for (int i = 0; i < 5'000; ++i) {
      const std::string line = std::to_string(i) + std::string(100, 'x');
      sink.write(line);
      expected += line + '\n';
    }
  }
  ends.close_writer();
  reader.join();
  EXPECT_EQ(read_back, expected);
}

TEST(LogSink, WritesASingleLineThatIsLargerThanAPipe) {
  Ends ends = Ends::of_pipe();
  const std::string line(200'000, 'y');
  std::string read_back;
  std::thread reader{[&] { read_back = read_to_end(ends.reader); }};
  {
    LogSink sink{ends.writer};
    sink.write(line);
  }
  ends.close_writer();
  reader.join();
  EXPECT_EQ(read_back, line + '\n');
}

TEST(LogSink, KeepsLinesOfSeveralThreadsWhole) {
  Ends ends = Ends::of_pipe();
  std::string read_back;
  std::thread reader{[&] { read_back = read_to_end(ends.reader); }};
  {
    LogSink sink{ends.writer};
    std::vector<std::thread> writers;
    for (char name = 'a'; name < 'e'; ++name) {
      writers.emplace_back([&sink, name] {
        for (int i = 0; i < 500; ++i) sink.write(std::string(50, name));
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  ends.close_writer();
  reader.join();
  EXPECT_EQ(read_back.size(), 4u * 500u * 51u);
  for (std::size_t at = 0; at + 51 <= read_back.size(); at += 51) {
    ASSERT_EQ(read_back.substr(at, 51), std::string(50, read_back[at]) + '\n');
  }
}

TEST(LogSink, DropsTheNewestLinesWhenItsReaderIsStuckAndSaysSoLater) {
  for (const bool is_pipe : {true, false}) {
    Ends ends = is_pipe ? Ends::of_pipe() : Ends::of_socket();
    const std::size_t filled = fill(ends.writer);
    LogSink sink{ends.writer, 100};
    for (int i = 0; i < 15; ++i) sink.write("number" + std::to_string(100 + i));  // ten bytes with the newline: ten fit
    EXPECT_EQ(sink.dropped(), 5u);
    EXPECT_EQ(read_up_to(ends.reader, filled), std::string(filled, '.'));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(read_line(ends.reader), "number" + std::to_string(100 + i) + "\n");
    std::string told = read_line(ends.reader);
    EXPECT_THAT(told, EndsWith("Z warning 5 log lines were dropped\n"));
    EXPECT_EQ(sink.dropped(), 5u);
  }
}

TEST(LogSink, SaysWhatItDroppedInTheFormatOfTheLog) {
  Ends ends = Ends::of_pipe();
  LogSink sink{ends.writer, 10, LogFormat::text};
  sink.format(LogFormat::json);
  sink.write("this does not fit");
  sink.write("this fits");
  const std::string lines = read_line(ends.reader) + read_line(ends.reader);
  EXPECT_THAT(lines, HasSubstr("this fits\n"));
  EXPECT_THAT(lines, HasSubstr(R"("level":"warning","message":"1 log lines were dropped"})"));
}

TEST(LogSink, EndsThoughItsReaderIsStuck) {
  Ends ends = Ends::of_pipe();
  const std::size_t filled = fill(ends.writer);
  {
    LogSink sink{ends.writer};
    sink.write("nobody reads this");
  }
  ends.close_writer();
  EXPECT_EQ(read_to_end(ends.reader).size(), filled);
}

TEST(LogSink, CountsLinesWhoseReaderIsGone) {
  Ends ends = Ends::of_pipe();
  ends.close_reader();
  LogSink sink{ends.writer};
  sink.write("one");
  wait_for_drops(sink, 1);
  sink.write("two");
  wait_for_drops(sink, 2);
  EXPECT_EQ(sink.dropped(), 2u);
}

TEST(LogSink, CountsLinesThatADiskCannotTake) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  {
    LogSink sink{full};
    sink.write("one");
    wait_for_drops(sink, 1);
    EXPECT_EQ(sink.dropped(), 1u);
  }
  close(full);
}

TEST(LogSink, SendsNoSignalToTheProgramWhenItsReaderIsGone) {
  Ends ends = Ends::of_socket();
  ends.close_reader();
  LogSink sink{ends.writer};
  sink.write("one");
  wait_for_drops(sink, 1);
  EXPECT_EQ(sink.dropped(), 1u);
}

}  // namespace
}  // namespace bastion::account
