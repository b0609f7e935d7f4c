// Small texts of the policy file to values: numbers with units, socket addresses, names; and the nearest of known words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/policy.hpp"

namespace bastion {

/// `500ms`, `10s`, `5m`, `1h` in milliseconds; nothing for anything else, an overflow included.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);
/// `100B`, `16KiB`, `2MiB`, `1GiB` in bytes; nothing for anything else, an overflow included.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);
/// Decimal digits only.
[[nodiscard]] std::optional<std::int64_t> parse_whole_number(std::string_view text);
/// `192.0.2.1:8883`, `[::1]:8883`.
[[nodiscard]] std::optional<SocketAddress> parse_socket_address(std::string_view text);
/// `[a-z0-9_-]{1,32}`, which is fit for a metric's label value.
[[nodiscard]] bool is_name(std::string_view text);

/// The known word that is nearest to `word` by insertions, deletions, changes and swaps of neighbours; empty where none is
/// near enough to be meant.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);
/// Text from the file as complaints show it: in double quotes, printable ASCII, cut after 64 bytes.
[[nodiscard]] std::string quoted(std::string_view text);
/// The same without the quotes around it, and with quotes and backslashes as they are: for a line to copy.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t shown_max);

}  // namespace bastion
