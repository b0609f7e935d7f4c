// The policy with everything that it names, loaded: what a gate runs on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/explain.hpp"
#include "policy/policy.hpp"
#include "proxy/identity/password_file.hpp"
#include "proxy/identity/secret.hpp"
#include "proxy/net/tls_context.hpp"

namespace bastion::gate {

/// Immutable; shared by all workers.
struct Setup {
  Policy policy;
  std::shared_ptr<const identity::PasswordFile> passwords;  ///< null where the policy names none
  net::TlsSettings tls;                                     ///< no key pairs where no listener needs any
  identity::Secret upstream_password;                       ///< meaningful where policy.upstream.credentials is set
};

struct LoadedSetup {
  std::shared_ptr<const Setup> setup;  ///< null where any complaint is more than a warning
  std::vector<Complaint> complaints;   ///< errors and warnings of the policy and of every file it names
};

/// Reads the policy and its files. `now_s` (Unix time) tells whether certificates are valid now.
/// The policy's own tests ([[expect]]) are run too: where one fails, it is not usable.
[[nodiscard]] LoadedSetup load_setup(const std::string& policy_path, std::int64_t now_s);

/// Asks the setup's password file, which must outlive the answerer; empty where there is none.
[[nodiscard]] KnowsUser knows_user(const Setup& setup);

}  // namespace bastion::gate
