// Reading the operator's files, whole and bounded.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "policy/parse.hpp"

namespace bastion::gate {

/// No file of the operator's is larger: 100,000 users with argon2id entries take 25 MiB.
inline constexpr std::uint64_t file_bytes_max = 64u << 20;

/// The bytes of a regular file of at most `file_bytes_max`, or why it can't be read.
[[nodiscard]] std::variant<std::string, FileError> read_file(const std::string& path);

/// Of a file, by its path alone: `.` where the path names none.
[[nodiscard]] std::string directory_of(const std::string& path);

/// What keeps this process from writing files there, in the system's words; empty: nothing.
[[nodiscard]] std::string directory_trouble(const std::string& path);

/// Whether anybody but the owner and the group may read the file; false where that can't be told.
[[nodiscard]] bool is_world_readable(const std::string& path);

}  // namespace bastion::gate
