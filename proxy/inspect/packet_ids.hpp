// The packet identifiers that one side has in flight, each with what is due next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bastion::inspect {

/// What comes next in the exchange that a packet identifier stands for (OASIS 3.1.1 and 5.0, sections 2.3.1, 2.2.1 and 4.3).
enum class Due : std::uint8_t {
  nothing,     ///< the identifier is not in use
  puback,      ///< PUBLISH with QoS 1 has gone through
  pubrec,      ///< PUBLISH with QoS 2 has
  pubrel,      ///< its PUBREC has
  pubcomp,     ///< its PUBREL has
  own_pubrel,  ///< the gate has said PUBREC itself, of a message that goes no further
  suback,      ///< SUBSCRIBE has gone through
  unsuback,    ///< UNSUBSCRIBE has
};

/// A map from identifier to what is due: open addressing in one block, none of it on the heap while few are in flight. It
/// takes 4 bytes for an identifier when full, and gives them back once none is left.
class PacketIds {
 public:
  PacketIds() = default;
  PacketIds(const PacketIds&) = delete;
  PacketIds& operator=(const PacketIds&) = delete;

  [[nodiscard]] Due find(std::uint16_t id) const;
  /// Adds or changes. `id` is not 0, `due` not nothing.
  void set(std::uint16_t id, Due due);
  void erase(std::uint16_t id);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  /// The identifier below, what is due above; 0: empty.
  using Slot = std::uint32_t;
  static constexpr std::size_t inline_slots = 8;

  [[nodiscard]] Slot* slots() { return heap_ ? heap_.get() : inline_.data(); }
  [[nodiscard]] const Slot* slots() const { return heap_ ? heap_.get() : inline_.data(); }
  [[nodiscard]] std::size_t home(std::uint16_t id) const { return (id * 0x9e3779b1u >> 7) & mask_; }
  [[nodiscard]] std::size_t place(std::uint16_t id) const;
  void grow();

  std::array<Slot, inline_slots> inline_{};
  std::unique_ptr<Slot[]> heap_;
  std::size_t mask_ = inline_slots - 1;
  std::size_t size_ = 0;
};

}  // namespace bastion::inspect
