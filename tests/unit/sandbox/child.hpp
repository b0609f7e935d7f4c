// What can't be undone is done in a child process of the test.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>

namespace bastion::sandbox {

/// What a function left in a process of its own: the text that it returned, or `signal 31` where a signal ended the process.
[[nodiscard]] std::string in_child(const std::function<std::string()>& function);

/// What a system call did there: `0` or more, or the error's name: `EPERM`.
[[nodiscard]] std::string outcome(long result);

/// With blanks between them; done in the order in which they stand, unlike the operands of a plus.
[[nodiscard]] std::string in_order(std::initializer_list<std::string> words);

}  // namespace bastion::sandbox
