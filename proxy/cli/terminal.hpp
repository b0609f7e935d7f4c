// Asking for a password on the terminal.
#pragma once

#include <optional>

#include "proxy/identity/secret.hpp"

namespace bastion::cli {

/// Asks on the controlling terminal, without echo. Nothing where there is no terminal, the line is too long for it, or the
/// answer ended early. A signal that ends or stops the process does so after the echo is on again.
[[nodiscard]] std::optional<identity::Secret> ask_for_password(const char* prompt);

/// Whether there is a terminal to ask on.
[[nodiscard]] bool has_terminal();

}  // namespace bastion::cli
