// TLS 1.2 records written by hand, for what OpenSSL's client would never send.
#pragma once

#include <cstdint>
#include <span>

#include "tests/support/scripted_client.hpp"

namespace bastion::test {

/// Seals records of a client whose handshake is done and which has sent nothing since: TLS 1.2 with
/// ECDHE-ECDSA-AES128-GCM-SHA256 (RFC 5246 section 6.3, RFC 5288). From here on only the sealer may send for this client.
class RecordSealer {
 public:
  static constexpr const char* cipher = "ECDHE-ECDSA-AES128-GCM-SHA256";
  static constexpr std::uint8_t alert = 21;
  static constexpr std::uint8_t application_data = 23;

  explicit RecordSealer(const ScriptedClient& client);
  [[nodiscard]] ByteVector seal(std::uint8_t content_type, std::span<const std::uint8_t> content);

 private:
  ByteVector key_;
  ByteVector salt_;
  std::uint64_t sequence_ = 1;  ///< Finished was number 0
};

}  // namespace bastion::test
