// Whose each client identifier is: nobody takes over a session of another, nor wipes one that the broker keeps. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

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

  /// `kept_max`: identifiers without a connection that are remembered; then the one whose session ends first is forgotten.
  explicit SessionOwners(std::size_t kept_max) : kept_max_{kept_max} {}
  SessionOwners(const SessionOwners&) = delete;
  SessionOwners& operator=(const SessionOwners&) = delete;
  void limit(std::size_t kept_max);

  /// A connection of `owner` begins under this identifier, and ends with release(). False: it is another's, and there is
  /// nothing to release.
  [[nodiscard]] bool claim(std::string_view client_id, Owner owner, Clock::time_point now);
  /// The same of an identifier that the broker has just made up for `owner`: whoever had it before, has it no more.
  void assign(std::string_view client_id, Owner owner, Clock::time_point now);
  /// `kept`: for how long the broker keeps the session from now on; nothing where the broker did not let it in, and has what
  /// it had before.
  void release(std::string_view client_id, std::optional<Seconds> kept, Clock::time_point now);

  [[nodiscard]] std::size_t connected() const { return entries_.size() - kept_.size(); }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry, std::less<>>;
  /// Those without a connection, by the end of their session; of those that end at the same time the older first.
  using Kept = std::multimap<Clock::time_point, Entries::iterator>;
  struct Entry {
    std::optional<std::string> owner;
    unsigned connections = 0;
    Clock::time_point kept_until = Clock::time_point::min();  ///< once there is no connection
    std::optional<Kept::iterator> place;                      ///< while there is none
  };

  void forget_ended(Clock::time_point now);
  void forget_beyond(std::size_t kept_max);

  Entries entries_;
  Kept kept_;
  std::size_t kept_max_;
};

}  // namespace bastion
