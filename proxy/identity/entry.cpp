// Decoding and writing one entry: `$6$salt$hash`, `$7$iterations$salt$hash`, `$argon2id$v=19$m=,t=,p=$salt$hash`.
#include "proxy/identity/entry.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "proxy/identity/base64.hpp"

namespace bastion::identity {

namespace {

constexpr std::size_t mosquitto_hash_size = 64;
constexpr std::size_t argon2_hash_size_min = 16;
constexpr std::size_t argon2_hash_size_max = 64;
constexpr std::size_t argon2_salt_size_min = 8;
constexpr std::size_t argon2_salt_size_max = 64;

/// Walks over a hash, piece by piece, and remembers the first fault.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) {}

  /// Takes a piece that must stand here.
  bool literal(std::string_view expected) {
    begin_ = at_;
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  /// Takes all up to `end` and `end` itself; all that is left where `end` is 0.
  std::optional<std::string_view> until(char end) {
    begin_ = at_;
    const auto stop = end == 0 ? text_.size() : text_.find(end, at_);
    if (stop == std::string_view::npos) return std::nullopt;
    at_ = end == 0 ? stop : stop + 1;
    return text_.substr(begin_, stop - begin_);
  }

  /// A decimal number from 1 to `max` in its shortest spelling.
  std::optional<std::uint32_t> number(char end, std::uint64_t max) {
    const auto digits = until(end);
    if (!digits || digits->empty() || digits->front() < '1' || digits->front() > '9') return std::nullopt;
    std::uint32_t value = 0;
    const char* last = digits->data() + digits->size();
    const auto [stop, error] = std::from_chars(digits->data(), last, value);
    if (error != std::errc{} || stop != last || value > max) return std::nullopt;
    return value;
  }

  /// `name` and a number behind it.
  std::optional<std::uint32_t> number(std::string_view name, char end, std::uint64_t max) {
    return literal(name) ? number(end, max) : std::nullopt;
  }

  std::optional<std::vector<std::uint8_t>> base64(char end, Padding padding) {
    const auto digits = until(end);
    if (!digits) return std::nullopt;
    return base64_decode(*digits, padding);
  }

  /// A fault in the piece that was tried last.
  [[nodiscard]] HashFault fault(std::string message) const { return {begin_, std::move(message)}; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
};

using Decoded = std::variant<Credential, HashFault>;

Decoded decode_mosquitto(Pieces pieces, Credential credential) {
  auto salt = pieces.base64('$', Padding::required);
  if (!salt || (salt->size() != 12 && salt->size() != 64)) {
    return pieces.fault(
        "the salt must be 12 or 64 bytes in standard base64, and a '$' after it: set this user's password again");
  }
  auto hash = pieces.base64(0, Padding::required);
  if (!hash || hash->size() != mosquitto_hash_size) {
    return pieces.fault(
        "the hash must be 64 bytes in standard base64, and nothing after it: set this user's password again");
  }
  credential.salt = std::move(*salt);
  credential.hash = std::move(*hash);
  return credential;
}

Decoded decode_pbkdf2(Pieces pieces, const PasswordFileLimits& limits) {
  const auto iterations = pieces.number('$', limits.pbkdf2_iterations_max);
  if (!iterations) {
    return pieces.fault("the iterations of $7$ must be a number from 1 to " + std::to_string(limits.pbkdf2_iterations_max) +
                        ": set this user's password again");
  }
  Credential credential;
  credential.scheme = Scheme::pbkdf2;
  credential.iterations = *iterations;
  return decode_mosquitto(pieces, std::move(credential));
}

Decoded decode_argon2id(Pieces pieces, const PasswordFileLimits& limits) {
  Credential credential;
  credential.scheme = Scheme::argon2id;
  if (!pieces.literal("v=19$")) return pieces.fault("argon2id must be of version 19, written `v=19$`");

  const std::uint64_t memory_kib_max = limits.argon2_memory_max / 1024;
  const auto memory = pieces.number("m=", ',', memory_kib_max);
  if (!memory) {
    return pieces.fault("argon2id's memory must be `m=` and a number of KiB up to " + std::to_string(memory_kib_max) +
                        ", the most that the policy allows");
  }
  const auto iterations = pieces.number("t=", ',', limits.argon2_iterations_max);
  if (!iterations) {
    return pieces.fault("argon2id's passes must be `t=` and a number up to " + std::to_string(limits.argon2_iterations_max));
  }
  const auto lanes = pieces.number("p=", '$', limits.argon2_lanes_max);
  if (!lanes)
    return pieces.fault("argon2id's lanes must be `p=` and a number up to " + std::to_string(limits.argon2_lanes_max));
  // RFC 9106 section 3.1.
  if (*memory / 8 < *lanes) return pieces.fault("argon2id's memory must be at least 8 KiB for each lane");

  auto salt = pieces.base64('$', Padding::none);
  if (!salt || salt->size() < argon2_salt_size_min || salt->size() > argon2_salt_size_max) {
    return pieces.fault(
        "the salt must be 8 to 64 bytes in base64 without padding, and a '$' after it: set this user's password again");
  }
  auto hash = pieces.base64(0, Padding::none);
  if (!hash || hash->size() < argon2_hash_size_min || hash->size() > argon2_hash_size_max) {
    return pieces.fault(
        "the hash must be 16 to 64 bytes in base64 without padding, and nothing after it: set this user's password again");
  }
  credential.memory_kib = *memory;
  credential.iterations = *iterations;
  credential.lanes = *lanes;
  credential.salt = std::move(*salt);
  credential.hash = std::move(*hash);
  return credential;
}

}  // namespace

Decoded decode_hash(std::string_view text, const PasswordFileLimits& limits) {
  Pieces pieces(text);
  if (pieces.literal("$6$")) {
    Credential credential;
    credential.scheme = Scheme::sha512;
    return decode_mosquitto(pieces, std::move(credential));
  }
  if (pieces.literal("$7$")) return decode_pbkdf2(pieces, limits);
  if (pieces.literal("$argon2id$")) return decode_argon2id(pieces, limits);
  return HashFault{
      0,
      "a hash must stand here that begins with $6$, $7$ or $argon2id$: set this user's password with `mqtt-bastion passwd`"};
}

std::string entry_line(const Credential& credential) {
  std::string line = credential.user_name + ":";
  Padding padding = Padding::required;
  switch (credential.scheme) {
    case Scheme::sha512:
      line += "$6$";
      break;
    case Scheme::pbkdf2:
      line += "$7$" + std::to_string(credential.iterations) + "$";
      break;
    case Scheme::argon2id:
      padding = Padding::none;
      line += "$argon2id$v=19$m=" + std::to_string(credential.memory_kib) + ",t=" + std::to_string(credential.iterations) +
              ",p=" + std::to_string(credential.lanes) + "$";
      break;
  }
  return line + base64_encode(credential.salt, padding) + "$" + base64_encode(credential.hash, padding);
}

}  // namespace bastion::identity
