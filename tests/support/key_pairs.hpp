// Certificates made in memory for tests: nothing secret lies in the tree, and no process is started for one.
#pragma once

#include <string>

namespace bastion::test {

/// PEM.
struct KeyPairPem {
  std::string certificate;
  std::string key;
};

/// Self-signed, for localhost, valid for a month; made once for each serial number.
[[nodiscard]] const KeyPairPem& ecdsa_pair(long serial = 1);
[[nodiscard]] const KeyPairPem& rsa_pair();

}  // namespace bastion::test
