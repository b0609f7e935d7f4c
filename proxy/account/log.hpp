// Log lines: what they say (pure), how many one source may cause (pure), and the thread that writes them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "policy/address.hpp"
#include "policy/policy.hpp"
#include "proxy/account/ending.hpp"

namespace bastion::account {

/// How names of users who are not in the password file are shown: they may be passwords typed into the wrong field. First
/// character, length class, and eight hex digits of a hash whose key lives in memory only: `s*(8-15)#1f2e3d4c`. The user
/// names that products ship with are shown as they are: they are what scanners try, and nobody's secret.
class Mask {
 public:
  Mask();  ///< draws a key; throws std::runtime_error where the system has no randomness
  /// The name in its masked form, or as it is where it is a product's default. Not yet escaped, empty for an empty name.
  [[nodiscard]] std::string operator()(std::string_view user_name) const;

 private:
  std::array<std::uint8_t, 16> key_;
};

/// One line for an ending, without its newline. Text: `2026-01-02T03:04:05.678Z refused client=192.0.2.1:50123
/// listener=devices stage=auth reason=bad_credentials cause=user duration_ms=12 bytes_up=40 bytes_down=4 tls=TLSv1.3
/// mqtt=3.1.1 role="r" detail="d" user="u" client_id="c"`, or `closed` and `how=client_gone` in place of stage, reason and
/// cause: the address first, what the client chose last, quoted and escaped. Empty fields are left out. JSON: one object
/// with the same keys, `time` and `event` before them. `wall` is the time of the ending, in the years 1970 to 9999.
/// `would_refuse=reason` follows the cause where an observed policy would have refused the connection.
[[nodiscard]] std::string ending_line(const Ending& ending, std::string_view listener,
                                      std::chrono::system_clock::time_point wall, LogFormat format, const Mask& mask);
/// One line for a refusal that is only observed: event `would_refuse`, then as above as far as is known by then.
[[nodiscard]] std::string observation_line(const Ending& so_far, Refusal refusal, const TopicNote& about,
                                           std::string_view listener, std::chrono::system_clock::time_point wall,
                                           LogFormat format, const Mask& mask);
/// One line for what topic rules kept from going through while the session goes on: event `denied`, then client and
/// listener, `what=publish`, what is known of the client, and last the topic or filter.
[[nodiscard]] std::string denial_line(const Ending& so_far, Denied what, const TopicNote& about, std::string_view listener,
                                      std::chrono::system_clock::time_point wall, LogFormat format, const Mask& mask);
/// A line of the gate itself: `... info message`, cut at 2048 bytes of message; in text, quotes and backslashes stay.
[[nodiscard]] std::string message_line(LogLevel level, std::string_view message, std::chrono::system_clock::time_point wall,
                                       LogFormat format);
/// Printable ASCII; everything else, quotes and backslashes as `\xNN` or JSON escapes; cut at `bytes_max` bytes with `...`.
/// In JSON each byte outside ASCII is one `\u00NN`, so that nothing is lost where the bytes are no UTF-8.
[[nodiscard]] std::string escaped(std::string_view text, LogFormat format, std::size_t bytes_max = 64);

/// How many lines a source may cause: a bounded table of addresses, one minute each. Pure: `now` is given. One for a worker.
/// A source is `Address::counted_as()`. When the table is full of sources whose minute is not over, all further ones share
/// one entry: so the lines of a minute are bounded too, however many addresses an attacker has.
class LinesPerSource {
 public:
  using Clock = std::chrono::steady_clock;
  explicit LinesPerSource(unsigned lines_max, std::size_t sources_max = 1024);
  struct Decision {
    bool write = true;
    std::uint64_t repeated = 0;  ///< lines of this source that were left out since its last one
  };
  /// Constant time, amortized.
  [[nodiscard]] Decision decide(const Address& source, Clock::time_point now);
  struct LeftOut {
    Address source;  ///< as counted; unspecified (`::`): the sources for which the table had no room, together
    std::uint64_t lines = 0;
  };
  /// Sources whose minute is over and of whom lines were left out, each once; called now and then.
  [[nodiscard]] std::vector<LeftOut> sweep(Clock::time_point now);
  void limit(unsigned lines_max) { lines_max_ = lines_max; }
  [[nodiscard]] std::size_t sources() const { return entries_.size(); }

 private:
  struct Entry {
    Clock::time_point since;
    unsigned lines = 0;
    std::uint64_t left_out = 0;
  };
  struct Tracked {
    Entry entry;
    std::list<Address>::iterator place;  ///< in by_age_
  };
  [[nodiscard]] Decision decide(Entry& entry, Clock::time_point now) const;
  [[nodiscard]] bool make_room(Clock::time_point now);

  unsigned lines_max_;
  std::size_t sources_max_;
  std::unordered_map<Address, Tracked> entries_;
  std::list<Address> by_age_;  ///< the keys of entries_, oldest minute first
  Entry others_;
};

/// What lines are about: each kind is counted by itself, so that a source that behaves, or an attacker's idle connections
/// next to good clients of the same address, leave room for what was refused.
enum class Lines : std::uint8_t { refusals, closings };

/// `12 more refusals of 192.0.2.1 were left out`, for a message line.
[[nodiscard]] std::string text(const LinesPerSource::LeftOut& left_out, Lines kind);

/// Writes lines to a descriptor from a thread of its own, so that a slow reader of the log never stalls a worker. Bounded:
/// when the queue is full the newest line is dropped and counted, and a line says so when there is room again. All functions
/// may be called from any thread. The descriptor stays the caller's, and must outlive the sink.
class LogSink {
 public:
  explicit LogSink(int descriptor = 2, std::size_t bytes_max = 1u << 20, LogFormat format = LogFormat::text);
  ~LogSink();  ///< writes what is queued, for at most a second
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  void write(std::string line);                 ///< a newline is added
  void format(LogFormat format);                ///< of the sink's own lines
  [[nodiscard]] std::uint64_t dropped() const;  ///< lines that found no room or could not be written

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;  ///< shared with the thread, which a stuck descriptor may keep beyond the destructor
  std::thread thread_;
};

}  // namespace bastion::account
