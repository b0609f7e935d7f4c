// Whose each client identifier is: nobody takes over a session of another, nor wipes one that the broker keeps. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace bastion {

/// The one account of client identifiers in use, held by one worker for all. A server must end the session of before when
/// the same identifier comes again, and forget it for Clean Start [MQTT-3.1.4-3], [MQTT-3.1.2-4], and asks not who it was
/// that came: so an identifier belongs to the first that comes with it, for as long as it has a connection and the broker
/// keeps its session. Every call is O(log entries). Nothing is known of what was before the gate was started.
class SessionOwners {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<std::uint32_t>;

  /// OASIS 5.0 section 3.1.2.11.2: never ends. MQTT 3's sessions without Clean Session are such.
  static constexpr Seconds for_ever{0xffff'ffff};

  /// A user that has proven to be it; nothing is whoever came without a name, all of them one.
  using Owner = std::optional<std::string_view>;

  /// What the broker makes of a session at the end of one of its connections.
  struct Kept {
    Seconds time{0};          ///< it keeps the session for so long from now on
    Clock::time_point since;  ///< when that connection's CONNECT was sent to it: the last one's word holds
    bool is_answered = true;  ///< false: it may never have seen the CONNECT, and keep what it had
  };

  /// `kept_max`: identifiers without a connection that are remembered. Beyond it one is forgotten of the owner that has most
  /// of them, so that nobody pushes out another's: the one whose session ends first, of those the oldest.
  explicit SessionOwners(std::size_t kept_max) : kept_max_{kept_max} {}
  SessionOwners(const SessionOwners&) = delete;
  SessionOwners& operator=(const SessionOwners&) = delete;
  void limit(std::size_t kept_max);

  /// A connection of `owner` begins under this identifier, and ends with release(). False: it is another's, and there is
  /// nothing to release.
  [[nodiscard]] bool claim(std::string_view client_id, Owner owner, Clock::time_point now);
  /// The same of an identifier that the broker has just made up for `owner`: whoever had it before, has it no more.
  void assign(std::string_view client_id, Owner owner, Clock::time_point now);
  /// `kept`: nothing where the broker heard of no CONNECT, or refused it, and has what it had before.
  void release(std::string_view client_id, const std::optional<Kept>& kept, Clock::time_point now);

  [[nodiscard]] std::size_t connected() const { return entries_.size() - by_end_.size(); }
  [[nodiscard]] std::size_t kept() const { return by_end_.size(); }

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;
  using ByEnd = std::multimap<Clock::time_point, Entries::iterator>;
  /// What an owner has of those without a connection. Owners of the most are last.
  using Holdings = std::map<std::optional<std::string>, ByEnd>;
  using BySize = std::set<std::pair<std::size_t, const std::optional<std::string>*>>;
  struct Place {
    ByEnd::iterator by_end;
    Holdings::iterator holding;
    ByEnd::iterator in_holding;
  };
  struct Entry {
    std::optional<std::string> owner;
    unsigned connections = 0;
    Clock::time_point kept_until = Clock::time_point::min();  ///< once there is no connection
    Clock::time_point told_by = Clock::time_point::min();     ///< Kept::since of the connection that said so
    std::optional<Place> place;                               ///< while there is none
  };

  void keep(Entries::iterator entry);
  void unkeep(Entry& entry);
  void resize(Holdings::iterator holding, std::size_t from);
  void forget_ended(Clock::time_point now);
  void forget_beyond(std::size_t kept_max);

  Entries entries_;
  ByEnd by_end_;
  Holdings holdings_;
  BySize by_size_;
  std::size_t kept_max_;
};

}  // namespace bastion
