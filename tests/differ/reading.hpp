// What a reader of MQTT makes of a stream, in the same words for every reader, so that two readers can be compared.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/mqtt/fixed_header.hpp"
#include "proxy/mqtt/packet_fault.hpp"

namespace bastion::differ {

using mqtt::Bytes;

struct Reading {
  /// One line for each whole packet: its type, and every field with the meaning that the reader gives it, such as
  /// `publish dup=0 qos=1 retain=0 topic="a/b" id=7 {35=2} payload=5:4f9f2cab`.
  std::vector<std::string> packets;
  /// How the stream ends: with a whole packet, within one, or where the reader calls it malformed, and why.
  std::string end = whole;

  static constexpr const char* whole = "whole";
  static constexpr const char* cut = "cut";
  friend bool operator==(const Reading&, const Reading&) = default;
};

/// What one side of a connection has sent, from its first byte.
struct Stream {
  mqtt::Version version = mqtt::Version::v3_1_1;
  mqtt::Sender sender = mqtt::Sender::client;
  std::vector<std::uint8_t> bytes;
};

/// `"` and the bytes, those that are no printable ASCII, `"` or `\` as `\xHH`.
[[nodiscard]] std::string quoted(std::string_view text);
/// The size and a checksum (FNV-1a, 32 bits): a payload is compared, not shown.
[[nodiscard]] std::string fingerprint(Bytes bytes);

/// The properties of one packet: `{1=1 38="name"="value"}`, ordered by identifier, user properties also by name; what has
/// the same identifier and name keeps its order. A reader that keeps them in a map can tell no more.
class PropertyWords {
 public:
  void add(unsigned id, std::uint32_t number);
  void add(unsigned id, std::string_view text);
  void add_pair(unsigned id, std::string_view name, std::string_view value);
  /// In place of what stands there under this identifier; nothing: it does not stand there.
  void set(unsigned id, std::optional<std::uint32_t> number);
  void set(unsigned id, std::optional<std::string_view> text);
  /// Takes away the first user property of a name where its value is empty and there is another, again and again.
  void forget_overwritten_pairs();
  [[nodiscard]] std::string words() const;

 private:
  struct Entry {
    unsigned id = 0;
    std::string name;
    std::string words;
    bool is_empty_pair = false;
  };
  void put(Entry entry);
  void erase(unsigned id);
  std::vector<Entry> entries_;
};

}  // namespace bastion::differ
