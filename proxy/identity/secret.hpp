// Bytes that must not outlive their use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bastion::identity {

/// A password in memory: move-only, wiped on destruction and on being moved from. Holds any byte, NUL included.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  [[nodiscard]] std::string_view view() const;

 private:
  std::vector<char> bytes_;
};

/// Overwrites bytes in a way that the compiler may not leave out.
void wipe(std::span<std::uint8_t> bytes);
/// Appends bytes that may hold a password, and wipes the memory that the vector gives up on growing.
void append_secret(std::vector<std::uint8_t>& bytes, std::span<const std::uint8_t> more);

}  // namespace bastion::identity
