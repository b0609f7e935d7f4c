// Packet identifiers in flight: linear probing, and erasing without leaving marks behind.
#include "proxy/inspect/packet_ids.hpp"

#include <algorithm>

namespace bastion::inspect {
namespace {

constexpr std::uint16_t id_of(std::uint32_t slot) {
  return static_cast<std::uint16_t>(slot & 0xffffu);
}

}  // namespace

/// Where it is, or the empty slot where it would be.
std::size_t PacketIds::place(std::uint16_t id) const {
  const auto* const all = slots();
  auto at = home(id);
  while (all[at] != 0 && id_of(all[at]) != id) at = (at + 1) & mask_;
  return at;
}

Due PacketIds::find(std::uint16_t id) const {
  return static_cast<Due>(slots()[place(id)] >> 16);
}

void PacketIds::set(std::uint16_t id, Due due) {
  auto at = place(id);
  if (slots()[at] == 0) {
    // An eighth stays empty, so that every search ends soon.
    if ((size_ + 1) * 8 > (mask_ + 1) * 7) {
      grow();
      at = place(id);
    }
    ++size_;
  }
  slots()[at] = static_cast<Slot>(due) << 16 | id;
}

void PacketIds::erase(std::uint16_t id) {
  auto* const all = slots();
  auto hole = place(id);
  if (all[hole] == 0) return;
  // What was pushed past this slot moves back into it, or a search for it would end here.
  for (auto at = (hole + 1) & mask_; all[at] != 0; at = (at + 1) & mask_) {
    const auto from_home = (at - home(id_of(all[at]))) & mask_;
    if (from_home < ((at - hole) & mask_)) continue;
    all[hole] = all[at];
    hole = at;
  }
  all[hole] = 0;
  if (--size_ == 0 && heap_) {
    heap_.reset();
    inline_.fill(0);
    mask_ = inline_slots - 1;
  }
}

void PacketIds::grow() {
  const auto before = mask_ + 1;
  auto larger = std::make_unique<Slot[]>(2 * before);
  const auto* const all = slots();
  std::unique_ptr<Slot[]> old = std::move(heap_);
  const auto* const from = old ? old.get() : all;
  mask_ = 2 * before - 1;
  heap_ = std::move(larger);
  for (std::size_t i = 0; i < before; ++i) {
    if (from[i] != 0) heap_[place(id_of(from[i]))] = from[i];
  }
}

}  // namespace bastion::inspect
