// Packets with fields out of a dice: all that the standards allow, and, where it is asked to be odd, what they don't.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"
#include "tests/differ/dice.hpp"

namespace bastion::differ {

/// Which characters strings are made of: every one that the standards allow, or none that they advise against, as they do of
/// control characters and of what is no character to Unicode (5.0 section 1.5.4).
enum class Characters : std::uint8_t { every, advised };

/// Knows the standards by their tables alone, and nothing of the gate's parsers.
class PacketMaker {
 public:
  /// `odd_one_in`: of so many fields one is not as it should be; 0: none is.
  PacketMaker(Dice& dice, mqtt::Version version, std::uint32_t odd_one_in, Characters characters)
      : dice_{dice}, version_{version}, odd_one_in_{odd_one_in}, characters_{characters} {}

  [[nodiscard]] test::ByteVector connect();
  /// What CONNECT has told of: how many aliases the client takes.
  [[nodiscard]] std::uint16_t client_alias_maximum() const { return client_alias_maximum_; }

  [[nodiscard]] test::ByteVector connack();
  /// `alias`: 0 for none; where it `is_known`, the topic may be left out.
  [[nodiscard]] test::ByteVector publish(mqtt::Sender sender, std::uint8_t qos, std::uint16_t id, std::uint16_t alias,
                                         bool is_known);
  /// Sets `is_refusal` where the exchange ends there.
  [[nodiscard]] test::ByteVector acknowledgement(mqtt::PacketType type, mqtt::Sender sender, std::uint16_t id,
                                                 bool& is_refusal);
  [[nodiscard]] test::ByteVector subscribe(std::uint16_t id, std::size_t filters);
  [[nodiscard]] test::ByteVector unsubscribe(std::uint16_t id, std::size_t filters);
  [[nodiscard]] test::ByteVector suback(std::uint16_t id, std::size_t filters);
  [[nodiscard]] test::ByteVector unsuback(std::uint16_t id, std::size_t filters);
  [[nodiscard]] test::ByteVector disconnect(mqtt::Sender sender);

 private:
  using ByteVector = test::ByteVector;

  [[nodiscard]] bool is_v5() const { return version_ == mqtt::Version::v5_0; }
  [[nodiscard]] bool is_odd() { return odd_one_in_ > 0 && dice_.one_in(odd_one_in_); }
  [[nodiscard]] std::string text();
  [[nodiscard]] std::string topic();
  [[nodiscard]] std::string filter();
  [[nodiscard]] ByteVector payload();
  [[nodiscard]] std::uint16_t id_or_odd(std::uint16_t id);
  void append_property(ByteVector& out, unsigned id);
  /// With their length. Each of `allowed` is there or not; user properties are there several times.
  void append_properties(ByteVector& out, std::initializer_list<unsigned> allowed, ByteVector first = {});
  template <std::size_t size>
  [[nodiscard]] std::uint8_t code_of(const std::array<std::uint8_t, size>& codes) {
    if (!is_odd()) return dice_.pick(codes);
    return dice_.one_in(2) ? dice_.byte() : static_cast<std::uint8_t>(dice_.pick(codes) + 1);
  }

  Dice& dice_;
  mqtt::Version version_;
  std::uint32_t odd_one_in_;
  Characters characters_;
  bool has_session_expiry_ = false;
  bool wants_response_information_ = false;
  bool wants_problem_information_ = true;
  std::uint16_t client_alias_maximum_ = 0;
};

}  // namespace bastion::differ
