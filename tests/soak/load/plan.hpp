// What a guest of the gate is going to do: drawn from a seed and its number, so that a run can be made again.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bastion::soak {

/// What a guest does, one after the other. It begins with a connection, and ends with `leave` or `stay` at the latest.
enum class Step : std::uint8_t {
  none,
  half_hello,      ///< sends the first half of a ClientHello
  http,            ///< sends a request in the clear
  garbage,         ///< sends bytes of no protocol
  trickle,         ///< from here on sends a byte now and then
  handshake,       ///< and waits for its end
  half_connect,    ///< sends half of its CONNECT
  broken_connect,  ///< sends a CONNECT of another protocol's name
  connect,         ///< sends its CONNECT
  connack,         ///< waits for the answer; stays to the end if it is not "welcome"
  early_publish,   ///< sends a message instead of a CONNECT
  half_publish,    ///< sends half of a message
  publish,         ///< sends a message
  broken_packet,   ///< sends a packet of type 0
  talk,            ///< subscribes to its own topic, and sends messages until all have come back
  flood,           ///< subscribes to its own topic, stops reading, and sends more than fits in between
  deaf,            ///< goes on not reading for a while
  disconnect,      ///< DISCONNECT, close_notify, and waits for the gate to close
  leave,           ///< the end of the stream without a word, or a reset
  stay,            ///< says nothing, and waits for the gate to close
};

inline constexpr std::size_t steps_max = 6;

struct Kind {
  std::string_view name;
  unsigned weight;  ///< its share, beside the others'
  std::array<Step, steps_max> steps;
};

struct Plan {
  const Kind* kind = nullptr;
  std::uint64_t number = 0;
  std::string source;  ///< 127.x.y.z
  std::string client_id, user, password;
  bool fickle = false;  ///< one of the two policies refuses it
  bool resets = false;  ///< leaves by reset
  bool tls12 = false;
  bool resumes = false;  ///< with a ticket of another guest's
  int version = 4;
  std::uint16_t keep_alive_s = 60;
  std::uint8_t qos = 0;
  unsigned messages = 1;
  std::chrono::milliseconds pause{0};  ///< between messages
};

/// The same for the same seed and number.
[[nodiscard]] Plan plan_of(std::uint64_t seed, std::uint64_t number);

}  // namespace bastion::soak
